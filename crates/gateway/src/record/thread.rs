//! The recorder thread: the one writer. Takes what waits, composes it, commits it as one group,
//! answers those who wait.

use std::{
    collections::HashMap,
    net::IpAddr,
    panic::AssertUnwindSafe,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::JoinHandle,
    time::{Duration, Instant},
};

use waybill_model::{cause::Cause, time::UnixMillis, view::NoiseCount};
use waybill_store::{Journal, LossReason, Store};

use super::{
    compose::Composer,
    queue::{Entry, Noise, Queues},
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

/// Request ids kept per minute, source and cause.
const NOISE_SAMPLES: usize = 3;

/// Sources told apart within a minute; an attacker with more addresses shares one line.
const NOISE_SOURCES: usize = 1024;

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
        noise: HashMap::new(),
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
    noise: HashMap<(i64, IpAddr, Cause), NoiseCount>,
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
            tracing::error!(lost, "records could not be composed; they are counted as lost");
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
        for Noise {
            client_ip,
            cause,
            request_id,
            at,
        } in self.queues.noise.try_iter()
        {
            let minute = at.0 - at.0.rem_euclid(60_000);
            let mut key = (minute, client_ip, cause);
            if self.noise.len() >= NOISE_SOURCES && !self.noise.contains_key(&key) {
                key.1 = IpAddr::V4(std::net::Ipv4Addr::UNSPECIFIED);
            }
            let line = self.noise.entry(key).or_insert_with(|| NoiseCount {
                minute: UnixMillis(minute),
                client_ip: key.1.to_string(),
                cause,
                count: 0,
                samples: Vec::new(),
            });
            line.count += 1;
            if line.samples.len() < NOISE_SAMPLES {
                line.samples.push(request_id.to_string());
            }
        }
    }

    fn write_noise(&mut self) {
        self.noise_written = Instant::now();
        if self.noise.is_empty() {
            return;
        }
        let lines: Vec<_> = self.noise.drain().map(|(_, line)| line).collect();
        if let Err(error) = self.journal.commit_noise(&lines) {
            let refusals: u64 = lines.iter().map(|line| line.count).sum();
            tracing::error!(%error, refusals, "counts of refused requests could not be written");
        }
    }
}
