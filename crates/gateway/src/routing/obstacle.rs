//! Why an account cannot be sent a request now, as an operator is told it.
//!
//! Promises: reads atomics alone. Must not know: who asks.

use waybill_model::{
    entity::Status,
    state::{MarkKind, Standing},
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

/// Whether an account is down: it serves nobody, and neither because it is busy nor because somebody wants it so.
pub fn is_down(obstacle: Option<Exclusion>) -> bool {
    match obstacle {
        None | Some(Exclusion::NoSlot | Exclusion::HalfOpen | Exclusion::Disabled) => false,
        Some(_) => true,
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
