//! An account's slots in one atomic word: how many are taken, and how many may be while it ramps up.
//!
//! Promises: a slot is taken in one step that sees both, so no interleaving of takers and ramps goes
//! beyond what was allowed at that instant. Must not know: whose slots they are.

use std::sync::atomic::{AtomicU64, Ordering};

/// Beyond this many requests at once an account is no longer held back. Where its limit is lower, a
/// ramp that goes on has no effect.
const RAMP_ENDS_AT: u32 = 1024;

/// The taken ones in the low half, what a ramp allows in the high half; 0 there is no ramp.
#[derive(Debug, Default)]
pub(super) struct Places(AtomicU64);

fn taken(word: u64) -> u32 {
    (word & u64::from(u32::MAX)) as u32
}

fn ramp(word: u64) -> Option<u32> {
    Some((word >> 32) as u32).filter(|ramp| *ramp > 0)
}

fn word(taken: u32, ramp: Option<u32>) -> u64 {
    u64::from(ramp.unwrap_or(0)) << 32 | u64::from(taken)
}

fn has_room(word: u64, limit: Option<u32>) -> bool {
    let most = limit
        .unwrap_or(u32::MAX)
        .min(ramp(word).unwrap_or(u32::MAX));
    taken(word) < most
}

impl Places {
    pub(super) fn taken(&self) -> u32 {
        taken(self.0.load(Ordering::Relaxed))
    }

    /// What the ramp allows, while there is one.
    pub(super) fn ramp(&self) -> Option<u32> {
        ramp(self.0.load(Ordering::Relaxed))
    }

    pub(super) fn has_one(&self, limit: Option<u32>) -> bool {
        has_room(self.0.load(Ordering::Relaxed), limit)
    }

    /// Takes one unless `limit`, or what the ramp allows, are taken.
    pub(super) fn take(&self, limit: Option<u32>) -> bool {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |word| {
                has_room(word, limit).then_some(word + 1)
            })
            .is_ok()
    }

    /// Gives back one that was taken.
    pub(super) fn give_back(&self) {
        self.0.fetch_sub(1, Ordering::AcqRel);
    }

    /// One more than are in flight: those were served, or were there before it was stopped.
    pub(super) fn start_ramp(&self) {
        self.set_ramp(|taken, _| Some(taken.saturating_add(1)));
    }

    /// No ramp.
    pub(super) fn end_ramp(&self) {
        self.set_ramp(|_, _| None);
    }

    /// Twice as many as before. Returns whether there was a ramp.
    pub(super) fn ramp_up(&self) -> bool {
        self.ramp().is_some()
            && self.set_ramp(|_, ramp| {
                ramp.map(|ramp| ramp.saturating_mul(2))
                    .filter(|ramp| *ramp < RAMP_ENDS_AT)
            })
    }

    fn set_ramp(&self, change: impl Fn(u32, Option<u32>) -> Option<u32>) -> bool {
        self.0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |old| {
                Some(word(taken(old), change(taken(old), ramp(old))))
            })
            .is_ok_and(|old| ramp(old).is_some())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone, Copy)]
    enum Step {
        Take(Option<u32>),
        GiveBack,
        StartRamp,
        RampUp,
        EndRamp,
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => proptest::option::of(0..6u32).prop_map(Step::Take),
            3 => Just(Step::GiveBack),
            1 => Just(Step::StartRamp),
            1 => Just(Step::RampUp),
            1 => Just(Step::EndRamp),
        ];
        proptest::collection::vec(step, 0..60)
    }

    proptest! {
        #[test]
        fn a_slot_is_taken_exactly_while_limit_and_ramp_leave_one(steps in steps()) {
            let places = Places::default();
            let (mut taken, mut ramp) = (0u32, None::<u32>);
            for step in steps {
                match step {
                    Step::Take(limit) => {
                        let fits = limit.is_none_or(|limit| taken < limit)
                            && ramp.is_none_or(|ramp| taken < ramp);
                        prop_assert_eq!(places.has_one(limit), fits);
                        prop_assert_eq!(places.take(limit), fits);
                        taken += u32::from(fits);
                    }
                    Step::GiveBack if taken > 0 => {
                        places.give_back();
                        taken -= 1;
                    }
                    Step::GiveBack => {}
                    Step::StartRamp => {
                        places.start_ramp();
                        ramp = Some(taken + 1);
                    }
                    Step::RampUp => {
                        prop_assert_eq!(places.ramp_up(), ramp.is_some());
                        ramp = ramp.map(|ramp| ramp * 2).filter(|ramp| *ramp < RAMP_ENDS_AT);
                    }
                    Step::EndRamp => {
                        places.end_ramp();
                        ramp = None;
                    }
                }
                prop_assert_eq!((places.taken(), places.ramp()), (taken, ramp));
            }
        }
    }
}
