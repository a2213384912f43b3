//! The way to a provider: what several accounts share to reach it, a proxy and a host.
//!
//! Promises: reading one is two relaxed loads. A failing way is not excluded, only tried last, and once
//! each time its deadline passes. Must not know: what makes a way fail; whoever judges failures says so.

use std::sync::{
    Arc,
    atomic::{AtomicBool, AtomicI64, Ordering},
};

use waybill_model::time::UnixMillis;

use crate::egress::Proxy;

/// Stands for "nothing is held against it".
const WORKS: i64 = i64::MIN;

/// While one request finds out whether a way works again, the others go round it, at most this long: a
/// request that ends undecided says nothing.
const TRIAL_MS: i64 = 10_000;

/// What two accounts must have in common to share a way.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WayKey {
    /// The proxy, if there is one.
    pub proxy: Option<Arc<Proxy>>,
    /// The provider's host and port.
    pub host: Arc<str>,
}

/// A way, and whether it is failing. One per key, shared over snapshots.
#[derive(Debug)]
pub struct Way {
    key: WayKey,
    failing_since: AtomicI64,
    failing_until: AtomicI64,
    watched: AtomicBool,
    /// Until when accounts that are elsewhere, too, are asked there.
    rests_until: AtomicI64,
}

/// Since when a way is failing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FailingWay {
    /// Since when.
    pub since: UnixMillis,
    /// When it is tried in its turn again.
    pub until: UnixMillis,
}

impl Way {
    /// A way that works.
    pub fn new(key: WayKey) -> Way {
        Way {
            key,
            failing_since: AtomicI64::new(WORKS),
            failing_until: AtomicI64::new(WORKS),
            watched: AtomicBool::new(false),
            rests_until: AtomicI64::new(WORKS),
        }
    }

    /// What it is.
    pub fn key(&self) -> &WayKey {
        &self.key
    }

    /// Whether its accounts come last at `now`.
    pub fn is_failing(&self, now: UnixMillis) -> bool {
        self.failing_until.load(Ordering::Relaxed) > now.0
    }

    /// What is held against it, also after the deadline, until it works again.
    pub fn failing(&self) -> Option<FailingWay> {
        let until = self.failing_until.load(Ordering::Relaxed);
        (until != WORKS).then(|| FailingWay {
            since: UnixMillis(self.failing_since.load(Ordering::Relaxed)),
            until: UnixMillis(until),
        })
    }

    /// It fails: its accounts come last until the deadline.
    pub fn fails(&self, failing: FailingWay) {
        self.failing_since.store(failing.since.0, Ordering::Relaxed);
        self.failing_until.store(failing.until.0, Ordering::Relaxed);
    }

    /// It works: nothing is held against it.
    pub fn works(&self) {
        if self.failing_until.load(Ordering::Relaxed) != WORKS {
            self.failing_until.store(WORKS, Ordering::Relaxed);
        }
    }

    /// Its provider did not answer here: accounts with another address are asked there until then.
    pub fn rest(&self, until: UnixMillis) {
        self.rests_until.store(until.0, Ordering::Relaxed);
    }

    /// Whether accounts with another address are asked there.
    pub fn rests(&self, now: UnixMillis) -> bool {
        self.rests_until.load(Ordering::Relaxed) > now.0
    }

    /// Whether failures on it are remembered, so that its next success has to be told to whoever
    /// judges failures.
    pub fn is_watched(&self) -> bool {
        self.watched.load(Ordering::Relaxed)
    }

    /// Failures on it are remembered, or no longer.
    pub fn watch(&self, watched: bool) {
        self.watched.store(watched, Ordering::Relaxed);
    }

    /// A request takes it. The first one after the deadline is the trial; the others go round it.
    pub(super) fn taken(&self, now: UnixMillis) {
        let until = self.failing_until.load(Ordering::Relaxed);
        if until != WORKS && until <= now.0 {
            // Losing the exchange means that another request is the trial, or that it is decided.
            let _ = self.failing_until.compare_exchange(
                until,
                now.plus_ms(TRIAL_MS).0,
                Ordering::Relaxed,
                Ordering::Relaxed,
            );
        }
    }
}

impl std::fmt::Display for WayKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.proxy {
            Some(proxy) => write!(f, "{} through {proxy}", self.host),
            None => f.write_str(&self.host),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_way_gets_one_trial_each_time_its_deadline_passes() {
        let way = Way::new(WayKey {
            proxy: None,
            host: "a:1".into(),
        });
        assert!(!way.is_failing(UnixMillis(0)) && way.failing().is_none());
        way.fails(FailingWay {
            since: UnixMillis(0),
            until: UnixMillis(1000),
        });
        assert!(way.is_failing(UnixMillis(999)) && !way.is_failing(UnixMillis(1000)));
        way.taken(UnixMillis(999));
        assert!(
            !way.is_failing(UnixMillis(1000)),
            "taken before its deadline is no trial"
        );
        way.taken(UnixMillis(1000));
        assert!(way.is_failing(UnixMillis(1001)), "one is finding out");
        assert!(
            !way.is_failing(UnixMillis(1000 + TRIAL_MS)),
            "nobody found out"
        );
        way.works();
        assert!(!way.is_failing(UnixMillis(1001)) && way.failing().is_none());
    }
}
