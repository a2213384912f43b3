//! Who is not told, and for how long. What happens is on record all the same.

use serde::{Deserialize, Serialize};

use crate::{
    id::{AccountId, GroupId},
    protocol::Platform,
    time::UnixMillis,
};

/// What an event is about, as far as a silence can name it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Subject {
    /// The platform, where it is of one.
    pub platform: Option<Platform>,
    /// The group, where it is of one.
    pub group_id: Option<GroupId>,
    /// The account, where it is of one.
    pub account_id: Option<AccountId>,
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
    /// Of one group.
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
            && fits(&self.group_id, &subject.group_id)
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
            group_id: None,
        };
        assert!(silence.covers(3, &subject, UnixMillis(999)));
        assert!(!silence.covers(3, &subject, UnixMillis(1_000)));
        let other = Subject {
            account_id: None,
            ..subject
        };
        assert!(!silence.covers(3, &other, UnixMillis(0)));
        let everything = SilenceBody {
            rule_id: None,
            account_id: None,
            ..silence
        };
        assert!(everything.covers(4, &other, UnixMillis(0)));
    }
}
