//! What became of what was sent.

use std::sync::atomic::{AtomicU64, Ordering};

use waybill_model::words;

use crate::telemetry::{
    family::{Families, word},
    table,
};

words! {
    /// What is sent.
    pub enum Signal {
        /// Spans.
        Traces = "traces",
        /// Numbers.
        Metrics = "metrics",
    }
}

words! {
    /// How an exchange with the receiver went.
    pub enum Outcome as "ExportOutcome" {
        /// It took everything.
        Ok = "ok",
        /// It took a part.
        Partial = "partial",
        /// It took nothing.
        Failed = "failed",
    }
}

words! {
    /// Why spans were let go.
    pub enum Lost {
        /// Too many were waiting.
        QueueFull = "queue_full",
        /// The receiver does not want them.
        Refused = "refused",
        /// It was away for too long.
        Unreachable = "unreachable",
        /// The gateway stopped meanwhile.
        Shutdown = "shutdown",
    }
}

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Sent {
    spans: AtomicU64,
    lost: [AtomicU64; Lost::ALL.len()],
    exports: [[AtomicU64; Outcome::ALL.len()]; Signal::ALL.len()],
}

impl Sent {
    /// The receiver took so many spans.
    pub fn spans(&self, count: usize) {
        self.spans.fetch_add(count as u64, Ordering::Relaxed);
    }

    /// So many were let go.
    pub fn lost(&self, why: Lost, count: usize) {
        self.lost[why as usize].fetch_add(count as u64, Ordering::Relaxed);
    }

    /// So many found the queue full.
    pub fn queue_full(&self, count: usize) {
        self.lost(Lost::QueueFull, count);
    }

    /// An exchange is over.
    pub fn exported(&self, signal: Signal, outcome: Outcome) {
        self.exports[signal as usize][outcome as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// The numbers as they are.
    pub fn families(&self, families: &mut Families) {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        families.one(&table::SPANS, read(&self.spans));
        let lost = Lost::ALL.iter().zip(&self.lost);
        families.many(
            &table::SPANS_DROPPED,
            lost.map(|(why, count)| (vec![word(why.as_str())], read(count))),
        );
        let exports = Signal::ALL
            .iter()
            .zip(&self.exports)
            .flat_map(|(signal, counts)| {
                let counts = Outcome::ALL.iter().zip(counts);
                counts.map(move |(outcome, count)| {
                    (
                        vec![word(signal.as_str()), word(outcome.as_str())],
                        read(count),
                    )
                })
            });
        families.many(&table::EXPORTS, exports);
    }
}
