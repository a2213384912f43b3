//! What is to be tried: other cool-downs, other priorities, accounts left out.
//!
//! Promises: pure; what cannot be tried is refused by its field. Must not know: what comes of it.

use serde::{Deserialize, Serialize};
use waybill_model::id::AccountId;

use crate::standing::{CoolDown, LARGEST_FACTOR, LONGEST_S};

/// Entries of one kind.
const MOST: usize = 100;

/// The rules to be tried in place of the present ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Policy {
    /// Other cool-downs; the first that is for a failure's cause decides.
    pub cooldown: Vec<CoolDown>,
    /// Other priorities.
    pub priority: Vec<OtherPriority>,
    /// Accounts that are not asked.
    pub disable: Vec<AccountId>,
}

/// An account at another priority.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OtherPriority {
    /// The account.
    pub account_id: AccountId,
    /// Lower first.
    pub priority: i32,
}

/// What is wrong with a policy.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadPolicy {
    /// The field, as a path.
    pub field: String,
    /// What is wrong with it.
    pub message: String,
}

fn bad<T>(field: impl Into<String>, message: impl Into<String>) -> Result<T, BadPolicy> {
    Err(BadPolicy {
        field: field.into(),
        message: message.into(),
    })
}

impl Policy {
    /// Whether it can be tried, where these accounts are known.
    pub fn check(&self, is_known: impl Fn(AccountId) -> bool) -> Result<(), BadPolicy> {
        let Policy {
            cooldown,
            priority,
            disable,
        } = self;
        if cooldown.is_empty() && priority.is_empty() && disable.is_empty() {
            return bad(
                "cooldown",
                "nothing is changed: give `cooldown`, `priority` or `disable`",
            );
        }
        for (name, count) in [
            ("cooldown", cooldown.len()),
            ("priority", priority.len()),
            ("disable", disable.len()),
        ] {
            if count > MOST {
                return bad(
                    name,
                    format!("{count} entries; at most {MOST} are accepted"),
                );
            }
        }
        for (at, cool_down) in cooldown.iter().enumerate() {
            check_cool_down(cool_down, at)?;
        }
        let known = |field: String, account: AccountId| match is_known(account) {
            true => Ok(()),
            false => bad(field, format!("there is no account {account}")),
        };
        for (at, other) in priority.iter().enumerate() {
            let field = format!("priority[{at}].account_id");
            if priority[..at]
                .iter()
                .any(|before| before.account_id == other.account_id)
            {
                return bad(field, "the account is named twice");
            }
            known(field, other.account_id)?;
        }
        for (at, account) in disable.iter().enumerate() {
            known(format!("disable[{at}]"), *account)?;
        }
        Ok(())
    }

    /// The change in words, as the subject of a sentence.
    pub fn in_words(&self, name: &impl Fn(AccountId) -> Option<String>) -> String {
        let named = |account: AccountId| name(account).unwrap_or_else(|| account.to_string());
        let cool_downs = self.cooldown.iter().map(cool_down_in_words);
        let priorities = self.priority.iter().map(|other| {
            format!(
                "priority {} for {}",
                other.priority,
                named(other.account_id)
            )
        });
        let disabled = self
            .disable
            .iter()
            .map(|account| format!("no {}", named(*account)));
        let all: Vec<String> = cool_downs.chain(priorities).chain(disabled).collect();
        all.join(" with ")
    }
}

fn check_cool_down(cool_down: &CoolDown, at: usize) -> Result<(), BadPolicy> {
    let CoolDown {
        cause: _,
        factor,
        seconds,
        min_seconds,
        max_seconds,
    } = *cool_down;
    let field = |name: &str| format!("cooldown[{at}].{name}");
    if factor.is_some() && seconds.is_some() {
        return bad(field("seconds"), "give either `factor` or `seconds`");
    }
    let is_changed = factor.is_some()
        || [seconds, min_seconds, max_seconds]
            .iter()
            .any(Option::is_some);
    if !is_changed {
        let message = "give `factor`, `seconds`, `min_seconds` or `max_seconds`";
        return bad(format!("cooldown[{at}]"), message);
    }
    if factor.is_some_and(|factor| !(0.0..=LARGEST_FACTOR).contains(&factor)) {
        return bad(field("factor"), format!("from 0 to {LARGEST_FACTOR}"));
    }
    for (name, given) in [
        ("seconds", seconds),
        ("min_seconds", min_seconds),
        ("max_seconds", max_seconds),
    ] {
        if given.is_some_and(|given| given > LONGEST_S) {
            return bad(field(name), format!("at most {LONGEST_S}, a week"));
        }
    }
    if let (Some(least), Some(most)) = (min_seconds, max_seconds)
        && least > most
    {
        return bad(field("min_seconds"), "it is more than `max_seconds`");
    }
    Ok(())
}

fn cool_down_in_words(cool_down: &CoolDown) -> String {
    let length = match (cool_down.seconds, cool_down.factor) {
        (Some(seconds), _) => format!(" of {seconds} s"),
        (None, Some(factor)) => format!(" {factor} times as long"),
        (None, None) => String::new(),
    };
    let least = cool_down
        .min_seconds
        .map(|least| format!(" of at least {least} s"));
    let most = cool_down
        .max_seconds
        .map(|most| format!(" of at most {most} s"));
    let of = cool_down.cause.map(|cause| format!(" on {cause}"));
    [
        "a cool-down",
        &length,
        &least.unwrap_or_default(),
        &most.unwrap_or_default(),
        &of.unwrap_or_default(),
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use waybill_model::cause::Cause;

    use super::*;

    fn cool_down(change: impl FnOnce(&mut CoolDown)) -> Policy {
        let mut cool_down = CoolDown::default();
        change(&mut cool_down);
        Policy {
            cooldown: vec![cool_down],
            ..Policy::default()
        }
    }

    #[test]
    fn what_cannot_be_tried_is_refused_by_its_field() {
        let priority = |accounts: &[i64]| Policy {
            priority: accounts
                .iter()
                .map(|id| OtherPriority {
                    account_id: AccountId(*id),
                    priority: 1,
                })
                .collect(),
            ..Policy::default()
        };
        for (policy, field) in [
            (Policy::default(), "cooldown"),
            (cool_down(|_| {}), "cooldown[0]"),
            (cool_down(|c| c.factor = Some(-1.0)), "cooldown[0].factor"),
            (
                cool_down(|c| c.factor = Some(f64::NAN)),
                "cooldown[0].factor",
            ),
            (
                cool_down(|c| c.seconds = Some(LONGEST_S + 1)),
                "cooldown[0].seconds",
            ),
            (
                cool_down(|c| (c.seconds, c.factor) = (Some(1), Some(1.0))),
                "cooldown[0].seconds",
            ),
            (
                cool_down(|c| (c.min_seconds, c.max_seconds) = (Some(2), Some(1))),
                "cooldown[0].min_seconds",
            ),
            (priority(&[1, 9]), "priority[1].account_id"),
            (priority(&[1, 1]), "priority[1].account_id"),
            (
                Policy {
                    disable: vec![AccountId(9)],
                    ..Policy::default()
                },
                "disable[0]",
            ),
        ] {
            let refused = policy.check(|id| id.0 < 9).unwrap_err();
            assert_eq!(refused.field, field, "{policy:?}");
        }
        let all = Policy {
            disable: vec![AccountId(1)],
            ..priority(&[2, 3])
        };
        assert_eq!(all.check(|_| true), Ok(()));
    }

    #[test]
    fn a_change_is_told_in_words() {
        let mut policy =
            cool_down(|c| (c.seconds, c.cause) = (Some(120), Some(Cause::RateLimitRequests)));
        policy.disable = vec![AccountId(2)];
        let name = |id: AccountId| (id.0 == 2).then(|| "a2".to_owned());
        assert_eq!(
            policy.in_words(&name),
            "a cool-down of 120 s on rate_limit.requests with no a2"
        );
        let longer = cool_down(|c| (c.factor, c.max_seconds) = (Some(1.5), Some(60)));
        assert_eq!(
            longer.in_words(&name),
            "a cool-down 1.5 times as long of at most 60 s"
        );
    }
}
