//! The line, with real plans over accounts of which only the slots matter.
#![allow(clippy::unwrap_used, clippy::panic)]

mod pool;
mod shared;
mod threads;

use std::collections::{BTreeMap, VecDeque};

use futures_util::FutureExt as _;
use proptest::prelude::*;
use waybill_model::{id::GroupId, limits::Quota, state::Scope};

use self::pool::{Asked, Pool, Settings, is_at_rest, limited};
use super::*;

fn one_slot() -> Pool {
    Pool::new(&[Settings::slots(1)])
}

#[track_caller]
fn chosen(asked: &mut Asked) -> Chosen {
    let (_, result, _) = asked.now_or_never().expect("it is served");
    result.unwrap()
}

#[track_caller]
fn refused(asked: &mut Asked) -> NoRoute {
    let (_, result, _) = asked.now_or_never().expect("it is refused");
    result.map(|_| ()).unwrap_err()
}

#[track_caller]
fn waits(asked: &mut Asked) {
    assert!(asked.now_or_never().is_none(), "it waits");
}

/// So many requests of one key that wait.
fn waiting(pool: &Pool, key: i64, n: usize) -> VecDeque<Asked> {
    let mut all: VecDeque<_> = (0..n).map(|_| pool.ask(key)).collect();
    all.iter_mut().for_each(waits);
    all
}

#[tokio::test(start_paused = true)]
async fn who_need_not_wait_does_not() {
    let pool = one_slot();
    let (_, result, queued) = pool.ask(1).await;
    assert!(result.is_ok() && queued.is_none());
    drop(result);
    assert_eq!(pool.line.counts(), LineCounts::default());
}

#[tokio::test(start_paused = true)]
async fn a_key_with_one_request_is_served_second_though_another_has_a_hundred() {
    let pool = one_slot();
    let held = chosen(&mut pool.ask(9));
    let mut many = waiting(&pool, 1, 100);
    let mut one = pool.ask(2);
    waits(&mut one);
    assert_eq!(pool.line.counts().groups, [(GroupId(1), 101)]);
    drop(held);
    waits(&mut one);
    drop(chosen(&mut many[0]));
    let (_, result, queued) = (&mut one).now_or_never().expect("the second place");
    assert_eq!(queued.unwrap().ahead, 100);
    waits(&mut many[1]);
    drop(result);
    for asked in many.iter_mut().skip(1) {
        drop(chosen(asked));
    }
    is_at_rest(&pool);
}

#[tokio::test(start_paused = true)]
async fn a_slot_goes_to_who_waits_before_it_goes_to_a_newcomer() {
    let pool = one_slot();
    let held = chosen(&mut pool.ask(1));
    let mut first = pool.ask(2);
    waits(&mut first);
    drop(held);
    // The first has not yet looked.
    let mut newcomer = pool.ask(3);
    waits(&mut newcomer);
    drop(chosen(&mut first));
    drop(chosen(&mut newcomer));
    is_at_rest(&pool);
}

proptest! {
    #[test]
    fn keys_take_turns_and_a_keys_requests_keep_their_order(keys in prop::collection::vec(0..5i64, 1..40)) {
        let runtime = pool::runtime();
        let _inside = runtime.enter();
        let pool = one_slot();
        let held = chosen(&mut pool.ask(9));
        let mut asked: Vec<_> = keys.iter().map(|key| pool.ask(*key)).collect();
        asked.iter_mut().for_each(waits);
        // The same said simply: a ring of keys, each with its requests.
        let mut ring: VecDeque<(i64, VecDeque<usize>)> = VecDeque::new();
        for (index, key) in keys.iter().enumerate() {
            match ring.iter_mut().find(|(known, _)| known == key) {
                Some((_, requests)) => requests.push_back(index),
                None => ring.push_back((*key, [index].into())),
            }
        }
        drop(held);
        while let Some((key, mut requests)) = ring.pop_front() {
            let index = requests.pop_front().unwrap();
            if !requests.is_empty() {
                ring.push_back((key, requests));
            }
            drop(chosen(&mut asked[index]));
        }
        is_at_rest(&pool);
    }
}

#[tokio::test(start_paused = true)]
async fn the_line_has_an_end_and_one_key_cannot_fill_it() {
    let pool = Pool::with(
        LineSettings {
            max_waiting: 3,
            max_waiting_per_key: 2,
            ..LineSettings::default()
        },
        &[Settings::slots(1)],
    );
    let _held = chosen(&mut pool.ask(9));
    let mut of_one = waiting(&pool, 1, 2);
    assert_eq!(refused(&mut pool.ask(1)), NoRoute::QueueFull);
    let _other = waiting(&pool, 2, 1);
    assert_eq!(refused(&mut pool.ask(3)), NoRoute::QueueFull);
    assert_eq!(
        (pool.line.counts().waiting, pool.line.counts().refused),
        (3, 2)
    );
    // Who leaves makes room.
    of_one.pop_back();
    let _another = waiting(&pool, 3, 1);
    assert_eq!(pool.line.counts().left, 1);
}

#[tokio::test(start_paused = true)]
async fn a_wait_ends_with_the_time_out_or_with_the_time_for_attempts() {
    let pool = one_slot();
    let _held = chosen(&mut pool.ask(9));
    for (give_up_ms, waited_ms) in [(600_000, 30_000), (700, 700)] {
        let (plan, result, queued) = pool.ask_until(1, give_up_ms).await;
        assert_eq!(result.unwrap_err(), NoRoute::QueueTimeout);
        assert_eq!(
            queued,
            Some(Queued {
                ahead: 0,
                waited_ms
            })
        );
        assert_eq!(
            plan.candidates(UnixMillis(0)).len(),
            1,
            "it can still be explained"
        );
    }
    let counts = pool.line.counts();
    assert_eq!(
        (counts.timed_out, counts.waited_ms, counts.waiting),
        (2, 30_700, 0)
    );
}

#[tokio::test(start_paused = true)]
async fn with_a_time_out_of_zero_and_without_time_nobody_waits() {
    let zero = LineSettings {
        timeout: Duration::ZERO,
        ..LineSettings::default()
    };
    let pool = Pool::with(zero, &[Settings::slots(1)]);
    let _held = chosen(&mut pool.ask(9));
    assert_eq!(refused(&mut pool.ask(1)), NoRoute::NoSlot);
    let pool = one_slot();
    let _held = chosen(&mut pool.ask(9));
    assert_eq!(refused(&mut pool.ask_until(1, 0)), NoRoute::NoSlot);
    assert_eq!(pool.line.counts().joined, 0);
}

#[tokio::test(start_paused = true)]
async fn who_leaves_with_an_account_in_hand_gives_it_to_the_next() {
    let pool = one_slot();
    let held = chosen(&mut pool.ask(9));
    let mut first = pool.ask(1);
    waits(&mut first);
    let mut second = pool.ask(2);
    waits(&mut second);
    drop(held);
    assert_eq!(pool.in_flight(), 1, "handed over");
    waits(&mut second);
    drop(first);
    drop(chosen(&mut second));
    let counts = pool.line.counts();
    assert_eq!((counts.left, counts.served), (1, 1));
    is_at_rest(&pool);
}

#[tokio::test(start_paused = true)]
async fn what_can_be_free_only_later_is_not_waited_for() {
    let pool = one_slot();
    pool.happens(&limited(1, Scope::Account, 60_000));
    let soonest = Some(UnixMillis(60_000));
    assert_eq!(refused(&mut pool.ask(1)), NoRoute::NoneUsable { soonest });
    assert_eq!(pool.line.counts().joined, 0);
}

#[tokio::test(start_paused = true)]
async fn a_wait_that_has_become_vain_is_over_at_once() {
    let pool = one_slot();
    let held = chosen(&mut pool.ask(9));
    let mut all = waiting(&pool, 1, 3);
    pool.happens(&limited(1, Scope::Account, 60_000));
    let soonest = Some(UnixMillis(60_000));
    for asked in &mut all {
        assert_eq!(refused(asked), NoRoute::NoneUsable { soonest });
    }
    assert_eq!(pool.line.counts().given_up, 3);
    drop(held);
    is_at_rest(&pool);
}

#[tokio::test(start_paused = true)]
async fn a_deadline_is_waited_for_and_one_request_finds_out() {
    let pool = one_slot();
    let _time = tokio::spawn(Arc::clone(&pool.line).keep_time(pool.clock.clone()));
    // One that is there already, and one that comes while it is waited for another.
    for until in [20_000, 21_000] {
        pool.happens(&limited(until, Scope::Account, until));
        let mut asked = pool.ask(1);
        waits(&mut asked);
        pool.happens(&limited(until + 1, Scope::Account, until - 10_000));
        pool.set_time(until - 10_000);
        let (_, result, _) = asked.await;
        assert!(result.unwrap().slot.is_trial());
        pool.recovers();
        pool.set_time(0);
    }
    is_at_rest(&pool);
}

#[tokio::test(start_paused = true)]
async fn requests_behind_one_that_finds_out_wait_for_what_it_finds() {
    let pool = Pool::new(&[Settings::slots(2)]);
    pool.happens(&limited(1, Scope::Account, 10));
    pool.set_time(10);
    let trial = chosen(&mut pool.ask(1));
    assert!(trial.slot.is_trial());
    let mut second = pool.ask(1);
    waits(&mut second);
    pool.recovers();
    drop(chosen(&mut second));
    drop(trial);
    is_at_rest(&pool);
}

#[tokio::test(start_paused = true)]
async fn who_waits_for_what_it_has_not_tried_holds_nobody_up_who_may_try_more() {
    let pool = Pool::new(&[Settings::slots(1), Settings::slots(1)]);
    let (mut plan, result, _) = pool.ask(1).now_or_never().unwrap();
    let first = result.unwrap();
    let second = chosen(&mut pool.ask(2));
    drop(first);
    // It has tried the first, and waits for the second.
    let mut again = pool.ask_with(1, plan);
    waits(&mut again);
    let mut newcomer = pool.ask(3);
    let first = chosen(&mut newcomer);
    drop(second);
    let (plan_again, result, _) = again.now_or_never().unwrap();
    plan = plan_again;
    assert!(result.is_ok());
    drop((result, first));
    // Both tried: there is nothing to wait for.
    let why = refused(&mut pool.ask_with(1, plan));
    assert_eq!(why, NoRoute::NoneUsable { soonest: None });
    is_at_rest(&pool);
}

#[tokio::test(start_paused = true)]
async fn a_request_too_large_for_now_holds_up_its_own_key_alone() {
    let quota = Quota {
        tokens_per_minute: Some(1000),
        ..Quota::default()
    };
    let patient = LineSettings {
        timeout: Duration::from_secs(300),
        ..LineSettings::default()
    };
    let pool = Pool::with(patient, &[Settings { quota, slots: None }]);
    pool.set_time(600_000);
    let held = chosen(&mut pool.ask_for(9, 500));
    let mut large = pool.ask_for(1, 900);
    waits(&mut large);
    let mut small_of_the_same = pool.ask_for(1, 100);
    waits(&mut small_of_the_same);
    let small_of_another = chosen(&mut pool.ask_for(2, 100));
    // When the large one goes, the small one behind it need not wait for anything to be freed.
    drop(large);
    drop(chosen(&mut small_of_the_same));
    drop((small_of_another, held));
    is_at_rest(&pool);
}

#[tokio::test(start_paused = true)]
async fn an_account_that_is_added_serves_newcomers_though_others_wait_without_it() {
    let mut pool = one_slot();
    let held = chosen(&mut pool.ask(9));
    let mut old = pool.ask(1);
    waits(&mut old);
    pool.change(&[Settings::slots(1), Settings::slots(1)]);
    let on_the_new = chosen(&mut pool.ask(2));
    assert_eq!(on_the_new.account.id.0, 2);
    waits(&mut old);
    drop(held);
    drop((chosen(&mut old), on_the_new));
    is_at_rest(&pool);
}

#[tokio::test(start_paused = true)]
async fn models_wait_apart_and_keys_take_turns_over_all_of_them() {
    let pool = one_slot();
    let held = chosen(&mut pool.ask(9));
    let mut asked = BTreeMap::new();
    for (n, (key, model)) in [(1, "a"), (1, "b"), (1, "c"), (2, "d")]
        .into_iter()
        .enumerate()
    {
        let mut one = pool.ask_model(key, model);
        waits(&mut one);
        asked.insert(n, one);
    }
    assert_eq!(pool.line.counts().groups, [(GroupId(1), 4)]);
    drop(held);
    for n in [0, 3, 1, 2] {
        drop(chosen(asked.get_mut(&n).unwrap()));
    }
    is_at_rest(&pool);
}

#[tokio::test(start_paused = true)]
async fn counts_say_who_waits_and_for_how_long() {
    let pool = one_slot();
    let held = chosen(&mut pool.ask(9));
    let mut all = waiting(&pool, 1, 2);
    tokio::time::advance(Duration::from_secs(3)).await;
    let counts = pool.line.counts();
    assert_eq!(
        (counts.waiting, counts.longest_wait_ms, counts.joined),
        (2, 3000, 2)
    );
    drop(held);
    drop(chosen(&mut all[0]));
    drop(chosen(&mut all[1]));
    let counts = pool.line.counts();
    assert_eq!((counts.waiting, counts.longest_wait_ms), (0, 0));
    assert_eq!((counts.served, counts.waited_ms), (2, 6000));
}
