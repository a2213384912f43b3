//! The recorder thread: the one writer. Takes what waits, composes it, commits it as one group,
//! answers those who wait. Changes of accounts' states and usage go along: what was queued before a
//! record is on disk when the record's wait is over. What the store cannot take it keeps and tries
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
use waybill_model::record::{AccountEventRow, Record};
use waybill_store::{Batch, Fate, Journal, LossReason, Store};

use super::{
    compose::Composer,
    counters::Counters,
    noise::NoiseCounts,
    queue::{ACCOUNT_EVENT_QUEUE, Entry, Queues},
    usage::UsageDeltas,
};
use crate::telemetry::Telemetry;

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

/// How often usage is written that no commit took along.
const USAGE_EVERY: Duration = Duration::from_secs(1);

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
    telemetry: Arc<Telemetry>,
) -> std::io::Result<RecorderThread> {
    let stop = Arc::new(AtomicBool::new(false));
    let worker = Worker {
        journal,
        store,
        composer,
        queues,
        telemetry,
        stop: Arc::clone(&stop),
        group: Group::default(),
        account_events: Vec::new(),
        askers: Vec::new(),
        usage: UsageDeltas::default(),
        usage_written: Instant::now(),
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
    telemetry: Arc<Telemetry>,
    stop: Arc<AtomicBool>,
    group: Group,
    /// Those that the store has not taken yet, in the order in which they came.
    account_events: Vec<AccountEventRow>,
    /// Who waits for the events before.
    askers: Vec<oneshot::Sender<()>>,
    usage: UsageDeltas,
    usage_written: Instant,
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
                self.commit(stopping);
                self.take_noise();
                if stopping || self.noise_written.elapsed() >= NOISE_EVERY {
                    self.write_noise();
                }
                if !full || !self.group.records.is_empty() {
                    break;
                }
            }
            if stopping && self.holds_any() {
                return self.give_up();
            }
            if stopping && self.queues.are_empty() {
                return;
            }
        }
    }

    /// Whether there is anything that the store has not taken.
    fn holds_any(&self) -> bool {
        !self.group.records.is_empty() || !self.account_events.is_empty() || !self.usage.is_empty()
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
        self.tell(&entry);
        if !entry.is_kept {
            return;
        }
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

    /// Counts a request, kept or not, and hands its spans over.
    fn tell(&self, entry: &Entry) {
        let redactor = self.composer.redactor_for(&entry.finished);
        let tell = AssertUnwindSafe(|| {
            let verdict = self.composer.judge(&entry.finished, &redactor);
            self.telemetry.finished(&entry.finished, verdict, &redactor);
        });
        if std::panic::catch_unwind(tell).is_err() {
            self.telemetry.uncounted();
        }
    }

    /// Takes what goes along with the records gathered before. While the store takes nothing, no more
    /// than may wait; `false` if some is left that a record may not precede.
    fn gather_along(&mut self) -> bool {
        let waiting = self.queues.usage.len();
        for charges in self.queues.usage.try_iter().take(waiting) {
            charges.iter().for_each(|charge| self.usage.add(charge));
        }
        if self.account_events.len() >= ACCOUNT_EVENT_QUEUE {
            return false;
        }
        let waiting = self.queues.account_events.len();
        for event in self.queues.account_events.try_iter().take(waiting) {
            let composer = &self.composer;
            match std::panic::catch_unwind(AssertUnwindSafe(|| composer.account_event(&event))) {
                Ok(row) => self.account_events.push(row),
                Err(_) => self.queues.counters.lose_account_events(1),
            }
        }
        true
    }

    /// Writes the group and what goes along. What the store cannot take now stays.
    fn commit(&mut self, stopping: bool) {
        // Taken before the events: what they ask for is among those gathered now, or written.
        self.askers.extend(self.queues.askers.try_iter());
        self.commit_what_waits(stopping);
        if self.account_events.is_empty() {
            for asker in self.askers.drain(..) {
                // Whoever asked may have gone.
                let _ = asker.send(());
            }
        }
    }

    fn commit_what_waits(&mut self, stopping: bool) {
        if !self.gather_along() {
            let account_events = std::mem::take(&mut self.account_events);
            self.write(&[], account_events, false);
            return;
        }
        let Group { records, receipts } = std::mem::take(&mut self.group);
        let account_events = std::mem::take(&mut self.account_events);
        let with_usage = stopping
            || self.usage_written.elapsed() >= USAGE_EVERY
            || receipts.iter().any(|receipt| receipt.committed.is_some());
        let fates = self.write(&records, account_events, with_usage);
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

    /// One commit. Keeps the events and the usage that it does not take; says what became of the records.
    fn write(
        &mut self,
        records: &[Record],
        mut account_events: Vec<AccountEventRow>,
        with_usage: bool,
    ) -> Vec<Fate> {
        let usage = if with_usage {
            self.usage_written = Instant::now();
            self.usage.unwritten()
        } else {
            Vec::new()
        };
        if records.is_empty() && account_events.is_empty() && usage.is_empty() {
            return Vec::new();
        }
        let report = self.journal.commit(Batch {
            records,
            account_events: &account_events,
            usage: &usage,
        });
        let written = records.iter().zip(&report.fates);
        if { written }.any(|(record, fate)| record.error.is_some() && fate.is_kept()) {
            self.queues.counters.failures_written.send_replace(());
        }
        if with_usage && report.usage {
            self.usage.written();
        }
        if report.refused_account_events > 0 {
            let counters = &self.queues.counters;
            counters.lose_account_events(report.refused_account_events);
        }
        account_events.drain(..report.account_events);
        self.account_events = account_events;
        report.fates
    }

    /// The end has come and the store takes nothing: what waits is lost, and counted.
    fn give_up(&mut self) {
        let mut lost = 0;
        let account_events = self.account_events.len() + self.queues.account_events.len();
        if account_events > 0 {
            self.queues
                .counters
                .lose_account_events(account_events as u64);
        }
        while !self.group.records.is_empty() {
            let Group { records, receipts } = std::mem::take(&mut self.group);
            lost += records.len();
            self.journal.give_up(&records, LossReason::Shutdown);
            for receipt in receipts {
                receipt.settle(&self.queues.counters);
            }
            self.gather();
        }
        self.journal.commit(Batch::default());
        tracing::error!(
            lost,
            account_events,
            "the store took nothing until the end: records, changes of accounts' states and usage are lost"
        );
    }

    fn take_noise(&mut self) {
        for noise in self.queues.noise.try_iter() {
            self.telemetry.unadmitted(noise.cause);
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
