//! The embedded store: everything in one SQLite file, in write-ahead mode: many readers, one writer at a
//! time.
//!
//! Reading order: [`database`] opens the file, [`engine`] makes it take the common statements,
//! [`retention`] removes what is old. Records come from the journal.

pub(crate) mod database;
pub(crate) mod engine;
mod retention;

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use waybill_model::{time::UnixMillis, view::Books};

use self::engine::Sqlite;
use crate::{
    Journal, LossCount, LossReason, RetentionPolicy, RetentionReport, StoreOptions,
    connections::{Desk, Readers, lock},
    journal::{self, Shared},
    sql::{Engine, Result},
};

/// The file, and who writes to it.
#[derive(Debug)]
pub(crate) struct Embedded {
    engine: Arc<Sqlite>,
    retention: Desk,
    shared: Arc<Shared>,
    /// Requests that runs of retention of this process gave up.
    pub(crate) given_up: Arc<AtomicU64>,
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
            given_up: Arc::default(),
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
        Journal::take(Arc::clone(&self.shared), journal::Kind::Home, || {
            database::open_journal(&self.engine.options)
        })
    }

    pub(crate) fn count_lost(&self, count: u64, reason: LossReason) {
        self.shared.count_lost(count, reason);
    }

    pub(crate) async fn books(&self, readers: &Readers) -> Result<Books> {
        let written = readers.run(journal::read_books).await?;
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
        let given_up = Arc::clone(&self.given_up);
        self.retention
            .run(move |connection, turn, caller| {
                let report = retention::run(connection, turn, caller, &policy, now, &given_up)?;
                if report.bytes_freed > 0
                    || report.errors + report.replay_bodies + report.replay_parts + report.details
                        > 0
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
