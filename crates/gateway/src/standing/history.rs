//! What failed before in the same request, to tell a request's own fault from an account's.
//!
//! The same deterministic failure on a second account is the request's fault. Promises: pure. Must not
//! know: what is then done.

use std::sync::Arc;

use waybill_model::{cause::Cause, fingerprint::template, id::AccountEventId, waybill::Failure};

use crate::routing::AccountEntry;

/// A request body from which on a token limit on several accounts is the request's own doing: about
/// 100,000 tokens, more than most accounts may use in a minute.
const PLAUSIBLE_BYTES: u64 = 400_000;

/// Statuses with which providers refuse what a request asks.
const OF_THE_REQUEST: std::ops::RangeInclusive<u16> = 400..=422;

/// The failures of one request that might be its own fault.
#[derive(Debug, Default)]
pub struct History(Vec<Seen>);

#[derive(Debug)]
struct Seen {
    account: Arc<AccountEntry>,
    sign: Sign,
    event: Option<AccountEventId>,
}

/// What makes two failures the same.
#[derive(Debug, PartialEq, Eq)]
pub struct Sign {
    cause: Cause,
    status: Option<u16>,
    words: String,
}

impl Sign {
    /// The sign of a failure that might be the request's fault; `ruled`: an operator's rule caught it.
    pub fn of(
        failure: &Failure,
        status: Option<u16>,
        ruled: bool,
        request_bytes: u64,
    ) -> Option<Sign> {
        let of_the_request = match failure.cause {
            Cause::AuthPermission | Cause::BillingEntitlement | Cause::RequestOverBudget => true,
            Cause::RateLimitTokens => request_bytes > PLAUSIBLE_BYTES,
            _ => ruled && status.is_some_and(|status| OF_THE_REQUEST.contains(&status)),
        };
        of_the_request.then(|| Sign {
            cause: failure.cause,
            status,
            words: template(&failure.message),
        })
    }
}

impl History {
    /// Another account than `account` that failed alike, and the event that made, if it made one.
    pub fn seen(
        &self,
        account: &AccountEntry,
        sign: &Sign,
    ) -> Option<(&Arc<AccountEntry>, Option<AccountEventId>)> {
        self.0
            .iter()
            .find(|seen| seen.account.id != account.id && seen.sign == *sign)
            .map(|seen| (&seen.account, seen.event))
    }

    /// Remembers a failure, and what it did.
    pub fn add(&mut self, account: &Arc<AccountEntry>, sign: Sign, event: Option<AccountEventId>) {
        self.0.push(Seen {
            account: Arc::clone(account),
            sign,
            event,
        });
    }
}
