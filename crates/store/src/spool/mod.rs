//! The spool: what has been recorded here and is not yet in the shared store. One SQLite file, the first
//! home of every record where a shared store is configured.
//!
//! Reading order: [`entry`] says what is in it, [`encode`] how a record looks there, [`append`] puts things
//! in, [`take`] hands them out in order and forgets what has been moved.
//!
//! Promises: what was put in survives the end of the process; everything is handed out in the order in which
//! it came; how far it has been moved is known to both sides, so that nothing is moved twice.
//!
//! Must not know: where it is moved to.

mod append;
mod encode;
mod entry;
pub(crate) mod take;

use std::sync::{Arc, atomic::AtomicI64};

use rusqlite::{Connection, OptionalExtension, params};
use tokio::sync::Notify;
use waybill_model::{limits::UsageCount, state::AccountEvent, view::Books};

use crate::{
    Journal, LossReason, StoreOptions,
    connections::{Desk, Readers, lock},
    journal::{self, Shared},
    sql::{Engine, Result, values},
    sqlite::{database, engine::Sqlite},
};

pub(crate) use append::{Appends, Numbers};
pub(crate) use encode::{FIRST_ID, Rows, SECOND_ID, Table, columns_of, facts};
pub(crate) use entry::{EntryKind, SpooledEvent, SpooledSetAside, SpooledUsage};
pub(crate) use take::{Entry, Taker, Tally};

/// The schema of the file, step by step. A step that was released never changes.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_spool.sql")];

/// A spool. Cheap to clone; clones share everything.
#[derive(Debug, Clone)]
pub(crate) struct Spool {
    engine: Arc<Sqlite>,
    shared: Arc<Shared>,
    readers: Arc<Readers>,
    numbers: Numbers,
    sent: Arc<AtomicI64>,
    replica: Arc<str>,
}

impl Spool {
    /// Opens the file, making or migrating it as needed, for whoever moves it: one at a time. Blocks. A new
    /// spool is `new_id`'s. One that is only looked at is left as it is, and need not be there.
    pub(crate) fn open(options: StoreOptions, new_id: &str) -> Result<Spool> {
        let (replica, numbers) = match options.read_only {
            true => (seen(&options, new_id)?, Numbers::after(0, 0)),
            false => take_over(&options, new_id)?,
        };
        let engine = Arc::new(Sqlite { options });
        let readers = Readers::new(
            engine.clone() as Arc<dyn Engine>,
            1,
            engine.options.query_limit,
        );
        Ok(Spool {
            readers: Arc::new(readers),
            engine,
            shared: Arc::default(),
            numbers,
            sent: Arc::default(),
            replica: replica.into(),
        })
    }

    /// Whose spool this is. Stays, whatever the shared store knows it as.
    pub(crate) fn replica(&self) -> &str {
        &self.replica
    }

    pub(crate) fn journal(&self) -> Result<Journal> {
        let kind = journal::Kind::Spool(self.numbers.clone());
        Journal::take(Arc::clone(&self.shared), kind, || {
            database::open_journal(&self.engine.options)
        })
    }

    pub(crate) fn count_lost(&self, count: u64, reason: LossReason) {
        self.shared.count_lost(count, reason);
    }

    /// What was due here, and where it went: `stored` is what has been moved.
    pub(crate) async fn books(&self) -> Result<Books> {
        let (written, moved) = self
            .readers
            .run(|db| {
                let moved = db.first(
                    "SELECT stored, refused, unkept, doubled FROM moved",
                    &[],
                    |cells| {
                        Ok(Tally {
                            stored: cells.next()?,
                            refused: cells.next()?,
                            unkept: cells.next()?,
                            doubled: cells.next()?,
                        })
                    },
                )?;
                Ok((journal::read_books(db)?, moved.unwrap_or_default()))
            })
            .await?;
        let books = lock(&self.shared.waiting).books(&written);
        let count = |number: i64| u64::try_from(number).unwrap_or(0);
        let gone = count(moved.stored + moved.unkept + moved.doubled);
        Ok(Books {
            due: books.due.saturating_sub(count(moved.doubled)),
            stored: count(moved.stored),
            spooled: books.stored.saturating_sub(gone),
            counted_lost: books.counted_lost + count(moved.unkept),
            set_aside: books.set_aside + count(moved.refused),
            ..books
        })
    }

    /// Changes of accounts' states that have not been moved yet, in order.
    pub(crate) async fn account_events(&self) -> Result<Vec<AccountEvent>> {
        self.readers.run(take::account_events).await
    }

    /// What was used, as far as it is here beyond a position: after what is known to have been moved.
    pub(crate) async fn usage(&self, after: i64) -> Result<Vec<UsageCount>> {
        self.readers.run(move |db| take::usage(db, after)).await
    }

    /// What the shared store knows it as.
    pub(crate) async fn name(&self) -> Result<String> {
        let name = self
            .readers
            .run(|db| db.cell("SELECT spool FROM moved", &[]));
        Ok(name.await?.unwrap_or_default())
    }

    /// Keeps what was seen of the shared store.
    pub(crate) async fn keep_picture(&self, content: Vec<u8>) -> Result<()> {
        let desk = Desk::new(self.engine.clone(), Arc::clone(&self.shared.turn));
        desk.change(move |db| {
            db.execute(
                "INSERT INTO picture (id, content) VALUES (1, ?1)
                 ON CONFLICT (id) DO UPDATE SET content = excluded.content",
                values![content],
            )
            .map(drop)
        })
        .await
    }

    /// What was seen last of the shared store, if anything was.
    pub(crate) async fn picture(&self) -> Result<Option<Vec<u8>>> {
        self.readers
            .run(|db| db.cell("SELECT content FROM picture", &[]))
            .await
    }

    /// The one who hands things out.
    pub(crate) fn taker(&self) -> Result<Taker> {
        Taker::open(
            database::open_writer(&self.engine.options)?,
            Arc::clone(&self.shared),
            Arc::clone(&self.sent),
        )
    }

    /// Moves the log of recent writes to where it belongs, and gives back what a long wait has left.
    pub(crate) async fn tidy(&self) -> Result<()> {
        let desk = Desk::new(self.engine.clone(), Arc::clone(&self.shared.turn));
        desk.run(|connection, _, _| {
            let db = connection.db();
            db.each("PRAGMA incremental_vacuum(256)", &[], &mut |_| Ok(()))?;
            db.each("PRAGMA wal_checkpoint(PASSIVE)", &[], &mut |_| Ok(()))
        })
        .await
    }

    /// Rings when something was put in.
    pub(crate) fn wake(&self) -> Arc<Notify> {
        self.numbers.wake()
    }
}

/// Brings a file up to date, and notes how far it went when it was opened: until the shared store has been
/// seen, what that knows beyond was moved from another copy. Whoever only looks must not, for the note would
/// stay behind what a gateway moves that runs.
fn take_over(options: &StoreOptions, new_id: &str) -> Result<(String, Numbers)> {
    let connection = database::prepare_with(options, MIGRATIONS)?;
    let replica = identity(&connection, new_id)?;
    let layout = layout(&connection)?;
    let last: i64 = connection.query_row(
        "UPDATE moved SET opened_at_id = coalesce(opened_at_id,
         max(coalesce((SELECT max(id) FROM spool), 0), position))
         RETURNING max(coalesce((SELECT max(id) FROM spool), 0), position)",
        [],
        |row| row.get(0),
    )?;
    Ok((replica, Numbers::after(last, layout)))
}

/// Whose spool a file is, for whoever only looks.
fn seen(options: &StoreOptions, new_id: &str) -> Result<String> {
    if !options.path.exists() {
        return Ok(new_id.to_owned());
    }
    let connection = database::prepare_with(options, MIGRATIONS)?;
    let known = connection.query_row("SELECT replica FROM moved", [], |row| row.get(0));
    Ok(known.optional()?.unwrap_or_else(|| new_id.to_owned()))
}

/// Whose spool it is, given when it is made. Its name is the same at first.
fn identity(db: &Connection, new_id: &str) -> Result<String> {
    db.execute(
        "INSERT INTO moved (id, replica, spool) VALUES (1, ?1, ?1) ON CONFLICT (id) DO NOTHING",
        [new_id],
    )?;
    Ok(db.query_row("SELECT replica FROM moved", [], |row| row.get(0))?)
}

/// The number of the columns that this program writes.
fn layout(db: &Connection) -> Result<i64> {
    let columns: Vec<(&str, &str)> = Table::ALL
        .into_iter()
        .map(|table| (table.name(), table.columns()))
        .collect();
    let columns = journal::json(&columns)?;
    let known = db
        .query_row(
            "SELECT id FROM layouts WHERE columns = ?1",
            [&columns],
            |row| row.get(0),
        )
        .optional()?;
    match known {
        Some(id) => Ok(id),
        None => {
            db.execute(
                "INSERT INTO layouts (columns) VALUES (?1)",
                params![columns],
            )?;
            Ok(db.last_insert_rowid())
        }
    }
}
