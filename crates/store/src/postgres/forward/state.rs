//! How moving goes, for whoever asks.

use std::{
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use super::super::fault;
use crate::{StoreError, connections::lock};

/// How moving goes.
#[derive(Debug, Default)]
pub(crate) struct State {
    failing: Mutex<Option<Failing>>,
    /// Since when an answer has been waited for.
    asked: Mutex<Option<Instant>>,
}

/// An answer that takes longer is worth a word.
const SLOW: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Failing {
    since: Instant,
    reason: String,
}

/// How records get from the spool to the shared store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Forwarding {
    /// They are moved as they come.
    Works,
    /// They wait.
    Fails {
        /// For so long.
        since: Duration,
        /// What the shared store said, or what became of it. Holds no data.
        reason: String,
    },
}

/// Something is waited for, until this is dropped.
pub(super) struct Busy(Arc<State>);

impl Drop for Busy {
    fn drop(&mut self) {
        *lock(&self.0.asked) = None;
    }
}

impl State {
    /// Something is asked of the shared store.
    pub(super) fn begins(self: &Arc<Self>) -> Busy {
        *lock(&self.asked) = Some(Instant::now());
        Busy(Arc::clone(self))
    }

    pub(super) fn works(&self) {
        if let Some(failing) = lock(&self.failing).take() {
            tracing::info!(
                after_ms = failing.since.elapsed().as_millis() as u64,
                "the shared store takes records again"
            );
        }
    }

    pub(super) fn fails(&self, error: &StoreError) {
        let mut state = lock(&self.failing);
        let reason = said(error);
        match state.as_mut() {
            Some(failing) => failing.reason = reason,
            None => {
                tracing::warn!(
                    reason,
                    "the shared store takes no records: they wait in the spool"
                );
                *state = Some(Failing {
                    since: Instant::now(),
                    reason,
                });
            }
        }
    }

    pub(crate) fn view(&self) -> Forwarding {
        let asked = lock(&self.asked).map(|asked| asked.elapsed());
        match &*lock(&self.failing) {
            None => match asked.filter(|since| *since >= SLOW) {
                None => Forwarding::Works,
                Some(since) => Forwarding::Fails {
                    since,
                    reason: "the database does not answer".to_owned(),
                },
            },
            Some(failing) => Forwarding::Fails {
                since: failing.since.elapsed(),
                reason: failing.reason.clone(),
            },
        }
    }
}

/// What went wrong, with the database's own words where they are about itself.
fn said(error: &StoreError) -> String {
    match error {
        StoreError::Database(source) => match fault::about_itself(&**source) {
            Some(said) => format!("{error}: {said}"),
            None => error.to_string(),
        },
        error => error.to_string(),
    }
}
