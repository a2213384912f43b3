//! What if the scheduler had other rules: recorded requests, sent once more over simulated accounts.
//!
//! In: what is on record ([`Past`]) and what is to be tried ([`Policy`]). Out: the record, the present rules and
//! the changed rules beside one another ([`WhatIf`](waybill_model::whatif::WhatIf)).
//!
//! How: the parts that serve requests serve them here, too, on a clock that jumps from event to event: plans,
//! slots, quotas, the course of a request and its decision, the effects of failures, back-off, recovery. What is
//! not known is what an account would have answered when it was not asked; [`answers`] says how that is
//! estimated. What only chance or load decides is decided as on record ([`Kept`](crate::routing::Kept)), so that
//! a difference is that of the rules.
//!
//! Promises: the same record and policy give the same answer; nothing of the running gateway is touched; both
//! simulations are bounded in time. Must not know: HTTP.
//!
//! Reading order: [`policy`] is asked for, [`read`] takes the record out of the store, [`past`] makes a trace of
//! it, [`world`] the accounts, [`run`] drives the one through the other, [`tally`] counts.

mod answers;
mod past;
mod policy;
mod read;
mod run;
mod tally;
#[cfg(test)]
mod tests;
mod world;

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Instant,
};

use tokio::sync::Semaphore;
use tracing::subscriber::{NoSubscriber, with_default};
use waybill_model::{
    id::AccountId,
    whatif::{Difference, Reproduced, WhatIf},
};

pub use past::{Fault, Past, Scope, Spell};
pub use policy::{BadPolicy, OtherPriority, Policy};
pub use read::{Bounds, Rows, read};
pub use world::{Rules, Setting};

use self::{
    answers::Answers,
    run::{End, Run},
    tally::Tally,
};

/// Who may do what keeps a processor busy on this replica: one at a time.
#[derive(Debug, Clone)]
pub struct Desk(Arc<Semaphore>);

impl Default for Desk {
    fn default() -> Self {
        Desk(Arc::new(Semaphore::new(1)))
    }
}

/// The right to.
pub type Seat = tokio::sync::OwnedSemaphorePermit;

impl Desk {
    /// A seat; `None`: it is taken.
    pub fn seat(&self) -> Option<Seat> {
        Arc::clone(&self.0).try_acquire_owned().ok()
    }
}

/// When to stop although it is not finished.
#[derive(Debug, Clone)]
pub struct Patience {
    /// Not beyond this instant.
    pub until: Instant,
    /// Nobody waits for the answer any more.
    pub is_abandoned: Arc<AtomicBool>,
}

/// It took too long, or nobody waits for it any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stopped;

impl Patience {
    fn check(&self) -> Result<(), Stopped> {
        if self.is_abandoned.load(Ordering::Relaxed) || Instant::now() >= self.until {
            return Err(Stopped);
        }
        Ok(())
    }
}

/// Simulates the present rules and the changed ones. Blocks; says nothing in the log.
pub fn simulate(
    setting: &Setting,
    past: &Past,
    policy: &Policy,
    patience: &Patience,
) -> Result<WhatIf, Stopped> {
    with_default(NoSubscriber::new(), || {
        both(setting, past, policy, patience)
    })
}

fn both(
    setting: &Setting,
    past: &Past,
    policy: &Policy,
    patience: &Patience,
) -> Result<WhatIf, Stopped> {
    patience.check()?;
    let answers = Answers::of(past);
    let playable = Run::playable(setting, past);
    let present = Policy::default();
    let as_it_is = Run::new(setting, past, &answers, &playable, &present).play(patience)?;
    let as_changed = Run::new(setting, past, &answers, &playable, policy).play(patience)?;
    let recorded = Tally::recorded(past, &playable);
    let name = |account: AccountId| setting.name(account);
    let (recorded, present, changed) = (
        recorded.outcome(&name),
        as_it_is.tally.outcome(&name),
        as_changed.tally.outcome(&name),
    );
    let replayed = playable.iter().filter(|playable| **playable).count() as u64;
    let in_scope = past.in_scope();
    let answer = WhatIf {
        start_time: past.start,
        end_time: past.end,
        is_cut: past.is_cut,
        requests: recorded.served + recorded.failed,
        left_out: past.left_out + in_scope - (recorded.served + recorded.failed),
        replayed,
        change: policy.in_words(&name),
        difference: Difference::between(&present, &changed),
        reproduced: reproduced(past, &as_it_is.ends),
        recorded,
        present,
        changed,
        notes: Vec::new(),
        summary: String::new(),
    };
    Ok(answer.told())
}

/// How well a simulation matches the record.
fn reproduced(past: &Past, ends: &[Option<End>]) -> Reproduced {
    let mut found = Reproduced::default();
    let mut all = 0_u64;
    let of_scope = past
        .spells
        .iter()
        .zip(ends)
        .filter(|(spell, _)| spell.in_scope);
    for (spell, end) in of_scope {
        let Some(end) = end else { continue };
        all += 1;
        found.same_fate += u64::from(end.served == spell.served);
        found.same_account += u64::from(end.account == spell.account);
        found.same_attempts += u64::from(end.attempts == spell.attempts());
    }
    let share = |count: u64| {
        if all == 0 {
            0.0
        } else {
            count as f64 / all as f64
        }
    };
    Reproduced {
        fate_share: share(found.same_fate),
        account_share: share(found.same_account),
        ..found
    }
}
