//! The queue itself: who is whose turn, and who can be served. Under the line's lock.
//!
//! Promises: keys take turns, and a key's requests are served in the order they came, but for those that
//! others of the same key could not be served instead of; requests that would fail alike are asked once
//! a round. Nothing is dropped here that could call the line.
//!
//! Must not know: how a request waits, or the time, except that of the request it asks.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    sync::Arc,
};

use tokio::{sync::oneshot, time::Instant};
use waybill_model::{
    id::{AccountId, ApiKeyId, GroupId},
    time::UnixMillis,
};
use waybill_wire::translate::tongue::Tongues;

use super::{
    super::{GroupEntry, lane::Lane},
    Chosen, NoRoute, Plan,
    ticket::Reply,
};
use crate::clock::Clock;

/// Requests that wait, by the turns of their keys.
#[derive(Default)]
pub(super) struct Queue {
    /// Whose turn it is: the lowest number first. A key comes in at the end, and goes there when served.
    keys: BTreeMap<u64, OfKey>,
    turns: HashMap<ApiKeyId, u64>,
    groups: HashMap<GroupId, u32>,
    /// How many wait in each lane.
    lanes: HashMap<LaneId, u32>,
    len: usize,
    next_turn: u64,
    next_id: u64,
}

/// The requests of one key, in the order they came.
struct OfKey {
    key: ApiKeyId,
    requests: VecDeque<Waiting>,
}

/// A request in the queue.
pub(super) struct Waiting {
    pub plan: Plan,
    id: u64,
    key: ApiKeyId,
    lane: LaneId,
    /// Tokens, where some account of the lane has a quota; else 0. Who needs less may find room where
    /// another does not.
    weight: u64,
    clock: Clock,
    joined_at: Instant,
    /// What becomes free only then is of no use to it.
    until: UnixMillis,
    reply: oneshot::Sender<Reply>,
}

/// Where a request is in the queue.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    id: u64,
    key: ApiKeyId,
}

/// Requests with the same picture of a group, the same model and the same ways have the same accounts. Two pictures of
/// a group are told apart, so that an account which has been added since is not kept from those who
/// know it by those who do not.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct LaneId {
    group: usize,
    model: Option<Arc<str>>,
    pinned: Option<AccountId>,
    open: Tongues,
}

/// A request taken out of the queue, and what it gets.
pub(super) struct Handed {
    pub reply: oneshot::Sender<Reply>,
    pub plan: Plan,
    pub result: Result<Chosen, NoRoute>,
}

/// What a look through the queue came to.
pub(super) struct Round {
    pub handed: Vec<Handed>,
    /// The next deadline that one of those who still wait is waiting for.
    pub soonest: Option<UnixMillis>,
}

impl Waiting {
    pub(super) fn new(
        plan: Plan,
        key: ApiKeyId,
        clock: Clock,
        joined_at: Instant,
        until: UnixMillis,
        reply: oneshot::Sender<Reply>,
    ) -> Waiting {
        let group: *const GroupEntry = Arc::as_ptr(&plan.group);
        Waiting {
            id: 0,
            key,
            lane: LaneId {
                // The plan keeps the group, so that no other has its address.
                group: group.addr(),
                model: plan.model.clone(),
                pinned: plan.pinned,
                open: plan.open,
            },
            weight: if plan.lane.served().any(|served| served.has_quota) {
                plan.tokens
            } else {
                0
            },
            plan,
            clock,
            joined_at,
            until,
            reply,
        }
    }

    /// Whether those behind it may have been held up by what it needs.
    pub(super) fn holds_others_up(&self) -> bool {
        self.weight > 0
    }

    fn handed(self, result: Result<Chosen, NoRoute>) -> Handed {
        Handed {
            reply: self.reply,
            plan: self.plan,
            result,
        }
    }
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.len
    }

    pub(super) fn of_key(&self, key: ApiKeyId) -> usize {
        self.turns
            .get(&key)
            .and_then(|turn| self.keys.get(turn))
            .map_or(0, |of_key| of_key.requests.len())
    }

    pub(super) fn of_group(&self, group: GroupId) -> u32 {
        self.groups.get(&group).copied().unwrap_or(0)
    }

    /// How many wait, by group.
    pub(super) fn groups(&self) -> Vec<(GroupId, u32)> {
        let mut groups: Vec<_> = self.groups.iter().map(|(id, n)| (*id, *n)).collect();
        groups.sort_unstable();
        groups
    }

    /// How many wait for the same accounts.
    pub(super) fn waiting_by_lane(&self) -> Vec<(Arc<Lane>, u32)> {
        let mut lanes: HashMap<&LaneId, (&Arc<Lane>, u32)> = HashMap::new();
        for waiting in self.keys.values().flat_map(|of_key| &of_key.requests) {
            let (_, count) = lanes
                .entry(&waiting.lane)
                .or_insert((&waiting.plan.lane, 0));
            *count += 1;
        }
        let lanes = lanes.into_values();
        lanes.map(|(lane, n)| (Arc::clone(lane), n)).collect()
    }

    /// When the one that has waited longest joined.
    pub(super) fn first_joined_at(&self) -> Option<Instant> {
        self.keys
            .values()
            .flat_map(|of_key| &of_key.requests)
            .map(|waiting| waiting.joined_at)
            .min()
    }

    /// Puts a request behind those of its key, and a key that comes in behind the others.
    pub(super) fn push(&mut self, mut waiting: Waiting) -> Place {
        waiting.id = self.next_id;
        self.next_id += 1;
        self.len += 1;
        let place = Place {
            id: waiting.id,
            key: waiting.key,
        };
        *self.groups.entry(waiting.plan.group.id).or_default() += 1;
        *self.lanes.entry(waiting.lane.clone()).or_default() += 1;
        let turn = *self.turns.entry(waiting.key).or_insert(self.next_turn);
        if turn == self.next_turn {
            self.next_turn += 1;
        }
        self.keys
            .entry(turn)
            .or_insert_with(|| OfKey {
                key: waiting.key,
                requests: VecDeque::new(),
            })
            .requests
            .push_back(waiting);
        place
    }

    /// Takes a request out that is no longer to wait.
    pub(super) fn remove(&mut self, place: Place) -> Option<Waiting> {
        let turn = *self.turns.get(&place.key)?;
        let requests = &self.keys.get(&turn)?.requests;
        // Ids grow along the requests of a key.
        let index = requests.binary_search_by_key(&place.id, |w| w.id).ok()?;
        self.take(turn, index)
    }

    /// Serves whoever can be served, key by key in turn.
    pub(super) fn round(&mut self) -> Round {
        let mut handed = Vec::new();
        let mut failures = Failures::default();
        let mut from = 0;
        // When every lane has said no there is nobody left to ask.
        while failures.lanes_closed < self.lanes.len() {
            let Some((&turn, of_key)) = self.keys.range_mut(from..).next() else {
                break;
            };
            let Some((index, result)) = first_that_is_done(&mut of_key.requests, &mut failures)
            else {
                from = turn + 1;
                continue;
            };
            let is_served = result.is_ok();
            if let Some(waiting) = self.take(turn, index) {
                handed.push(waiting.handed(result));
            }
            if is_served {
                self.go_to_the_end(turn);
                from = turn + 1;
            } else {
                from = turn;
            }
        }
        Round {
            handed,
            soonest: failures.soonest,
        }
    }

    /// A key that was served has its next turn after all others.
    fn go_to_the_end(&mut self, turn: u64) {
        if let Some(of_key) = self.keys.remove(&turn) {
            self.turns.insert(of_key.key, self.next_turn);
            self.keys.insert(self.next_turn, of_key);
            self.next_turn += 1;
        }
    }

    fn take(&mut self, turn: u64, index: usize) -> Option<Waiting> {
        let of_key = self.keys.get_mut(&turn)?;
        let waiting = of_key.requests.remove(index)?;
        if of_key.requests.is_empty() {
            self.keys.remove(&turn);
            self.turns.remove(&waiting.key);
        }
        one_less(&mut self.groups, &waiting.plan.group.id);
        one_less(&mut self.lanes, &waiting.lane);
        self.len -= 1;
        Some(waiting)
    }
}

fn one_less<K: Eq + std::hash::Hash>(counts: &mut HashMap<K, u32>, key: &K) {
    if let Some(count) = counts.get_mut(key) {
        *count -= 1;
        if *count == 0 {
            counts.remove(key);
        }
    }
}

/// The first request that gets an account, or for which none can be free in time any more.
fn first_that_is_done(
    requests: &mut VecDeque<Waiting>,
    failures: &mut Failures,
) -> Option<(usize, Result<Chosen, NoRoute>)> {
    for (index, waiting) in requests.iter_mut().enumerate() {
        if failures.cover(waiting) {
            continue;
        }
        let now = waiting.clock.now();
        match waiting.plan.choose(now) {
            Ok(chosen) => return Some((index, Ok(chosen))),
            Err(NoRoute::NoneUsable { soonest })
                if soonest.is_none_or(|soonest| soonest >= waiting.until) =>
            {
                return Some((index, Err(NoRoute::NoneUsable { soonest })));
            }
            Err(_) => failures.add(waiting, now),
        }
    }
    None
}

/// Requests that found nothing in this round, and so whom else need not be asked.
#[derive(Default)]
struct Failures {
    by_lane: HashMap<LaneId, OfLane>,
    /// Lanes of which nobody needs to be asked; so none of their requests goes in this round.
    lanes_closed: usize,
    soonest: Option<UnixMillis>,
}

#[derive(Default)]
struct OfLane {
    failures: Vec<Failure>,
    is_closed: bool,
}

struct Failure {
    key: ApiKeyId,
    weight: u64,
    tried: Vec<AccountId>,
}

impl Failures {
    /// Whether a request fails for the reasons another has failed for: it may take none but accounts
    /// that the other could have taken, and needs no less. Of a key's own requests the smaller ones do
    /// not go before the larger.
    fn cover(&self, waiting: &Waiting) -> bool {
        self.by_lane.get(&waiting.lane).is_some_and(|of_lane| {
            of_lane.is_closed
                || of_lane.failures.iter().any(|failure| {
                    (failure.key == waiting.key || failure.weight <= waiting.weight)
                        && failure
                            .tried
                            .iter()
                            .all(|account| waiting.plan.tried.contains(account))
                })
        })
    }

    fn add(&mut self, waiting: &Waiting, now: UnixMillis) {
        let soonest = waiting.plan.soonest(now);
        self.soonest = [self.soonest, soonest].into_iter().flatten().min();
        let of_lane = self.by_lane.entry(waiting.lane.clone()).or_default();
        if waiting.weight == 0 && waiting.plan.tried.is_empty() && !of_lane.is_closed {
            of_lane.is_closed = true;
            self.lanes_closed += 1;
        }
        of_lane.failures.push(Failure {
            key: waiting.key,
            weight: waiting.weight,
            tried: waiting.plan.tried.clone(),
        });
    }
}
