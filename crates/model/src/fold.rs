//! The fold of one account's events, also where they do not come in the order of their ids.
//!
//! Several replicas make events of the same account and tell one another. One that comes late has a
//! smaller id than one that is folded already: then the fold is made anew from where both belong.
//!
//! Promises: pure; whoever was told the same events has the same state, whatever order they came in, as
//! long as none comes later than [`KEPT_MS`] or [`MOST_KEPT`] other events; an event counts once, however
//! often it comes. Must not know: how events travel, or what time it is.

use std::collections::VecDeque;

use crate::{
    id::AccountEventId,
    state::{AccountEvent, AccountState},
};

/// How much older than the newest event one may be and still be put before it, in milliseconds.
pub const KEPT_MS: i64 = 600_000;

/// Events of one account that are kept for that, at most.
pub const MOST_KEPT: usize = 128;

/// Smaller than every id.
const NONE_YET: AccountEventId = AccountEventId(0);

/// An account's state and what it takes to put a late event where it belongs.
#[derive(Debug, Clone)]
pub struct Fold {
    state: AccountState,
    last: AccountEventId,
    /// `None`: all events come from here, and in order.
    late: Option<Box<Late>>,
}

#[derive(Debug, Clone)]
struct Late {
    /// The fold of what is too old to be kept.
    base: AccountState,
    /// The newest event in it; what is no newer is in it, or never will be.
    settled: AccountEventId,
    /// What came after, in the order of ids.
    recent: VecDeque<AccountEvent>,
}

/// How an event came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// After all others.
    InOrder,
    /// After one that belongs behind it; it was put in its place.
    Late,
    /// Not for the first time.
    Known,
    /// So late that its place is gone. It changed nothing.
    TooLate,
}

impl Fold {
    /// For an account whose events all come in the order of their ids. Keeps none.
    pub fn in_order() -> Fold {
        Fold {
            state: AccountState::default(),
            last: NONE_YET,
            late: None,
        }
    }

    /// For an account whose events come from several replicas.
    pub fn in_any_order() -> Fold {
        Fold {
            late: Some(Box::new(Late {
                base: AccountState::default(),
                settled: NONE_YET,
                recent: VecDeque::new(),
            })),
            ..Fold::in_order()
        }
    }

    /// What keeps the account from serving.
    pub fn state(&self) -> &AccountState {
        &self.state
    }

    /// The newest event in it.
    pub fn last(&self) -> AccountEventId {
        self.last
    }

    /// Folds an event in.
    pub fn apply(&mut self, event: &AccountEvent) -> Arrival {
        let Some(late) = &mut self.late else {
            self.state.apply(event);
            self.last = self.last.max(event.id);
            return Arrival::InOrder;
        };
        let arrival = late.insert(event);
        match arrival {
            Arrival::InOrder => self.state.apply(event),
            Arrival::Late => self.state = late.fold(),
            Arrival::Known | Arrival::TooLate => return arrival,
        }
        self.last = self.last.max(event.id);
        late.trim();
        arrival
    }

    /// Begins anew with what is on record: `events` make the account's state, in the order of their ids.
    /// What has come since, by its id, stays.
    pub fn rest_on<'a>(&mut self, events: impl IntoIterator<Item = &'a AccountEvent>) {
        let mut base = AccountState::default();
        let mut settled = NONE_YET;
        for event in events {
            base.apply(event);
            settled = settled.max(event.id);
        }
        match &mut self.late {
            Some(late) => {
                late.base = base;
                late.settled = settled;
                late.recent.retain(|event| event.id > settled);
                self.state = late.fold();
                self.last = late.recent.back().map_or(settled, |event| event.id);
            }
            None => {
                self.state = base;
                self.last = settled;
            }
        }
    }
}

impl Late {
    fn insert(&mut self, event: &AccountEvent) -> Arrival {
        match self
            .recent
            .binary_search_by_key(&event.id, |known| known.id)
        {
            Ok(_) => Arrival::Known,
            Err(_) if event.id == self.settled => Arrival::Known,
            Err(_) if event.id < self.settled => Arrival::TooLate,
            Err(at) => {
                let is_last = at == self.recent.len();
                self.recent.insert(at, event.clone());
                if is_last {
                    Arrival::InOrder
                } else {
                    Arrival::Late
                }
            }
        }
    }

    fn fold(&self) -> AccountState {
        let mut state = self.base.clone();
        for event in &self.recent {
            state.apply(event);
        }
        state
    }

    fn trim(&mut self) {
        let newest = self.recent.iter().map(|event| event.at.0).max();
        let oldest = newest.unwrap_or(0).saturating_sub(KEPT_MS);
        while self.recent.len() > MOST_KEPT
            || self
                .recent
                .front()
                .is_some_and(|event| event.at.0 < oldest && self.recent.len() > 1)
        {
            if let Some(event) = self.recent.pop_front() {
                self.base.apply(&event);
                self.settled = event.id;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::{
        id::AccountId,
        state::{AccountEventKind, Scope},
        time::UnixMillis,
    };

    fn event(id: i64, kind: AccountEventKind, scope: Scope, undoes: Option<i64>) -> AccountEvent {
        AccountEvent {
            id: AccountEventId(id),
            at: UnixMillis(id),
            account_id: AccountId(1),
            kind,
            scope,
            since: None,
            until: kind.sets().map(|_| UnixMillis(id + 1_000)),
            source: None,
            strikes: 1,
            cause: None,
            status_code: None,
            reason: format!("event {id}"),
            request_id: None,
            attempt: None,
            actor: None,
            undoes: undoes.map(AccountEventId),
        }
    }

    /// Events with the ids 1, 2, 3, ….
    fn events() -> impl Strategy<Value = Vec<AccountEvent>> {
        let kinds = proptest::sample::select(AccountEventKind::ALL);
        let scopes = prop_oneof![
            Just(Scope::Account),
            Just(Scope::Model("m".into())),
            Just(Scope::Family("f".into())),
        ];
        proptest::collection::vec((kinds, scopes, 1..12i64), 1..24).prop_map(|made| {
            (1..)
                .zip(made)
                .map(|(id, (kind, scope, undoes))| {
                    let undoes = (kind == AccountEventKind::Compensated).then_some(undoes);
                    event(id, kind, scope, undoes)
                })
                .collect()
        })
    }

    fn told(events: &[AccountEvent]) -> Fold {
        let mut fold = Fold::in_any_order();
        for event in events {
            fold.apply(event);
        }
        fold
    }

    proptest! {
        #[test]
        fn whoever_was_told_the_same_events_has_the_same_state(
            (in_order, mixed) in events().prop_flat_map(|events| {
                // Each comes once at least, some twice.
                let doubled: Vec<_> = events.iter().chain(&events[..events.len() / 2]).cloned().collect();
                (Just(events), Just(doubled).prop_shuffle())
            }),
        ) {
            let (a, b) = (told(&in_order), told(&mixed));
            prop_assert_eq!(a.state(), &AccountState::of(&in_order));
            prop_assert_eq!(a.state(), b.state());
            prop_assert_eq!(a.state().digest(), b.state().digest());
            prop_assert_eq!(a.last(), b.last());
        }

        #[test]
        fn what_is_on_record_and_what_came_since_make_one_state(
            events in events(), on_record in 0..24usize, heard in 0..24usize,
        ) {
            let (on_record, heard) = (on_record.min(events.len()), heard.min(events.len()));
            // It heard the later ones; the record tells of the earlier ones, and of some twice.
            let from = heard.min(on_record);
            let mut fold = told(&events[from..]);
            fold.rest_on(&events[..on_record]);
            prop_assert_eq!(fold.state(), &AccountState::of(&events));
        }
    }

    #[test]
    fn one_that_is_too_old_to_be_placed_changes_nothing_and_says_so() {
        let limited = |id| event(id, AccountEventKind::RateLimited, Scope::Account, None);
        let mut fold = Fold::in_any_order();
        fold.apply(&limited(2));
        fold.apply(&limited(4 + KEPT_MS));
        let before = fold.state().clone();
        assert_eq!(fold.apply(&limited(1)), Arrival::TooLate);
        assert_eq!(fold.apply(&limited(2)), Arrival::Known);
        assert_eq!(fold.state(), &before);
        assert_eq!(fold.apply(&limited(3)), Arrival::Late);
        for id in 0..2 * i64::try_from(MOST_KEPT).unwrap_or(0) {
            fold.apply(&limited(5 + KEPT_MS + id));
        }
        assert_eq!(fold.apply(&limited(3 + KEPT_MS)), Arrival::TooLate);
    }

    #[test]
    fn an_account_of_one_replica_keeps_no_events() {
        let mut fold = Fold::in_order();
        fold.apply(&event(
            1,
            AccountEventKind::RateLimited,
            Scope::Account,
            None,
        ));
        assert!(fold.late.is_none() && fold.state().marks().len() == 1);
        fold.rest_on([]);
        assert_eq!(fold.state(), &AccountState::default());
    }
}
