//! The explanation: every account of the group, and why it was passed over.
//!
//! Promises: one entry per account, also where none is left; whatever a mark keeps out names the mark's
//! event and the request behind it. Must not know: how the record stores it.

use std::{collections::HashMap, fmt::Write, iter::successors, sync::Arc};

use waybill_model::{
    entity::Status,
    id::AccountId,
    state::{Mark, MarkKind, Scope, Standing},
    time::UnixMillis,
    waybill::{Candidate, Exclusion},
};

use super::{
    AccountEntry, Plan,
    choice::Obstacle,
    lane::{self, Served},
};

/// Most of a reason that is kept, in bytes.
const REASON_BYTES: usize = 512;

impl Plan {
    /// Every account of the group and why it was passed over. The one chosen last is not.
    pub fn candidates(&self, now: UnixMillis) -> Vec<Candidate> {
        let served: HashMap<AccountId, &Served> = self
            .lane
            .served()
            .map(|served| (served.account.id, served))
            .collect();
        let chosen = self.tried.last().and_then(|id| served.get(id)).copied();
        let asked = self.group.accounts.iter();
        asked
            .filter(|account| self.pinned.is_none_or(|pinned| pinned == account.id))
            .map(|account| match served.get(&account.id) {
                Some(served) => self.candidate(served, chosen, now),
                None => self.outside(account),
            })
            .collect()
    }

    /// An account that is not in the lane.
    fn outside(&self, account: &AccountEntry) -> Candidate {
        let model = self.model.as_deref();
        let state = account.live.state();
        let switched_off = state.mark(MarkKind::Disabled, &Scope::Account);
        if let (Status::Disabled, Some(mark)) = (account.status, switched_off) {
            return marked(account, Exclusion::Disabled, mark, mark.reason.clone());
        }
        let (excluded, reason) = if account.status == Status::Disabled {
            (
                Exclusion::Disabled,
                "its definition is switched off".to_owned(),
            )
        } else if !lane::serves(account, model) {
            let model = model.unwrap_or_default();
            (
                Exclusion::ModelNotServed,
                format!("`{model}` is not among its models"),
            )
        } else {
            let reason = "its credential, proxy or headers cannot be opened or sent";
            (Exclusion::NoCredential, reason.to_owned())
        };
        because(account, excluded, reason)
    }

    fn candidate(&self, served: &Served, chosen: Option<&Served>, now: UnixMillis) -> Candidate {
        let account = &served.account;
        if chosen.is_some_and(|chosen| chosen.account.id == account.id) {
            return Candidate::new(account.id, Arc::clone(&account.name), None);
        }
        match self.obstacle(served, now) {
            Err(Obstacle::Tried) => self.tried_already(served, now),
            Err(Obstacle::NoWords) => self.wordless(served),
            Err(Obstacle::Blocked) => self.stopped(served, now),
            Err(Obstacle::Trying) => half_open(served, now),
            Err(Obstacle::Quota) => self.quota_reached(served, now),
            Err(Obstacle::NoSlot) => because(account, Exclusion::NoSlot, slots(served)),
            Ok(_) => self.passed_over(served, chosen, now),
        }
    }

    /// Tried for this request; with what stops it since, which is likely what the try has shown.
    fn tried_already(&self, served: &Served, now: UnixMillis) -> Candidate {
        let excluded = Exclusion::AlreadyTried;
        let state = served.live.state();
        match state.standing(served.upstream_model.as_deref(), now) {
            Standing::Blocked(mark) | Standing::HalfOpen(mark) => {
                marked(&served.account, excluded, mark, mark.reason.clone())
            }
            Standing::Ready => Candidate::new(
                served.account.id,
                Arc::clone(&served.account.name),
                Some(excluded),
            ),
        }
    }

    /// What is asked cannot be said to it.
    fn wordless(&self, served: &Served) -> Candidate {
        let mut closed = successors(self.closed.as_deref(), |closed| closed.before.as_deref());
        let reason = match closed.find(|closed| closed.tongue == served.tongue) {
            Some(closed) => closed.why.clone(),
            None => "its provider has no counterpart to this endpoint".to_owned(),
        };
        because(&served.account, Exclusion::Untranslatable, reason)
    }

    fn stopped(&self, served: &Served, now: UnixMillis) -> Candidate {
        let state = served.live.state();
        match state.standing(served.upstream_model.as_deref(), now) {
            Standing::Blocked(mark) => marked(
                &served.account,
                exclusion(mark.kind),
                mark,
                mark.reason.clone(),
            ),
            Standing::HalfOpen(mark) if served.live.trial_from(mark) > now => {
                let reason = format!(
                    "another replica finds out first whether it serves again; it was {}: {}",
                    mark.kind.as_str(),
                    mark.reason
                );
                marked(&served.account, Exclusion::HalfOpen, mark, reason)
            }
            // It ended while the explanation was made.
            Standing::HalfOpen(_) | Standing::Ready => just_freed(&served.account),
        }
    }

    fn quota_reached(&self, served: &Served, now: UnixMillis) -> Candidate {
        let account = &served.account;
        match served
            .live
            .meter()
            .has_room(&account.quota, self.tokens, now)
        {
            Err(full) => Candidate {
                scope: Some(Scope::Account),
                until: full.until,
                ..because(
                    account,
                    Exclusion::QuotaReached,
                    format!(
                        "{} per {}: {} of {} used",
                        full.unit.as_str(),
                        full.window.as_str(),
                        full.used,
                        full.limit
                    ),
                )
            },
            Ok(()) => just_freed(account),
        }
    }

    /// It could have served, but another was better.
    fn passed_over(&self, served: &Served, chosen: Option<&Served>, now: UnixMillis) -> Candidate {
        let account = &served.account;
        if let Some(failing) = served.way.failing().filter(|_| served.way.is_failing(now)) {
            let reason = format!("the way to {} is failing", served.way.key());
            return Candidate {
                since: Some(failing.since),
                until: Some(failing.until),
                ..because(account, Exclusion::WayFailing, reason)
            };
        }
        let Some(chosen) = chosen else {
            return just_freed(account);
        };
        let excluded = if account.priority > chosen.account.priority {
            Exclusion::LowerPriority
        } else if account.priority < chosen.account.priority {
            return just_freed(account);
        } else if self.sticky.is_some() {
            Exclusion::Sticky
        } else if self.is_busier(served) {
            Exclusion::MoreInFlight
        } else {
            Exclusion::LessPreferred
        };
        because(account, excluded, slots(served))
    }

    /// Whether more of its limit is in use than was of the chosen one's.
    fn is_busier(&self, served: &Served) -> bool {
        let (in_flight, limit) = served.live.load(served.limit);
        let (chosens, chosens_limit) = self.load;
        u64::from(in_flight) * u64::from(chosens_limit) > u64::from(chosens) * u64::from(limit)
    }
}

/// Another request is finding out whether it serves again.
fn half_open(served: &Served, now: UnixMillis) -> Candidate {
    let state = served.live.state();
    match state.standing(served.upstream_model.as_deref(), now) {
        Standing::HalfOpen(mark) => {
            let who = match served.live.tried_by() {
                Some(request) => format!("request {request}"),
                None => "another request".to_owned(),
            };
            let reason = format!(
                "{who} is finding out whether it serves again; it was {}: {}",
                mark.kind.as_str(),
                mark.reason
            );
            marked(&served.account, Exclusion::HalfOpen, mark, reason)
        }
        Standing::Blocked(mark) => marked(
            &served.account,
            exclusion(mark.kind),
            mark,
            mark.reason.clone(),
        ),
        Standing::Ready => just_freed(&served.account),
    }
}

fn exclusion(kind: MarkKind) -> Exclusion {
    match kind {
        MarkKind::RateLimited => Exclusion::RateLimited,
        MarkKind::Overloaded => Exclusion::Overloaded,
        MarkKind::Paused => Exclusion::Paused,
        MarkKind::Error => Exclusion::Error,
        MarkKind::Disabled => Exclusion::Disabled,
    }
}

fn marked(account: &AccountEntry, excluded: Exclusion, mark: &Mark, reason: String) -> Candidate {
    Candidate {
        scope: Some(mark.scope.clone()),
        since: Some(mark.since),
        until: mark.until,
        event_id: Some(mark.event),
        caused_by: mark.request_id,
        cause: mark.cause,
        ..because(account, excluded, reason)
    }
}

/// `in flight 8 of 8`.
fn slots(served: &Served) -> String {
    let in_flight = served.live.in_flight();
    let mut text = format!("in flight {in_flight}");
    let allowed = served.live.allowed(served.limit);
    // Writing to a String never fails.
    if let Some(allowed) = allowed {
        let _ = write!(text, " of {allowed}");
    }
    if allowed == served.limit {
        return text;
    }
    if served.live.allotment() == allowed {
        text.push_str(" that are this replica's");
        if let Some(limit) = served.limit {
            let _ = write!(text, ", of {limit}");
        }
    } else {
        text.push_str(" while it ramps up");
        if let Some(limit) = served.limit {
            let _ = write!(text, " to {limit}");
        }
    }
    text
}

/// Nothing keeps it out any longer: it was not so when the choice was made.
fn just_freed(account: &AccountEntry) -> Candidate {
    let reason = "it could be used again only after the choice".to_owned();
    because(account, Exclusion::LessPreferred, reason)
}

fn because(account: &AccountEntry, excluded: Exclusion, mut reason: String) -> Candidate {
    reason.truncate(reason.floor_char_boundary(REASON_BYTES));
    Candidate {
        reason: Some(reason).filter(|reason| !reason.is_empty()),
        ..Candidate::new(account.id, Arc::clone(&account.name), Some(excluded))
    }
}
