//! What the simulated provider was sent, kept so that a test can check what reached it.
//!
//! Promises: bounded (the newest are kept), in order of arrival.

use std::{
    collections::VecDeque,
    sync::{
        Arc, Mutex, PoisonError,
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

/// The bounded log and the counters.
#[derive(Debug)]
pub struct Log {
    keep: usize,
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
        (number, InFlight(Arc::clone(self)))
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
pub struct InFlight(Arc<Log>);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}
