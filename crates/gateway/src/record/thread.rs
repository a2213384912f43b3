//! The recorder thread: the one writer. Takes what waits, composes it, commits it as one group,
//! answers those who wait.

use std::{
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use waybill_store::{Journal, LossReason, Store};

use super::{
    compose::Composer,
    noise::NoiseCounts,
    queue::{Entry, Queues},
};

/// Records per commit: large enough to spread its cost, small enough that the first of a group does
/// not wait long for the last.
const GROUP: usize = 256;

/// How long the first of a group waits for others. Writing a group costs little more than writing one
/// record, and while this thread rests nobody has to wake it.
const GATHER: Duration = Duration::from_millis(2);

/// How long plain successes may lie before they are written.
const LINGER: Duration = Duration::from_millis(100);

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
        noise: NoiseCounts::default(),
        noise_written: Instant::now(),
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
    noise: NoiseCounts,
    noise_written: Instant,
}

impl Worker {
    fn run(mut self) {
        let _running = self.queues.counters.running();
        let mut group = Vec::with_capacity(GROUP);
        loop {
            // Read before looking into the queues: what is put in before the stop is still written.
            let stopping = self.stop.load(Ordering::Acquire);
            if let Ok(first) = self.queues.urgent.recv_timeout(LINGER) {
                group.push(first);
                std::thread::sleep(GATHER);
            }
            // As long as groups are full there is no time to rest; those who wait come first.
            loop {
                group.extend(self.queues.urgent.try_iter().take(GROUP - group.len()));
                group.extend(self.queues.lazy.try_iter().take(GROUP - group.len()));
                let full = group.len() == GROUP;
                if !group.is_empty() {
                    self.commit(&mut group);
                }
                self.take_noise();
                if stopping || self.noise_written.elapsed() >= NOISE_EVERY {
                    self.write_noise();
                }
                if !full {
                    break;
                }
            }
            if stopping && self.queues.urgent.is_empty() && self.queues.lazy.is_empty() {
                return;
            }
        }
    }

    fn commit(&mut self, group: &mut Vec<Entry>) {
        let mut waiting = Vec::with_capacity(group.len());
        let mut bytes = 0;
        let count = group.len();
        let mut records = Vec::with_capacity(count);
        let mut lost = 0;
        for entry in group.drain(..) {
            bytes += entry.held_bytes;
            waiting.extend(entry.committed);
            let composer = &mut self.composer;
            let compose = AssertUnwindSafe(|| composer.compose(entry.finished, entry.body_dropped));
            match std::panic::catch_unwind(compose) {
                Ok(record) => records.push(record),
                // A defect that one request can trigger must not end the record of all others.
                Err(_) => lost += 1,
            }
        }
        if lost > 0 {
            self.store.count_lost(lost, LossReason::StoreFailed);
            tracing::error!(
                lost,
                "records could not be composed; they are counted as lost"
            );
        }
        let report = self.journal.commit(&records);
        let lost = report.fates.iter().filter(|fate| !fate.is_kept()).count();
        if lost > 0 {
            tracing::error!(lost, "records were lost, and counted");
        }
        let counters = &self.queues.counters;
        counters.waiting.fetch_sub(count, Ordering::Relaxed);
        counters.waiting_bytes.fetch_sub(bytes, Ordering::Relaxed);
        for committed in waiting {
            // The client may have left meanwhile.
            let _ = committed.send(());
        }
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
