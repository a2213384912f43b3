//! How fast an account answers: a moving average of the time to an answer's head.
//!
//! Promises: lock-free; an average that is known is never 0. Must not know: which account it is of.

use std::sync::atomic::{AtomicU32, Ordering};

/// The newest answer's share in the average: one in so many.
const WEIGHT: i64 = 8;

/// Parts of a millisecond that averages are kept in, so that a small difference is not rounded away.
const PARTS: u32 = 16;

/// An account is slow that takes more than twice as long as the fastest, and so much more.
const BEARABLE_MS: u32 = 50;

/// The average, in [`PARTS`]; 0 is unknown.
#[derive(Debug, Default)]
pub(super) struct Latency(AtomicU32);

impl Latency {
    /// The average, in parts of a millisecond; `None` before the first answer.
    #[inline]
    pub(super) fn get(&self) -> Option<u32> {
        Some(self.0.load(Ordering::Relaxed)).filter(|latency| *latency > 0)
    }

    /// The average in milliseconds.
    pub(super) fn ms(&self) -> Option<u32> {
        self.get().map(|latency| latency / PARTS)
    }

    /// Notes an answer.
    pub(super) fn took_ms(&self, ms: u32) {
        let took = i64::from(ms.saturating_mul(PARTS).max(1));
        let average = |old: u32| {
            let old = i64::from(old);
            let new = if old == 0 {
                took
            } else {
                old + (took - old) / WEIGHT
            };
            Some(u32::try_from(new.max(1)).unwrap_or(u32::MAX))
        };
        // It never refuses.
        let _ = self
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, average);
    }
}

/// The latency beyond which an account is slow, where that of the fastest is `fastest`; in parts of a
/// millisecond, both.
pub(super) fn bearable(fastest: u32) -> u32 {
    fastest
        .saturating_mul(2)
        .saturating_add(BEARABLE_MS * PARTS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_average_follows_what_it_is_told_and_stays_known() {
        let latency = Latency::default();
        assert_eq!(latency.ms(), None);
        latency.took_ms(800);
        assert_eq!(latency.ms(), Some(800));
        latency.took_ms(0);
        assert_eq!(latency.ms(), Some(700));
        for _ in 0..200 {
            latency.took_ms(0);
        }
        assert_eq!(latency.ms(), Some(0));
        assert!(latency.get().is_some());
    }
}
