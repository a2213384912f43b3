//! What became of each record: exactly one fate, and the counters that prove it.

use waybill_model::{cause::Cause, time::UnixMillis, words};

/// What became of one record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fate {
    /// Stored whole, now or before: a record written twice is stored once.
    Stored,
    /// Stored without request body and replay copy, for want of space.
    StoredWithoutBody,
    /// Stored as list columns only, for want of space.
    StoredWithoutDetail,
    /// The database refused it by itself; a summary and the reason are kept apart.
    SetAside,
    /// Not stored, and counted.
    Lost,
    /// Neither stored nor counted: the database takes no writes now, so another process holds it or
    /// its disk fails. The record is still the caller's, to be committed again or given up.
    Held,
}

impl Fate {
    /// Whether something of the record can be found again.
    pub const fn is_kept(self) -> bool {
        !matches!(self, Fate::Lost | Fate::Held)
    }
}

/// What became of one batch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitReport {
    /// One per record, in the batch's order.
    pub fates: Vec<Fate>,
    /// How many of the account events, from the first on, are done with: stored, now or before, or
    /// refused. The others cannot be taken now and are still the caller's.
    pub account_events: usize,
    /// Of those, how many the database refused by themselves: they are lost.
    pub refused_account_events: u64,
    /// Whether the usage is counted. If not, it is still the caller's, whole.
    pub usage: bool,
}

words! {
    /// Why records were lost.
    pub enum LossReason {
        /// The queue in front of the store was full.
        QueueFull = "queue_full",
        /// The recorder ended before they could be written.
        Shutdown = "shutdown",
        /// No space was left.
        NoSpace = "no_space",
        /// They could not be made, or not even be set aside.
        StoreFailed = "store_failed",
    }
}

/// Lost records of one kind: what remains of them is this count.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LossCount {
    /// Why.
    pub reason: LossReason,
    /// Fingerprint of the failures, hex; `None` where it was not known or the request succeeded.
    pub fingerprint: Option<String>,
    /// Their cause.
    pub cause: Option<Cause>,
    /// How many.
    pub count: u64,
    /// Arrival of the oldest one whose time was known.
    pub first_at: Option<UnixMillis>,
    /// Arrival of the newest one whose time was known.
    pub last_at: Option<UnixMillis>,
}

/// A record that the database refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SetAside {
    /// Row id.
    pub id: i64,
    /// The request.
    pub request_id: String,
    /// When it arrived.
    pub created_at: UnixMillis,
    /// What the database said.
    pub reason: String,
    /// The record's main facts, a JSON object.
    pub summary: String,
}
