//! What is counted of the exchange with other replicas.

use std::sync::atomic::{AtomicU64, Ordering};

/// A number that only grows.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    /// So many more.
    pub fn add(&self, n: u64) {
        self.0.fetch_add(n, Ordering::Relaxed);
    }

    /// Since the start.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// Since the start.
#[derive(Debug, Default)]
pub struct Counts {
    /// Connections to Redis that were lost.
    pub losses: Count,
    /// Messages that nobody read in time.
    pub messages_lost: Count,
    /// Exchanges of slots that were answered.
    pub exchanges: Count,
    /// Exchanges of slots that were not.
    pub exchanges_failed: Count,
    /// Times that an account went over to this replica's own view, because Redis was away too long.
    pub own_views: Count,
    /// Exchanges of what was used.
    pub usage_exchanges: Count,
    /// Changes of accounts' states told to others.
    pub events_published: Count,
    /// Those heard of for the first time.
    pub events_received: Count,
    /// Of these, those that belonged before one that was known.
    pub events_late: Count,
    /// Those that came too late to be placed.
    pub events_too_late: Count,
    /// Those of accounts that are not here.
    pub events_unknown: Count,
    /// Own ones that nobody was told, because too many waited.
    pub events_dropped: Count,
    /// Accounts found in another state than on another replica for longer than messages take.
    pub drifts: Count,
}
