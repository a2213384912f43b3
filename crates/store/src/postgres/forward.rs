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

use std::{
    ops::Range,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::Duration,
};

use tokio::{
    sync::Notify,
    time::{Instant, timeout},
};

use self::session::{Session, Trouble};
pub use self::state::Forwarding;
pub(crate) use self::state::State;
use super::{connect::Server, copy::Batch};
use crate::{
    spool::{Entry, EntryKind, Spool, Taker, take::Moved},
    sql::Result,
};

/// Entries per transaction: enough to spread its cost.
const MOST_ENTRIES: usize = 1_000;

/// Bytes per transaction.
const MOST_BYTES: usize = 4 << 20;

/// How long things gather before the next transaction, when all that was there has been moved.
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
}

/// A forwarder that runs. Dropping it leaves it running.
pub struct ForwarderThread {
    stop: Arc<AtomicBool>,
    wake: Arc<Notify>,
    handle: JoinHandle<()>,
}

impl ForwarderThread {
    /// Moves what is still there, if that can be done in about so long, and ends. Blocks. Call it when
    /// nothing is put into the spool any more.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        self.wake.notify_one();
        if self.handle.join().is_err() {
            tracing::error!("the forwarder ended with a panic");
        }
    }
}

impl Forwarder {
    pub(crate) fn new(spool: Spool, server: Server, state: Arc<State>) -> Result<Forwarder> {
        Ok(Forwarder {
            taker: spool.taker()?,
            spool,
            server,
            session: None,
            state,
        })
    }

    /// Starts it on a thread of its own. When it is stopped it takes up to `drain` to move what is left.
    pub fn spawn(self, drain: Duration) -> std::io::Result<ForwarderThread> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let stop = Arc::new(AtomicBool::new(false));
        let (stopping, wake) = (Arc::clone(&stop), self.spool.wake());
        let handle = std::thread::Builder::new()
            .name("forwarder".into())
            .spawn(move || runtime.block_on(self.run(&stopping, drain)))?;
        Ok(ForwarderThread { stop, wake, handle })
    }

    async fn run(mut self, stop: &AtomicBool, drain: Duration) {
        let wake = self.spool.wake();
        let mut rest = REST.0;
        while !stop.load(Ordering::Acquire) {
            let pause = match self.step().await {
                Ok(true) => {
                    rest = REST.0;
                    continue;
                }
                Ok(false) => {
                    rest = REST.0;
                    LOOK_EVERY
                }
                Err(_) => {
                    let now = rest;
                    rest = (rest * 2).min(REST.1);
                    tokio::time::sleep(now).await;
                    continue;
                }
            };
            let _ = timeout(pause, wake.notified()).await;
            if !stop.load(Ordering::Acquire) {
                tokio::time::sleep(GATHER).await;
            }
        }
        let until = Instant::now() + drain;
        while Instant::now() < until && self.step().await.is_ok_and(|moved| moved) {}
    }

    /// Moves everything that is there. For tests and tools, which do not run a thread.
    ///
    /// # Errors
    /// What the shared store says, when it takes nothing.
    pub async fn drain(&mut self) -> Result<()> {
        while self.step().await? {}
        Ok(())
    }

    /// Moves a batch; `false` if there was none.
    async fn step(&mut self) -> Result<bool> {
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

    async fn try_step(&mut self) -> Result<bool> {
        if self.session.as_ref().is_none_or(Session::is_over) {
            self.session =
                Some(Session::open(&self.server, &mut self.taker, self.spool.id()).await?);
        }
        let entries = self.taker.oldest(MOST_ENTRIES, MOST_BYTES)?;
        self.settle(&entries).await?;
        Ok(!entries.is_empty())
    }

    /// Moves entries in their order. What is refused is found by halving.
    async fn settle(&mut self, entries: &[Entry]) -> Result<()> {
        let mut ranges = one_layout_each(entries);
        ranges.reverse();
        while let Some(range) = ranges.pop() {
            let Some(session) = self.session.as_mut() else {
                return Ok(());
            };
            let part = &entries[range.clone()];
            let batch = Batch::of(part);
            match session.store(&batch, &mut self.taker).await {
                Ok(()) => self.forget(Moved {
                    position: batch.position,
                    set_aside: batch.set_aside.len() as u64,
                    lost: 0,
                })?,
                Err(Trouble::Store(error)) => return Err(error),
                Err(Trouble::Refused(_)) if range.len() > 1 => {
                    let middle = range.start + range.len() / 2;
                    ranges.push(middle..range.end);
                    ranges.push(range.start..middle);
                }
                Err(Trouble::Refused(refusal)) => {
                    let kept = session.keep_aside(&part[0], &refusal).await?;
                    tracing::error!(
                        reason = refusal.reason,
                        kept,
                        "the shared store refused an entry; it is kept aside"
                    );
                    self.forget(Moved {
                        position: part[0].id,
                        set_aside: u64::from(kept && !refusal.duplicate),
                        lost: u64::from(!kept && part[0].kind == EntryKind::Record),
                    })?;
                }
            }
        }
        Ok(())
    }

    fn forget(&mut self, moved: Moved) -> Result<()> {
        self.taker.forget(moved)
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
