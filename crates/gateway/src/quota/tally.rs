//! What one key or one user has in flight and has used. Outlives every snapshot, so that a
//! configuration change forgets nothing.

use std::{
    collections::HashMap,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
};

use waybill_model::{
    entity::{ApiKey, User},
    id::{ApiKeyId, UserId},
};

use super::Meter;

/// Run-time state of one key or user, shared by all workers.
#[derive(Debug, Default)]
pub struct Tally {
    in_flight: AtomicU32,
    /// What other replicas have in flight, as last heard.
    others_in_flight: AtomicU32,
    meter: Meter,
}

impl Tally {
    /// Requests in flight now.
    pub fn in_flight(&self) -> u32 {
        self.in_flight.load(Ordering::Relaxed)
    }

    /// Sets what other replicas have in flight.
    pub fn set_foreign_in_flight(&self, others: u32) {
        self.others_in_flight.store(others, Ordering::Relaxed);
    }

    /// What was used.
    pub fn meter(&self) -> &Meter {
        &self.meter
    }

    /// Takes a place unless `limit` are taken, here and elsewhere together. Dropping the [`Place`] gives it back, whatever happened.
    pub fn enter(self: &Arc<Self>, limit: Option<u32>) -> Option<Place> {
        let limit = limit.unwrap_or(u32::MAX);
        let others = self.others_in_flight.load(Ordering::Relaxed);
        let is_in = self
            .in_flight
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |n| {
                (n.saturating_add(others) < limit).then_some(n + 1)
            });
        is_in.ok()?;
        self.meter.touch();
        Some(Place(Arc::clone(self)))
    }
}

/// One request's place among those of its key or user.
#[derive(Debug)]
pub struct Place(Arc<Tally>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.in_flight.fetch_sub(1, Ordering::Relaxed);
        self.0.meter.touch();
    }
}

/// The tallies of every key and user.
#[derive(Debug, Default)]
pub struct Tallies {
    keys: HashMap<ApiKeyId, Arc<Tally>>,
    users: HashMap<UserId, Arc<Tally>>,
}

impl Tallies {
    /// Those of `users` and `keys`: what there is already, and new ones for who is new.
    #[must_use]
    pub fn kept_for(&self, users: &[User], keys: &[ApiKey]) -> Tallies {
        Tallies {
            keys: keys
                .iter()
                .map(|key| (key.id, self.of_key(key.id).unwrap_or_default()))
                .collect(),
            users: users
                .iter()
                .map(|user| (user.id, self.of_user(user.id).unwrap_or_default()))
                .collect(),
        }
    }

    /// The tally of a key.
    pub fn of_key(&self, id: ApiKeyId) -> Option<Arc<Tally>> {
        self.keys.get(&id).cloned()
    }

    /// The tally of a user.
    pub fn of_user(&self, id: UserId) -> Option<Arc<Tally>> {
        self.users.get(&id).cloned()
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn a_dropped_place_is_free_again() {
        let tally = Arc::new(Tally::default());
        let place = tally.enter(Some(1)).unwrap();
        assert!(tally.enter(Some(1)).is_none());
        drop(place);
        assert_eq!(tally.in_flight(), 0);
        assert!(tally.enter(Some(1)).is_some());
        assert!(tally.enter(Some(0)).is_none());
    }
}
