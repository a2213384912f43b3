//! Standing: what failures and successes do to accounts.
//!
//! In: the facts of an attempt, a probe, or what a person did. Out: [`AccountEvent`]s, applied to the
//! account's run-time state and handed to the recorder; and whether a failure is the request's own.
//!
//! Promises: state changes only by events, under the account's own mutex and never on the way of a
//! request that nothing happens to; every decision is a pure function of the state, the failure's facts,
//! the settings and the time ([`effect`], [`rules`], [`backoff`], [`event`], [`way`], [`history`]);
//! [`Keeper`] is the shell around them. Must not know: HTTP, the store, how accounts are chosen.
//!
//! [`AccountEvent`]: waybill_model::state::AccountEvent

mod backoff;
mod cooldown;
mod effect;
mod event;
mod history;
mod keeper;
mod outside;
mod prober;
mod rules;
mod switch;
mod way;
mod ways;

use std::sync::Arc;

use waybill_model::{
    entity::StateRule,
    id::{AccountEventId, RequestId},
    time::UnixMillis,
    waybill::Failure,
};
use waybill_wire::error::Reset;

pub use cooldown::{CoolDown, LARGEST_FACTOR, LONGEST_S};
pub use event::is_stated;
pub use history::History;
pub use keeper::{Keeper, MOST_REPLICAS, Sink, id_at};
pub use prober::probe_accounts;
pub use ways::WayView;

use crate::routing::AccountEntry;

/// An attempt that failed.
#[derive(Debug)]
pub struct Failed<'a> {
    /// Its account.
    pub account: &'a Arc<AccountEntry>,
    /// Rules of the group it was chosen from.
    pub group_rules: &'a [StateRule],
    /// The model the provider was asked for.
    pub model: Option<&'a Arc<str>>,
    /// What went wrong.
    pub failure: &'a Failure,
    /// The provider's status, if it answered.
    pub status: Option<u16>,
    /// The request; `None` for probes and tests.
    pub request_id: Option<RequestId>,
    /// The attempt, from 1.
    pub attempt: Option<u32>,
    /// Who asked, where it was no client.
    pub actor: Option<&'static str>,
    /// When the attempt began.
    pub began_at: UnixMillis,
    /// Now.
    pub now: UnixMillis,
    /// An idle connection had been closed: nobody is at fault.
    pub stale_connection: bool,
    /// Whether it has an effect. What an operator sends again finds out, and punishes nobody.
    pub acts: bool,
    /// What failed before in the same request.
    pub blamed: &'a mut Blamed,
}

/// What may put the blame on a request.
#[derive(Debug, Default)]
pub struct Blamed {
    /// Its failures so far.
    pub history: History,
    /// How large its body is.
    pub request_bytes: u64,
}

/// What came of a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Marked {
    /// The event it made.
    pub event: Option<AccountEventId>,
    /// Another account failed alike for the same request: the request is at fault.
    pub repeats: bool,
    /// An operator's rule says that the account is at fault, whatever the cause.
    pub ruled: bool,
}

/// An attempt that served.
#[derive(Debug, Clone, Copy)]
pub struct Served<'a> {
    /// Its account.
    pub account: &'a Arc<AccountEntry>,
    /// The model the provider was asked for.
    pub model: Option<&'a Arc<str>>,
    /// It was the trial of a half-open account.
    pub is_trial: bool,
    /// From its start to the head of the answer.
    pub first_byte_ms: Option<u32>,
    /// What its headers say is used up.
    pub used_up: Option<&'a Reset>,
    /// The request.
    pub request_id: RequestId,
    /// The attempt, from 1.
    pub attempt: u32,
    /// Now.
    pub now: UnixMillis,
}

impl<'a> Failed<'a> {
    fn facts(&self) -> event::Facts<'a> {
        event::Facts {
            account: self.account.id,
            model: self.model,
            failure: self.failure,
            status: self.status,
            request_id: self.request_id,
            attempt: self.attempt,
            actor: self.actor,
            began_at: self.began_at,
            now: self.now,
        }
    }
}

#[cfg(test)]
mod tests;
