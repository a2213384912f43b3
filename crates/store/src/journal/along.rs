//! What goes along with a batch's records: changes of accounts' states, and usage.
//!
//! Promises: both are in the first transaction that takes anything of the batch, so that a record is
//! never on disk without the events before it; a row that the database refuses by itself takes nothing
//! else down; an event that is stored already changes nothing.

use rusqlite::{Connection, params};
use waybill_model::{cause::Cause, id::RequestId, limits::UsageCount, record::AccountEventRow};

use super::{
    Target, Trouble,
    home::{spell, text},
};
use crate::{
    Batch,
    query::usage,
    sql::{int, storable},
};

const INSERT_ACCOUNT_EVENT: &str = "INSERT INTO account_events (id, at, account_id, kind, scope, since, until, \
    source, strikes, cause, status_code, reason, request_id, attempt, actor, undoes) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16) \
    ON CONFLICT (id) DO NOTHING";

/// A window that began later replaces the one before; one that began earlier is over and forgotten.
const ADD_USAGE: &str = "INSERT INTO usage (consumer, consumer_id, \"window\", started_at, requests, tokens, micro_usd) \
    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
    ON CONFLICT (consumer, consumer_id, \"window\") DO UPDATE SET \
    requests = excluded.requests + iif(started_at = excluded.started_at, requests, 0), \
    tokens = excluded.tokens + iif(started_at = excluded.started_at, tokens, 0), \
    micro_usd = excluded.micro_usd + iif(started_at = excluded.started_at, micro_usd, 0), \
    started_at = excluded.started_at \
    WHERE excluded.started_at >= started_at";

/// What of a batch still has to go along, and what became of the rest.
pub(super) struct Along<'a> {
    /// Events not yet done with.
    pub(super) events: &'a [AccountEventRow],
    /// Usage not yet counted.
    pub(super) usage: &'a [UsageCount],
    /// Events that the database refused.
    pub(super) refused: u64,
}

impl<'a> Along<'a> {
    pub(super) fn of(batch: Batch<'a>) -> Self {
        Along {
            events: batch.account_events,
            usage: batch.usage,
            refused: 0,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.events.is_empty() && self.usage.is_empty()
    }

    /// The next `count` events alone.
    pub(super) fn events_alone(&self, count: usize) -> Along<'a> {
        Along {
            events: &self.events[..count.min(self.events.len())],
            usage: &[],
            refused: 0,
        }
    }

    /// The usage alone.
    pub(super) fn usage_alone(&self) -> Along<'a> {
        Along {
            events: &[],
            usage: self.usage,
            refused: 0,
        }
    }

    /// It is on disk.
    pub(super) fn written(&mut self, refused: u64) {
        self.events = &[];
        self.usage = &[];
        self.refused += refused;
    }

    /// Writes it all; says how many events were refused.
    pub(super) fn write(&self, target: &mut Target<'_>) -> Result<u64, Trouble> {
        let mut refused = 0;
        for event in self.events {
            refused += u64::from(!is_taken(target.account_event(event), "account event")?);
        }
        for count in self.usage {
            is_taken(target.usage(count), "count of usage")?;
        }
        Ok(refused)
    }
}

/// Whether a row was written. A refused one undoes its own statement only, and the transaction goes on.
fn is_taken(written: rusqlite::Result<()>, what: &'static str) -> Result<bool, Trouble> {
    match written.map_err(Trouble::from) {
        Ok(()) => Ok(true),
        Err(Trouble::Record(reason)) => {
            tracing::error!(reason, what, "the database refused a row; it is lost");
            Ok(false)
        }
        Err(trouble @ (Trouble::Space | Trouble::Store(_))) => Err(trouble),
    }
}

/// Writes an event into the embedded store.
pub(super) fn insert(db: &Connection, event: &AccountEventRow) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(INSERT_ACCOUNT_EVENT)?;
    let mut buffer = [0; 36];
    let request_id = event.request_id.map(|id: RequestId| spell(id, &mut buffer));
    statement.execute(params![
        event.id.0,
        event.at.0,
        event.account_id.0,
        event.kind.as_str(),
        storable(event.scope.as_str()),
        event.since.map(|at| at.0),
        event.until.map(|at| at.0),
        text(&event.source),
        event.strikes,
        event.cause.map(Cause::as_str),
        event.status_code,
        storable(event.reason.as_str()),
        request_id,
        event.attempt,
        text(&event.actor),
        event.undoes.map(|id| id.0)
    ])?;
    Ok(())
}

/// Adds a count in the embedded store.
pub(super) fn add(db: &Connection, count: &UsageCount) -> rusqlite::Result<()> {
    let mut statement = db.prepare_cached(ADD_USAGE)?;
    let (consumer, id) = usage::key(count.consumer);
    statement.execute(params![
        consumer,
        id,
        count.window.as_str(),
        count.started_at.0,
        int(count.used.requests),
        int(count.used.tokens),
        count.used.usd.0
    ])?;
    Ok(())
}
