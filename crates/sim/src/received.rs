//! What the simulated provider was sent, kept so that a test can check what reached it.
//!
//! Promises: bounded (the newest are kept), in order of arrival.

use std::{
    collections::{BTreeMap, VecDeque},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use bytes::Bytes;
use serde::{Serialize, Serializer};

/// One request as it arrived.
#[derive(Debug, Clone, Serialize)]
pub struct Received {
    /// 1 for the first since the start.
    pub number: u64,
    /// Upper case.
    pub method: String,
    /// Path and query as they came.
    pub path: String,
    /// `HTTP/1.1` or `HTTP/2.0`.
    pub version: String,
    /// Names in lower case, in order; a value that is not UTF-8 is shown with replacement characters.
    pub headers: Vec<(String, String)>,
    /// The bytes of the body; in JSON a string, with replacement characters where it is not UTF-8.
    #[serde(serialize_with = "as_text")]
    pub body: Bytes,
    /// The credential that was presented, without `Bearer`.
    pub key: Option<String>,
    /// The rule whose fault was applied: its name, or its position among the rules.
    pub rule: Option<String>,
}

impl Received {
    /// The first header of that (lower-case) name.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }
}

fn as_text<S: Serializer>(bytes: &Bytes, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(bytes))
}

/// How many requests were and are being served.
#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
pub struct Counters {
    /// Since the start.
    pub requests: u64,
    /// Now: from the whole request head to the last byte of the answer.
    pub in_flight: u64,
    /// The most at one time since the start.
    pub max_in_flight: u64,
}

/// What one credential was used for.
#[derive(Debug, Clone, Default, Serialize, PartialEq, Eq)]
pub struct KeyCounters {
    /// Since the start.
    pub requests: u64,
    /// Refused by a limit.
    pub limited: u64,
    /// Now: as in [`Counters`].
    pub in_flight: u64,
    /// The most at one time since the start.
    pub max_in_flight: u64,
    /// Requests for each model; those that could not be read name none.
    pub models: BTreeMap<String, u64>,
}

/// Credentials counted apart; what comes with others is counted in [`Counters`] alone.
const MAX_KEYS: usize = 10_000;

/// The bounded log and the counters.
#[derive(Debug)]
pub struct Log {
    keep: usize,
    keys: Mutex<BTreeMap<String, KeyCounters>>,
    kept: Mutex<VecDeque<Received>>,
    requests: AtomicU64,
    in_flight: AtomicU64,
    max_in_flight: AtomicU64,
}

impl Log {
    /// A log that keeps the newest `keep` requests.
    pub fn new(keep: usize) -> Self {
        Log {
            keep,
            keys: Mutex::default(),
            kept: Mutex::default(),
            requests: AtomicU64::new(0),
            in_flight: AtomicU64::new(0),
            max_in_flight: AtomicU64::new(0),
        }
    }

    /// Whether anything is kept; if not, the work of describing a request can be saved.
    pub fn keeps(&self) -> bool {
        self.keep > 0
    }

    /// Keeps one request, letting the oldest go when full.
    pub fn push(&self, received: Received) {
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= self.keep {
            kept.pop_front();
        }
        kept.push_back(received);
    }

    /// Everything kept, oldest first.
    pub fn all(&self) -> Vec<Received> {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .iter()
            .cloned()
            .collect()
    }

    /// Forgets everything kept; the counters stay.
    pub fn clear(&self) {
        self.kept
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clear();
    }

    /// Counts a request in. Its number, and a guard that counts it out when dropped.
    pub fn enter(self: &Arc<Self>) -> (u64, InFlight) {
        let number = self.requests.fetch_add(1, Ordering::Relaxed) + 1;
        let now = self.in_flight.fetch_add(1, Ordering::Relaxed) + 1;
        self.max_in_flight.fetch_max(now, Ordering::Relaxed);
        let in_flight = InFlight {
            log: Arc::clone(self),
            key: None,
            places: Vec::new(),
        };
        (number, in_flight)
    }

    /// The counters of every credential now.
    pub fn keys(&self) -> BTreeMap<String, KeyCounters> {
        self.lock_keys().clone()
    }

    /// Counts for one credential, if it is counted.
    fn count(&self, key: &str, count: impl FnOnce(&mut KeyCounters)) -> bool {
        let mut keys = self.lock_keys();
        let room = keys.len() < MAX_KEYS;
        match keys.get_mut(key) {
            Some(counters) => count(counters),
            None if room => count(keys.entry(key.to_owned()).or_default()),
            None => return false,
        }
        true
    }

    fn lock_keys(&self) -> MutexGuard<'_, BTreeMap<String, KeyCounters>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The counters now.
    pub fn counters(&self) -> Counters {
        Counters {
            requests: self.requests.load(Ordering::Relaxed),
            in_flight: self.in_flight.load(Ordering::Relaxed),
            max_in_flight: self.max_in_flight.load(Ordering::Relaxed),
        }
    }
}

/// One request being served; counted out on drop, and nothing else.
#[derive(Debug)]
pub struct InFlight {
    log: Arc<Log>,
    key: Option<String>,
    places: Vec<Arc<()>>,
}

impl InFlight {
    /// Counts the request for its credential (empty: none), too.
    pub fn of_key(&mut self, key: &str) {
        let counted = self.log.count(key, |counters| {
            counters.requests += 1;
            counters.in_flight += 1;
            counters.max_in_flight = counters.max_in_flight.max(counters.in_flight);
        });
        self.key = counted.then(|| key.to_owned());
    }

    /// Counts the request for its model, and whether a limit refused it.
    pub fn of_model(&self, model: &str, limited: bool) {
        if let Some(key) = &self.key {
            self.log.count(key, |counters| {
                *counters.models.entry(model.to_owned()).or_default() += 1;
                counters.limited += u64::from(limited);
            });
        }
    }

    /// Keeps places under limits until the answer is over.
    pub fn hold(&mut self, places: Vec<Arc<()>>) {
        self.places = places;
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.log.in_flight.fetch_sub(1, Ordering::Relaxed);
        if let Some(key) = &self.key {
            self.log.count(key, |counters| counters.in_flight -= 1);
        }
    }
}
