//! The choice: of the accounts of a lane, the one that serves a request best now.
//!
//! Promises: reads atomics, takes no lock, allocates nothing; looks at each account once, twice where
//! another account than before is the fastest. What it passes over, [`Plan::obstacle`] can name. Must not know: what
//! the explanation looks like.

use std::sync::atomic::Ordering;

use waybill_model::{id::AccountEventId, time::UnixMillis};

use super::{
    Plan,
    lane::{Served, Tier},
    latency::bearable,
    live::Readiness,
};

/// What keeps an account of the lane from being chosen now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Obstacle {
    /// This request has tried it.
    Tried,
    /// What is asked cannot be said to it.
    NoWords,
    /// A deadline runs.
    Blocked,
    /// Half open, and another request is finding out.
    Trying,
    /// What the provider is known to allow would be exceeded.
    Quota,
    /// Every slot is taken.
    NoSlot,
}

/// The best account, and how it is to be taken.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pick<'a> {
    pub served: &'a Served,
    /// The event behind the mark that is to be found out about.
    pub trial: Option<AccountEventId>,
    /// Its last turn, where that decided: who has the same account in mind is too late.
    pub turn: Option<u64>,
}

impl<'a> Pick<'a> {
    /// Whatever its last turn was.
    pub(super) fn any_turn(served: &'a Served, trial: Option<AccountEventId>) -> Self {
        Pick {
            served,
            trial,
            turn: None,
        }
    }
}

/// Which accounts a look through the tiers is for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pass {
    failing_ways: bool,
    trials: bool,
}

/// Accounts on a failing way come after all others.
const FIRST: &[Pass] = &[
    Pass {
        failing_ways: false,
        trials: true,
    },
    Pass {
        failing_ways: true,
        trials: true,
    },
];

/// A request that has failed once is not put at risk again while some account is known to be ready.
const AFTER_A_FAILURE: &[Pass] = &[
    Pass {
        failing_ways: false,
        trials: false,
    },
    Pass {
        failing_ways: false,
        trials: true,
    },
    Pass {
        failing_ways: true,
        trials: true,
    },
];

/// A ready account among those compared.
#[derive(Clone, Copy)]
struct Ready<'a> {
    served: &'a Served,
    in_flight: u32,
    limit: u32,
    is_slow: bool,
    turn: u64,
}

impl Ready<'_> {
    /// Less of its limit is in use, else it is not slow and the other is, else its turn is longer ago.
    #[inline]
    fn is_better_than(&self, other: &Self) -> bool {
        // Fractions are compared without rounding.
        let load = u64::from(self.in_flight) * u64::from(other.limit);
        let others = u64::from(other.in_flight) * u64::from(self.limit);
        (load, self.is_slow, self.turn) < (others, other.is_slow, other.turn)
    }
}

impl Plan {
    /// The best account that may be taken now.
    pub(super) fn best(&self, now: UnixMillis) -> Option<Pick<'_>> {
        let passes = if self.tried.is_empty() {
            FIRST
        } else {
            AFTER_A_FAILURE
        };
        passes.iter().find_map(|pass| {
            self.lane
                .tiers
                .iter()
                .find_map(|tier| match (&self.kept, self.sticky) {
                    (Some(kept), _) => self.kept_of(tier, kept, *pass, now),
                    (None, Some(key)) => self.own_of(tier, key, *pass, now),
                    (None, None) => self.least_of(tier, *pass, now),
                })
        })
    }

    /// What keeps an account of the lane from being chosen; `Ok` where nothing does, with the event of
    /// the mark to be found out about. Inlined, as are its parts, into the loop over all accounts: a call
    /// for each costs a third of the choice.
    #[inline(always)]
    pub(super) fn obstacle(
        &self,
        served: &Served,
        now: UnixMillis,
    ) -> Result<Option<AccountEventId>, Obstacle> {
        if !self.tried.is_empty() && self.tried.contains(&served.account.id) {
            return Err(Obstacle::Tried);
        }
        if !self.open.contains(served.tongue) {
            return Err(Obstacle::NoWords);
        }
        let model = served.upstream_model.as_deref();
        let trial = match served.live.readiness(model, served.asked, now) {
            Readiness::Ready => None,
            Readiness::HalfOpen(event) => Some(event),
            Readiness::Trying => return Err(Obstacle::Trying),
            Readiness::Blocked => return Err(Obstacle::Blocked),
        };
        let has_room = !served.has_quota
            || served
                .live
                .meter()
                .has_room(&served.account.quota, self.tokens, now)
                .is_ok();
        if !has_room {
            return Err(Obstacle::Quota);
        }
        if !served.live.has_slot(served.limit) {
            return Err(Obstacle::NoSlot);
        }
        Ok(trial)
    }

    #[inline(always)]
    pub(super) fn may_take(
        &self,
        served: &Served,
        pass: Pass,
        now: UnixMillis,
    ) -> Option<Option<AccountEventId>> {
        if served.way.is_failing(now) != pass.failing_ways {
            return None;
        }
        self.obstacle(served, now)
            .ok()
            .filter(|trial| trial.is_none() || pass.trials)
    }

    /// The account that the conversation belongs to: of those that may be taken the one whose hash with
    /// the conversation's key is largest. No table is kept, and every replica finds the same one; when it
    /// may not be taken, the whole conversation moves to the next.
    fn own_of<'a>(
        &self,
        tier: &'a Tier,
        key: u64,
        pass: Pass,
        now: UnixMillis,
    ) -> Option<Pick<'a>> {
        let mut best: Option<(u64, Pick<'a>)> = None;
        for served in &tier.served {
            let hash = mix(key ^ mix(served.account.id.0 as u64));
            if best.is_some_and(|(largest, _)| hash <= largest) {
                continue;
            }
            if let Some(trial) = self.may_take(served, pass, now) {
                best = Some((hash, Pick::any_turn(served, trial)));
            }
        }
        best.map(|(_, pick)| pick)
    }

    /// A half-open account, so that it is soon known whether it serves again; else the least loaded
    /// one, of these one that is not slow, of these the one whose last turn is longest ago.
    pub(super) fn least_of<'a>(
        &self,
        tier: &'a Tier,
        pass: Pass,
        now: UnixMillis,
    ) -> Option<Pick<'a>> {
        // Who is slow depends on the fastest, which is hardly ever another one than last time. Where it
        // is, the tier is looked through again: so the result is the same whatever was assumed.
        let assumed = tier.fastest.load(Ordering::Relaxed);
        let (pick, fastest) = self.least_by(tier, assumed, pass, now);
        if fastest == assumed {
            return pick;
        }
        tier.fastest.store(fastest, Ordering::Relaxed);
        self.least_by(tier, fastest, pass, now).0
    }

    /// The same, where `fastest` is the best latency; and what it really is.
    fn least_by<'a>(
        &self,
        tier: &'a Tier,
        fastest: u32,
        pass: Pass,
        now: UnixMillis,
    ) -> (Option<Pick<'a>>, u32) {
        let mut best: Option<Ready<'a>> = None;
        let mut half_open: Option<(u64, Pick<'a>)> = None;
        let mut seen = u32::MAX;
        let bearable = bearable(fastest);
        for served in &tier.served {
            let Some(trial) = self.may_take(served, pass, now) else {
                continue;
            };
            if trial.is_some() {
                let turn = served.live.turn();
                if half_open.is_none_or(|(oldest, _)| turn < oldest) {
                    half_open = Some((turn, Pick::any_turn(served, trial)));
                }
                continue;
            }
            let latency = served.live.latency();
            seen = seen.min(latency.unwrap_or(u32::MAX));
            let (in_flight, limit) = served.live.load(served.limit);
            let ready = Ready {
                served,
                in_flight,
                limit,
                is_slow: latency.is_some_and(|latency| latency > bearable)
                    && served.live.was_picked_lately(now),
                turn: served.live.turn(),
            };
            if best.is_none_or(|best| ready.is_better_than(&best)) {
                best = Some(ready);
            }
        }
        let of_ready = |best: Ready<'a>| Pick {
            served: best.served,
            trial: None,
            turn: Some(best.turn),
        };
        let pick = half_open.map(|(_, pick)| pick).or(best.map(of_ready));
        (pick, seen)
    }
}

/// Spreads every bit of `x` over the whole result (the finaliser of SplitMix64). Never to be changed:
/// conversations would lose their accounts.
fn mix(x: u64) -> u64 {
    let x = x.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}
