//! An account's slots: one atomic word that says how many are taken and how many may be, and behind it what
//! bounds that number, a ramp and an allotment.
//!
//! An account that serves again ramps up: one request, two, four. Where several replicas share an account,
//! each has an allotment: so many of its slots are this replica's. The lower of the two is in the word.
//!
//! Promises: a slot is taken in one step that sees the bound, so no interleaving of takers, ramps and
//! allotments goes beyond what was allowed at that instant; when an allotment has been lowered, nobody
//! takes by the old one any more. Must not know: whose slots they are, or who allots them.

use std::sync::{
    Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, AtomicU64, Ordering},
};

/// Beyond this many requests at once an account is no longer held back. Where its limit is lower, a
/// ramp that goes on has no effect.
const RAMP_ENDS_AT: u32 = 1024;

/// The taken ones in the low half; in the high half one more than the bound, 0 where there is none.
#[derive(Debug, Default)]
pub(super) struct Places(AtomicU64);

/// What makes the bound of [`Places`]. Changed under its lock, so that the word follows in the same order.
#[derive(Debug, Default)]
pub(super) struct Bounds {
    /// Whether there is a ramp; read without the lock, at every success.
    is_ramping: AtomicBool,
    made_of: Mutex<MadeOf>,
}

#[derive(Debug, Default, Clone, Copy)]
struct MadeOf {
    ramp: Option<u32>,
    allotment: Option<u32>,
}

impl MadeOf {
    fn bound(self) -> Option<u32> {
        [self.ramp, self.allotment].into_iter().flatten().min()
    }
}

fn taken(word: u64) -> u32 {
    (word & u64::from(u32::MAX)) as u32
}

/// `u32::MAX` where there is no bound.
fn bound(word: u64) -> u32 {
    ((word >> 32) as u32).wrapping_sub(1)
}

fn word(taken: u32, bound: Option<u32>) -> u64 {
    // The largest bound would read as none, which is as much.
    u64::from(bound.map_or(0, |bound| bound.wrapping_add(1))) << 32 | u64::from(taken)
}

fn has_room(word: u64, limit: Option<u32>) -> bool {
    taken(word) < limit.unwrap_or(u32::MAX).min(bound(word))
}

impl Places {
    pub(super) fn taken(&self) -> u32 {
        taken(self.0.load(Ordering::Relaxed))
    }

    /// What ramp and allotment allow, where there is one of them.
    #[cfg(test)]
    fn bound(&self) -> Option<u32> {
        Some(bound(self.0.load(Ordering::Relaxed))).filter(|bound| *bound < u32::MAX)
    }

    /// How many are taken, and the lower of `limit` and the bound.
    pub(super) fn load(&self, limit: Option<u32>) -> (u32, Option<u32>) {
        let word = self.0.load(Ordering::Relaxed);
        let most = limit.unwrap_or(u32::MAX).min(bound(word));
        (taken(word), Some(most).filter(|most| *most < u32::MAX))
    }

    pub(super) fn has_one(&self, limit: Option<u32>) -> bool {
        has_room(self.0.load(Ordering::Relaxed), limit)
    }

    /// Takes one unless `limit`, or what the bound allows, are taken.
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

    /// Changes what the bound is made of, told how many are taken. Returns that number as it was when
    /// the bound was changed: whoever takes later does so by the new one.
    fn change(&self, made_of: &mut MadeOf, to: impl Fn(u32) -> MadeOf) -> u32 {
        let changed = |old| word(taken(old), to(taken(old)).bound());
        let old = self
            .0
            .fetch_update(Ordering::AcqRel, Ordering::Relaxed, |old| {
                Some(changed(old))
            })
            .unwrap_or_else(|old| old);
        *made_of = to(taken(old));
        taken(old)
    }
}

impl Bounds {
    /// Whether it ramps up. One relaxed load.
    pub(super) fn is_ramping(&self) -> bool {
        self.is_ramping.load(Ordering::Relaxed)
    }

    /// What the ramp allows, while there is one.
    pub(super) fn ramp(&self) -> Option<u32> {
        self.lock().ramp
    }

    /// How many slots are this replica's; `None`: all.
    pub(super) fn allotment(&self) -> Option<u32> {
        self.lock().allotment
    }

    /// One more than are in flight: those were served, or were there before it was stopped.
    pub(super) fn start_ramp(&self, places: &Places) {
        let mut made_of = self.lock();
        let old = *made_of;
        places.change(&mut made_of, |taken| MadeOf {
            ramp: Some(taken.saturating_add(1)),
            ..old
        });
        self.is_ramping.store(true, Ordering::Relaxed);
    }

    /// No ramp.
    pub(super) fn end_ramp(&self, places: &Places) {
        let mut made_of = self.lock();
        let old = *made_of;
        places.change(&mut made_of, |_| MadeOf { ramp: None, ..old });
        self.is_ramping.store(false, Ordering::Relaxed);
    }

    /// Twice as many as before. Returns whether there was a ramp.
    pub(super) fn ramp_up(&self, places: &Places) -> bool {
        if !self.is_ramping() {
            return false;
        }
        let mut made_of = self.lock();
        let old = *made_of;
        let doubled = old.ramp.map(|ramp| ramp.saturating_mul(2));
        let ramp = doubled.filter(|ramp| *ramp < RAMP_ENDS_AT);
        places.change(&mut made_of, |_| MadeOf { ramp, ..old });
        self.is_ramping.store(ramp.is_some(), Ordering::Relaxed);
        old.ramp.is_some()
    }

    /// So many slots are this replica's from now on; `None`: all. Returns how many were taken when it
    /// took effect, and what was allotted before.
    pub(super) fn allot(&self, places: &Places, allotment: Option<u32>) -> (u32, Option<u32>) {
        let mut made_of = self.lock();
        let old = *made_of;
        let taken = places.change(&mut made_of, |_| MadeOf { allotment, ..old });
        (taken, old.allotment)
    }

    fn lock(&self) -> MutexGuard<'_, MadeOf> {
        self.made_of.lock().unwrap_or_else(PoisonError::into_inner)
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
        Allot(Option<u32>),
    }

    fn steps() -> impl Strategy<Value = Vec<Step>> {
        let step = prop_oneof![
            4 => proptest::option::of(0..6u32).prop_map(Step::Take),
            3 => Just(Step::GiveBack),
            1 => Just(Step::StartRamp),
            1 => Just(Step::RampUp),
            1 => Just(Step::EndRamp),
            1 => proptest::option::of(0..6u32).prop_map(Step::Allot),
        ];
        proptest::collection::vec(step, 0..80)
    }

    proptest! {
        #[test]
        fn a_slot_is_taken_exactly_while_limit_ramp_and_allotment_leave_one(steps in steps()) {
            let (places, bounds) = (Places::default(), Bounds::default());
            let (mut taken, mut ramp, mut allotment) = (0u32, None::<u32>, None::<u32>);
            for step in steps {
                match step {
                    Step::Take(limit) => {
                        let fits = [limit, ramp, allotment].into_iter().flatten().all(|most| taken < most);
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
                        bounds.start_ramp(&places);
                        ramp = Some(taken + 1);
                    }
                    Step::RampUp => {
                        prop_assert_eq!(bounds.ramp_up(&places), ramp.is_some());
                        ramp = ramp.map(|ramp| ramp * 2).filter(|ramp| *ramp < RAMP_ENDS_AT);
                    }
                    Step::EndRamp => {
                        bounds.end_ramp(&places);
                        ramp = None;
                    }
                    Step::Allot(to) => {
                        prop_assert_eq!(bounds.allot(&places, to), (taken, allotment));
                        allotment = to;
                    }
                }
                prop_assert_eq!(places.taken(), taken);
                prop_assert_eq!((bounds.ramp(), bounds.allotment()), (ramp, allotment));
                prop_assert_eq!(bounds.is_ramping(), ramp.is_some());
                prop_assert_eq!(places.bound(), [ramp, allotment].into_iter().flatten().min());
            }
        }
    }
}
