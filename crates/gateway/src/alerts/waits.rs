//! For how long rules wait for what they look at.
//!
//! Promises: pure but for what it remembers; however many minutes wait, they do so together, and not one after the
//! other. Must not know: what is waited for.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use waybill_model::{rollup::Span, time::UnixMillis};

/// So long a minute waits at most. Then it is judged by what there is.
const AT_MOST_MS: i64 = 10 * Span::Minute.millis();

/// What is waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum For {
    /// Records that are not in the store yet.
    Records,
    /// Requests that are stored and not rolled up yet.
    RollUps,
    /// An answer of the store.
    Answer,
}

/// Since when it has been waited, without a run in which it was not.
#[derive(Debug, Default)]
pub struct Waits(Mutex<BTreeMap<For, UnixMillis>>);

impl Waits {
    /// Whether a minute may wait for something. One that is long over when the waiting begins waits as long as one that
    /// is over just now: the database was away for an hour, and what was recorded meanwhile is on its way.
    pub(super) fn may(&self, what: For, minute: UnixMillis, now: UnixMillis) -> bool {
        let since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let since = since.get(&what).copied().unwrap_or(now).min(now);
        now.0.saturating_sub(minute.max(since).0) < AT_MOST_MS
    }

    /// Notes what a run waited for.
    pub(super) fn note(&self, waited: impl Iterator<Item = For>, now: UnixMillis) {
        let mut since = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let before = std::mem::take(&mut *since);
        for what in waited {
            let begun = before.get(&what).copied().unwrap_or(now).min(now);
            since.insert(what, begun);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(number: i64) -> UnixMillis {
        UnixMillis(number * Span::Minute.millis())
    }

    #[test]
    fn minutes_wait_together_and_for_ten_minutes_at_most() {
        let waits = Waits::default();
        let may = |what, of, now| waits.may(what, minute(of), minute(now));
        // The store was away for an hour.
        assert!(may(For::Records, 100, 160));
        waits.note([For::Records].into_iter(), minute(160));
        assert!(may(For::Records, 100, 169));
        assert!(!may(For::Records, 100, 170));
        assert!(!may(For::Records, 159, 170));
        // What came since waits for ten minutes, too.
        assert!(may(For::Records, 161, 170));
        assert!(!may(For::Records, 161, 171));
        // For something else it has not been waited yet.
        assert!(may(For::RollUps, 100, 170));
        waits.note([For::Records, For::RollUps].into_iter(), minute(170));
        assert!(!may(For::Records, 100, 170));
        // It came, and is waited for anew.
        waits.note([For::RollUps].into_iter(), minute(175));
        assert!(may(For::Records, 100, 175));
        assert!(may(For::RollUps, 100, 179));
        assert!(!may(For::RollUps, 100, 180));
        // A clock that was ahead.
        assert!(may(For::RollUps, 100, 120));
    }
}
