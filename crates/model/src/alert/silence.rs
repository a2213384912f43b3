//! Who is not told, and for how long. What happens is on record all the same.

use serde::{Deserialize, Deserializer, Serialize};

use crate::{
    id::{AccountId, GroupId},
    protocol::Platform,
    time::UnixMillis,
};

/// What an event is about, as far as a silence can name it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Subject {
    /// The platform, where it is of one.
    pub platform: Option<Platform>,
    /// The group that it is of, or all groups of its account.
    #[serde(default, alias = "group_id", deserialize_with = "one_or_many")]
    pub group_ids: Vec<GroupId>,
    /// The account, where it is of one.
    pub account_id: Option<AccountId>,
}

/// Events of before name one group, or none.
fn one_or_many<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<GroupId>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Groups {
        Many(Vec<GroupId>),
        One(Option<GroupId>),
    }
    Ok(match Groups::deserialize(from)? {
        Groups::Many(all) => all,
        Groups::One(one) => one.into_iter().collect(),
    })
}

/// What keeps events from being told. Every field that is given must fit; one that gives none fits all.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SilenceBody {
    /// Events of one rule.
    #[serde(default)]
    pub rule_id: Option<i64>,
    /// Of one platform.
    #[serde(default)]
    pub platform: Option<Platform>,
    /// Of one group, or of an account that is in it among others.
    #[serde(default)]
    pub group_id: Option<GroupId>,
    /// Of one account.
    #[serde(default)]
    pub account_id: Option<AccountId>,
    /// Until then.
    pub until: UnixMillis,
    /// Why.
    #[serde(default)]
    pub note: String,
}

impl SilenceBody {
    /// Whether an event about `subject` is not told at `now`.
    pub fn covers(&self, rule_id: i64, subject: &Subject, now: UnixMillis) -> bool {
        fn fits<T: PartialEq>(wanted: &Option<T>, is: &Option<T>) -> bool {
            wanted.is_none() || wanted == is
        }
        now < self.until
            && self.rule_id.is_none_or(|rule| rule == rule_id)
            && fits(&self.platform, &subject.platform)
            && self
                .group_id
                .is_none_or(|wanted| subject.group_ids.contains(&wanted))
            && fits(&self.account_id, &subject.account_id)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_silence_covers_what_fits_all_of_its_fields_until_its_end() {
        let silence = SilenceBody {
            rule_id: Some(3),
            platform: None,
            group_id: None,
            account_id: Some(AccountId(7)),
            until: UnixMillis(1_000),
            note: String::new(),
        };
        let subject = Subject {
            account_id: Some(AccountId(7)),
            platform: Some(Platform::Anthropic),
            group_ids: vec![GroupId(1), GroupId(2)],
        };
        assert!(silence.covers(3, &subject, UnixMillis(999)));
        assert!(!silence.covers(3, &subject, UnixMillis(1_000)));
        let other = Subject {
            account_id: None,
            ..subject.clone()
        };
        assert!(!silence.covers(3, &other, UnixMillis(0)));
        let everything = SilenceBody {
            rule_id: None,
            account_id: None,
            ..silence
        };
        assert!(everything.covers(4, &other, UnixMillis(0)));
        // An account is in both of its groups.
        for (group, is_covered) in [(1, true), (2, true), (3, false)] {
            let of_group = SilenceBody {
                group_id: Some(GroupId(group)),
                ..everything.clone()
            };
            assert_eq!(of_group.covers(4, &subject, UnixMillis(0)), is_covered);
        }
    }

    #[test]
    fn events_that_name_one_group_are_read() {
        for (text, groups) in [
            (
                r#"{"platform":null,"group_id":2,"account_id":7}"#,
                vec![GroupId(2)],
            ),
            (
                r#"{"platform":null,"group_id":null,"account_id":null}"#,
                vec![],
            ),
            (
                r#"{"platform":null,"group_ids":[1,2],"account_id":7}"#,
                vec![GroupId(1), GroupId(2)],
            ),
        ] {
            let subject: Subject = serde_json::from_str(text).unwrap();
            assert_eq!(subject.group_ids, groups);
        }
    }
}
