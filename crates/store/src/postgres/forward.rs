//! The forwarder: moves a spool into the shared store, in order, exactly once.
//!
//! A batch and how far it goes are one transaction there; here it is forgotten afterwards. Whatever ends in
//! between, the next session reads how far the shared store has got, and goes on from there.
//!
//! Promises: a record that the shared store refuses is found by halving, and kept aside with the reason; the
//! rest of its batch goes through. While the store is away, read-only or full, everything stays in the spool.
//! Must not know: what a record means, what time it is.

mod session;
mod state;

use std::{ops::Range, sync::Arc, thread::JoinHandle, time::Duration};

use tokio::{sync::watch, time::timeout};

use self::session::{Session, Settled, Trouble};
pub use self::state::Forwarding;
pub(crate) use self::state::State;
use super::{connect::Server, copy::Batch};
use crate::{
    StoreError,
    spool::{Entry, EntryKind, Spool, Taker},
    sql::Result,
};

/// Entries per transaction: enough to spread its cost.
const MOST_ENTRIES: usize = 1_000;

/// Bytes per transaction.
const MOST_BYTES: usize = 4 << 20;

/// A transaction with so many was worth its cost: the next one follows at once.
const MANY_ENTRIES: usize = MOST_ENTRIES / 4;

/// How long things gather before the next transaction, when few were left.
const GATHER: Duration = Duration::from_millis(40);

/// How often the spool is looked at although nobody said that there is something in it.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// The first and the longest rest after a failure.
const REST: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(2));

/// Moves a spool.
pub struct Forwarder {
    spool: Spool,
    taker: Taker,
    server: Server,
    session: Option<Session>,
    state: Arc<State>,
    patience: Duration,
}

/// A forwarder that runs. Dropping it ends it where it is; nothing is lost by that.
pub struct ForwarderThread {
    stop: watch::Sender<bool>,
    handle: JoinHandle<()>,
}

impl ForwarderThread {
    /// Moves what is still there, if that can be done in about so long, and ends. Blocks. Call it when
    /// nothing is put into the spool any more.
    pub fn stop(self) {
        self.stop.send_replace(true);
        if self.handle.join().is_err() {
            tracing::error!("the forwarder ended with a panic");
        }
    }
}

impl Forwarder {
    pub(crate) fn new(
        spool: Spool,
        server: Server,
        state: Arc<State>,
        patience: Duration,
    ) -> Result<Forwarder> {
        Ok(Forwarder {
            taker: spool.taker()?,
            spool,
            server,
            session: None,
            state,
            patience,
        })
    }

    /// Starts it on a thread of its own. When it is stopped it takes up to `drain` to move what is left.
    pub fn spawn(self, drain: Duration) -> std::io::Result<ForwarderThread> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let (stop, stopping) = watch::channel(false);
        let handle = std::thread::Builder::new()
            .name("forwarder".into())
            .spawn(move || runtime.block_on(self.run(stopping, drain)))?;
        Ok(ForwarderThread { stop, handle })
    }

    /// Moves what is there and what comes, until it is told to stop; then what is left, for as long as that
    /// may take.
    async fn run(mut self, mut stop: watch::Receiver<bool>, drain: Duration) {
        let mut told = stop.clone();
        let last_moment = async move {
            // Whoever would have told is gone: nobody waits for the rest.
            if told.wait_for(|stop| *stop).await.is_ok() {
                tokio::time::sleep(drain).await;
            }
        };
        let moving = async move {
            self.move_all(&mut stop).await;
            while self.step().await.is_ok_and(|moved| moved > 0) {}
        };
        tokio::select! {
            () = moving => {}
            () = last_moment => tracing::debug!("what is left in the spool is moved after the next start"),
        }
    }

    async fn move_all(&mut self, stop: &mut watch::Receiver<bool>) {
        let wake = self.spool.wake();
        let mut rest = REST.0;
        while !*stop.borrow_and_update() {
            let pause = match self.step().await {
                Ok(moved) => {
                    rest = REST.0;
                    if moved >= MANY_ENTRIES {
                        continue;
                    }
                    if moved == 0 {
                        let _ = unless(stop, timeout(LOOK_EVERY, wake.notified())).await;
                    }
                    GATHER
                }
                Err(_) => {
                    let now = rest;
                    rest = (rest * 2).min(REST.1);
                    now
                }
            };
            unless(stop, tokio::time::sleep(pause)).await;
        }
    }

    /// Moves everything that is there. For tests and tools, which do not run a thread.
    ///
    /// # Errors
    /// What the shared store says, when it takes nothing.
    pub async fn drain(&mut self) -> Result<()> {
        while self.step().await? > 0 {}
        Ok(())
    }

    /// Moves a batch; answers how many things were in it.
    async fn step(&mut self) -> Result<usize> {
        let _busy = self.state.begins();
        let moved = self.try_step().await;
        match &moved {
            Ok(_) => self.state.works(),
            Err(error) => {
                self.session = None;
                self.state.fails(error);
            }
        }
        moved
    }

    async fn try_step(&mut self) -> Result<usize> {
        // Whoever ends in here has no session: what it was at is unknown.
        let session = self.session.take().filter(|session| !session.is_over());
        let mut session = match session {
            Some(session) => session,
            None => Session::open(&self.server, &mut self.taker, self.patience).await?,
        };
        let entries = self.taker.oldest(MOST_ENTRIES, MOST_BYTES)?;
        match self.settle(&mut session, &entries).await {
            Ok(()) => {
                self.session = Some(session);
                Ok(entries.len())
            }
            // Looked at anew at once.
            Err(Trouble::Overtaken) => Ok(entries.len().max(1)),
            Err(Trouble::Store(error)) => Err(error),
            Err(Trouble::Refused(refusal)) => {
                tracing::error!(
                    reason = refusal.reason,
                    "the shared store refused what the spool counted"
                );
                Err(StoreError::Busy)
            }
        }
    }

    /// Moves entries in their order. What is refused is found by halving.
    async fn settle(
        &mut self,
        session: &mut Session,
        entries: &[Entry],
    ) -> std::result::Result<(), Trouble> {
        if entries.is_empty() {
            return session.store(&Batch::default(), &mut self.taker).await;
        }
        let mut ranges = one_layout_each(entries);
        ranges.reverse();
        while let Some(range) = ranges.pop() {
            let part = &entries[range.clone()];
            match session.store(&Batch::of(part), &mut self.taker).await {
                Ok(()) => {}
                Err(Trouble::Refused(_)) if range.len() > 1 => {
                    let middle = range.start + range.len() / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
                Err(Trouble::Refused(refusal)) => {
                    let settled = session.settle(&part[0], &refusal, &mut self.taker).await?;
                    match settled {
                        Settled::Doubled => {
                            tracing::debug!("an entry of the spool is in the shared store already");
                        }
                        Settled::Aside | Settled::Unkept => tracing::error!(
                            reason = refusal.reason,
                            kept = settled == Settled::Aside,
                            "the shared store refused an entry of the spool"
                        ),
                    }
                }
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(())
    }
}

/// Waits, unless it is to stop.
async fn unless<T>(
    stop: &mut watch::Receiver<bool>,
    waiting: impl Future<Output = T>,
) -> Option<T> {
    tokio::select! {
        done = waiting => Some(done),
        _ = stop.wait_for(|stop| *stop) => None,
    }
}

/// Runs of entries whose records were made for the same columns.
fn one_layout_each(entries: &[Entry]) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let (mut start, mut layout) = (0, None);
    for (at, entry) in entries.iter().enumerate() {
        if entry.kind != EntryKind::Record {
            continue;
        }
        if layout.is_some_and(|layout| layout != entry.layout) {
            ranges.push(start..at);
            start = at;
        }
        layout = Some(entry.layout);
    }
    if start < entries.len() {
        ranges.push(start..entries.len());
    }
    ranges
}
