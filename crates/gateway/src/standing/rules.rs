//! An operator's rules for failures: which one catches a failure, the account's before the group's.
//!
//! Promises: pure; the first rule of which every condition holds decides. Must not know: what the rule
//! does to an account's deadline.

use waybill_model::{entity::StateRule, waybill::Failure};

/// Most bytes of a body in which a rule's text is looked for.
const LOOKED_AT: usize = 64 << 10;

/// The rule that catches a failure, if one does.
pub fn caught_by<'a>(
    account: &'a [StateRule],
    group: &'a [StateRule],
    status: Option<u16>,
    failure: &Failure,
) -> Option<&'a StateRule> {
    account
        .iter()
        .chain(group)
        .find(|rule| catches(rule, status, failure))
}

fn catches(rule: &StateRule, status: Option<u16>, failure: &Failure) -> bool {
    let of_status =
        rule.statuses.is_empty() || status.is_some_and(|status| rule.statuses.contains(&status));
    let of_cause = rule.cause.is_none_or(|cause| cause == failure.cause);
    of_status
        && of_cause
        && rule
            .contains
            .as_deref()
            .is_none_or(|text| says(failure, text))
}

/// Whether the provider's message, name or body contains `text`, whatever its case.
fn says(failure: &Failure, text: &str) -> bool {
    let text = text.to_lowercase();
    let contains = |said: &str| said.to_lowercase().contains(&text);
    let body = &failure.body[..failure.body.len().min(LOOKED_AT)];
    contains(&failure.message)
        || failure.name.as_deref().is_some_and(contains)
        || failure.detail.as_deref().is_some_and(contains)
        || contains(&String::from_utf8_lossy(body))
}
