//! The store on SQLite, in write-ahead mode: one file, many readers, one writer at a time.
//!
//! Reading order: [`database`] opens the file, [`connections`] says who may use it when, [`journal`]
//! writes records, [`ledger`] counts them, [`query`] answers, [`entities`] keeps the configuration,
//! [`retention`] removes what is old.

mod connections;
mod database;
mod entities;
mod journal;
mod ledger;
mod query;
mod retention;
mod row;

use std::sync::{
    Arc, Mutex,
    atomic::{AtomicBool, Ordering},
};

use rusqlite::params;
use waybill_model::{id::ErrorId, time::UnixMillis, view::Books};

pub use self::journal::Journal;
use self::{
    connections::{Desk, Readers, Turn, lock},
    ledger::Ledger,
};
use crate::{
    Kind, LossCount, LossReason, RetentionPolicy, RetentionReport, SetAside, StoreError,
    StoreOptions,
};

type Result<T> = std::result::Result<T, StoreError>;

/// Queries, configuration and retention. Cheap to clone; clones share everything.
#[derive(Clone, Debug)]
pub struct Store {
    readers: Arc<Readers>,
    /// For what must be answered while lists are slow: the books and the configuration.
    quick: Arc<Readers>,
    desk: Arc<Desk>,
    retention: Arc<Desk>,
    shared: Arc<Shared>,
    options: StoreOptions,
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

impl Store {
    /// Opens the database, making or migrating it as needed. Blocks; call it at start.
    ///
    /// # Errors
    /// [`StoreError::Newer`] for a database of a newer program, which is left untouched.
    pub fn open(options: StoreOptions) -> Result<Store> {
        let connection = database::prepare(&options)?;
        let shared = Arc::new(Shared::default());
        let one = StoreOptions {
            readers: 1,
            ..options.clone()
        };
        let desk = |connection| Arc::new(Desk::new(connection, Arc::clone(&shared.turn)));
        Ok(Store {
            readers: Arc::new(Readers::new(options.clone())),
            quick: Arc::new(Readers::new(one)),
            desk: desk(connection),
            retention: desk(database::open_writer(&options)?),
            shared,
            options,
        })
    }

    /// Takes the one writer of records. A thread of its own should own it, for its commits block.
    ///
    /// # Errors
    /// [`StoreError::JournalTaken`] while the journal taken before lives.
    pub fn journal(&self) -> Result<Journal> {
        if self.shared.journal_taken.swap(true, Ordering::AcqRel) {
            return Err(StoreError::JournalTaken);
        }
        Journal::open(&self.options, Arc::clone(&self.shared))
            .inspect_err(|_| self.shared.journal_taken.store(false, Ordering::Release))
    }

    /// Counts records lost before they reached the journal. Touches memory only; the journal's next
    /// commit, an empty one too, writes it.
    pub fn count_lost(&self, count: u64, reason: LossReason) {
        if count > 0 {
            lock(&self.shared.waiting).lose_unknown(count, reason);
        }
    }

    /// Where every due record went: what is written and what waits in memory to be. `spooled` is 0:
    /// a caller that queues in front of the journal adds its queue to `due` and `spooled`.
    pub async fn books(&self) -> Result<Books> {
        let written = self.quick.run(|db| ledger::read_books(db)).await?;
        Ok(lock(&self.shared.waiting).books(&written))
    }

    /// What remains of lost records, most frequent first.
    pub async fn losses(&self) -> Result<Vec<LossCount>> {
        let shared = Arc::clone(&self.shared);
        self.quick
            .run(move |db| lock(&shared.waiting).losses(db))
            .await
    }

    /// Records that the database refused, newest first.
    pub async fn set_aside(&self, limit: u32) -> Result<Vec<SetAside>> {
        self.readers
            .run(move |db| {
                let mut statement = db.prepare_cached(
                    "SELECT id, request_id, created_at, reason, summary FROM set_aside ORDER BY id DESC LIMIT ?1",
                )?;
                let rows = statement.query_map([limit], |r| {
                    Ok(SetAside {
                        id: r.get(0)?,
                        request_id: r.get(1)?,
                        created_at: UnixMillis(r.get(2)?),
                        reason: r.get(3)?,
                        summary: r.get(4)?,
                    })
                })?;
                Ok(rows.collect::<rusqlite::Result<_>>()?)
            })
            .await
    }

    /// Marks an error as dealt with, or not.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] if there is no such error.
    pub async fn set_resolved(&self, id: ErrorId, resolved: bool) -> Result<()> {
        self.desk
            .change(move |db| {
                match db.execute(
                    "UPDATE errors SET resolved = ?2 WHERE id = ?1",
                    params![id.0, resolved],
                )? {
                    0 => Err(StoreError::NotFound {
                        kind: Kind::Error,
                        id: id.0,
                    }),
                    _ => Ok(()),
                }
            })
            .await
    }

    /// Removes what is older than the policy allows, then what is too much, oldest first. Works in
    /// small batches between which the journal and changes of the configuration have their turn. A run
    /// whose future is dropped ends after the batch it is at.
    pub async fn retain(
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

    /// Does upkeep now that a commit of the journal would otherwise have to wait for: moves the log of
    /// recent writes to where it belongs. Called every second or so it keeps the slowest commits short;
    /// never called, commits do it in turn. Writers go on meanwhile.
    pub async fn tidy(&self) -> Result<()> {
        self.desk
            .run(|connection, _, _| {
                Ok(connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()))?)
            })
            .await
    }
}
