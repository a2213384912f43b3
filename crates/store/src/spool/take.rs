//! Taking things out of a spool, in order, and forgetting what has been moved.
//!
//! Promises: a look at the spool writes nothing; what has been moved is forgotten in one transaction with
//! what became of it.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use rusqlite::{Connection, OptionalExtension, TransactionBehavior, params};
use waybill_model::{limits::UsageCount, state::AccountEvent};

use super::{
    EntryKind, SpooledEvent, SpooledUsage,
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

/// What became of a spool's records at the shared store, all told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    /// There, those of which a summary is kept included.
    pub(crate) stored: i64,
    /// Of these: refused, so that only a summary is.
    pub(crate) refused: i64,
    /// Refused, and not even a summary could be kept.
    pub(crate) unkept: i64,
    /// There already, from before.
    pub(crate) doubled: i64,
}

impl std::ops::AddAssign for Tally {
    fn add_assign(&mut self, more: Tally) {
        self.stored += more.stored;
        self.refused += more.refused;
        self.unkept += more.unkept;
        self.doubled += more.doubled;
    }
}

/// Where a spool stands, as far as is known here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Standing {
    /// Whose it is.
    pub(crate) replica: String,
    /// Its name at the shared store.
    pub(crate) spool: String,
    /// How far it has been moved.
    pub(crate) position: i64,
    /// How far it can have been moved by whoever has this file.
    pub(crate) furthest: i64,
    /// Everything up to here was in the file before it was opened without having seen the shared store
    /// since; 0 where it has.
    pub(crate) opened_at: i64,
}

/// Counts of the spool that the shared store is told.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Told {
    pub(crate) counted_lost: i64,
    pub(crate) without_body: i64,
    pub(crate) without_detail: i64,
    pub(crate) set_aside: i64,
}

/// Hands out what is in a spool.
#[derive(Debug)]
pub(crate) struct Taker {
    db: Connection,
    shared: Arc<Shared>,
    layouts: HashMap<i64, Layout>,
    /// The furthest that anything was sent, whether or not it arrived. Shared with takers before and after.
    sent: Arc<AtomicI64>,
}

impl Taker {
    pub(super) fn open(db: Connection, shared: Arc<Shared>, sent: Arc<AtomicI64>) -> Result<Taker> {
        Ok(Taker {
            db,
            shared,
            layouts: HashMap::new(),
            sent,
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

    /// Where the spool stands.
    pub(crate) fn standing(&self) -> Result<Standing> {
        let sent = self.sent.load(Ordering::Relaxed);
        Ok(self.db.query_row(
            "SELECT replica, spool, position, coalesce(opened_at_id, 0) FROM moved",
            [],
            |row| {
                let (position, opened_at): (i64, i64) = (row.get(2)?, row.get(3)?);
                Ok(Standing {
                    replica: row.get(0)?,
                    spool: row.get(1)?,
                    position,
                    furthest: position.max(opened_at).max(sent),
                    opened_at,
                })
            },
        )?)
    }

    /// Everything up to here is about to be sent.
    pub(crate) fn sends(&self, position: i64) {
        self.sent.fetch_max(position, Ordering::Relaxed);
    }

    /// The shared store was seen, and what it knows is of this file.
    pub(crate) fn belongs(&mut self) -> Result<()> {
        let _turn = self.shared.turn.take();
        self.db.execute(
            "UPDATE moved SET opened_at_id = NULL WHERE opened_at_id IS NOT NULL",
            [],
        )?;
        Ok(())
    }

    /// Forgets what has been moved, and notes what became of it.
    pub(crate) fn forget(&mut self, position: i64, tally: Tally) -> Result<()> {
        let _turn = self.shared.turn.take();
        let tx = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.prepare_cached("DELETE FROM spool WHERE id <= ?1")?
            .execute([position])?;
        let unkept: i64 = tx
            .prepare_cached("SELECT unkept FROM moved")?
            .query_row([], |row| row.get(0))?;
        tx.prepare_cached(
            "UPDATE moved SET position = max(position, ?1), stored = ?2, refused = ?3, unkept = ?4, doubled = ?5",
        )?
        .execute(params![
            position,
            tally.stored,
            tally.refused,
            tally.unkept,
            tally.doubled
        ])?;
        if tally.unkept > unkept {
            tx.execute(
                "INSERT INTO losses VALUES (?1, '', x'', ?2, NULL, NULL)
                 ON CONFLICT (reason, cause, fingerprint) DO UPDATE SET count = count + excluded.count",
                params![LossReason::StoreFailed.as_str(), tally.unkept - unkept],
            )?;
        }
        tx.commit()?;
        self.shared.space_freed.store(true, Ordering::Relaxed);
        Ok(())
    }

    /// Takes another name, and begins anew with what is there beyond `moved`: what the shared store knows
    /// under the old one is not what was moved from here, or not all of it. Whose it is stays as it is.
    pub(crate) fn rename(&mut self, id: &str, moved: i64) -> Result<()> {
        let _turn = self.shared.turn.take();
        let tx = self
            .db
            .transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute("DELETE FROM spool WHERE id <= ?1", [moved])?;
        tx.execute(
            "UPDATE moved SET spool = ?1, position = 0, stored = 0, refused = 0, unkept = 0, doubled = 0,
             opened_at_id = NULL",
            [id],
        )?;
        // What was counted before is known under the old name.
        tx.execute(
            "UPDATE books SET (due, stored, set_aside) =
             (SELECT count(*), count(*), count(*) FILTER (WHERE kind = 4) FROM spool WHERE kind IN (0, 4)),
             counted_lost = 0, without_body = 0, without_detail = 0",
            [],
        )?;
        tx.execute("DELETE FROM losses", [])?;
        tx.commit()?;
        self.sent.store(0, Ordering::Relaxed);
        Ok(())
    }

    /// What the shared store is told of counts.
    pub(crate) fn told(&self) -> Result<Told> {
        Ok(self.db.query_row(
            "SELECT counted_lost, without_body, without_detail, set_aside FROM books",
            [],
            |row| {
                Ok(Told {
                    counted_lost: row.get(0)?,
                    without_body: row.get(1)?,
                    without_detail: row.get(2)?,
                    set_aside: row.get(3)?,
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

/// What was used, as far as it is in a spool beyond a position. One that is not readable is left out.
pub(super) fn usage(db: &dyn Db, after: i64) -> Result<Vec<UsageCount>> {
    let payloads: Vec<Vec<u8>> = db.rows(
        "SELECT payload FROM spool WHERE kind = ?1 AND id > ?2 ORDER BY id",
        values![EntryKind::Usage.number(), after],
        |cells| cells.next(),
    )?;
    let counts = payloads
        .iter()
        .filter_map(|payload| serde_json::from_slice::<SpooledUsage>(payload).ok());
    Ok(counts.filter_map(SpooledUsage::into_count).collect())
}
