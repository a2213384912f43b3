//! The embedded store: everything in one SQLite file, in write-ahead mode: many readers, one writer at a
//! time.
//!
//! Reading order: [`database`] opens the file, [`engine`] makes it take the common statements, [`journal`]
//! writes records, [`ledger`] counts them, [`retention`] removes what is old.

pub(crate) mod database;
mod engine;
mod journal;
mod ledger;
mod retention;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use waybill_model::{time::UnixMillis, view::Books};

pub use self::journal::Journal;
use self::{engine::Sqlite, ledger::Ledger};
use crate::{
    LossCount, LossReason, RetentionPolicy, RetentionReport, StoreError, StoreOptions,
    connections::{Desk, Readers, Turn, lock},
    sql::{Engine, Result},
};

/// The file, and who writes to it.
#[derive(Debug)]
pub(crate) struct Embedded {
    engine: Arc<Sqlite>,
    retention: Desk,
    shared: Arc<Shared>,
}

/// What the store and its journal share.
#[derive(Debug, Default)]
struct Shared {
    turn: Arc<Turn>,
    /// Counts not yet written. Held for moments only, never while the disk is written.
    waiting: Mutex<Ledger>,
    journal_taken: AtomicBool,
    /// Retention made room: the journal may keep whole records again.
    space_freed: AtomicBool,
}

impl Embedded {
    /// Opens the file, making or migrating it as needed.
    pub(crate) fn open(options: StoreOptions) -> Result<Embedded> {
        database::prepare(&options)?;
        let shared = Arc::new(Shared::default());
        let engine = Arc::new(Sqlite { options });
        Ok(Embedded {
            retention: Desk::new(engine.clone(), Arc::clone(&shared.turn)),
            engine,
            shared,
        })
    }

    /// Where connections come from.
    pub(crate) fn engine(&self) -> Arc<dyn Engine> {
        self.engine.clone()
    }

    /// A place to change the configuration at.
    pub(crate) fn desk(&self) -> Desk {
        Desk::new(self.engine(), Arc::clone(&self.shared.turn))
    }

    pub(crate) fn journal(&self) -> Result<Journal> {
        if self.shared.journal_taken.swap(true, Ordering::AcqRel) {
            return Err(StoreError::JournalTaken);
        }
        Journal::open(&self.engine.options, Arc::clone(&self.shared))
            .inspect_err(|_| self.shared.journal_taken.store(false, Ordering::Release))
    }

    pub(crate) fn count_lost(&self, count: u64, reason: LossReason) {
        if count > 0 {
            lock(&self.shared.waiting).lose_unknown(count, reason);
        }
    }

    pub(crate) async fn books(&self, readers: &Readers) -> Result<Books> {
        let written = readers.run(ledger::read_books).await?;
        Ok(lock(&self.shared.waiting).books(&written))
    }

    pub(crate) async fn losses(&self, readers: &Readers) -> Result<Vec<LossCount>> {
        let shared = Arc::clone(&self.shared);
        readers
            .run(move |db| lock(&shared.waiting).losses(db))
            .await
    }

    pub(crate) async fn retain(
        &self,
        policy: &RetentionPolicy,
        now: UnixMillis,
    ) -> Result<RetentionReport> {
        let (policy, shared) = (*policy, Arc::clone(&self.shared));
        self.retention
            .run(move |connection, turn, caller| {
                let report = retention::run(connection, turn, caller, &policy, now)?;
                if report.bytes_freed > 0
                    || report.errors + report.replay_bodies + report.details > 0
                {
                    shared.space_freed.store(true, Ordering::Relaxed);
                }
                Ok(report)
            })
            .await
    }

    pub(crate) async fn tidy(&self, desk: &Desk) -> Result<()> {
        desk.run(|connection, _, _| {
            connection
                .db()
                .each("PRAGMA wal_checkpoint(PASSIVE)", &[], &mut |_| Ok(()))
        })
        .await
    }
}
