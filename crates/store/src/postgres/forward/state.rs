//! How moving goes, for whoever asks.

use std::{
    sync::Mutex,
    time::{Duration, Instant},
};

use crate::{StoreError, connections::lock};

/// How moving goes.
#[derive(Debug, Default)]
pub(crate) struct State(Mutex<Option<Failing>>);

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

impl State {
    pub(super) fn works(&self) {
        if let Some(failing) = lock(&self.0).take() {
            tracing::info!(
                after_ms = failing.since.elapsed().as_millis() as u64,
                "the shared store takes records again"
            );
        }
    }

    pub(super) fn fails(&self, error: &StoreError) {
        let mut state = lock(&self.0);
        let reason = error.to_string();
        match state.as_mut() {
            Some(failing) => failing.reason = reason,
            None => {
                tracing::warn!(
                    %error,
                    why = std::error::Error::source(error).map(tracing::field::display),
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
        match &*lock(&self.0) {
            None => Forwarding::Works,
            Some(failing) => Forwarding::Fails {
                since: failing.since.elapsed(),
                reason: failing.reason.clone(),
            },
        }
    }
}
