//! Who may use which connection, and when: any number of readers up to a limit, one writer at a time.
//!
//! Promises: the async caller is never blocked; a query whose caller has gone, or that takes too long,
//! is stopped; so is long work at a desk, at its next step; a panic in a query costs its connection,
//! not the pool.
//!
//! Must not know: SQL.

use std::sync::{
    Arc, Mutex, MutexGuard, PoisonError,
    atomic::{AtomicBool, Ordering},
};

use rusqlite::{Connection, InterruptHandle, Transaction, TransactionBehavior};
use tokio::sync::Semaphore;

use super::{Result, database};
use crate::{StoreError, StoreOptions};

/// The right to write. The journal and the desk take it around each transaction, so that neither
/// ever polls for the other's lock. Whoever panics while holding it has rolled back.
#[derive(Debug, Default)]
pub(super) struct Turn(Mutex<()>);

impl Turn {
    /// Waits for the right to write; dropping the guard gives it back.
    pub(super) fn take(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Connections that read.
#[derive(Debug)]
pub(super) struct Readers {
    idle: Arc<Mutex<Vec<Connection>>>,
    slots: Arc<Semaphore>,
    options: StoreOptions,
}

impl Readers {
    pub(super) fn new(options: StoreOptions) -> Self {
        let slots = Arc::new(Semaphore::new(options.readers.max(1)));
        Readers {
            idle: Arc::default(),
            slots,
            options,
        }
    }

    /// Runs `query` on a blocking thread, inside one read transaction: it sees one instant.
    ///
    /// # Errors
    /// [`StoreError::TooSlow`] if there is no answer within the limit of a query, which is stopped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        tokio::time::timeout(self.options.query_limit, self.answer(query))
            .await
            .map_err(|_| StoreError::TooSlow)?
    }

    async fn answer<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let progress = Arc::<Mutex<Progress>>::default();
        let _stop_if_unwanted = StopIfUnwanted(Arc::clone(&progress));
        let (idle, options) = (Arc::clone(&self.idle), self.options.clone());
        tokio::task::spawn_blocking(move || {
            let pooled = lock(&idle).pop();
            let mut connection = match pooled {
                Some(connection) => connection,
                None => database::open_reader(&options)?,
            };
            let wanted = lock(&progress).start(connection.get_interrupt_handle());
            let answer = if wanted {
                connection
                    .transaction()
                    .map_err(StoreError::from)
                    .and_then(|tx| query(&tx))
            } else {
                Err(StoreError::Closed)
            };
            lock(&progress).running = None;
            lock(&idle).push(connection);
            drop(slot);
            answer
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }
}

/// Where one query is. It stops running, under the lock, before its connection goes back: a later
/// query on the connection is never the one that is stopped.
#[derive(Default)]
struct Progress {
    running: Option<InterruptHandle>,
    unwanted: bool,
}

impl Progress {
    /// Whether the query is still wanted; if so, from here on it can be stopped.
    fn start(&mut self, query: InterruptHandle) -> bool {
        self.running = Some(query);
        !self.unwanted
    }
}

/// Stops the query when its caller is dropped first.
struct StopIfUnwanted(Arc<Mutex<Progress>>);

impl Drop for StopIfUnwanted {
    fn drop(&mut self) {
        let mut progress = lock(&self.0);
        progress.unwanted = true;
        if let Some(query) = &progress.running {
            query.interrupt();
        }
    }
}

/// A connection that writes, beside the journal, for one at a time: one for configuration and marks,
/// one for the long runs of retention.
#[derive(Debug)]
pub(super) struct Desk {
    connection: Arc<Mutex<Connection>>,
    slot: Arc<Semaphore>,
    turn: Arc<Turn>,
}

impl Desk {
    pub(super) fn new(connection: Connection, turn: Arc<Turn>) -> Self {
        Desk {
            connection: Arc::new(Mutex::new(connection)),
            slot: Arc::new(Semaphore::new(1)),
            turn,
        }
    }

    /// Runs `change` on a blocking thread in one transaction; an error rolls it back.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&Transaction<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(move |connection, turn, _| {
            let _turn = turn.take();
            let tx = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
            let answer = change(&tx)?;
            tx.commit()?;
            Ok(answer)
        })
        .await
    }

    /// Runs `work` on a blocking thread with the connection; it takes its turns itself. Where it can
    /// end early it looks whether its caller is still there.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Connection, &Turn, &Caller) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let slot = Arc::clone(&self.slot)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let (connection, turn) = (Arc::clone(&self.connection), Arc::clone(&self.turn));
        let caller = Caller::default();
        let _gone_when_dropped = GoneWhenDropped(caller.clone());
        tokio::task::spawn_blocking(move || {
            let answer = work(&mut lock(&connection), &turn, &caller);
            drop(slot);
            answer
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }
}

/// Whoever waits for work at a desk.
#[derive(Debug, Clone, Default)]
pub(super) struct Caller {
    gone: Arc<AtomicBool>,
}

impl Caller {
    /// Whether nobody waits any more.
    pub(super) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }
}

struct GoneWhenDropped(Caller);

impl Drop for GoneWhenDropped {
    fn drop(&mut self) {
        self.0.gone.store(true, Ordering::Release);
    }
}

/// What these locks guard is whole between statements, so a panic elsewhere does not spoil it.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
