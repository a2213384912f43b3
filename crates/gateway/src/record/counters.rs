//! What waits for the recorder, what went by and what was lost on the way.
//!
//! Promises: every loss is counted; a flood of losses is no flood of lines in the log. Must not know:
//! what is counted.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::sync::watch;
use waybill_store::LossReason;

/// Least time between two lines in the log about lost records.
const SAY_EVERY: Duration = Duration::from_secs(1);

/// What is in the queues and what went by.
#[derive(Debug, Default)]
pub struct Counters {
    pub(super) waiting: AtomicUsize,
    pub(super) waiting_bytes: AtomicUsize,
    pub(super) released_early: AtomicU64,
    pub(super) noise_uncounted: AtomicU64,
    /// Finished requests that were neither kept nor counted.
    pub(super) untold: AtomicU64,
    pub(super) without_body: AtomicU64,
    pub(super) account_events: AtomicU64,
    pub(super) account_events_lost: AtomicU64,
    pub(super) usage_lost: AtomicU64,
    pub(super) ended: AtomicBool,
    /// Changes with every commit that has failures in it.
    pub(super) failures_written: watch::Sender<()>,
    records_said: Said,
    account_events_said: Said,
    usage_said: Said,
}

/// Losses since the last line in the log about them, and when that was written.
#[derive(Debug, Default)]
struct Said {
    unsaid: AtomicU64,
    last: Mutex<Option<Instant>>,
}

impl Said {
    /// How many to log now, `lost` more included: at most once a second, for a flood of losses must not
    /// become a flood of lines.
    fn add(&self, lost: u64) -> Option<u64> {
        let unsaid = self.unsaid.fetch_add(lost, Ordering::Relaxed) + lost;
        let mut last = self.last.try_lock().ok()?;
        if last.is_some_and(|last| last.elapsed() < SAY_EVERY) {
            return None;
        }
        *last = Some(Instant::now());
        self.unsaid.fetch_sub(unsaid, Ordering::Relaxed);
        Some(unsaid)
    }
}

impl Counters {
    /// Marks the recorder as ended when it is dropped, however the recorder ended.
    pub(super) fn running(self: &Arc<Self>) -> Running {
        Running(Arc::clone(self))
    }

    pub(super) fn lose_record(&self, reason: LossReason) {
        if let Some(lost) = self.records_said.add(1) {
            tracing::error!(
                lost,
                reason = reason.as_str(),
                "records were lost before the store, and counted"
            );
        }
    }

    pub(super) fn lose_account_events(&self, count: u64) {
        self.account_events_lost.fetch_add(count, Ordering::Relaxed);
        if let Some(lost) = self.account_events_said.add(count) {
            tracing::error!(
                lost,
                "changes of accounts' states were not written, and counted"
            );
        }
    }

    pub(super) fn lose_usage(&self) {
        self.usage_lost.fetch_add(1, Ordering::Relaxed);
        if let Some(requests) = self.usage_said.add(1) {
            tracing::error!(requests, "what requests used was not written, and counted");
        }
    }
}

/// The recorder runs as long as this lives.
pub struct Running(Arc<Counters>);

impl Drop for Running {
    fn drop(&mut self) {
        self.0.ended.store(true, Ordering::Release);
    }
}
