//! From whoever asks to a worker: a request that is sent again runs on a worker's thread and over its
//! connections, like a client's.
//!
//! Workers wait for the next one in turn. How many there are at once is bounded by seats: one is taken before
//! anything is begun, and held to the end, so that the way to the workers needs no bound of its own.

use std::sync::Arc;

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore, mpsc, oneshot};
use waybill_model::{
    id::{AccountId, ErrorId, ReplayId, RetryId},
    retry::{Failed, RetryAttempt},
};
use waybill_store::StoreError;

use crate::{ingress::Recalled, routing::KeyEntry};

/// Requests that are sent again at once, those that wait for a worker included. Each holds its body, and a slot of
/// some account that clients want, too.
const PLACES: usize = 16;

/// Room for one more.
pub struct Place {
    /// The way to a worker.
    pub give: mpsc::UnboundedSender<Task>,
    /// One of [`PLACES`].
    pub seat: OwnedSemaphorePermit,
}

/// A request to be sent again, with everything a worker needs.
pub struct Task {
    /// Its place, held to the end.
    pub seat: OwnedSemaphorePermit,
    /// The attempt that is on record.
    pub attempt: RetryId,
    /// The failure.
    pub source: ErrorId,
    /// What it was.
    pub was: Failed,
    /// The replay of many that it is a turn of.
    pub replay: Option<ReplayId>,
    /// The request.
    pub recalled: Recalled,
    /// Whose it is: with the groups of now.
    pub key: Arc<KeyEntry>,
    /// The one account to send it to; `None`: routing chooses.
    pub pinned: Option<AccountId>,
    /// Who waits for its end; may have gone.
    pub answer: oneshot::Sender<Result<RetryAttempt, StoreError>>,
}

/// Where requests that are sent again wait for a worker.
pub struct Queue {
    give: mpsc::UnboundedSender<Task>,
    take: Mutex<mpsc::UnboundedReceiver<Task>>,
    seats: Arc<Semaphore>,
}

impl Default for Queue {
    fn default() -> Self {
        let (give, take) = mpsc::unbounded_channel();
        Queue {
            give,
            take: Mutex::new(take),
            seats: Arc::new(Semaphore::new(PLACES)),
        }
    }
}

impl Queue {
    /// A place; `None`: every one is taken.
    pub fn place(&self) -> Option<Place> {
        let seat = Arc::clone(&self.seats).try_acquire_owned().ok()?;
        let give = self.give.clone();
        Some(Place { give, seat })
    }

    /// Whether there is a place now.
    pub fn has_room(&self) -> bool {
        self.seats.available_permits() > 0
    }

    /// The next one, for the worker that has waited longest. Nothing is lost where the wait is given up.
    pub async fn next(&self) -> Task {
        loop {
            // There is always somebody who may give: this queue.
            if let Some(task) = self.take.lock().await.recv().await {
                return task;
            }
        }
    }
}
