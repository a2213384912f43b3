//! Every replay that is running has its walk; one whose walk fails is walked again after a while, a few times.
//!
//! Promises: what goes wrong with one replay, a panic too, is no matter of the others'; one that fails again and again
//! without giving any failure its turn is ended, so that it holds no seat for ever. A database that is away for a while
//! ends none. Must not know: what a walk does.

use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
    time::Duration,
};

use tokio::{
    task::{Id, JoinError, JoinSet},
    time::{Instant, sleep, timeout},
};
use waybill_model::{id::ReplayId, retry::many::StopReason};
use waybill_store::StoreError;

use super::{LOOK_EVERY, end, walk::walk};
use crate::{app::Shared, replay::passes};

/// So many walks of a replay may fail in a row, without one turn between them.
const MOST_FAILED: u32 = 5;

/// How long until the second walk; twice as long until each further one.
const FIRST_REST: Duration = Duration::from_millis(500);

/// Longest wait until a walk is tried again.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// What came of a walk.
struct Walked {
    /// So many failures had their turn.
    turns: u64,
    said: Result<(), StoreError>,
}

/// A replay whose last walk failed.
#[derive(Debug, Clone, Copy)]
struct Failing {
    /// So many did, in a row.
    times: u32,
    /// From when on it is tried again.
    again: Instant,
}

/// The walks of one run.
#[derive(Default)]
pub(super) struct Walks {
    tasks: JoinSet<Walked>,
    under_way: HashMap<Id, ReplayId>,
    failing: HashMap<ReplayId, Failing>,
    over: HashSet<ReplayId>,
}

impl Walks {
    /// Whether none is under way.
    pub(super) fn is_empty(&self) -> bool {
        self.tasks.is_empty()
    }

    /// Whether a replay is running that is to be tried again.
    pub(super) fn is_any_to_be_tried_again(&self) -> bool {
        !self.failing.is_empty()
    }

    /// Begins a walk of every replay that has none and may have one.
    pub(super) fn begin(&mut self, shared: &Arc<Shared>, running: &[ReplayId]) {
        self.failing.retain(|id, _| running.contains(id));
        let now = Instant::now();
        for id in running.iter().copied() {
            let is_walked = self.under_way.values().any(|walked| *walked == id);
            let failing = self.failing.get(&id);
            let rests = failing.is_some_and(|failing| failing.again > now);
            if is_walked || rests || self.over.contains(&id) {
                continue;
            }
            let has_failed = failing.map_or(0, |failing| failing.times);
            let shared = Arc::clone(shared);
            let task = self.tasks.spawn(async move {
                let mut turns = 0;
                let said = match has_failed >= MOST_FAILED {
                    true => end(&shared, id, Some(StopReason::Failing), false).await,
                    false => walk(&shared, id, &mut turns).await,
                };
                Walked { turns, said }
            });
            self.under_way.insert(task.id(), id);
        }
    }

    /// Waits for the next walk to end, for so long at most. Answers how many turns it gave.
    pub(super) async fn look(&mut self, most: Duration) -> u64 {
        if self.tasks.is_empty() {
            sleep(most.min(FIRST_REST)).await;
            return 0;
        }
        match timeout(most, self.tasks.join_next_with_id()).await {
            Ok(Some(ended)) => self.ended(ended),
            Ok(None) | Err(_) => 0,
        }
    }

    fn ended(&mut self, ended: Result<(Id, Walked), JoinError>) -> u64 {
        let (task, turns, said) = match ended {
            Ok((task, walked)) => (task, walked.turns, walked.said),
            Err(error) => (error.id(), 0, Err(StoreError::Closed)),
        };
        let Some(id) = self.under_way.remove(&task) else {
            return turns;
        };
        match said {
            Ok(()) => {
                self.failing.remove(&id);
                self.over.insert(id);
            }
            Err(error) => {
                let before = match turns {
                    0 => self.failing.get(&id).map_or(0, |failing| failing.times),
                    _ => 0,
                };
                let failing = after(&error, before, Instant::now());
                let Failing { times, .. } = failing;
                tracing::warn!(%error, %id, times, "a replay could not go on");
                self.failing.insert(id, failing);
            }
        }
        turns
    }
}

/// How a replay stands after a walk that failed, as so many had before it.
fn after(error: &StoreError, before: u32, now: Instant) -> Failing {
    if passes(error) {
        return Failing {
            times: before,
            again: now + LOOK_EVERY,
        };
    }
    let rest = FIRST_REST.saturating_mul(1 << before.min(10));
    Failing {
        times: before.saturating_add(1),
        again: now + rest.min(LONGEST_REST),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)]
    use super::*;

    fn panics() -> Walked {
        panic!("a walk that panics")
    }

    #[tokio::test]
    async fn a_walk_that_panics_is_counted_and_leaves_the_others_alone() {
        let mut walks = Walks::default();
        let (bad, good) = (ReplayId(1), ReplayId(2));
        for times in 1..=2 {
            let task = walks.tasks.spawn(async { panics() });
            walks.under_way.insert(task.id(), bad);
            assert_eq!(walks.look(LOOK_EVERY).await, 0);
            assert_eq!(walks.failing[&bad].times, times);
        }
        let said = Ok(());
        let task = walks.tasks.spawn(async move { Walked { turns: 3, said } });
        walks.under_way.insert(task.id(), good);
        assert_eq!(walks.look(LOOK_EVERY).await, 3);
        assert!(walks.over.contains(&good) && walks.is_empty());
        // A turn in between: it goes on.
        let said = Err(StoreError::Closed);
        let task = walks.tasks.spawn(async move { Walked { turns: 1, said } });
        walks.under_way.insert(task.id(), bad);
        walks.look(LOOK_EVERY).await;
        assert_eq!(walks.failing[&bad].times, 1);
    }

    #[test]
    fn a_database_that_is_away_ends_no_replay_and_what_cannot_be_read_does() {
        let now = Instant::now();
        let unreadable = StoreError::Unreadable { column: "mode" };
        for (error, counted) in [
            (StoreError::Away, 0),
            (StoreError::Busy, 0),
            (StoreError::TooSlow, 1),
            (StoreError::Closed, 1),
            (unreadable, 1),
        ] {
            let failing = after(&error, 3, now);
            assert_eq!(failing.times, 3 + counted, "{error}");
            assert!(failing.again > now);
        }
    }
}
