//! Rules that bring kinds of failures together, or divide one: data, applied to what is stored and to what comes.

use serde::{Deserialize, Serialize};

use super::hex;
use crate::{cause::Cause, fingerprint::part_of, protocol::Platform, words};

words! {
    /// What an issue can be divided by.
    pub enum SplitBy {
        /// The account of the last attempt.
        Account = "account",
        /// The model that was asked for.
        Model = "model",
        /// The group.
        Group = "group",
        /// The API key.
        Key = "key",
    }
}

/// What a rule says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum RuleBody {
    /// Kinds of failures that are one issue.
    Merge(Merge),
    /// An issue that is several.
    Split(Split),
}

/// Which kinds become part of which issue: those that are named, or all that every condition is true of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// The issue they become part of; 32 hexadecimal digits.
    pub into: String,
    /// Kinds by their fingerprints.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fingerprints: Vec<String>,
    /// Platform.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// What really happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// The provider's status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// Text in the title, in either case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub text: Option<String>,
}

/// Which issue is divided, and by what.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Split {
    /// The issue; 32 hexadecimal digits.
    pub issue: String,
    /// Every value of this is an issue of its own.
    pub by: SplitBy,
}

/// What is wrong with a rule: the field, and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {message}")]
pub struct BadRule {
    /// The field at fault.
    pub field: &'static str,
    /// What would be right.
    pub message: String,
}

/// Most fingerprints of one rule.
const MOST_FINGERPRINTS: usize = 100;

impl RuleBody {
    /// Whether it says something that can be done.
    ///
    /// # Errors
    /// [`BadRule`] names the field.
    pub fn check(&self) -> Result<(), BadRule> {
        let key = |field, text: &str| match hex::key(text) {
            Some(_) => Ok(()),
            None => Err(BadRule {
                field,
                message: "a fingerprint is 32 hexadecimal digits".to_owned(),
            }),
        };
        match self {
            RuleBody::Split(split) => key("issue", &split.issue),
            RuleBody::Merge(merge) => {
                key("into", &merge.into)?;
                for fingerprint in &merge.fingerprints {
                    key("fingerprints", fingerprint)?;
                }
                let by_facts = merge.platform.is_some()
                    || merge.cause.is_some()
                    || merge.status_code.is_some()
                    || merge
                        .text
                        .as_ref()
                        .is_some_and(|text| !text.trim().is_empty());
                if merge.fingerprints.is_empty() != by_facts {
                    return Err(BadRule {
                        field: "fingerprints",
                        message: "give either fingerprints, or at least one of platform, cause, status_code and text".to_owned(),
                    });
                }
                if merge.fingerprints.len() > MOST_FINGERPRINTS {
                    return Err(BadRule {
                        field: "fingerprints",
                        message: format!("at most {MOST_FINGERPRINTS}; make two rules"),
                    });
                }
                Ok(())
            }
        }
    }
}

/// What a fingerprint stands for, as far as rules look at it.
#[derive(Debug, Clone, Copy)]
pub struct KindFacts<'a> {
    /// The fingerprint.
    pub fingerprint: [u8; 16],
    /// Platform.
    pub platform: Platform,
    /// What really happened.
    pub cause: Cause,
    /// The provider's status.
    pub status_code: Option<u16>,
    /// The message's template.
    pub title: &'a str,
}

impl Merge {
    fn takes(&self, kind: &KindFacts<'_>, key: [u8; 16]) -> bool {
        if !self.fingerprints.is_empty() {
            return self
                .fingerprints
                .iter()
                .any(|text| hex::key(text) == Some(key));
        }
        let contains = |text: &String| {
            kind.title
                .to_lowercase()
                .contains(&text.trim().to_lowercase())
        };
        self.platform.is_none_or(|is| is == kind.platform)
            && self.cause.is_none_or(|is| is == kind.cause)
            && self
                .status_code
                .is_none_or(|is| kind.status_code == Some(is))
            && self.text.as_ref().is_none_or(contains)
    }
}

/// The issue that a kind is part of, before any is divided. Rules are looked at in order; each is followed
/// once, so that no two lead in a circle.
pub fn issue_of(kind: &KindFacts<'_>, rules: &[RuleBody]) -> [u8; 16] {
    let mut key = kind.fingerprint;
    for rule in rules {
        if let RuleBody::Merge(merge) = rule
            && merge.takes(kind, key)
            && let Some(into) = hex::key(&merge.into)
        {
            key = into;
        }
    }
    key
}

/// How an issue is divided, if it is: the first rule that says so.
pub fn split_of(issue: [u8; 16], rules: &[RuleBody]) -> Option<SplitBy> {
    rules.iter().find_map(|rule| match rule {
        RuleBody::Split(split) if hex::key(&split.issue) == Some(issue) => Some(split.by),
        RuleBody::Split(_) | RuleBody::Merge(_) => None,
    })
}

/// The key of the part of a divided issue.
pub fn part(issue: [u8; 16], by: SplitBy, value: &str) -> [u8; 16] {
    part_of(issue, by.as_str(), value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(first: u8, title: &str) -> KindFacts<'_> {
        KindFacts {
            fingerprint: [first; 16],
            platform: Platform::Anthropic,
            cause: Cause::Overloaded,
            status_code: Some(529),
            title,
        }
    }

    fn key(first: u8) -> String {
        format!("{first:02x}").repeat(16)
    }

    #[test]
    fn kinds_are_merged_by_name_or_by_what_they_are_and_circles_end() {
        let by_name = |from, into| {
            RuleBody::Merge(Merge {
                into: key(into),
                fingerprints: vec![key(from)],
                ..Merge::default()
            })
        };
        let rules = [by_name(1, 2), by_name(2, 3), by_name(3, 1)];
        assert_eq!(issue_of(&kind(1, ""), &rules), [1; 16]);
        assert_eq!(issue_of(&kind(1, ""), &rules[..2]), [3; 16]);
        assert_eq!(issue_of(&kind(9, ""), &rules), [9; 16]);
        let by_facts = RuleBody::Merge(Merge {
            into: key(7),
            cause: Some(Cause::Overloaded),
            text: Some("CAPACITY".to_owned()),
            ..Merge::default()
        });
        assert!(by_facts.check().is_ok());
        let rules = [by_facts];
        assert_eq!(issue_of(&kind(9, "no capacity"), &rules), [7; 16]);
        assert_eq!(issue_of(&kind(9, "busy"), &rules), [9; 16]);
    }

    #[test]
    fn a_rule_that_takes_everything_or_leads_nowhere_is_refused_by_its_field() {
        let merge = |into: &str, fingerprints: &[&str]| {
            RuleBody::Merge(Merge {
                into: into.to_owned(),
                fingerprints: fingerprints.iter().map(|text| (*text).to_owned()).collect(),
                ..Merge::default()
            })
        };
        let field = |rule: RuleBody| rule.check().err().map(|bad| bad.field);
        assert_eq!(field(merge(&key(1), &[])), Some("fingerprints"));
        assert_eq!(field(merge("x", &[&key(1)])), Some("into"));
        assert_eq!(field(merge(&key(1), &["zz"])), Some("fingerprints"));
        assert_eq!(field(merge(&key(1), &[&key(2)])), None);
    }

    #[test]
    fn an_issue_is_divided_by_the_first_rule_that_says_so() {
        let split = |by| RuleBody::Split(Split { issue: key(1), by });
        let rules = [split(SplitBy::Model), split(SplitBy::Key)];
        assert_eq!(split_of([1; 16], &rules), Some(SplitBy::Model));
        assert_eq!(split_of([2; 16], &rules), None);
        assert_ne!(
            part([1; 16], SplitBy::Model, "a"),
            part([1; 16], SplitBy::Model, "b")
        );
    }
}
