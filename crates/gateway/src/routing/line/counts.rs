//! What became of the requests that waited.

use std::{
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use tokio::time::Instant;
use waybill_model::id::GroupId;

/// The line in numbers. At rest, `joined` is `served + timed_out + left + given_up + waiting`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LineCounts {
    /// Requests that wait now.
    pub waiting: usize,
    /// The same by group, by id; a group for which nobody waits is not among them.
    pub groups: Vec<(GroupId, u32)>,
    /// How long the one that waits longest has waited so far, in milliseconds.
    pub longest_wait_ms: u64,
    /// Requests that began to wait, since the start.
    pub joined: u64,
    /// Of these, those that were given an account.
    pub served: u64,
    /// Those that waited as long as they may.
    pub timed_out: u64,
    /// Those whose client went away.
    pub left: u64,
    /// Those for which nothing could be free in time any more.
    pub given_up: u64,
    /// Requests that found the line full.
    pub refused: u64,
    /// Time waited by all that no longer wait, in milliseconds.
    pub waited_ms: u64,
}

/// What becomes of one request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Served,
    TimedOut,
    Left,
    GivenUp,
    Refused,
}

/// Counters since the start.
#[derive(Debug, Default)]
pub(super) struct Fates {
    joined: AtomicU64,
    served: AtomicU64,
    timed_out: AtomicU64,
    left: AtomicU64,
    given_up: AtomicU64,
    refused: AtomicU64,
    waited_ms: AtomicU64,
}

impl Fates {
    pub(super) fn join(&self) {
        self.joined.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self, fate: Fate, waited: Duration) {
        let counter = match fate {
            Fate::Served => &self.served,
            Fate::TimedOut => &self.timed_out,
            Fate::Left => &self.left,
            Fate::GivenUp => &self.given_up,
            Fate::Refused => &self.refused,
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.waited_ms.fetch_add(millis(waited), Ordering::Relaxed);
    }

    pub(super) fn counts(
        &self,
        waiting: usize,
        groups: Vec<(GroupId, u32)>,
        first: Option<Instant>,
    ) -> LineCounts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        LineCounts {
            waiting,
            groups,
            longest_wait_ms: first.map_or(0, |first| millis(first.elapsed())),
            joined: read(&self.joined),
            served: read(&self.served),
            timed_out: read(&self.timed_out),
            left: read(&self.left),
            given_up: read(&self.given_up),
            refused: read(&self.refused),
            waited_ms: read(&self.waited_ms),
        }
    }
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
