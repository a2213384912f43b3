//! The recorder thread: the one writer. Takes what waits, composes it, commits it as one group,
//! answers those who wait. What the store cannot take it keeps and tries
//! again; nothing is given up before the gateway stops.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use tokio::sync::oneshot;
use waybill_model::record::Record;
use waybill_store::{Fate, Journal, LossReason, Store};

use super::{
    compose::Composer,
    noise::NoiseCounts,
    queue::{Counters, Entry, Queues},
};

/// Records per commit: large enough to spread its cost, small enough that the first of a group does
/// not wait long for the last.
const GROUP: usize = 256;

/// How long the first of a group waits for others. Writing a group costs little more than writing one
/// record, and while this thread rests nobody has to wake it.
const GATHER: Duration = Duration::from_millis(5);

/// How long plain successes may lie before they are written, when nothing was written last time.
const LINGER: Duration = Duration::from_millis(100);

/// The same under traffic: little at a time, so that writing never keeps a processor from the workers
/// for long.
const LINGER_BUSY: Duration = Duration::from_millis(10);

/// How long records rest that the store could not take.
const RETRY_AFTER: Duration = Duration::from_millis(100);

/// How often refusals before auth are written.
const NOISE_EVERY: Duration = Duration::from_secs(1);

/// The running recorder.
pub struct RecorderThread {
    stop: Arc<AtomicBool>,
    handle: JoinHandle<()>,
}

impl RecorderThread {
    /// Writes what still waits, then ends. Blocks.
    pub fn stop(self) {
        self.stop.store(true, Ordering::Release);
        if self.handle.join().is_err() {
            tracing::error!("the recorder ended with a panic");
        }
    }
}

/// Starts the recorder.
pub fn spawn(
    journal: Journal,
    store: Store,
    composer: Composer,
    queues: Queues,
) -> std::io::Result<RecorderThread> {
    let stop = Arc::new(AtomicBool::new(false));
    let worker = Worker {
        journal,
        store,
        composer,
        queues,
        stop: Arc::clone(&stop),
        group: Group::default(),
        noise: NoiseCounts::default(),
        noise_written: Instant::now(),
        busy: false,
    };
    let handle = std::thread::Builder::new()
        .name("recorder".into())
        .spawn(move || worker.run())?;
    Ok(RecorderThread { stop, handle })
}

struct Worker {
    journal: Journal,
    store: Store,
    composer: Composer,
    queues: Queues,
    stop: Arc<AtomicBool>,
    group: Group,
    noise: NoiseCounts,
    noise_written: Instant,
    /// The last round wrote something.
    busy: bool,
}

/// Records on their way into one commit, and who waits for each. What a commit hands back stays here:
/// meanwhile the queues fill, and a full queue is what loses records.
#[derive(Default)]
struct Group {
    records: Vec<Record>,
    receipts: Vec<Receipt>,
}

/// What is due once a record has its fate.
struct Receipt {
    held_bytes: usize,
    committed: Option<oneshot::Sender<()>>,
}

impl Worker {
    fn run(mut self) {
        let _running = self.queues.counters.running();
        loop {
            // Read before looking into the queues: what is put in before the stop is still written.
            let stopping = self.stop.load(Ordering::Acquire);
            self.rest();
            self.busy = false;
            // As long as groups are full there is no time to rest; those who wait come first.
            loop {
                self.gather();
                self.busy |= !self.group.records.is_empty();
                let full = self.group.records.len() == GROUP;
                self.commit();
                self.take_noise();
                if stopping || self.noise_written.elapsed() >= NOISE_EVERY {
                    self.write_noise();
                }
                if !full || !self.group.records.is_empty() {
                    break;
                }
            }
            if stopping && !self.group.records.is_empty() {
                return self.give_up();
            }
            if stopping && self.queues.urgent.is_empty() && self.queues.lazy.is_empty() {
                return;
            }
        }
    }

    /// Waits for something to do, and for more to do along with it.
    fn rest(&mut self) {
        if !self.group.records.is_empty() {
            std::thread::sleep(RETRY_AFTER);
            return;
        }
        let linger = if self.busy { LINGER_BUSY } else { LINGER };
        if let Ok(first) = self.queues.urgent.recv_timeout(linger) {
            self.compose(first);
            std::thread::sleep(GATHER);
        }
    }

    /// Fills the group from the queues, as far as they go.
    fn gather(&mut self) {
        while self.group.records.len() < GROUP {
            let next = self.queues.urgent.try_recv();
            match next.or_else(|_| self.queues.lazy.try_recv()) {
                Ok(entry) => self.compose(entry),
                Err(_) => return,
            }
        }
    }

    fn compose(&mut self, entry: Entry) {
        let receipt = Receipt {
            held_bytes: entry.held_bytes,
            committed: entry.committed,
        };
        let composer = &mut self.composer;
        let compose = AssertUnwindSafe(|| composer.compose(entry.finished, entry.body_dropped));
        match std::panic::catch_unwind(compose) {
            Ok(record) => {
                self.group.records.push(record);
                self.group.receipts.push(receipt);
            }
            // A defect that one request can trigger must not end the record of all others.
            Err(_) => {
                tracing::error!("a record could not be composed; it is counted as lost");
                self.store.count_lost(1, LossReason::StoreFailed);
                receipt.settle(&self.queues.counters);
            }
        }
    }

    /// Writes the group. What the store cannot take now stays in it.
    fn commit(&mut self) {
        if self.group.records.is_empty() {
            return;
        }
        let Group { records, receipts } = std::mem::take(&mut self.group);
        let fates = self.journal.commit(&records).fates;
        let lost = fates.iter().filter(|fate| **fate == Fate::Lost).count();
        if lost > 0 {
            tracing::error!(lost, "records were lost, and counted");
        }
        for ((record, receipt), fate) in records.into_iter().zip(receipts).zip(fates) {
            if fate == Fate::Held {
                self.group.records.push(record);
                self.group.receipts.push(receipt);
            } else {
                receipt.settle(&self.queues.counters);
            }
        }
    }

    /// The end has come and the store takes nothing: what waits is lost, and counted.
    fn give_up(&mut self) {
        let mut lost = 0;
        while !self.group.records.is_empty() {
            let Group { records, receipts } = std::mem::take(&mut self.group);
            lost += records.len();
            self.journal.give_up(&records, LossReason::Shutdown);
            for receipt in receipts {
                receipt.settle(&self.queues.counters);
            }
            self.gather();
        }
        self.journal.commit(&[]);
        tracing::error!(
            lost,
            "the store took no records until the end: they are lost"
        );
    }

    fn take_noise(&mut self) {
        for noise in self.queues.noise.try_iter() {
            if !self.noise.add(&noise) {
                self.queues
                    .counters
                    .noise_uncounted
                    .fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    fn write_noise(&mut self) {
        self.noise_written = Instant::now();
        let lines = self.noise.unwritten();
        if lines.is_empty() {
            return;
        }
        match self.journal.commit_noise(&lines) {
            Ok(()) => self.noise.written(),
            Err(error) => {
                tracing::warn!(%error, lines = lines.len(), "counts of refused requests wait")
            }
        }
    }
}

impl Receipt {
    /// The record has its fate: whoever waits for it may go on.
    fn settle(self, counters: &Counters) {
        counters.waiting.fetch_sub(1, Ordering::Relaxed);
        counters
            .waiting_bytes
            .fetch_sub(self.held_bytes, Ordering::Relaxed);
        if let Some(committed) = self.committed {
            // The client may have left meanwhile.
            let _ = committed.send(());
        }
    }
}
