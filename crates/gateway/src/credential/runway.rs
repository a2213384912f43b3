//! One flight at a time, and who waits for it.
//!
//! Promises: a second flight cannot begin while one is under way; who waits is woken when it ends, however that
//! is. Must not know: what is had.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;

/// Where the flights of one account begin and end.
#[derive(Debug)]
pub struct Runway {
    flying: AtomicBool,
    /// Flights that have ended.
    landed: watch::Sender<u64>,
}

impl Default for Runway {
    fn default() -> Self {
        Runway {
            flying: AtomicBool::new(false),
            landed: watch::Sender::new(0),
        }
    }
}

impl Runway {
    /// Whether a flight is under way.
    pub fn is_flying(&self) -> bool {
        self.flying.load(Ordering::Acquire)
    }

    /// Whether somebody waits for one.
    pub fn is_awaited(&self) -> bool {
        self.landed.receiver_count() > 0
    }

    /// Begins the one flight there may be; it ends when what is returned is dropped.
    pub fn fly(self: &Arc<Self>) -> Option<Flight> {
        let begun = !self.flying.swap(true, Ordering::AcqRel);
        begun.then(|| Flight(Arc::clone(self)))
    }

    /// Tells of flights that end from now on.
    pub fn landings(&self) -> watch::Receiver<u64> {
        self.landed.subscribe()
    }
}

/// A flight under way. Dropping it, in a panic too, ends it and wakes who waits.
pub struct Flight(Arc<Runway>);

impl Drop for Flight {
    fn drop(&mut self) {
        self.0.flying.store(false, Ordering::Release);
        self.0.landed.send_modify(|landed| *landed += 1);
    }
}
