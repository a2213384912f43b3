//! What the journal is given to write at once, and what of it is asked for later.

use waybill_model::{
    id::{AccountEventId, RequestId},
    limits::UsageCount,
    record::{AccountEventRow, Record},
    state::AccountEventKind,
    time::UnixMillis,
};

/// What one commit writes. The books are about records alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Batch<'a> {
    /// Finished requests.
    pub records: &'a [Record],
    /// Changes of accounts' states; on disk no later than the records.
    pub account_events: &'a [AccountEventRow],
    /// What was used since the last batch that had it, at most one per consumer and window.
    pub usage: &'a [UsageCount],
}

impl<'a> Batch<'a> {
    /// Records alone.
    pub const fn of(records: &'a [Record]) -> Self {
        Batch {
            records,
            account_events: &[],
            usage: &[],
        }
    }
}

/// Which events of an account are wanted. The default: every one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AccountEventFilter {
    /// From this instant on.
    pub start: Option<UnixMillis>,
    /// Before this instant.
    pub end: Option<UnixMillis>,
    /// What they say.
    pub kind: Option<AccountEventKind>,
    /// The request that caused them.
    pub request_id: Option<RequestId>,
    /// Older than this one: the last one of the page before.
    pub before_id: Option<AccountEventId>,
    /// At most so many.
    pub limit: u32,
}

impl Default for AccountEventFilter {
    fn default() -> Self {
        AccountEventFilter {
            start: None,
            end: None,
            kind: None,
            request_id: None,
            before_id: None,
            limit: u32::MAX,
        }
    }
}
