//! Who may use which connection, and when: any number of readers up to a limit, one writer at a time.
//!
//! Promises: the async caller is never blocked; a query whose caller has gone, or that takes too long,
//! is stopped; so is long work at a desk, at its next step; a panic in a query costs its connection,
//! not the pool; a connection that broke is opened anew by whoever comes next.
//!
//! Must not know: SQL, or which database it is.

use std::{
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::sync::Semaphore;

use crate::{
    StoreError,
    sql::{Access, Canceller, Connection, Db, Engine, Result},
};

/// The right to write to a file. The journal and the desks take it around each transaction, so that
/// none ever polls for another's lock. Whoever panics while holding it has rolled back.
#[derive(Debug, Default)]
pub(super) struct Turn(Mutex<()>);

impl Turn {
    /// Waits for the right to write; dropping the guard gives it back.
    pub(super) fn take(&self) -> MutexGuard<'_, ()> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A connection in the pool, or at a desk.
type Held = Box<dyn Connection>;

/// Connections that read.
pub(super) struct Readers {
    engine: Arc<dyn Engine>,
    idle: Arc<Mutex<Vec<Held>>>,
    slots: Arc<Semaphore>,
    query_limit: Duration,
}

impl Readers {
    pub(super) fn new(engine: Arc<dyn Engine>, most: usize, query_limit: Duration) -> Self {
        Readers {
            engine,
            idle: Arc::default(),
            slots: Arc::new(Semaphore::new(most.max(1))),
            query_limit,
        }
    }

    /// Runs `query` on a blocking thread, inside one read transaction: it sees one instant.
    ///
    /// # Errors
    /// [`StoreError::TooSlow`] if there is no answer within the limit of a query, which is stopped.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        tokio::time::timeout(self.query_limit, self.answer(query))
            .await
            .map_err(|_| StoreError::TooSlow)?
    }

    async fn answer<T: Send + 'static>(
        &self,
        query: impl FnOnce(&dyn Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let slot = Arc::clone(&self.slots)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let progress = Arc::<Mutex<Progress>>::default();
        let _stop_if_unwanted = StopIfUnwanted(Arc::clone(&progress));
        let (idle, engine) = (Arc::clone(&self.idle), Arc::clone(&self.engine));
        tokio::task::spawn_blocking(move || {
            let pooled = lock(&idle).pop();
            let connection = match pooled.filter(|connection| connection.is_usable()) {
                Some(connection) => connection,
                None => engine.open(Access::Read)?,
            };
            let wanted = lock(&progress).start(connection.canceller());
            let answer = if wanted {
                connection
                    .begin(Access::Read)
                    .and_then(|()| query(connection.db()))
            } else {
                Err(StoreError::Closed)
            };
            lock(&progress).running = None;
            // Nothing was written: how it ends is of no matter but to the connection.
            if connection.roll_back().is_ok() && connection.is_usable() {
                lock(&idle).push(connection);
            }
            drop(slot);
            answer
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }
}

impl std::fmt::Debug for Readers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Readers")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// Where one query is. It stops running, under the lock, before its connection goes back: a later
/// query on the connection is never the one that is stopped.
#[derive(Default)]
struct Progress {
    running: Option<Canceller>,
    unwanted: bool,
}

impl Progress {
    /// Whether the query is still wanted; if so, from here on it can be stopped.
    fn start(&mut self, query: Canceller) -> bool {
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
        if let Some(stop) = &progress.running {
            stop();
        }
    }
}

/// A connection that writes, beside the journal, for one at a time: one for configuration and marks,
/// one for the long runs of retention.
pub(super) struct Desk {
    engine: Arc<dyn Engine>,
    connection: Arc<Mutex<Option<Held>>>,
    slot: Arc<Semaphore>,
    turn: Arc<Turn>,
}

impl Desk {
    pub(super) fn new(engine: Arc<dyn Engine>, turn: Arc<Turn>) -> Self {
        Desk {
            engine,
            connection: Arc::default(),
            slot: Arc::new(Semaphore::new(1)),
            turn,
        }
    }

    /// Runs `change` on a blocking thread in one transaction; an error rolls it back.
    pub(super) async fn change<T: Send + 'static>(
        &self,
        change: impl FnOnce(&dyn Db) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        self.run(move |connection, turn, _| {
            let _turn = turn.take();
            in_transaction(connection, change)
        })
        .await
    }

    /// Runs `work` on a blocking thread with the connection; it takes its turns itself. Where it can
    /// end early it looks whether its caller is still there.
    pub(super) async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&dyn Connection, &Turn, &Caller) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let slot = Arc::clone(&self.slot)
            .acquire_owned()
            .await
            .map_err(|_| StoreError::Closed)?;
        let (connection, turn) = (Arc::clone(&self.connection), Arc::clone(&self.turn));
        let engine = Arc::clone(&self.engine);
        let caller = Caller::default();
        let _gone_when_dropped = GoneWhenDropped(caller.clone());
        tokio::task::spawn_blocking(move || {
            let mut held = lock(&connection);
            // Taken out, so that one that panics is not used again.
            let connection = match held.take().filter(|connection| connection.is_usable()) {
                Some(connection) => connection,
                None => engine.open(Access::Write)?,
            };
            let answer = work(&*connection, &turn, &caller);
            *held = Some(connection);
            drop(slot);
            answer
        })
        .await
        .map_err(|_| StoreError::Closed)?
    }
}

impl std::fmt::Debug for Desk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Desk")
            .field("engine", &self.engine)
            .finish_non_exhaustive()
    }
}

/// Runs `change` in a transaction that writes; an error, or a panic, undoes it.
pub(super) fn in_transaction<T>(
    connection: &dyn Connection,
    change: impl FnOnce(&dyn Db) -> Result<T>,
) -> Result<T> {
    connection.begin(Access::Write)?;
    let answer = change(connection.db()).and_then(|answer| connection.commit().map(|()| answer));
    if answer.is_err() {
        // What could not be undone is with the connection, which is then of no more use.
        let _ = connection.roll_back();
    }
    answer
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
