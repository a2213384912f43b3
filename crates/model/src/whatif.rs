//! What would have happened under other rules of the scheduler: the answer, and its sentence.
//!
//! Three things stand beside one another: what is recorded, the present rules simulated over it, and the changed
//! rules simulated over it. The difference is that of the two simulations; how well the first of them matches
//! the record says how far the difference may be trusted.
//!
//! Promises: pure. Must not know: how anything is simulated.

mod sentence;

use serde::{Deserialize, Serialize};

use crate::{cause::Cause, id::AccountId, time::UnixMillis};

/// What came of requests: as recorded, or as simulated.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Outcome {
    /// Requests that were served.
    pub served: u64,
    /// Requests that failed.
    pub failed: u64,
    /// Requests that were served after attempts had failed.
    pub recovered: u64,
    /// Attempts.
    pub attempts: u64,
    /// Attempts that failed.
    pub failed_attempts: u64,
    /// How long clients waited for attempts that failed, all together.
    pub failed_attempts_ms: u64,
    /// Attempts that failed, by cause and account, most first.
    pub failures: Vec<FailedAttempts>,
    /// What each account did, by id.
    pub accounts: Vec<AccountUse>,
    /// What the attempts were answered with; all from the record where nothing was simulated.
    pub basis: Basis,
}

/// Attempts that failed of one cause on one account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct FailedAttempts {
    /// The cause.
    pub cause: Cause,
    /// The account.
    pub account_id: AccountId,
    /// Its name; `null` where it was removed.
    pub account_name: Option<String>,
    /// How many.
    pub attempts: u64,
}

/// What one account did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AccountUse {
    /// The account.
    pub account_id: AccountId,
    /// Its name; `null` where it was removed.
    pub account_name: Option<String>,
    /// Requests it served.
    pub served: u64,
    /// Attempts on it.
    pub attempts: u64,
    /// Of these, failed.
    pub failed_attempts: u64,
    /// How long a deadline ran on it, or on a model of it: for all requests, whatever the scope.
    pub rested_ms: u64,
}

/// Where the answers to simulated attempts were had from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Basis {
    /// The very attempt is on record.
    pub recorded: u64,
    /// The request was at fault, by what is recorded of it: it fails alike everywhere.
    pub of_the_request: u64,
    /// The provider had stated a wait that ran.
    pub stated: u64,
    /// What the account answered to the attempt that is nearest in time.
    pub nearest: u64,
    /// Nothing is known; taken as served.
    pub unknown: u64,
}

impl Basis {
    /// Attempts in all.
    pub fn sum(&self) -> u64 {
        let Basis {
            recorded,
            of_the_request,
            stated,
            nearest,
            unknown,
        } = self;
        recorded + of_the_request + stated + nearest + unknown
    }
}

/// How well the present rules, simulated, match what is recorded.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
pub struct Reproduced {
    /// Requests that were served, or failed, in both.
    pub same_fate: u64,
    /// Requests that ended on the same account in both.
    pub same_account: u64,
    /// Requests that took as many attempts in both.
    pub same_attempts: u64,
    /// Share of the requests with the same fate, 0 to 1.
    pub fate_share: f64,
    /// Share of the requests with the same account, 0 to 1.
    pub account_share: f64,
}

/// The changed rules less the present ones, both simulated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[schema(as = WhatIfDifference)]
pub struct Difference {
    /// Requests that failed.
    pub failed: i64,
    /// Requests that were served after attempts had failed.
    pub recovered: i64,
    /// Attempts.
    pub attempts: i64,
    /// Attempts that failed.
    pub failed_attempts: i64,
    /// How long clients waited for attempts that failed.
    pub failed_attempts_ms: i64,
}

/// The answer to "what if".
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct WhatIf {
    /// From when on requests were replayed: later than asked for where there were too many.
    pub start_time: UnixMillis,
    /// Until when.
    pub end_time: UnixMillis,
    /// Whether there were more requests, failures, or changes of an account than are read: then the oldest are left out.
    pub is_cut: bool,
    /// Requests of the scope that were replayed.
    pub requests: u64,
    /// Requests of the scope that the scheduler has no part in, or whose group is gone: refused before
    /// routing, given up by their client, sent again by an operator.
    pub left_out: u64,
    /// Requests of all scopes that were replayed: they use the same accounts.
    pub replayed: u64,
    /// The change, in words.
    pub change: String,
    /// What is recorded.
    pub recorded: Outcome,
    /// The present rules, simulated.
    pub present: Outcome,
    /// The changed rules, simulated.
    pub changed: Outcome,
    /// The changed rules less the present ones.
    pub difference: Difference,
    /// How well the present rules, simulated, match what is recorded.
    pub reproduced: Reproduced,
    /// What has to be known to judge it.
    pub notes: Vec<String>,
    /// All of it in a sentence.
    pub summary: String,
}

impl Difference {
    /// `changed` less `present`.
    pub fn between(present: &Outcome, changed: &Outcome) -> Difference {
        let less = |changed: u64, present: u64| {
            let of = |count| i64::try_from(count).unwrap_or(i64::MAX);
            of(changed).saturating_sub(of(present))
        };
        Difference {
            failed: less(changed.failed, present.failed),
            recovered: less(changed.recovered, present.recovered),
            attempts: less(changed.attempts, present.attempts),
            failed_attempts: less(changed.failed_attempts, present.failed_attempts),
            failed_attempts_ms: less(changed.failed_attempts_ms, present.failed_attempts_ms),
        }
    }
}

impl WhatIf {
    /// The same with its notes and its sentence, which follow from the rest.
    #[must_use]
    pub fn told(self) -> WhatIf {
        let (summary, notes) = (sentence::summary(&self), sentence::notes(&self));
        WhatIf {
            summary,
            notes,
            ..self
        }
    }
}
