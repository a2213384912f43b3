//! Why an account cannot be sent a request now, as an operator is told it.
//!
//! Promises: reads atomics alone. Must not know: who asks.

use waybill_model::{
    cause::Cause,
    entity::Status,
    state::{Mark, MarkKind, Scope, Standing},
    time::UnixMillis,
    waybill::Exclusion,
};

use super::AccountEntry;

/// What is in the way; `None`: nothing is. `model` is as the provider knows it.
pub fn obstacle(entry: &AccountEntry, model: Option<&str>, now: UnixMillis) -> Option<Exclusion> {
    let state = entry.live.state();
    let limit = entry.live.allowed(entry.concurrency);
    let full = limit.is_some_and(|limit| entry.live.in_flight() >= limit);
    let used_up = || entry.live.meter().has_room(&entry.quota, 0, now).is_err();
    match (entry.status, state.standing(model, now)) {
        (Status::Disabled, _) => Some(Exclusion::Disabled),
        _ if entry.credential.is_none() => Some(Exclusion::NoCredential),
        (Status::Active, Standing::Blocked(mark)) => Some(stopped_by(mark.kind)),
        (Status::Active, Standing::HalfOpen(_)) if entry.live.tried_by().is_some() => {
            Some(Exclusion::HalfOpen)
        }
        _ if full => Some(Exclusion::NoSlot),
        _ if used_up() => Some(Exclusion::QuotaReached),
        (Status::Active, Standing::Ready | Standing::HalfOpen(_)) => None,
    }
}

/// Whether an account serves nobody now, and neither because it is busy nor because somebody wants it so.
pub fn is_stopped(obstacle: Option<Exclusion>) -> bool {
    match obstacle {
        None | Some(Exclusion::NoSlot | Exclusion::HalfOpen | Exclusion::Disabled) => false,
        Some(_) => true,
    }
}

/// Why an account will not serve by waiting alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Down {
    /// It has no credential that can be used.
    NoCredential,
    /// The provider refuses its credential, or the account.
    Refused {
        /// What it was refused for.
        cause: Option<Cause>,
        /// Since when.
        since: UnixMillis,
        /// When it is tried again, if that is still to come.
        until: Option<UnixMillis>,
    },
}

/// Whether somebody has to do something about an account that is switched on. One that waits for a limit, a quota or a
/// pause to end is not down: it is back by itself. One that was refused is down until it has served, whether it is
/// being tried again or not.
pub fn down(entry: &AccountEntry, now: UnixMillis) -> Option<Down> {
    if entry.status == Status::Disabled {
        return None;
    }
    if entry.credential.is_none() {
        return Some(Down::NoCredential);
    }
    let state = entry.live.state();
    let of_account = |kind| {
        let is_it = |mark: &&Mark| mark.kind == kind && mark.scope == Scope::Account;
        state.marks().iter().find(is_it)
    };
    match (of_account(MarkKind::Disabled), of_account(MarkKind::Error)) {
        (None, Some(mark)) => Some(Down::Refused {
            cause: mark.cause,
            since: mark.since,
            until: mark.until.filter(|until| now < *until),
        }),
        (Some(_), _) | (None, None) => None,
    }
}

impl Down {
    /// What is said of an account.
    pub fn sentence(&self, name: &str) -> String {
        match self {
            Down::NoCredential => {
                format!("Account {name} cannot serve: it has no credential that can be used.")
            }
            Down::Refused {
                cause,
                since,
                until,
            } => {
                let cause = cause.map(|cause| format!(" ({cause})")).unwrap_or_default();
                let again = match until {
                    Some(until) => format!("It is not tried again before {until}."),
                    None => "It is tried again with the next request.".to_owned(),
                };
                format!(
                    "Account {name} cannot serve: its provider refuses it{cause}, since {since}. {again}"
                )
            }
        }
    }
}

fn stopped_by(kind: MarkKind) -> Exclusion {
    match kind {
        MarkKind::RateLimited => Exclusion::RateLimited,
        MarkKind::Overloaded => Exclusion::Overloaded,
        MarkKind::Paused => Exclusion::Paused,
        MarkKind::Error => Exclusion::Error,
        MarkKind::Disabled => Exclusion::Disabled,
    }
}
