//! What is in a spool beside records: small things, as JSON.

use serde::{Deserialize, Serialize};
use waybill_model::{
    cause::Cause,
    id::{AccountEventId, AccountId},
    limits::{UsageCount, Used},
    money::MicroUsd,
    record::AccountEventRow,
    redact::Shown,
    state::AccountEvent,
    time::UnixMillis,
};

use crate::query::usage;

/// What a row of a spool is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum EntryKind {
    Record,
    AccountEvent,
    Usage,
    Noise,
    SetAside,
}

impl EntryKind {
    const ALL: [EntryKind; 5] = [
        EntryKind::Record,
        EntryKind::AccountEvent,
        EntryKind::Usage,
        EntryKind::Noise,
        EntryKind::SetAside,
    ];

    pub(super) const fn number(self) -> i64 {
        self as i64
    }

    pub(super) fn of(number: i64) -> Option<EntryKind> {
        EntryKind::ALL
            .into_iter()
            .find(|kind| kind.number() == number)
    }
}

/// A change of an account's state, redacted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SpooledEvent {
    pub(crate) id: i64,
    pub(crate) at: i64,
    pub(crate) account_id: i64,
    pub(crate) kind: String,
    pub(crate) scope: String,
    pub(crate) since: Option<i64>,
    pub(crate) until: Option<i64>,
    pub(crate) source: Option<String>,
    pub(crate) strikes: u32,
    pub(crate) cause: Option<String>,
    pub(crate) status_code: Option<u16>,
    pub(crate) reason: String,
    pub(crate) request_id: Option<String>,
    pub(crate) attempt: Option<u32>,
    pub(crate) actor: Option<String>,
    pub(crate) undoes: Option<i64>,
}

impl From<&AccountEventRow> for SpooledEvent {
    fn from(row: &AccountEventRow) -> Self {
        let text = |shown: &Option<Shown>| shown.as_ref().map(|shown| shown.as_str().to_owned());
        SpooledEvent {
            id: row.id.0,
            at: row.at.0,
            account_id: row.account_id.0,
            kind: row.kind.as_str().to_owned(),
            scope: row.scope.as_str().to_owned(),
            since: row.since.map(|at| at.0),
            until: row.until.map(|at| at.0),
            source: text(&row.source),
            strikes: row.strikes,
            cause: row.cause.map(|cause| Cause::as_str(cause).to_owned()),
            status_code: row.status_code,
            reason: row.reason.as_str().to_owned(),
            request_id: row.request_id.map(|id| id.to_string()),
            attempt: row.attempt,
            actor: text(&row.actor),
            undoes: row.undoes.map(|id| id.0),
        }
    }
}

impl SpooledEvent {
    /// The event; `None` where a word of it is not known here.
    pub(crate) fn into_event(self) -> Option<AccountEvent> {
        Some(AccountEvent {
            id: AccountEventId(self.id),
            at: UnixMillis(self.at),
            account_id: AccountId(self.account_id),
            kind: self.kind.parse().ok()?,
            scope: self.scope.parse().ok()?,
            since: self.since.map(UnixMillis),
            until: self.until.map(UnixMillis),
            source: self.source,
            strikes: self.strikes,
            cause: self.cause.map(|cause| cause.parse()).transpose().ok()?,
            status_code: self.status_code,
            reason: self.reason,
            request_id: self.request_id.map(|id| id.parse()).transpose().ok()?,
            attempt: self.attempt,
            actor: self.actor,
            undoes: self.undoes.map(AccountEventId),
        })
    }
}

/// What was used since the last one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SpooledUsage {
    pub(crate) consumer: String,
    pub(crate) consumer_id: i64,
    pub(crate) window: String,
    pub(crate) started_at: i64,
    pub(crate) requests: u64,
    pub(crate) tokens: u64,
    pub(crate) micro_usd: i64,
}

impl From<&UsageCount> for SpooledUsage {
    fn from(count: &UsageCount) -> Self {
        let (consumer, consumer_id) = usage::key(count.consumer);
        SpooledUsage {
            consumer: consumer.to_owned(),
            consumer_id,
            window: count.window.as_str().to_owned(),
            started_at: count.started_at.0,
            requests: count.used.requests,
            tokens: count.used.tokens,
            micro_usd: count.used.usd.0,
        }
    }
}

impl SpooledUsage {
    /// The count; `None` where a word of it is not known here.
    pub(crate) fn into_count(self) -> Option<UsageCount> {
        Some(UsageCount {
            consumer: usage::consumer(&self.consumer, self.consumer_id).ok()?,
            window: self.window.parse().ok()?,
            started_at: UnixMillis(self.started_at),
            used: Used {
                requests: self.requests,
                tokens: self.tokens,
                usd: MicroUsd(self.micro_usd),
            },
        })
    }
}

/// A record that could not be made into rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SpooledSetAside {
    pub(crate) request_id: String,
    pub(crate) created_at: i64,
    pub(crate) reason: String,
    pub(crate) summary: String,
}
