//! An operator's classification rules: what they make of the built-in verdict.
//!
//! A rule looks at the facts of a failure as they are stored, and at what the built-in table made of them. The
//! first one that fits decides. Whether a failure was recorded a moment or a month ago is of no matter: both are
//! [`Facts`], and one function judges them.
//!
//! Promises: pure. Rules change a verdict and nothing else: never which account is asked next, nor how it stands
//! (an account's own rules are [`StateRule`](crate::entity::StateRule)s). Where a failure happened, what the client
//! was told and who spoke are facts, and stay. What Waybill itself caused keeps its cause, and no rule can make a
//! failure look like one that Waybill caused. Of a verdict that a rule changed, the built-in one is kept beside.
//!
//! Must not know: where rules and rows are kept.

mod check;
mod judge;
mod trial;

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

pub use self::{
    check::{BadRule, LIMITS, Limits, check},
    judge::Judge,
    trial::{FieldChanges, Preview, RuleTried, Trial, Turn},
};
use crate::{
    cause::{Cause, ErrorType, Owner, Phase, Severity},
    id::{AccountId, ApiKeyId, GroupId, UserId},
    protocol::{Endpoint, Platform},
    record::{ErrorRow, Verdict},
};

/// One rule. All conditions that are given must hold.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassificationRule {
    /// Tells it from all others, also in versions before and after. Left out (or 0), it is that of the rule of this
    /// name that is in force, else a new one.
    #[serde(default)]
    pub id: i64,
    /// Its name; unique among the rules.
    pub name: String,
    /// Why it is there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// Whether it is looked at.
    #[serde(default = "yes")]
    pub enabled: bool,
    /// Which failures it is for; at least one condition.
    pub when: When,
    /// What it makes of them; at least one thing.
    pub then: Then,
}

const fn yes() -> bool {
    true
}

/// Which failures a rule is for. What is left out narrows nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct When {
    /// Platform of the last account, else of the protocol.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub platform: Option<Platform>,
    /// What was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
    /// Stage in which it failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phase: Option<Phase>,
    /// What happened, by the built-in table.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Error type the client was shown.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub error_type: Option<ErrorType>,
    /// Any of these statuses was sent to the client.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status_codes: Vec<u16>,
    /// Any of these statuses came from the provider, on the last failed attempt.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub upstream_status_codes: Vec<u16>,
    /// Model the client named; `*` stands for any letters.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// Account of the last attempt.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account_id: Option<AccountId>,
    /// Group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group_id: Option<GroupId>,
    /// API key.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub api_key_id: Option<ApiKeyId>,
    /// User.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user_id: Option<UserId>,
    /// Text in the message, as it is stored; ASCII letters in either case.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub message_contains: Option<String>,
    /// Whether a stream was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
}

/// What a rule makes of a failure. What is left out stays as the built-in table has it, or the new cause.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Then {
    /// What really happened. Owner, severity and whether it may be retried are that cause's then. Never one of
    /// Waybill's own; a rule with it passes by what Waybill itself caused.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cause: Option<Cause>,
    /// Whose fault. What is the client's does not count against the service.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error_owner: Option<Owner>,
    /// How urgent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<Severity>,
    /// Whether sending it again may help.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is_retryable: Option<bool>,
    /// `false`: it does not count against the service, as a limit of the business does not. `true`: it does; then
    /// the owner must be the provider or the platform.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub counts: Option<bool>,
}

/// The rules of one version, in the order in which they are looked at.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RuleSet {
    /// Grows by one with every change; 0: there never was a rule.
    pub version: i64,
    /// The rules.
    pub rules: Vec<ClassificationRule>,
}

/// What the built-in table made of a failure, as far as rules can change it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Found {
    /// What really happened.
    pub cause: Cause,
    /// Whose fault.
    pub error_owner: Owner,
    /// How urgent.
    pub severity: Severity,
    /// Whether sending it again may help.
    pub is_retryable: bool,
    /// Whether it is a limit of the business.
    pub is_business_limited: bool,
}

/// How a failure came to its verdict.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Ruling {
    /// The version of the rules.
    pub version: i64,
    /// The rule that fitted; `None`: the verdict is the built-in one.
    pub by: Option<i64>,
    /// What the built-in table had made of it; there where a rule fitted.
    pub found: Option<Found>,
}

/// What rules look at: the same of a record that is being made and of a row that is stored.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Facts<'a> {
    /// Platform of the last account, else of the protocol.
    pub platform: Platform,
    /// What was asked for.
    pub endpoint: Option<Endpoint>,
    /// Status the client was sent.
    pub status_code: u16,
    /// The last failed attempt's.
    pub upstream_status_code: Option<u16>,
    /// Model the client named, as it is stored.
    pub model: Option<&'a str>,
    /// Account of the last attempt.
    pub account_id: Option<AccountId>,
    /// Group.
    pub group_id: Option<GroupId>,
    /// API key.
    pub api_key_id: Option<ApiKeyId>,
    /// User.
    pub user_id: Option<UserId>,
    /// Whether a stream was asked for.
    pub stream: bool,
    /// What happened in one line, as it is stored.
    pub message: &'a str,
    /// What the built-in table makes of it.
    pub built_in: Verdict,
}

impl<'a> Facts<'a> {
    /// Of a record that is being made, before or after it is judged.
    pub fn of(row: &'a ErrorRow) -> Facts<'a> {
        let subject = &row.subject;
        Facts {
            platform: subject.platform,
            endpoint: subject.endpoint,
            status_code: subject.status_code,
            upstream_status_code: row.upstream_status_code,
            model: subject.model.as_ref().map(|model| model.as_str()),
            account_id: subject.account_id,
            group_id: subject.group_id,
            api_key_id: subject.api_key_id,
            user_id: subject.user_id,
            stream: subject.stream,
            message: row.message.as_str(),
            built_in: row.ruling.built_in(row.verdict),
        }
    }
}

impl Ruling {
    /// The built-in verdict behind one that may be a rule's.
    pub fn built_in(&self, verdict: Verdict) -> Verdict {
        self.found.map_or(verdict, |found| found.put_into(verdict))
    }
}

impl RuleSet {
    /// What the rules make of one failure, and which of them. Whoever judges many keeps a [`Judge`].
    pub fn judge(&self, facts: &Facts<'_>) -> (Verdict, Ruling) {
        Judge::of(self.clone()).judge(facts)
    }
}

impl Then {
    fn put_into(&self, built_in: Verdict) -> Verdict {
        let Then {
            cause,
            error_owner,
            severity,
            is_retryable,
            counts,
        } = *self;
        let found = match cause {
            None => Found::of(&built_in),
            Some(cause) => {
                let info = cause.info();
                Found {
                    cause,
                    error_owner: info.owner,
                    severity: info.severity,
                    is_retryable: info.retryable,
                    is_business_limited: info.business_limited,
                }
            }
        };
        Found {
            cause: found.cause,
            error_owner: error_owner.unwrap_or(found.error_owner),
            severity: severity.unwrap_or(found.severity),
            is_retryable: is_retryable.unwrap_or(found.is_retryable),
            is_business_limited: counts.map_or(found.is_business_limited, |counts| !counts),
        }
        .put_into(built_in)
    }
}

impl Found {
    /// Of a verdict.
    pub fn of(verdict: &Verdict) -> Found {
        Found {
            cause: verdict.cause,
            error_owner: verdict.owner,
            severity: verdict.severity,
            is_retryable: verdict.is_retryable,
            is_business_limited: verdict.is_business_limited,
        }
    }

    /// The verdict with these in it.
    pub fn put_into(self, verdict: Verdict) -> Verdict {
        Verdict {
            cause: self.cause,
            owner: self.error_owner,
            severity: self.severity,
            is_retryable: self.is_retryable,
            is_business_limited: self.is_business_limited,
            ..verdict
        }
    }

    /// Whether it counts against the service.
    pub fn counts(&self) -> bool {
        self.error_owner != Owner::Client && !self.is_business_limited
    }
}

/// One text: its words with a space between, flags as 0 and 1.
impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} {} {} {}",
            self.cause,
            self.error_owner,
            self.severity,
            u8::from(self.is_retryable),
            u8::from(self.is_business_limited)
        )
    }
}

/// Not what [`Found`] is written as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not a built-in verdict")]
pub struct NotFound;

impl FromStr for Found {
    type Err = NotFound;

    fn from_str(text: &str) -> Result<Self, NotFound> {
        let flag = |text: &str| match text {
            "0" => Ok(false),
            "1" => Ok(true),
            _ => Err(NotFound),
        };
        let words: Vec<&str> = text.split(' ').collect();
        let [cause, owner, severity, retryable, limited] = words[..] else {
            return Err(NotFound);
        };
        Ok(Found {
            cause: cause.parse().map_err(|_| NotFound)?,
            error_owner: owner.parse().map_err(|_| NotFound)?,
            severity: severity.parse().map_err(|_| NotFound)?,
            is_retryable: flag(retryable)?,
            is_business_limited: flag(limited)?,
        })
    }
}

#[cfg(test)]
mod tests;
