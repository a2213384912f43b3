//! In which order accounts are chosen, and which never are.

use std::sync::Arc;

use proptest::prelude::*;
use waybill_gateway::routing::{FailingWay, NoRoute, Wanted};
use waybill_model::{
    id::AccountId,
    limits::{Quota, Used, Window},
    state::{AccountEvent, AccountEventKind, Scope, Standing},
    time::UnixMillis,
};

use super::{
    pool::{Pool, Settings, conversation, limited, wanted},
    slots::next,
};

const NOW: UnixMillis = UnixMillis(1_000_000);

fn at_priorities(priorities: &[i32]) -> Pool {
    let settings = |priority: &i32| Settings {
        priority: *priority,
        ..Settings::default()
    };
    Pool::new(&priorities.iter().map(settings).collect::<Vec<_>>())
}

fn later(ms: i64) -> UnixMillis {
    NOW.plus_ms(ms)
}

pub fn scopes() -> impl Strategy<Value = Scope> {
    prop_oneof![
        Just(Scope::Account),
        prop_oneof![Just("opus-1"), Just("opus-2"), Just("haiku")]
            .prop_map(|model| Scope::Model(model.into())),
        Just(Scope::Family("opus".into())),
    ]
}

pub fn kinds() -> impl Strategy<Value = AccountEventKind> {
    prop_oneof![
        Just(AccountEventKind::RateLimited),
        Just(AccountEventKind::Overloaded),
        Just(AccountEventKind::Paused),
        Just(AccountEventKind::Error),
        Just(AccountEventKind::Disabled),
        Just(AccountEventKind::Recovered),
        Just(AccountEventKind::Enabled),
        Just(AccountEventKind::Reset),
    ]
}

/// Events of a pool of `accounts`, with growing ids.
pub fn courses(accounts: i64) -> impl Strategy<Value = Vec<AccountEvent>> {
    let event = (1..=accounts, kinds(), scopes(), -50..50i64);
    proptest::collection::vec(event, 0..30).prop_map(|events| {
        (1..)
            .zip(events)
            .map(|(id, (account, kind, scope, until))| AccountEvent {
                kind,
                until: (kind != AccountEventKind::Disabled).then(|| later(until)),
                ..limited(id, account, scope, 0)
            })
            .collect()
    })
}

pub fn models() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("opus-1"),
        Just("opus-2"),
        Just("haiku"),
        Just("sonnet")
    ]
}

proptest! {
    #[test]
    fn no_account_is_chosen_while_a_deadline_that_covers_the_model_runs(
        events in courses(5),
        asked in proptest::collection::vec((models(), -60..60i64, proptest::option::of(any::<u64>())), 1..20),
    ) {
        let pool = at_priorities(&[1, 1, 1, 2, 2]);
        let mut asked = asked.into_iter();
        let mut events = events.into_iter();
        loop {
            let (event, ask) = (events.next(), asked.next());
            if event.is_none() && ask.is_none() {
                break;
            }
            if let Some(event) = event {
                pool.happens(&event);
            }
            let Some((model, at, key)) = ask else { continue };
            let (model, now) = (Arc::from(model), later(at));
            let sticky = key.and_then(conversation);
            let mut plan = pool.plan(Wanted { sticky, ..wanted(&model) }).unwrap();
            let mut seen = Vec::new();
            while let Ok(chosen) = plan.choose(now) {
                let state = chosen.account.live.state();
                match state.standing(Some(&model), now) {
                    Standing::Ready => prop_assert!(!chosen.slot.is_trial()),
                    Standing::HalfOpen(_) => prop_assert!(chosen.slot.is_trial()),
                    Standing::Blocked(mark) => prop_assert!(false, "chosen in spite of {mark:?}"),
                }
                seen.push(chosen.account.id);
            }
            // And each of the others is kept out by such a deadline.
            for account in pool.accounts().filter(|account| !seen.contains(&account.id)) {
                let state = account.live.state();
                prop_assert!(matches!(state.standing(Some(&model), now), Standing::Blocked(_)));
            }
        }
    }

    #[test]
    fn the_soonest_instant_is_the_first_at_which_somebody_can_be_chosen(events in courses(4), model in models()) {
        let pool = at_priorities(&[1, 1, 2, 2]);
        for event in &events {
            pool.happens(event);
        }
        match pool.choose(model, NOW).err() {
            None => {}
            Some(NoRoute::NoneUsable { soonest: Some(soonest) }) => {
                prop_assert!(soonest > NOW);
                prop_assert!(pool.choose(model, soonest.plus_ms(-1)).is_err());
                prop_assert!(pool.choose(model, soonest).is_ok());
            }
            Some(NoRoute::NoneUsable { soonest: None }) => {
                prop_assert!(pool.choose(model, UnixMillis(i64::MAX - 1)).is_err());
            }
            Some(other) => prop_assert!(false, "{other:?}"),
        }
    }

    #[test]
    fn the_account_with_the_smallest_part_of_its_limit_in_use_is_chosen(
        accounts in proptest::collection::vec((1..200u32, 0..200u32), 1..8),
    ) {
        let settings = |(limit, _): &(u32, u32)| Settings { concurrency: Some(*limit), ..Settings::default() };
        let pool = Pool::new(&accounts.iter().map(settings).collect::<Vec<_>>());
        let mut held = Vec::new();
        for (id, (limit, busy)) in (1..).zip(&accounts) {
            for _ in 0..(*busy).min(*limit) {
                // The others are tried already, so that this one is loaded.
                held.push(load(&pool, id));
            }
        }
        let load = |id: i64| {
            let account = pool.account(id);
            (account.live.in_flight(), account.concurrency.unwrap())
        };
        match pool.choose("m", NOW) {
            Ok(chosen) => {
                let (in_flight, limit) = load(chosen.account.id.0);
                let before = u64::from(in_flight - 1);
                for id in 1..=accounts.len() as i64 {
                    let (theirs, their_limit) = load(id);
                    let theirs = if id == chosen.account.id.0 { theirs - 1 } else { theirs };
                    prop_assert!(before * u64::from(their_limit) <= u64::from(theirs) * u64::from(limit));
                }
            }
            Err(why) => {
                prop_assert_eq!(why, NoRoute::NoSlot);
                prop_assert!((1..=accounts.len() as i64).all(|id| load(id).0 == load(id).1));
            }
        }
    }
}

proptest! {
    #[test]
    fn of_idle_accounts_the_one_whose_turn_is_longest_ago_among_those_not_slow_is_chosen(
        latencies in proptest::collection::vec(1..400u32, 1..8),
        turns in any::<u64>(),
    ) {
        let pool = at_priorities(&vec![1; latencies.len()]);
        let mut order: Vec<i64> = (1..=latencies.len() as i64).collect();
        let mut seed = turns;
        order.sort_by_cached_key(|_| next(&mut seed));
        for id in &order {
            drop(load(&pool, *id));
        }
        for (id, ms) in (1..).zip(&latencies) {
            pool.account(id).live.took_ms(*ms);
        }
        let fastest = latencies.iter().min().unwrap();
        let is_slow = |id: i64| latencies[usize::try_from(id - 1).unwrap()] > 2 * fastest + 50;
        let turn = last_turns(&pool, &order);
        let expected = turn.into_iter().find(|id| !is_slow(*id));
        prop_assert_eq!(Some(id_at(&pool, NOW)), expected);
    }
}

/// Accounts by when their last turn was: what loading one after the other has left behind.
fn last_turns(pool: &Pool, loaded: &[i64]) -> Vec<i64> {
    let everyone = 1..=pool.accounts().count() as i64;
    // `load` goes through others on its way, so the last one loaded went through all that were due.
    let model_of = |pool: &mut Vec<i64>, wanted: i64| {
        while let Some(first) = (!pool.is_empty()).then(|| pool.remove(0)) {
            pool.push(first);
            if first == wanted {
                break;
            }
        }
    };
    let mut order: Vec<i64> = everyone.collect();
    for id in loaded {
        model_of(&mut order, *id);
    }
    order
}

/// Takes a slot on one account.
fn load(pool: &Pool, id: i64) -> waybill_gateway::routing::Chosen {
    let model = Arc::from("m");
    let mut plan = pool.plan(wanted(&model)).unwrap();
    loop {
        let chosen = plan.choose(NOW).unwrap();
        if chosen.account.id == AccountId(id) {
            return chosen;
        }
    }
}

fn id_at(pool: &Pool, now: UnixMillis) -> i64 {
    pool.choose("m", now).unwrap().account.id.0
}

#[test]
fn a_worse_tier_serves_only_while_the_better_ones_cannot() {
    let pool = at_priorities(&[20, 10]);
    assert_eq!((id_at(&pool, NOW), id_at(&pool, NOW)), (2, 2));
    pool.happens(&limited(1, 2, Scope::Account, later(10).0));
    assert_eq!(id_at(&pool, NOW), 1);
    assert_eq!(
        id_at(&pool, later(10)),
        2,
        "it is found out as soon as may be"
    );
}

#[test]
fn a_half_open_account_takes_the_next_request_but_not_one_that_failed_already() {
    let pool = at_priorities(&[1, 1, 1]);
    pool.happens(&limited(1, 2, Scope::Account, NOW.0));
    pool.happens(&limited(2, 3, Scope::Account, NOW.0));
    let model = Arc::from("m");
    let mut plan = pool.plan(wanted(&model)).unwrap();
    let first = plan.choose(NOW).unwrap();
    assert!(first.slot.is_trial());
    let second = plan.choose(NOW).unwrap();
    assert!(!second.slot.is_trial(), "one risk is enough");
    assert!(
        plan.choose(NOW).unwrap().slot.is_trial(),
        "nothing else is left"
    );
}

#[test]
fn accounts_on_a_failing_way_come_last_and_get_one_trial_at_its_deadline() {
    let on = |host, priority| Settings {
        host,
        priority,
        ..Settings::default()
    };
    let pool = Pool::new(&[on("a.test", 1), on("a.test", 1), on("b.test", 2)]);
    let way = &pool.account(1).way;
    assert!(Arc::ptr_eq(way, &pool.account(2).way));
    way.fails(FailingWay {
        since: NOW,
        until: later(10),
    });
    assert_eq!(id_at(&pool, NOW), 3);
    pool.happens(&limited(1, 3, Scope::Account, later(1).0));
    assert_ne!(id_at(&pool, NOW), 3, "last is not never");
    assert_ne!(id_at(&pool, later(10)), 3, "the trial");
    assert_eq!(id_at(&pool, later(10)), 3, "while it is being found out");
    way.works();
    assert_ne!(id_at(&pool, later(10)), 3);
}

#[test]
fn of_equally_loaded_accounts_a_slow_one_waits_until_it_may_have_become_fast() {
    let pool = at_priorities(&[1, 1, 1]);
    for (id, ms) in [(1, 100), (2, 300), (3, 200)] {
        assert_eq!(load(&pool, id).account.id, AccountId(id));
        pool.account(id).live.took_ms(ms);
    }
    let chosen: Vec<_> = (0..4).map(|_| id_at(&pool, NOW)).collect();
    assert!(!chosen.contains(&2), "{chosen:?}");
    assert_eq!(id_at(&pool, later(10_000)), 2, "its turn is longest ago");
    // Load counts for more than speed.
    let _busy = [load(&pool, 1), load(&pool, 3)];
    assert_eq!(id_at(&pool, later(10_001)), 2);
}

#[test]
fn a_quota_that_is_known_is_met_before_the_provider_says_no() {
    let quota = Quota {
        requests_per_minute: Some(2),
        tokens_per_day: Some(1000),
        ..Quota::default()
    };
    let pool = Pool::of(
        1,
        Settings {
            quota,
            ..Settings::default()
        },
    );
    let model = Arc::from("m");
    let ask = |tokens, now| {
        let wanted = Wanted {
            tokens,
            ..wanted(&model)
        };
        pool.plan(wanted).unwrap().choose(now)
    };
    let now = Window::Minute.start(NOW);
    drop(ask(100, now).unwrap());
    drop(ask(100, now).unwrap());
    let Err(NoRoute::NoneUsable {
        soonest: Some(soonest),
    }) = ask(100, now)
    else {
        panic!("a third request of the minute");
    };
    assert!(
        soonest > now && soonest <= now.plus_ms(120_000),
        "{soonest}"
    );
    assert!(ask(100, soonest).is_ok(), "as it was promised");

    let tomorrow = Window::Day.end(now).unwrap();
    let live = &pool.account(1).live;
    live.meter().add(
        Used {
            tokens: 950,
            ..Used::default()
        },
        tomorrow,
    );
    let until = Window::Day.end(tomorrow);
    assert_eq!(
        ask(100, tomorrow).err(),
        Some(NoRoute::NoneUsable { soonest: until })
    );
    let small = ask(30, tomorrow).unwrap();
    assert!(ask(30, tomorrow).is_err(), "what is on its way counts");
    small.slot.unused();
    assert!(ask(30, tomorrow).is_ok(), "what was never sent does not");
}

fn own(pool: &Pool, key: u64, now: UnixMillis) -> i64 {
    let model = Arc::from("m");
    let wanted = Wanted {
        sticky: conversation(key),
        ..wanted(&model)
    };
    pool.plan(wanted).unwrap().choose(now).unwrap().account.id.0
}

#[test]
fn a_conversation_stays_with_its_account_and_many_are_spread() {
    let pool = at_priorities(&[1; 10]);
    let mut counts = [0; 10];
    for key in 0..2_000 {
        let id = own(&pool, key, NOW);
        assert_eq!(own(&pool, key, later(5)), id);
        counts[usize::try_from(id - 1).unwrap()] += 1;
    }
    assert!(
        counts.iter().all(|count| (140..=260).contains(count)),
        "{counts:?}"
    );
}

#[test]
fn when_an_account_is_stopped_only_its_conversations_move_each_as_one_and_come_back() {
    let pool = at_priorities(&[1; 5]);
    let before: Vec<_> = (0..200).map(|key| own(&pool, key, NOW)).collect();
    pool.happens(&limited(1, 3, Scope::Account, later(100).0));
    for (key, home) in (0..).zip(&before) {
        let moved = own(&pool, key, NOW);
        assert_eq!(own(&pool, key, later(50)), moved);
        assert_eq!(moved != *home, *home == 3);
    }
    pool.happens(&AccountEvent {
        kind: AccountEventKind::Recovered,
        until: None,
        ..limited(2, 3, Scope::Account, 0)
    });
    let after: Vec<_> = (0..200).map(|key| own(&pool, key, later(100))).collect();
    assert_eq!(before, after);
}

#[test]
fn every_release_and_every_replica_finds_the_same_account_for_a_conversation() {
    let pool = at_priorities(&[1; 8]);
    let found: Vec<_> = [0, 1, 42, u64::MAX].map(|key| own(&pool, key, NOW)).into();
    assert_eq!(found, EXPECTED);
}

/// Written down once; a change here would tear conversations from their accounts.
const EXPECTED: [i64; 4] = [5, 3, 8, 2];
