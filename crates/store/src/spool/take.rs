//! Taking things out of a spool, in order, and forgetting what has been moved.
//!
//! Promises: a look at the spool writes nothing; what has been moved is forgotten in one transaction with
//! the count of it.

use std::{
    collections::HashMap,
    sync::{Arc, atomic::Ordering},
};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use waybill_model::state::AccountEvent;

use super::{
    EntryKind, SpooledEvent,
    encode::{Rows, Table},
};
use crate::{
    LossReason, StoreError,
    journal::Shared,
    sql::{Db, Result, values},
};

/// Something in a spool.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its place in the order.
    pub(crate) id: i64,
    pub(crate) kind: EntryKind,
    /// Of records: which columns they were made for.
    pub(crate) layout: i64,
    /// Of records: when their request arrived.
    pub(crate) at: i64,
    pub(crate) payload: Vec<u8>,
}

impl Entry {
    /// Rows of a record that get an id of their own: requests, errors, failed attempts.
    pub(crate) fn ids(&self) -> [i64; 3] {
        let mut ids = [0; 3];
        if self.kind == EntryKind::Record {
            for (table, _) in Rows::of(&self.payload) {
                match table {
                    Table::Requests => ids[0] += 1,
                    Table::Errors => ids[1] += 1,
                    Table::UpstreamEvents => ids[2] += 1,
                    Table::ErrorDetails | Table::EventDetails | Table::ReplayBodies => {}
                }
            }
        }
        ids
    }
}

/// The columns of every table, as a program wrote them.
pub(crate) type Layout = Vec<(String, String)>;

/// What has been moved, to be forgotten.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Moved {
    /// Up to here.
    pub(crate) position: i64,
    /// Of these, summaries of records that the shared store refused.
    pub(crate) set_aside: u64,
    /// And records of which nothing could be kept there.
    pub(crate) lost: u64,
}

/// Counts of the spool that the shared store is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) counted_lost: i64,
    pub(crate) without_body: i64,
    pub(crate) without_detail: i64,
}

/// Hands out what is in a spool.
#[derive(Debug)]
pub(crate) struct Taker {
    db: Connection,
    shared: Arc<Shared>,
    layouts: HashMap<i64, Layout>,
}

impl Taker {
    pub(super) fn open(db: Connection, shared: Arc<Shared>) -> Result<Taker> {
        Ok(Taker {
            db,
            shared,
            layouts: HashMap::new(),
        })
    }

    /// The oldest things, up to so many and about so many bytes; at least one if there is any.
    pub(crate) fn oldest(&self, most: usize, bytes: usize) -> Result<Vec<Entry>> {
        let mut statement = self.db.prepare_cached(
            "SELECT id, kind, layout, at, payload FROM spool ORDER BY id LIMIT ?1",
        )?;
        let mut rows = statement.query([most as i64])?;
        let (mut entries, mut taken) = (Vec::new(), 0);
        while let Some(row) = rows.next()? {
            let payload: Vec<u8> = row.get(4)?;
            taken += payload.len();
            let kind =
                EntryKind::of(row.get(1)?).ok_or(StoreError::Unreadable { column: "kind" })?;
            entries.push(Entry {
                id: row.get(0)?,
                kind,
                layout: row.get(2)?,
                at: row.get(3)?,
                payload,
            });
            if taken >= bytes {
                break;
            }
        }
        Ok(entries)
    }

    /// The columns that records of a layout were made for.
    pub(crate) fn layout(&mut self, id: i64) -> Result<&Layout> {
        if !self.layouts.contains_key(&id) {
            let text: Option<String> = self
                .db
                .query_row("SELECT columns FROM layouts WHERE id = ?1", [id], |row| {
                    row.get(0)
                })
                .optional()?;
            let layout = text
                .and_then(|text| serde_json::from_str(&text).ok())
                .ok_or(StoreError::Unreadable { column: "columns" })?;
            self.layouts.insert(id, layout);
        }
        self.layouts
            .get(&id)
            .ok_or(StoreError::Unreadable { column: "columns" })
    }

    /// Which spool it is, to the shared store.
    pub(crate) fn spool(&self) -> Result<String> {
        Ok(self
            .db
            .query_row("SELECT spool FROM moved", [], |row| row.get(0))?)
    }

    /// How far the spool has been moved, as far as is known here; and the last id that is in it.
    pub(crate) fn position(&self) -> Result<(i64, i64)> {
        Ok(self.db.query_row(
            "SELECT position, max(position, coalesce((SELECT max(id) FROM spool), 0)) FROM moved",
            [],
            |row| Ok((row.get(0)?, row.get(1)?)),
        )?)
    }

    /// Forgets what has been moved.
    pub(crate) fn forget(&mut self, moved: Moved) -> Result<()> {
        let _turn = self.shared.turn.take();
        let tx = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        let records: i64 = tx
            .prepare_cached("SELECT count(*) FROM spool WHERE id <= ?1 AND kind IN (0, 4)")?
            .query_row([moved.position], |row| row.get(0))?;
        tx.prepare_cached("DELETE FROM spool WHERE id <= ?1")?
            .execute([moved.position])?;
        let lost = moved.lost as i64;
        tx.prepare_cached(
            "UPDATE moved SET position = max(position, ?1), records = records + ?2, set_aside = set_aside + ?3",
        )?
        .execute(params![moved.position, records - lost, moved.set_aside as i64])?;
        if lost > 0 {
            tx.execute(
                "UPDATE books SET stored = stored - ?1, counted_lost = counted_lost + ?1",
                [lost],
            )?;
            tx.execute(
                "INSERT INTO losses VALUES (?1, '', x'', ?2, NULL, NULL)
                 ON CONFLICT (reason, cause, fingerprint) DO UPDATE SET count = count + excluded.count",
                params![LossReason::StoreFailed.as_str(), lost],
            )?;
        }
        tx.commit()?;
        self.shared.space_freed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Takes another name: the shared store knows this one from a file that is no longer there.
    pub(crate) fn rename(&mut self, id: &str) -> Result<()> {
        let _turn = self.shared.turn.take();
        self.db
            .execute("UPDATE moved SET spool = ?1, position = 0", [id])?;
        Ok(())
    }

    /// What the shared store is told of counts.
    pub(crate) fn told(&self) -> Result<Told> {
        Ok(self.db.query_row(
            "SELECT counted_lost, without_body, without_detail FROM books",
            [],
            |row| {
                Ok(Told {
                    counted_lost: row.get(0)?,
                    without_body: row.get(1)?,
                    without_detail: row.get(2)?,
                })
            },
        )?)
    }

    /// What remains of lost records: reason, cause, fingerprint, count, first, last.
    pub(crate) fn losses(&self) -> Result<Vec<LossRow>> {
        let mut statement = self.db.prepare_cached(
            "SELECT reason, cause, fingerprint, count, first_at, last_at FROM losses",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(LossRow {
                reason: row.get(0)?,
                cause: row.get(1)?,
                fingerprint: row.get(2)?,
                count: row.get(3)?,
                first_at: row.get(4)?,
                last_at: row.get(5)?,
            })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Keeps what was seen of the shared store.
    pub(crate) fn keep_picture(&mut self, taken_at: i64, content: &[u8]) -> Result<()> {
        let _turn = self.shared.turn.take();
        self.db.execute(
            "INSERT INTO picture VALUES (1, ?1, ?2) ON CONFLICT (id) DO UPDATE SET
             taken_at = excluded.taken_at, content = excluded.content",
            params![taken_at, content],
        )?;
        Ok(())
    }
}

/// Lost records of one kind, as the spool has them.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct LossRow {
    pub(crate) reason: String,
    pub(crate) cause: String,
    pub(crate) fingerprint: Vec<u8>,
    pub(crate) count: i64,
    pub(crate) first_at: Option<i64>,
    pub(crate) last_at: Option<i64>,
}

/// Changes of accounts' states that are in a spool, in order. One that is not readable is left out.
pub(super) fn account_events(db: &dyn Db) -> Result<Vec<AccountEvent>> {
    let payloads: Vec<Vec<u8>> = db.rows(
        "SELECT payload FROM spool WHERE kind = ?1 ORDER BY id",
        values![EntryKind::AccountEvent.number()],
        |cells| cells.next(),
    )?;
    let events = payloads
        .iter()
        .filter_map(|payload| serde_json::from_slice::<SpooledEvent>(payload).ok());
    Ok(events.filter_map(SpooledEvent::into_event).collect())
}
