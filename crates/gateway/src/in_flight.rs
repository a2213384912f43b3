//! Requests that are being served: how many, and how long the oldest has been.
//!
//! Beginnings are counted by the second in a ring, so that the oldest is known without a lock and without a list of
//! requests: an atomic add at each end of a request's way, and a scan when somebody asks. A request older than the
//! ring is long (over two hours) shows as a younger one.

use std::{
    sync::atomic::{AtomicU32, AtomicUsize, Ordering},
    time::Duration,
};

use tokio::time::Instant;

/// Seconds of beginnings that are kept apart.
const SECONDS: usize = 8_192;

/// Counts requests in flight.
#[derive(Debug)]
pub struct InFlight {
    count: AtomicUsize,
    /// When this began to count: what the seconds of beginnings are reckoned from.
    since: Instant,
    /// How many that are in flight began in each second.
    begun: Box<[AtomicU32]>,
}

impl Default for InFlight {
    fn default() -> Self {
        InFlight {
            count: AtomicUsize::new(0),
            since: Instant::now(),
            begun: (0..SECONDS).map(|_| AtomicU32::new(0)).collect(),
        }
    }
}

impl InFlight {
    /// One more, which began at `started`.
    pub fn enter(&self, started: Instant) {
        self.count.fetch_add(1, Ordering::Relaxed);
        self.in_second(self.second(started))
            .fetch_add(1, Ordering::Relaxed);
    }

    /// One less: the one which began at `started`.
    pub fn leave(&self, started: Instant) {
        self.count.fetch_sub(1, Ordering::Relaxed);
        self.in_second(self.second(started))
            .fetch_sub(1, Ordering::Relaxed);
    }

    /// Now.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    /// How long ago the oldest began, to the second; nothing where none is in flight.
    pub fn oldest(&self, now: Instant) -> Duration {
        let second = self.second(now);
        let ages = 0..SECONDS.min(second + 1);
        let oldest = ages
            .rev()
            .find(|age| self.in_second(second - age).load(Ordering::Relaxed) > 0);
        Duration::from_secs(oldest.unwrap_or(0).try_into().unwrap_or(u64::MAX))
    }

    fn second(&self, at: Instant) -> usize {
        let since = at.saturating_duration_since(self.since);
        usize::try_from(since.as_secs()).unwrap_or(usize::MAX)
    }

    fn in_second(&self, second: usize) -> &AtomicU32 {
        &self.begun[second % SECONDS]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_is_the_one_that_began_first_and_is_still_there() {
        let requests = InFlight::default();
        let at = |seconds| requests.since + Duration::from_secs(seconds);
        assert_eq!(requests.oldest(at(50)), Duration::ZERO, "nobody is there");
        requests.enter(at(10));
        requests.enter(at(10));
        requests.enter(at(40));
        assert_eq!(requests.oldest(at(50)), Duration::from_secs(40));
        requests.leave(at(10));
        assert_eq!(requests.oldest(at(50)), Duration::from_secs(40));
        requests.leave(at(10));
        assert_eq!(requests.oldest(at(50)), Duration::from_secs(10));
        assert_eq!(requests.count(), 1);
        requests.leave(at(40));
        assert_eq!(requests.oldest(at(50)), Duration::ZERO);
    }

    #[test]
    fn the_ring_goes_round() {
        let requests = InFlight::default();
        let at = |seconds| requests.since + Duration::from_secs(seconds);
        let late = SECONDS as u64 * 3;
        requests.enter(at(late - 7));
        assert_eq!(requests.oldest(at(late)), Duration::from_secs(7));
        assert_eq!(requests.oldest(at(late + 600)), Duration::from_secs(607));
        requests.leave(at(late - 7));
        assert_eq!(requests.oldest(at(late + 600)), Duration::ZERO);
    }
}
