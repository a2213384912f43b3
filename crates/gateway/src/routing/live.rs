//! What changes while requests run: how many are in flight on an account.
//!
//! One [`Live`] per account outlives every snapshot, so that a configuration change forgets no slot.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicU32, Ordering},
};

use arc_swap::ArcSwap;
use waybill_model::state::AccountState;

use crate::quota::Meter;

/// Run-time state of one account, shared by all workers.
#[derive(Debug, Default)]
pub struct Live {
    in_flight: AtomicU32,
    state: ArcSwap<AccountState>,
    changing: Mutex<()>,
    faults: AtomicU32,
    meter: Meter,
}

impl Live {
    /// Requests on this account now.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// What keeps it from serving.
    pub fn state(&self) -> arc_swap::Guard<Arc<AccountState>> {
        self.state.load()
    }

    /// Changes the state; changes of one account happen one after the other.
    pub fn change<T>(&self, change: impl FnOnce(&mut AccountState) -> T) -> T {
        let _one_at_a_time = self.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let mut state = AccountState::clone(&self.state.load());
        let result = change(&mut state);
        self.state.store(Arc::new(state));
        result
    }

    /// Notes the time to an answer's head.
    pub fn took_ms(&self, _first_byte_ms: u32) {}

    /// A success while ramping.
    pub fn ramp_up(&self) {}

    /// Begins again with one request at once.
    pub fn start_ramp(&self) {}

    /// No ramp any longer.
    pub fn end_ramp(&self) {}

    /// One more broken answer in a row. Returns how many.
    pub fn fault(&self) -> u32 {
        self.faults.fetch_add(1, Ordering::Relaxed).saturating_add(1)
    }

    /// A whole answer: what broke before was no row.
    pub fn no_fault(&self) {
        if self.faults.load(Ordering::Relaxed) > 0 {
            self.faults.store(0, Ordering::Relaxed);
        }
    }

    /// What was used of the account's quota.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Takes a slot unless `limit` are taken. Dropping the [`Slot`] gives it back, whatever happened.
    pub fn take(self: &Arc<Self>, limit: Option<u32>) -> Option<Slot> {
        let limit = limit.unwrap_or(u32::MAX);
        self.in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
                (n < limit).then_some(n + 1)
            })
            .ok()
            .map(|_| Slot(Arc::clone(self)))
    }
}

/// One request's place on an account.
#[derive(Debug)]
pub struct Slot(Arc<Live>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_slot_is_free_again() {
        let live = Arc::new(Live::default());
        let slot = live.take(Some(1)).unwrap();
        assert!(live.take(Some(1)).is_none());
        drop(slot);
        assert_eq!(live.in_flight(), 0);
        assert!(live.take(Some(1)).is_some());
    }
}
