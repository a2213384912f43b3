//! What was used since it was last written, per consumer and window.
//!
//! Promises: as many entries as there were consumers, however many requests; a charge costs one look
//! into the table. Must not know: what a request uses, the store, what time it is.

use std::collections::HashMap;

use waybill_model::{
    limits::{Consumer, UsageCount, Used, Window},
    time::UnixMillis,
};

use crate::quota::Charge;

/// What is not yet written.
#[derive(Debug, Default)]
pub(super) struct UsageDeltas {
    consumers: HashMap<Consumer, Windows>,
}

/// One consumer's windows: those of the newest charge.
type Windows = [Delta; Window::ALL.len()];

#[derive(Debug, Clone, Copy)]
struct Delta {
    window: Window,
    started_at: UnixMillis,
    used: Used,
}

impl UsageDeltas {
    /// Adds a charge. A window before the newest that was charged is over: nobody asks for it.
    pub(super) fn add(&mut self, charge: &Charge) {
        let windows = self
            .consumers
            .entry(charge.consumer)
            .or_insert_with(|| windows_at(charge.at));
        // Nearly every charge is in the same minute as the one before, and then in the same windows.
        if windows[0].started_at == Window::Minute.start(charge.at) {
            for delta in windows {
                delta.used.add(charge.used);
            }
            return;
        }
        for (delta, now) in windows.iter_mut().zip(windows_at(charge.at)) {
            if now.started_at > delta.started_at {
                *delta = now;
            }
            if now.started_at == delta.started_at {
                delta.used.add(charge.used);
            }
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.consumers.is_empty()
    }

    /// What is to be written.
    pub(super) fn unwritten(&self) -> Vec<UsageCount> {
        let counts_of = |(consumer, windows): (&Consumer, &Windows)| {
            let consumer = *consumer;
            windows.map(|delta| UsageCount {
                consumer,
                window: delta.window,
                started_at: delta.started_at,
                used: delta.used,
            })
        };
        self.consumers.iter().flat_map(counts_of).collect()
    }

    /// All of it is written.
    pub(super) fn written(&mut self) {
        self.consumers.clear();
    }
}

/// The windows around an instant, the minute first.
fn windows_at(at: UnixMillis) -> Windows {
    [Window::Minute, Window::Day, Window::Month, Window::Total].map(|window| Delta {
        window,
        started_at: window.start(at),
        used: Used::default(),
    })
}

#[cfg(test)]
mod tests {
    use waybill_model::{id::UserId, money::MicroUsd};

    use super::*;

    const USER: Consumer = Consumer::User(UserId(1));

    fn charge(at: &str) -> Charge {
        Charge {
            consumer: USER,
            at: at.parse().unwrap_or_default(),
            used: Used {
                requests: 1,
                tokens: 10,
                usd: MicroUsd(100),
            },
        }
    }

    fn requests(deltas: &UsageDeltas) -> Vec<(Window, u64)> {
        let counts = deltas.unwritten();
        counts.iter().map(|c| (c.window, c.used.requests)).collect()
    }

    #[test]
    fn a_new_window_begins_at_nothing_and_the_others_go_on() {
        let mut deltas = UsageDeltas::default();
        deltas.add(&charge("2026-01-31T23:59:58Z"));
        deltas.add(&charge("2026-01-31T23:59:59Z"));
        assert_eq!(
            requests(&deltas),
            Window::ALL.iter().map(|w| (*w, 2)).collect::<Vec<_>>()
        );
        deltas.add(&charge("2026-02-01T00:00:01Z"));
        deltas.add(&charge("2026-02-01T00:01:01Z"));
        let expected = [
            (Window::Minute, 1),
            (Window::Day, 2),
            (Window::Month, 2),
            (Window::Total, 4),
        ];
        assert_eq!(requests(&deltas), expected);
    }

    #[test]
    fn what_comes_late_counts_in_the_windows_that_still_run() {
        let mut deltas = UsageDeltas::default();
        deltas.add(&charge("2026-02-02T00:00:01Z"));
        deltas.add(&charge("2026-02-01T23:59:59Z"));
        let expected = [
            (Window::Minute, 1),
            (Window::Day, 1),
            (Window::Month, 2),
            (Window::Total, 2),
        ];
        assert_eq!(requests(&deltas), expected);
    }

    #[test]
    fn what_is_written_is_not_written_again() {
        let mut deltas = UsageDeltas::default();
        deltas.add(&charge("2026-02-02T00:00:01Z"));
        deltas.written();
        assert!(deltas.is_empty() && deltas.unwritten().is_empty());
    }
}
