//! Live: failures told to those who follow them, as they are committed.
//!
//! In: a filter and an id. Out: server-sent events, for as long as the reader stays.
//!
//! A reader is a place in the order of ids, not a buffer: whenever something newer is there it reads its own
//! next page from the store, and it reads the one after that when its client has taken this one. Nothing is
//! missed or told twice, over breaks and restarts too, and a reader costs a page of memory however slow it is.
//! One that falls too far behind is moved to the newest error and told what it missed.
//!
//! Promises: the number of readers is bounded; one whose client takes nothing for long is ended; when the
//! gateway stops, all end in order. Must not know: HTTP beyond the bytes of events.

mod frame;
mod reader;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore, watch},
    time::{sleep, timeout},
};
use waybill_model::id::ErrorId;

use crate::{app::Shared, config::Settings};

pub use reader::{Asked, Reader};

/// How often is looked for newer errors, though nobody said that there are any: another replica's, or what
/// this one's forwarder has moved.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// Least time between two looks: a burst of commits is told as one.
const REST: Duration = Duration::from_millis(50);

/// Silence after which a reader is sent a comment, where the configuration sends none to clients.
const KEEP_ALIVE: Duration = Duration::from_secs(15);

/// Rest after the store could not be asked.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(1);

/// The readers of a gateway.
#[derive(Debug)]
pub struct Live {
    most_readers: usize,
    most_behind: u32,
    keep_alive: Duration,
    seats: Arc<Semaphore>,
    /// How many readers there are: nothing is looked for when there are none.
    readers: watch::Sender<usize>,
    /// The newest error that is known of.
    newest: watch::Sender<ErrorId>,
    closed: watch::Sender<bool>,
}

/// A reader's place among the readers. Dropping it lets another one in.
#[derive(Debug)]
pub struct Seat {
    readers: watch::Sender<usize>,
    _permit: OwnedSemaphorePermit,
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.readers.send_modify(|readers| *readers -= 1);
    }
}

impl Live {
    /// Nobody reads yet.
    pub fn new(settings: &Settings) -> Live {
        let most_readers = settings.limits.live_readers.min(Semaphore::MAX_PERMITS);
        let keep_alive = settings.timeouts.keep_alive;
        Live {
            most_readers,
            most_behind: settings.limits.live_behind,
            keep_alive: if keep_alive.is_zero() {
                KEEP_ALIVE
            } else {
                keep_alive
            },
            seats: Arc::new(Semaphore::new(most_readers)),
            readers: watch::Sender::new(0),
            newest: watch::Sender::new(ErrorId(0)),
            closed: watch::Sender::new(false),
        }
    }

    /// A place for one more reader; `None` where there are as many as there may be.
    pub fn seat(&self) -> Option<Seat> {
        let permit = Arc::clone(&self.seats).try_acquire_owned().ok()?;
        self.readers.send_modify(|readers| *readers += 1);
        Some(Seat {
            readers: self.readers.clone(),
            _permit: permit,
        })
    }

    /// How many readers there are now.
    pub fn readers(&self) -> usize {
        *self.readers.borrow()
    }

    /// How many there may be.
    pub fn most_readers(&self) -> usize {
        self.most_readers
    }

    /// Ends all readers, and every one that comes later: the gateway stops.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// Looks for newer errors while there are readers: every so often, and after each commit where the store
    /// is this process's own.
    pub async fn follow(shared: Arc<Shared>) {
        let live = &shared.live;
        let mut readers = live.readers.subscribe();
        let mut written = shared.recorder.failures_written();
        loop {
            // The sender is here: it does not go.
            let _ = readers.wait_for(|readers| *readers > 0).await;
            let rest = match shared.store.newest_error().await {
                Ok(newest) => {
                    live.newest.send_if_modified(|known| {
                        let is_new = newest != *known;
                        *known = newest;
                        is_new
                    });
                    REST
                }
                Err(error) => {
                    tracing::debug!(%error, "newer errors cannot be looked for now");
                    REST_AFTER_FAILURE
                }
            };
            sleep(rest).await;
            match &shared.home {
                // What was written since the look is seen: the value that was seen last is older.
                None => drop(timeout(LOOK_EVERY, written.changed()).await),
                // What is written here is in the spool; when it gets where it is looked for, nobody says.
                Some(_) => sleep(LOOK_EVERY).await,
            }
        }
    }
}
