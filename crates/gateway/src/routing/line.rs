//! The line: where requests wait for an account, bounded and fair.
//!
//! In: a [`Plan`] that finds no account now, though one is busy or will be tried again soon. Out: the
//! plan and what it has chosen, or why nothing could be had in time.
//!
//! Promises: who comes takes nothing from those who wait for the same model of the same group; keys are
//! served in turn, requests of a key in the order they came; one key cannot fill the line; whoever leaves
//! leaves no trace, and an account that had been handed to them goes to the next. A request that need
//! not wait, beside nobody who does, takes no lock.
//!
//! How no call is lost: whoever joins is counted before the queue is looked through once more, and
//! whoever frees something frees it before they look whether somebody is counted, with a fence between
//! on both sides. So either the one sees what was freed, or the other who waits.
//!
//! Must not know: why an account is busy, or what the client is told.

mod counts;
mod queue;
#[cfg(test)]
mod tests;
mod ticket;

use std::{
    collections::HashMap,
    hash::{BuildHasher, RandomState},
    sync::{
        Arc, Mutex, MutexGuard, PoisonError,
        atomic::{AtomicI64, AtomicU32, Ordering, fence},
    },
    time::Duration,
};

use tokio::{
    sync::{Notify, oneshot},
    time::{Instant, timeout},
};
use waybill_model::{
    id::{AccountId, ApiKeyId},
    time::UnixMillis,
    waybill::Queued,
};

use self::{
    counts::{Fate, Fates},
    queue::{Place, Queue, Waiting},
    ticket::Ticket,
};
use super::{Chosen, NoRoute, Plan, Sharing};
use crate::clock::Clock;

pub use counts::LineCounts;

/// What comes of a plan in the line: itself again, an account or none, and the wait if there was one.
pub type Routed = (Plan, Result<Chosen, NoRoute>, Option<Queued>);

/// Counters of who waits for what. Two lanes that share one are only told apart under the lock.
const CROWDS: usize = 64;

/// Stands for "nobody waits for a deadline".
const NO_ALARM: i64 = i64::MAX;

/// While somebody waits for a deadline, it is looked at this often at least: clocks are set, too.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Bounds of the line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LineSettings {
    /// Longest wait; zero: nobody waits. Shorter than the minute after which many clients give up.
    pub timeout: Duration,
    /// Requests that wait at once. Each holds its body.
    pub max_waiting: usize,
    /// Of these, those of one key, so that it cannot fill the line.
    pub max_waiting_per_key: usize,
}

impl Default for LineSettings {
    fn default() -> Self {
        LineSettings {
            timeout: Duration::from_secs(30),
            max_waiting: 1000,
            max_waiting_per_key: 100,
        }
    }
}

/// Requests that wait for an account.
pub struct Line {
    settings: LineSettings,
    /// Requests in the queue; read without its lock.
    waiting: AtomicU32,
    /// The same by lane.
    crowds: [AtomicU32; CROWDS],
    lanes: RandomState,
    queue: Mutex<Queue>,
    /// Times that [`Line::pump`] was called since whoever is at it last looked.
    asked: AtomicU32,
    /// The earliest deadline that somebody waits for.
    alarm: AtomicI64,
    alarm_set: Notify,
    fates: Fates,
    sharing: Sharing,
}

impl Line {
    /// A line in which nobody waits, before accounts that are this process's alone.
    pub fn new(settings: LineSettings) -> Arc<Line> {
        Line::with(settings, Sharing::off())
    }

    /// The same before accounts that are shared with other replicas.
    pub fn shared(settings: LineSettings) -> Arc<Line> {
        Line::with(settings, Sharing::on())
    }

    fn with(settings: LineSettings, sharing: Sharing) -> Arc<Line> {
        Arc::new(Line {
            sharing,
            settings,
            waiting: AtomicU32::new(0),
            crowds: std::array::from_fn(|_| AtomicU32::new(0)),
            lanes: RandomState::new(),
            queue: Mutex::default(),
            asked: AtomicU32::new(0),
            alarm: AtomicI64::new(NO_ALARM),
            alarm_set: Notify::new(),
            fates: Fates::default(),
        })
    }

    /// Chooses now, or waits until an account is handed over, none can be had in time, or `give_up_at`.
    /// Newcomers go behind those who wait for the same lane. Gives the plan back. Dropping it is leaving.
    pub async fn choose(
        self: &Arc<Self>,
        mut plan: Plan,
        key: ApiKeyId,
        clock: &Clock,
        give_up_at: Instant,
    ) -> Routed {
        // Who finds others waiting takes nothing from them, not even what is free now.
        let refused = if self.is_crowded(&plan) {
            None
        } else {
            match plan.choose(clock.now()) {
                Ok(chosen) => return (plan, Ok(chosen), None),
                Err(why) => Some(why),
            }
        };
        let (now, began) = (clock.now(), Instant::now());
        let patience = self.patience(began, give_up_at);
        let until = after(now, patience);
        if self.sharing.is_on() && plan.is_short(now) {
            self.sharing.ring();
        }
        if plan.hope(now).is_none_or(|soonest| soonest >= until) {
            let why = refused.unwrap_or_else(|| plan.no_route(now));
            return (plan, Err(why), None);
        }
        match self.join(plan, key, clock.clone(), began, until) {
            Ok(ticket) => {
                self.pump();
                ticket.wait(began + patience).await
            }
            Err(plan) => {
                self.fates.count(Fate::Refused, Duration::ZERO);
                (*plan, Err(NoRoute::QueueFull), None)
            }
        }
    }

    /// Whether [`Line::choose`] would find an account, or wait for one.
    pub fn is_hopeful(&self, plan: &Plan, now: UnixMillis, give_up_at: Instant) -> bool {
        let patience = self.patience(Instant::now(), give_up_at);
        let until = after(now, patience);
        plan.has_next(now) || plan.hope(now).is_some_and(|soonest| soonest < until)
    }

    /// Whether somebody waits. One relaxed load.
    pub fn is_waiting(&self) -> bool {
        self.waiting.load(Ordering::Relaxed) > 0
    }

    /// A slot was freed or a state changed: serves who can be served. One caller does it for all that
    /// come meanwhile, itself included where a slot is given back while it chooses: such a call returns
    /// at once.
    pub fn pump(&self) {
        if self.asked.fetch_add(1, Ordering::AcqRel) > 0 {
            return;
        }
        let pumping = Pumping(&self.asked);
        let mut seen = 1;
        loop {
            fence(Ordering::SeqCst);
            let round = self.lock_to_change(Queue::round);
            self.set_alarm(round.soonest);
            // Not under the lock: whoever is called, or has left, may give something back.
            round.handed.into_iter().for_each(ticket::hand_over);
            let exchanged =
                self.asked
                    .compare_exchange(seen, 0, Ordering::AcqRel, Ordering::Acquire);
            match exchanged {
                Ok(_) => break,
                Err(now) => seen = now,
            }
        }
        // The number is that of others by now.
        std::mem::forget(pumping);
    }

    /// Who has to hear of it when slots are short.
    pub fn sharing(&self) -> &Sharing {
        &self.sharing
    }

    /// How many slots of which account those who wait could use, if the account had more of them here.
    /// Where several accounts would do, each is asked for its part.
    pub fn wanted(&self, now: UnixMillis) -> HashMap<AccountId, u32> {
        let lanes = if self.is_waiting() {
            self.lock().waiting_by_lane()
        } else {
            Vec::new()
        };
        let mut wanted = HashMap::new();
        for (lane, waiting) in lanes {
            let short: Vec<_> = lane.short(now).collect();
            let each = waiting.div_ceil(u32::try_from(short.len().max(1)).unwrap_or(u32::MAX));
            for account in short {
                let sum: &mut u32 = wanted.entry(account).or_default();
                *sum = sum.saturating_add(each);
            }
        }
        wanted
    }

    /// Serves those who wait for a deadline, for as long as it is let.
    pub async fn keep_time(self: Arc<Self>, clock: Clock) {
        loop {
            let alarm = self.alarm.load(Ordering::Acquire);
            if alarm == NO_ALARM {
                self.alarm_set.notified().await;
                continue;
            }
            let left_ms = alarm.saturating_sub(clock.now().0).max(1);
            let left = Duration::from_millis(u64::try_from(left_ms).unwrap_or(u64::MAX));
            if timeout(left.min(LOOK_EVERY), self.alarm_set.notified())
                .await
                .is_err()
            {
                self.pump();
            }
        }
    }

    /// Who waits, and what became of those who did.
    pub fn counts(&self) -> LineCounts {
        let (waiting, groups, first) = {
            let queue = self.lock();
            (queue.len(), queue.groups(), queue.first_joined_at())
        };
        self.fates.counts(waiting, groups, first)
    }

    /// Whether somebody waits for the lane of a plan, or may do so.
    fn is_crowded(&self, plan: &Plan) -> bool {
        self.is_waiting() && self.crowd(plan).load(Ordering::Relaxed) > 0
    }

    fn patience(&self, now: Instant, give_up_at: Instant) -> Duration {
        self.settings
            .timeout
            .min(give_up_at.saturating_duration_since(now))
    }

    fn crowd(&self, plan: &Plan) -> &AtomicU32 {
        let hash = self.lanes.hash_one(plan.lane());
        &self.crowds[usize::try_from(hash).unwrap_or(0) % CROWDS]
    }

    fn join(
        self: &Arc<Self>,
        plan: Plan,
        key: ApiKeyId,
        clock: Clock,
        joined_at: Instant,
        until: UnixMillis,
    ) -> Result<Ticket, Box<Plan>> {
        let (reply, answer) = oneshot::channel();
        let mut queue = self.lock();
        if queue.len() >= self.settings.max_waiting
            || queue.of_key(key) >= self.settings.max_waiting_per_key
        {
            return Err(Box::new(plan));
        }
        let ahead = queue.of_group(plan.lane().0);
        self.crowd(&plan).fetch_add(1, Ordering::Relaxed);
        let place = queue.push(Waiting::new(plan, key, clock, joined_at, until, reply));
        self.waiting.fetch_add(1, Ordering::Relaxed);
        drop(queue);
        self.fates.join();
        Ok(Ticket::new(
            Arc::clone(self),
            place,
            answer,
            joined_at,
            ahead,
        ))
    }

    /// Takes a request out of the queue. `None`: its account is being handed over.
    fn leave(&self, place: Place) -> Option<Waiting> {
        let waiting = {
            let mut queue = self.lock();
            let waiting = queue.remove(place)?;
            self.gone(&waiting.plan);
            waiting
        };
        if waiting.holds_others_up() {
            self.pump();
        }
        Some(waiting)
    }

    /// Looks through the queue; who is handed something is no longer counted.
    fn lock_to_change(&self, look: impl FnOnce(&mut Queue) -> queue::Round) -> queue::Round {
        let mut queue = self.lock();
        let round = look(&mut queue);
        for handed in &round.handed {
            self.gone(&handed.plan);
        }
        round
    }

    fn gone(&self, plan: &Plan) {
        self.crowd(plan).fetch_sub(1, Ordering::Relaxed);
        self.waiting.fetch_sub(1, Ordering::Relaxed);
    }

    fn set_alarm(&self, soonest: Option<UnixMillis>) {
        let new = soonest.map_or(NO_ALARM, |soonest| soonest.0);
        let old = self.alarm.swap(new, Ordering::AcqRel);
        // Rung too early it is set anew; so only an earlier one needs to be heard of.
        if new < old {
            self.alarm_set.notify_one();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Line")
            .field("settings", &self.settings)
            .field("waiting", &self.waiting)
            .finish_non_exhaustive()
    }
}

fn after(now: UnixMillis, wait: Duration) -> UnixMillis {
    now.plus_ms(i64::try_from(wait.as_millis()).unwrap_or(i64::MAX))
}

/// Somebody looks through the queue. A panic in there must not be the last look at it.
struct Pumping<'a>(&'a AtomicU32);

impl Drop for Pumping<'_> {
    fn drop(&mut self) {
        self.0.store(0, Ordering::Release);
    }
}
