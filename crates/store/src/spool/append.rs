//! Putting things into a spool: one row each, without an index.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use rusqlite::{CachedStatement, Connection, params};
use serde::Serialize;
use tokio::sync::Notify;
use waybill_model::{
    limits::UsageCount,
    record::{AccountEventRow, Record},
    view::NoiseCount,
};

use super::{
    encode,
    entry::{EntryKind, SpooledEvent, SpooledSetAside, SpooledUsage},
};
use crate::journal::{Step, Trouble, json, summary};

/// What rows are numbered by. A number is never given twice, whatever becomes of its row.
#[derive(Debug, Clone)]
pub(crate) struct Numbers {
    last: Arc<AtomicI64>,
    layout: i64,
    /// Whoever moves what was put in waits for this.
    wake: Arc<Notify>,
}

impl Numbers {
    pub(super) fn after(last: i64, layout: i64) -> Self {
        Numbers {
            last: Arc::new(AtomicI64::new(last)),
            layout,
            wake: Arc::default(),
        }
    }

    pub(super) fn wake(&self) -> Arc<Notify> {
        Arc::clone(&self.wake)
    }

    /// Something was put in, for good.
    pub(crate) fn ring(&self) {
        self.wake.notify_one();
    }

    fn next(&self) -> i64 {
        self.last.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// The statement of one transaction, and a buffer.
pub(crate) struct Appends<'c> {
    insert: CachedStatement<'c>,
    numbers: &'c Numbers,
    payload: Vec<u8>,
}

impl<'c> Appends<'c> {
    pub(crate) fn prepare(db: &'c Connection, numbers: &'c Numbers) -> rusqlite::Result<Self> {
        Ok(Appends {
            insert: db.prepare_cached(
                "INSERT INTO spool (id, kind, layout, at, payload) VALUES (?1, ?2, ?3, ?4, ?5)",
            )?,
            numbers,
            payload: Vec::new(),
        })
    }

    /// Puts in a record, as far as `step` lets it.
    pub(crate) fn record(&mut self, record: &Record, step: Step) -> Result<(), Trouble> {
        self.payload.clear();
        encode::record(&mut self.payload, record, step)?;
        let error = record.error.as_ref().map(|error| &error.subject);
        let subject = error.or(record.request.as_ref().map(|request| &request.subject));
        let at = subject.map_or(0, |subject| subject.created_at.0);
        Ok(self.put(EntryKind::Record, at)?)
    }

    /// Puts in a change of an account's state.
    pub(crate) fn account_event(&mut self, event: &AccountEventRow) -> rusqlite::Result<()> {
        self.small(EntryKind::AccountEvent, &SpooledEvent::from(event))
    }

    /// Puts in what was used.
    pub(crate) fn usage(&mut self, count: &UsageCount) -> rusqlite::Result<()> {
        self.small(EntryKind::Usage, &SpooledUsage::from(count))
    }

    /// Puts in a count of refused requests.
    pub(crate) fn noise(&mut self, noise: &NoiseCount) -> rusqlite::Result<()> {
        self.small(EntryKind::Noise, noise)
    }

    /// Puts in what remains of a record that could not be made into rows.
    pub(crate) fn set_aside(&mut self, record: &Record, reason: &str) -> Result<(), Trouble> {
        let Some((subject, summary)) = summary(record) else {
            return Err(Trouble::Record(reason.to_owned()));
        };
        let aside = SpooledSetAside {
            request_id: subject.request_id.to_string(),
            created_at: subject.created_at.0,
            reason: reason.to_owned(),
            summary: summary.to_string(),
        };
        Ok(self.small(EntryKind::SetAside, &aside)?)
    }

    fn small(&mut self, kind: EntryKind, content: &impl Serialize) -> rusqlite::Result<()> {
        self.payload.clear();
        self.payload.extend(json(content)?.into_bytes());
        self.put(kind, 0)
    }

    fn put(&mut self, kind: EntryKind, at: i64) -> rusqlite::Result<()> {
        let Numbers { layout, .. } = self.numbers;
        let id = self.numbers.next();
        self.insert
            .execute(params![id, kind.number(), layout, at, self.payload])?;
        Ok(())
    }
}
