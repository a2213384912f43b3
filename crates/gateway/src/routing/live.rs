//! What changes while requests run: an account's slots, its state, how fast it answers, what it used.
//!
//! One [`Live`] per account outlives every snapshot, so that a configuration change forgets nothing.
//!
//! Promises: what a choice reads is atomics that lie together; slots never exceed the limit, whatever
//! the interleaving; a [`Slot`] gives back everything it took however its request ends, and then the
//! line serves who waits. Only what is rare takes a lock: changes of the state, of a ramp, of what is
//! allotted to this replica. Must not know: why a state changes, who is chosen, or other replicas.

use std::sync::{
    Arc, Mutex, PoisonError,
    atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering, fence},
};

use arc_swap::{ArcSwap, ArcSwapOption};
use waybill_model::{
    fold::Fold,
    id::{AccountEventId, RequestId},
    state::{AccountState, Mark, Scope, Standing},
    time::UnixMillis,
};

use super::{
    Line,
    latency::Latency,
    places::{Bounds, Places},
    reach::{self, Asked, Reached, ReachedBy},
};
use crate::quota::{Meter, Reserved};

/// Requests at once that an account without a limit counts as, where loads are compared.
const UNLIMITED_AS: u32 = 64;

/// Stands for "no mark on the account as a whole".
const UNMARKED: i64 = i64::MIN;

/// Stands for "no request is finding out".
const NO_TRIAL: i64 = i64::MIN;

/// An account that was slow is looked at again after so long without a request: it may have become fast.
const SLOW_FOR_MS: i64 = 10_000;

/// How much later than the replica whose turn it is the others may find out whether an account serves
/// again, in milliseconds: nobody may have asked for it there.
const TRIAL_HEAD_START_MS: i64 = 2_000;

/// Run-time state of one account, shared by all workers.
#[derive(Debug)]
pub struct Live {
    hot: Hot,
    reached_by: ReachedBy,
    /// The event behind the mark that one request is finding out about, or [`NO_TRIAL`].
    trial: AtomicI64,
    state: ArcSwap<AccountState>,
    faults: AtomicU32,
    /// Other replicas want slots of it that are this replica's.
    is_contested: AtomicBool,
    /// A request was refused because other replicas have the slots.
    has_missed: AtomicBool,
    /// Another replica finds out first whether it serves again.
    defers_trials: AtomicBool,
    cold: Box<Cold>,
    line: Arc<Line>,
}

/// What no choice reads.
#[derive(Debug)]
struct Cold {
    /// What bounds the slots besides the limit.
    bounds: Bounds,
    /// Held while a state is changed. Nobody on the way of a request that nothing happens to takes it.
    fold: Mutex<Fold>,
    /// The request that finds out whether the account serves again, for explanations.
    tried_by: ArcSwapOption<RequestId>,
}

// With the line that an `Arc` puts before it, an odd number of cache lines: of accounts that lie one behind
// the other, what every choice reads is then spread over all of the cache, and not over a part of it.
const _: () = assert!((size_of::<Live>() / 64).is_multiple_of(2));

/// Everything that every choice reads of every account: one cache line.
#[derive(Debug)]
#[repr(align(64))]
struct Hot {
    places: Places,
    /// What some mark may reach.
    reached: Reached,
    /// Deadline of the marks on the account as a whole; [`UNMARKED`], or `i64::MAX` for one without.
    until: AtomicI64,
    /// How fast it answers.
    latency: Latency,
    /// When it was last chosen, counted in choices; 0 is never.
    turn: AtomicU64,
    /// When it was last chosen.
    picked_at: AtomicI64,
    /// What was used of its quota; read by choices among accounts that have one.
    meter: Box<Meter>,
}

/// Whether an account may serve a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Readiness {
    /// It may.
    Ready,
    /// A deadline has passed; one request may find out. The event is that of the mark.
    HalfOpen(AccountEventId),
    /// A deadline has passed, and another request is finding out.
    Trying,
    /// It may not.
    Blocked,
}

impl Live {
    /// An account that is ready. Slots that are given back, and changes, wake `line`. Where accounts are
    /// shared with other replicas it has no slot yet.
    pub fn new(line: Arc<Line>) -> Live {
        let is_shared = line.sharing().is_on();
        let live = Live {
            hot: Hot {
                places: Places::default(),
                reached: Reached::default(),
                until: AtomicI64::new(UNMARKED),
                latency: Latency::default(),
                turn: AtomicU64::new(0),
                picked_at: AtomicI64::new(i64::MIN),
                meter: Box::default(),
            },
            reached_by: ReachedBy::default(),
            trial: AtomicI64::new(NO_TRIAL),
            state: ArcSwap::default(),
            faults: AtomicU32::new(0),
            is_contested: AtomicBool::new(false),
            has_missed: AtomicBool::new(false),
            defers_trials: AtomicBool::new(false),
            cold: Box::new(Cold {
                bounds: Bounds::default(),
                fold: Mutex::new(if is_shared {
                    Fold::in_any_order()
                } else {
                    Fold::in_order()
                }),
                tried_by: ArcSwapOption::default(),
            }),
            line,
        };
        if is_shared {
            live.allot(Some(0));
        }
        live
    }

    /// Requests on this account now.
    pub fn in_flight(&self) -> u32 {
        self.hot.places.taken()
    }

    /// Most requests at once just now: `limit`, or less while it ramps up or other replicas have the rest.
    pub fn allowed(&self, limit: Option<u32>) -> Option<u32> {
        self.hot.places.load(limit).1
    }

    /// What its ramp allows, while it ramps up.
    pub fn ramp(&self) -> Option<u32> {
        self.cold.bounds.ramp()
    }

    /// How many of its slots are this replica's; `None`: all.
    pub fn allotment(&self) -> Option<u32> {
        self.cold.bounds.allotment()
    }

    /// So many of its slots are this replica's from now on. Returns how many were taken when it took
    /// effect: no more than that, or the allotment, will be, until the next one.
    pub fn allot(&self, allotment: Option<u32>) -> u32 {
        let (taken, before) = self.cold.bounds.allot(&self.hot.places, allotment);
        if allotment.unwrap_or(u32::MAX) > before.unwrap_or(u32::MAX) {
            self.wake();
        }
        taken
    }

    /// Whether other replicas want slots that are this replica's: then one that is free is offered at once.
    pub fn contest(&self, is_contested: bool) {
        self.is_contested.store(is_contested, Ordering::Relaxed);
    }

    /// Whether another replica finds out first if it serves again.
    pub fn defer_trials(&self, defers: bool) {
        let before = self.defers_trials.swap(defers, Ordering::Relaxed);
        if before && !defers {
            self.wake();
        }
    }

    /// Whether it could take one request more if more of its slots were this replica's.
    pub(super) fn lacks_allotment(&self, limit: Option<u32>) -> bool {
        let taken = self.in_flight();
        self.allotment().is_some_and(|allotment| taken >= allotment)
            && [limit, self.ramp()]
                .into_iter()
                .flatten()
                .all(|most| taken < most)
    }

    /// A request was refused for want of a slot that other replicas have.
    pub(super) fn miss(&self) {
        self.has_missed.store(true, Ordering::Relaxed);
    }

    /// Whether one was since this was asked last.
    pub fn take_missed(&self) -> bool {
        self.has_missed.swap(false, Ordering::Relaxed)
    }

    /// What keeps it from serving. Lock-free.
    pub fn state(&self) -> arc_swap::Guard<Arc<AccountState>> {
        self.state.load()
    }

    /// Changes the state; changes of one account happen one after the other. Then whoever waits is served.
    pub fn change<T>(&self, change: impl FnOnce(&mut Fold) -> T) -> T {
        let result = {
            let mut fold = self
                .cold
                .fold
                .lock()
                .unwrap_or_else(PoisonError::into_inner);
            let result = change(&mut fold);
            self.publish(fold.state().clone());
            result
        };
        self.wake();
        result
    }

    /// The newest event of its state, and the state's digest.
    pub fn digest(&self) -> (AccountEventId, u64) {
        let fold = self
            .cold
            .fold
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        (fold.last(), fold.state().digest())
    }

    /// Notes the time to an answer's head.
    pub fn took_ms(&self, first_byte_ms: u32) {
        self.hot.latency.took_ms(first_byte_ms);
    }

    /// A success: while it ramps up, twice as many requests may be in flight.
    pub fn ramp_up(&self) {
        if self.cold.bounds.ramp_up(&self.hot.places) {
            self.wake();
        }
    }

    /// Begins again with one request more than are in flight.
    pub fn start_ramp(&self) {
        self.cold.bounds.start_ramp(&self.hot.places);
    }

    /// As many requests as the limit allows.
    pub fn end_ramp(&self) {
        self.cold.bounds.end_ramp(&self.hot.places);
        self.wake();
    }

    /// One more broken answer in a row. Returns how many.
    pub fn fault(&self) -> u32 {
        self.faults
            .fetch_add(1, Ordering::Relaxed)
            .saturating_add(1)
    }

    /// A whole answer: what broke before was no row.
    pub fn no_fault(&self) {
        if self.faults.load(Ordering::Relaxed) > 0 {
            self.faults.store(0, Ordering::Relaxed);
        }
    }

    /// What was used of the account's quota.
    pub fn meter(&self) -> &Meter {
        &self.hot.meter
    }

    /// Average time to an answer's head, in milliseconds; `None` before the first answer.
    pub fn latency_ms(&self) -> Option<u32> {
        self.hot.latency.ms()
    }

    /// The request that is finding out whether it serves again.
    pub fn tried_by(&self) -> Option<RequestId> {
        let state = self.state.load();
        self.is_tried(&state)
            .then(|| self.cold.tried_by.load_full())
            .flatten()
            .map(|id| *id)
    }

    /// Whether it may serve `model`, of which `asked` is tested. Looks at the state only where the
    /// atomics leave it open.
    #[inline(always)]
    pub(super) fn readiness(
        &self,
        model: Option<&str>,
        asked: Asked,
        now: UnixMillis,
    ) -> Readiness {
        if !self.hot.reached.includes(asked) {
            return Readiness::Ready;
        }
        let until = self.hot.until.load(Ordering::Relaxed);
        if until > now.0 {
            return Readiness::Blocked;
        }
        if until == UNMARKED && !self.reached_by.includes(asked) {
            return Readiness::Ready;
        }
        self.standing(model, now)
    }

    #[cold]
    fn standing(&self, model: Option<&str>, now: UnixMillis) -> Readiness {
        let state = self.state.load();
        match state.standing(model, now) {
            Standing::Ready => Readiness::Ready,
            Standing::Blocked(_) => Readiness::Blocked,
            Standing::HalfOpen(_) if self.is_tried(&state) => Readiness::Trying,
            Standing::HalfOpen(mark) if self.trial_from(mark) > now => Readiness::Blocked,
            Standing::HalfOpen(mark) => Readiness::HalfOpen(mark.event),
        }
    }

    /// From when on a request of this replica may find out about a mark: its deadline, or a little later
    /// where that is another replica's turn.
    pub(super) fn trial_from(&self, mark: &Mark) -> UnixMillis {
        let until = mark.until.unwrap_or(UnixMillis(i64::MAX));
        if self.defers_trials.load(Ordering::Relaxed) {
            UnixMillis(until.0.saturating_add(TRIAL_HEAD_START_MS))
        } else {
            until
        }
    }

    /// Requests in flight and the number they are compared with.
    pub(super) fn load(&self, limit: Option<u32>) -> (u32, u32) {
        let (taken, allowed) = self.hot.places.load(limit);
        (taken, allowed.unwrap_or(UNLIMITED_AS))
    }

    /// Whether a slot is free.
    pub(super) fn has_slot(&self, limit: Option<u32>) -> bool {
        self.hot.places.has_one(limit)
    }

    /// Average latency in parts of a millisecond; `None` where it is unknown.
    pub(super) fn latency(&self) -> Option<u32> {
        self.hot.latency.get()
    }

    /// Whether its latency is fresh enough to be held against it.
    pub(super) fn was_picked_lately(&self, now: UnixMillis) -> bool {
        let picked_at = self.hot.picked_at.load(Ordering::Relaxed);
        now.0.saturating_sub(picked_at) < SLOW_FOR_MS
    }

    /// When it was last chosen, counted in choices.
    pub(super) fn turn(&self) -> u64 {
        self.hot.turn.load(Ordering::Relaxed)
    }

    /// Its turn is taken, unless somebody took it since it was `seen`.
    pub(super) fn take_turn(&self, seen: u64, turn: u64, now: UnixMillis) -> bool {
        let is_ours = self
            .hot
            .turn
            .compare_exchange(seen, turn, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok();
        if is_ours {
            self.hot.picked_at.store(now.0, Ordering::Relaxed);
        }
        is_ours
    }

    /// Takes a slot unless as many are taken as are allowed. Dropping it gives it back.
    pub(super) fn take(self: &Arc<Self>, limit: Option<u32>) -> Option<Slot> {
        self.hot.places.take(limit).then(|| Slot {
            live: Arc::clone(self),
            trial: None,
            reserved: None,
        })
    }

    /// The same, for the one request that finds out about the mark of `event`.
    pub fn take_trial(
        self: &Arc<Self>,
        limit: Option<u32>,
        event: AccountEventId,
        by: Option<RequestId>,
    ) -> Option<Slot> {
        let before = self.trial.load(Ordering::Acquire);
        if self.is_tried(&self.state.load()) {
            return None;
        }
        // Taken before the trial, so that giving it back gives back both.
        let mut slot = self.take(limit)?;
        let exchange = |from, to| {
            self.trial
                .compare_exchange(from, to, Ordering::AcqRel, Ordering::Acquire)
        };
        exchange(before, event.0).ok()?;
        slot.trial = Some(event);
        self.cold.tried_by.store(by.map(Arc::new));
        Some(slot)
    }

    fn publish(&self, state: AccountState) {
        let of_account = state
            .marks()
            .iter()
            .filter(|mark| mark.scope == Scope::Account);
        let until = of_account
            .map(|mark| mark.until.map_or(i64::MAX, |until| until.0))
            .max();
        let state = Arc::new(state);
        self.state.store(Arc::clone(&state));
        self.hot
            .until
            .store(until.unwrap_or(UNMARKED), Ordering::Release);
        reach::publish(&state, &self.hot.reached, &self.reached_by);
    }

    /// A trial is over when its mark is: one that was set since, or by another event, may be tried.
    fn is_tried(&self, state: &AccountState) -> bool {
        let trial = self.trial.load(Ordering::Acquire);
        trial != NO_TRIAL && state.marks().iter().any(|mark| mark.event.0 == trial)
    }

    /// A slot was given back, and nobody here has taken it: other replicas want it.
    #[cold]
    fn offer(&self) {
        let (taken, allowed) = self.hot.places.load(None);
        if allowed != Some(taken) {
            self.line.sharing().ring();
        }
    }

    /// Lets the line serve who waits. Whoever joins it says so before it looks for an account a last
    /// time, with the same fence between: so either they see what was freed, or we see them.
    fn wake(&self) {
        fence(Ordering::SeqCst);
        if self.line.is_waiting() {
            self.line.pump();
        }
    }
}

/// One request's place on an account. Dropping it gives everything back, whatever happened.
#[derive(Debug)]
pub struct Slot {
    live: Arc<Live>,
    trial: Option<AccountEventId>,
    reserved: Option<Reserved>,
}

impl Slot {
    /// Whether this request finds out if a half-open account serves again.
    pub fn is_trial(&self) -> bool {
        self.trial.is_some()
    }

    /// The account it is on.
    pub fn live(&self) -> &Arc<Live> {
        &self.live
    }

    /// Gives it back as if it had never been taken: no attempt was made.
    pub fn unused(mut self) {
        if let Some(reserved) = self.reserved.take() {
            self.live.hot.meter.undo(reserved);
        }
    }

    /// Holds what an attempt will use, in place of what an earlier one on it would have.
    pub(super) fn hold(&mut self, reserved: Reserved) {
        if let Some(before) = self.reserved.replace(reserved) {
            self.live.hot.meter.release(before);
        }
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let live = &self.live;
        if let Some(reserved) = self.reserved.take() {
            live.hot.meter.release(reserved);
        }
        if let Some(event) = self.trial {
            // A later trial, of another mark, is not ours to end.
            let _ =
                live.trial
                    .compare_exchange(event.0, NO_TRIAL, Ordering::AcqRel, Ordering::Relaxed);
        }
        live.hot.places.give_back();
        live.wake();
        if live.is_contested.load(Ordering::Relaxed) {
            live.offer();
        }
    }
}
