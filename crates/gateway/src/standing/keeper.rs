//! The [`Keeper`]: the one place where accounts' states are changed. A thin shell around pure functions.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

use waybill_model::{
    cause::Cause,
    id::AccountEventId,
    state::{AccountEvent, AccountState, MarkKind, Scope},
    time::UnixMillis,
};

use super::{
    Failed, Marked, Served, WayView,
    cooldown::{self, CoolDown},
    effect::{self, Effect},
    event::{self, Draft, Facts},
    history::Sign,
    rules,
    way::Trouble,
    ways::{Verdict, Ways},
};
use crate::{routing::AccountEntry, secrets::Secrets};

/// Takes events to where they are written down.
pub type Sink = Box<dyn Fn(AccountEvent) + Send + Sync>;

/// Changes accounts' states, by events and in no other way.
pub struct Keeper {
    pub(super) last_id: AtomicI64,
    /// Which replica this is, in the last bits of its ids.
    number: i64,
    sink: Sink,
    secrets: Arc<Secrets>,
    /// Other cool-downs than those that follow; none but in a simulation.
    cool_downs: Vec<CoolDown>,
    pub(super) ways: Ways,
}

/// Ids count from this instant, so that they fit the integers of JSON.
const EPOCH: UnixMillis = UnixMillis(1_577_836_800_000); // 2020-01-01T00:00:00Z

/// Marks an account may have at once: more models than a provider has.
const MAX_MARKS: usize = 64;

/// Below the time: 64 ids per millisecond and replica before they run ahead of the clock.
const ID_BITS: u32 = 12;

/// The lowest bits: the replica.
const NUMBER_BITS: u32 = 6;

/// Replicas that can be told apart.
pub const MOST_REPLICAS: u16 = 1 << NUMBER_BITS;

/// The smallest id that an event made at `at` can have.
pub fn id_at(at: UnixMillis) -> AccountEventId {
    AccountEventId(at.0.saturating_sub(EPOCH.0).max(0) << ID_BITS)
}

impl Keeper {
    /// Events go to `sink`; what is said in them is looked through for `secrets` first. `number` tells
    /// this replica's ids from those of others, below [`MOST_REPLICAS`]; 0 where it is alone.
    pub fn new(secrets: Arc<Secrets>, number: u16, sink: Sink) -> Keeper {
        Keeper {
            last_id: AtomicI64::new(0),
            number: i64::from(number % MOST_REPLICAS),
            sink,
            secrets,
            cool_downs: Vec::new(),
            ways: Ways::default(),
        }
    }

    /// The same with other cool-downs: what a simulation tries.
    #[must_use]
    pub fn with_cool_downs(self, cool_downs: Vec<CoolDown>) -> Keeper {
        Keeper { cool_downs, ..self }
    }

    /// An attempt failed. Whether something happens to its account, and whether the request is at fault.
    pub fn failed(&self, failed: Failed<'_>) -> Marked {
        let facts = failed.facts();
        let Failed {
            account,
            group_rules,
            failure,
            status,
            stale_connection,
            acts,
            blamed,
            ..
        } = failed;
        let rule = rules::caught_by(&account.state_rules, group_rules, status, failure);
        let ruled = rule.is_some_and(|rule| rule.state.is_some());
        let sign = Sign::of(failure, status, ruled, blamed.request_bytes);
        if let Some(sign) = &sign
            && let Some((first, event)) = blamed.history.seen(account, sign)
        {
            if let Some(event) = event {
                self.take_back(first, event, REPEATED, &facts);
            }
            return Marked {
                event: None,
                repeats: true,
                ruled,
            };
        }
        let event = match rule {
            _ if !acts => None,
            Some(rule) if self.has_room(account, &facts) => {
                self.change(account, |state| event::by_rule(state, &facts, rule))
            }
            Some(_) => None,
            None if stale_connection => None,
            None => self.by_table(account, &facts),
        };
        if let Some(sign) = sign {
            blamed.history.add(account, sign, event);
        }
        Marked {
            event,
            repeats: false,
            ruled,
        }
    }

    fn by_table(&self, account: &Arc<AccountEntry>, facts: &Facts<'_>) -> Option<AccountEventId> {
        let cause = facts.failure.cause;
        let effect = effect::of(cause);
        let counts = effect::counts(account.counted_statuses.as_deref(), facts.status, cause);
        let (trouble, effect) = match effect {
            Effect::Nothing => return None,
            Effect::WayOnly => (Some(Trouble::Network), None),
            Effect::CountsTowardsStop => {
                let in_a_row = account.live.fault();
                let enough = in_a_row >= effect::FAULTS_IN_A_ROW;
                (Some(Trouble::Broken), enough.then_some(effect::IN_A_ROW))
            }
            Effect::Stops {
                kind: MarkKind::Overloaded,
                ..
            } => (Some(Trouble::Full), Some(effect)),
            // Where the requests come from is what accounts on one way share.
            Effect::Stops { .. } if cause == Cause::AccessRegion => {
                (Some(Trouble::Broken), Some(effect))
            }
            Effect::Stops { .. } => (None, Some(effect)),
        };
        let meaning = trouble.map(|trouble| {
            self.ways
                .failed(account, trouble, facts.model, facts.began_at, facts.now)
        });
        match meaning {
            Some(Verdict::WayFromNow(marks)) => {
                for (account, event) in marks {
                    self.take_back(&account, event, WAY_AT_FAULT, facts);
                }
                return None;
            }
            Some(Verdict::Way) => return None,
            Some(Verdict::Account) | None => {}
        }
        let effect = effect.filter(|_| counts && self.has_room(account, facts))?;
        let event = self.change(account, |state| {
            let draft = event::by_effect(state, facts, effect)?;
            Some(Draft {
                until: draft
                    .until
                    .map(|until| cooldown::deadline(&self.cool_downs, cause, until, facts.now)),
                ..draft
            })
        })?;
        if trouble.is_some() {
            self.ways.marked(account, event);
        }
        Some(event)
    }

    /// An attempt served: its first content, or the whole document, is there.
    pub fn served(&self, served: Served<'_>) {
        let Served {
            account,
            model,
            now,
            ..
        } = served;
        self.ways.served(account, model, now);
        if let Some(ms) = served.first_byte_ms {
            account.live.took_ms(ms);
        }
        // Before anybody is let in by a recovery.
        if let Some(reset) = served.used_up {
            let facts = event::UsedUp {
                reset,
                model,
                request_id: Some(served.request_id),
                attempt: Some(served.attempt),
            };
            self.change(account, |state| {
                event::by_use(state, facts, account.id, now)
            });
        }
        if served.is_trial {
            let scopes = event::proven_scopes(&account.live.state(), model.map(|m| &**m), now);
            let filled = |draft| Draft {
                reason: "a request was served".to_owned(),
                request_id: Some(served.request_id),
                attempt: Some(served.attempt),
                ..draft
            };
            let proven = |state: &AccountState, scope: &Scope| event::is_over(state, scope, now);
            self.recover(account, scopes, proven, filled, now);
        } else {
            account.live.ramp_up();
        }
    }

    /// An answer was whole: whatever broke before was no row of failures.
    pub fn completed(&self, account: &AccountEntry) {
        account.live.no_fault();
    }

    /// Whether an account may have another mark. Clients can make models up, and nobody asks for those
    /// again: of too many marks one whose deadline has passed is forgotten.
    fn has_room(&self, account: &AccountEntry, facts: &Facts<'_>) -> bool {
        let state = account.live.state();
        if state.marks().len() < MAX_MARKS {
            return true;
        }
        let over = state.marks().iter().filter(|mark| mark.is_over(facts.now));
        let Some(oldest) = over.min_by_key(|mark| mark.until) else {
            return false;
        };
        self.take_back(account, oldest.event, FORGOTTEN, facts);
        true
    }

    /// Takes back what an event did, where that still stands: the failure that `shown` tells of, on
    /// another account, has shown that this one was not at fault.
    fn take_back(
        &self,
        account: &AccountEntry,
        event: AccountEventId,
        reason: &str,
        shown: &Facts<'_>,
    ) {
        self.change(account, |state| {
            let compensation = event::compensation(state, account.id, event, reason, shown.now)?;
            Some(Draft {
                request_id: shown.request_id,
                attempt: shown.attempt,
                ..compensation
            })
        });
    }

    /// What shows that they serve again ends what stopped these scopes, where it still does: `proven` is
    /// asked once more when nothing can change meanwhile.
    pub(super) fn recover(
        &self,
        account: &AccountEntry,
        scopes: impl IntoIterator<Item = Scope>,
        proven: impl Fn(&AccountState, &Scope) -> bool,
        fill: impl Fn(Draft) -> Draft,
        now: UnixMillis,
    ) {
        for scope in scopes {
            self.change(account, |state| {
                let recovery = event::recovery(state, account.id, &scope, now)?;
                let recovery = proven(state, &scope).then(|| fill(recovery))?;
                // Before whoever waits is let in, and also where only a model was stopped: whoever
                // waits for it would come all at once.
                account.live.start_ramp();
                Some(recovery)
            });
        }
    }

    /// The ways that something is held against.
    pub fn ways(&self) -> Vec<WayView> {
        self.ways.views()
    }

    /// Makes one event of what `make` finds in the account's state, applies it, and writes it down.
    pub(super) fn change(
        &self,
        account: &AccountEntry,
        make: impl FnOnce(&AccountState) -> Option<Draft>,
    ) -> Option<AccountEventId> {
        let event = account.live.change(|fold| {
            let mut event = make(fold.state())?;
            event.id = self.next_id(event.at);
            event.reason = self.secrets.redactor().text(&event.reason).into_string();
            fold.apply(&event);
            // Before anybody can see the state: who names the event has a record that is queued later.
            (self.sink)(event.clone());
            Some(event)
        })?;
        tracing::info!(
            account = %account.name,
            event = %event.id,
            kind = event.kind.as_str(),
            scope = %event.scope,
            until = event.until.map(tracing::field::display),
            cause = event.cause.map(|cause| cause.as_str()),
            reason = %event.reason,
            "account state changed"
        );
        Some(event.id)
    }

    /// Larger than every id before, those of other replicas that were heard of included, and in the order
    /// of time where no clock goes back. No other replica makes the same.
    fn next_id(&self, now: UnixMillis) -> AccountEventId {
        let by_time = id_at(now).0 | self.number;
        let next = |last: i64| {
            let after = ((last >> NUMBER_BITS) + 1) << NUMBER_BITS | self.number;
            after.max(by_time)
        };
        let last = self
            .last_id
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |last| {
                Some(next(last))
            })
            .unwrap_or_else(|last| last);
        AccountEventId(next(last))
    }
}

/// Why events are taken back.
const REPEATED: &str =
    "the same failure of this request on another account: the request is at fault";
const FORGOTTEN: &str = "its deadline passed, and nobody has asked for the model since";
const WAY_AT_FAULT: &str =
    "other accounts failed alike: the provider, or the way to it, is at fault";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keeper(number: u16) -> Keeper {
        Keeper::new(Arc::new(Secrets::new(Vec::new())), number, Box::new(drop))
    }

    proptest! {
        #[test]
        fn no_two_replicas_make_the_same_id_and_each_is_larger_than_what_was_heard(
            steps in proptest::collection::vec((0..64u16, 0..3i64, any::<bool>()), 1..200),
        ) {
            let replicas: Vec<_> = (0..64).map(keeper).collect();
            let (mut now, mut seen, mut largest) = (EPOCH, std::collections::HashSet::new(), 0);
            for (replica, later, hears) in steps {
                now = now.plus_ms(later);
                let keeper = &replicas[usize::from(replica)];
                if hears {
                    keeper.last_id.fetch_max(largest, Ordering::Relaxed);
                }
                let heard = keeper.last_id.load(Ordering::Relaxed);
                let id = keeper.next_id(now).0;
                prop_assert!(id > heard && seen.insert(id));
                prop_assert_eq!(id % 64, i64::from(replica));
                largest = largest.max(id);
            }
        }
    }
}
