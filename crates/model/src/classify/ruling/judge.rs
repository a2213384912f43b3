//! Rules made ready to judge many failures by: the texts that they look for are prepared once, a message is folded
//! to one case once, whatever many rules ask for it.
//!
//! Promises: the first rule that fits decides; time in proportion to the message for each rule that asks for it.

use std::{borrow::Cow, cell::OnceCell};

use memchr::memmem::Finder;

use super::{ClassificationRule, Facts, Found, RuleSet, Ruling, When};
use crate::record::Verdict;

/// The rules of one version, ready to judge.
#[derive(Debug, Default)]
pub struct Judge {
    version: i64,
    rules: Vec<Ready>,
}

/// A rule with the text that it looks for, in lower case.
#[derive(Debug)]
struct Ready {
    rule: ClassificationRule,
    text: Option<Finder<'static>>,
}

/// A message that is folded to one case when the first rule asks for it.
#[derive(Debug)]
pub(super) struct Message<'a> {
    text: &'a str,
    folded: OnceCell<Cow<'a, [u8]>>,
}

impl<'a> Message<'a> {
    /// Of a failure.
    pub(super) fn of(facts: &Facts<'a>) -> Self {
        Message {
            text: facts.message,
            folded: OnceCell::new(),
        }
    }

    /// ASCII letters in either case.
    fn contains(&self, text: &Finder<'_>) -> bool {
        let folded = self.folded.get_or_init(|| {
            let bytes = self.text.as_bytes();
            match bytes.iter().any(u8::is_ascii_uppercase) {
                true => Cow::Owned(bytes.to_ascii_lowercase()),
                false => Cow::Borrowed(bytes),
            }
        });
        text.find(folded).is_some()
    }
}

impl Judge {
    /// By these rules; those that are switched off are left out.
    pub fn of(set: RuleSet) -> Judge {
        let rules = set.rules.into_iter().filter(|rule| rule.enabled);
        let rules = rules.map(|rule| Ready {
            text: rule
                .when
                .message_contains
                .as_ref()
                .map(|text| Finder::new(text.to_ascii_lowercase().as_bytes()).into_owned()),
            rule,
        });
        Judge {
            version: set.version,
            rules: rules.collect(),
        }
    }

    /// The version of the rules.
    pub fn version(&self) -> i64 {
        self.version
    }

    /// Whether there is no rule that could change anything.
    pub fn is_idle(&self) -> bool {
        self.rules.is_empty()
    }

    /// What the rules make of a failure, and which of them.
    pub fn judge(&self, facts: &Facts<'_>) -> (Verdict, Ruling) {
        self.judge_reading(facts, &Message::of(facts))
    }

    /// The same of a failure whose message others read, too.
    pub(super) fn judge_reading(
        &self,
        facts: &Facts<'_>,
        message: &Message<'_>,
    ) -> (Verdict, Ruling) {
        let rule = self.rules.iter().find(|ready| ready.fits(facts, message));
        let rule = rule.map(|ready| &ready.rule);
        let ruling = Ruling {
            version: self.version,
            by: rule.map(|rule| rule.id),
            found: rule.map(|_| Found::of(&facts.built_in)),
        };
        let verdict = rule.map_or(facts.built_in, |rule| rule.then.put_into(facts.built_in));
        (verdict, ruling)
    }
}

impl Ready {
    /// Whether it is for this failure.
    fn fits(&self, facts: &Facts<'_>, message: &Message<'_>) -> bool {
        if self.rule.then.cause.is_some() && facts.built_in.cause.is_waybills_own() {
            return false;
        }
        let is_said = || self.text.as_ref().is_none_or(|text| message.contains(text));
        self.rule.when.holds(facts) && is_said()
    }
}

impl When {
    /// Whether all holds but what is said in the message, which costs most and is asked last.
    fn holds(&self, facts: &Facts<'_>) -> bool {
        let When {
            platform,
            endpoint,
            phase,
            cause,
            error_type,
            status_codes,
            upstream_status_codes,
            model,
            account_id,
            group_id,
            api_key_id,
            user_id,
            message_contains: _,
            stream,
        } = self;
        platform.is_none_or(|is| is == facts.platform)
            && endpoint.is_none_or(|is| Some(is) == facts.endpoint)
            && phase.is_none_or(|is| is == facts.built_in.phase)
            && cause.is_none_or(|is| is == facts.built_in.cause)
            && error_type.is_none_or(|is| is == facts.built_in.error_type)
            && (status_codes.is_empty() || status_codes.contains(&facts.status_code))
            && (upstream_status_codes.is_empty()
                || facts
                    .upstream_status_code
                    .is_some_and(|status| upstream_status_codes.contains(&status)))
            && account_id.is_none_or(|is| Some(is) == facts.account_id)
            && group_id.is_none_or(|is| Some(is) == facts.group_id)
            && api_key_id.is_none_or(|is| Some(is) == facts.api_key_id)
            && user_id.is_none_or(|is| Some(is) == facts.user_id)
            && stream.is_none_or(|is| is == facts.stream)
            && model
                .as_ref()
                .is_none_or(|glob| facts.model.is_some_and(|model| is_like(model, glob)))
    }
}

/// Whether a name is as a pattern says, in which `*` stands for any letters, also none.
pub(super) fn is_like(name: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = name.strip_prefix(first) else {
        return false;
    };
    let Some(last) = parts.next_back() else {
        // No star: the whole name.
        return rest.is_empty();
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_found_in_either_case_and_prepared_once() {
        let found = |message: &str, text: &str| {
            let message = Message {
                text: message,
                folded: OnceCell::new(),
            };
            message.contains(&Finder::new(text.to_ascii_lowercase().as_bytes()))
        };
        assert!(found("Planned WORK", "work") && found("planned work", "WORK"));
        assert!(found("anything", "") && found("überlast", "ü"));
        assert!(!found("Überlast", "ü") && !found("wor", "work"));
    }
}
