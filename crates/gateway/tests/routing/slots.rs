//! Slots and trials under threads.

use std::{
    sync::{
        Arc, Barrier,
        atomic::{AtomicBool, AtomicU32, Ordering},
    },
    thread,
};

use proptest::prelude::*;
use waybill_gateway::routing::NoRoute;
use waybill_model::{
    state::{AccountEvent, AccountEventKind, Scope},
    time::UnixMillis,
};

use super::pool::{Pool, Settings, limited, wanted};

const NOW: UnixMillis = UnixMillis(1_000_000);

/// A small generator, so that each thread has its own course of events.
pub fn next(seed: &mut u64) -> u64 {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
    *seed >> 33
}

fn one_account(concurrency: u32) -> Pool {
    Pool::of(
        1,
        Settings {
            concurrency: Some(concurrency),
            ..Settings::default()
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]

    #[test]
    fn no_interleaving_of_requests_and_ramps_goes_beyond_the_limit(limit in 1..6u32, seed: u64) {
        let pool = one_account(limit);
        let live = Arc::clone(&pool.account(1).live);
        let (held, most) = (AtomicU32::new(0), AtomicU32::new(0));
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            let workers: Vec<_> = (0..6u64)
                .map(|worker| {
                    let (pool, held, most) = (&pool, &held, &most);
                    scope.spawn(move || {
                        let mut seed = seed ^ worker;
                        let mut mine = Vec::new();
                        for _ in 0..2_000 {
                            if next(&mut seed).is_multiple_of(2) {
                                if let Ok(chosen) = pool.choose("m", NOW) {
                                    most.fetch_max(held.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
                                    mine.push(chosen);
                                }
                            } else if let Some(chosen) = mine.pop() {
                                held.fetch_sub(1, Ordering::SeqCst);
                                drop(chosen);
                            }
                        }
                        held.fetch_sub(u32::try_from(mine.len()).unwrap(), Ordering::SeqCst);
                    })
                })
                .collect();
            let ramps = scope.spawn(|| {
                let mut seed = seed;
                while !done.load(Ordering::Relaxed) {
                    match next(&mut seed) % 3 {
                        0 => live.start_ramp(),
                        1 => live.ramp_up(),
                        _ => live.end_ramp(),
                    }
                }
            });
            for worker in workers {
                worker.join().unwrap();
            }
            done.store(true, Ordering::Relaxed);
            ramps.join().unwrap();
        });
        let most = most.into_inner();
        prop_assert!(most >= 1 && most <= limit, "{most} of {limit} at once");
        prop_assert_eq!(live.in_flight(), 0);
    }

    #[test]
    fn of_many_requests_at_once_one_is_the_trial(seed: u64) {
        let pool = Pool::of(1, Settings::default());
        pool.happens(&limited(1, 1, Scope::Account, NOW.0));
        let start = Barrier::new(8);
        let chosen: Vec<_> = thread::scope(|scope| {
            let threads: Vec<_> = (0..8u64)
                .map(|thread| {
                    let (pool, start) = (&pool, &start);
                    scope.spawn(move || {
                        start.wait();
                        let mut seed = seed ^ thread;
                        for _ in 0..next(&mut seed) % 50 {
                            std::hint::spin_loop();
                        }
                        pool.choose("m", NOW)
                    })
                })
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        let trials = chosen.iter().flatten().filter(|chosen| chosen.slot.is_trial()).count();
        prop_assert_eq!((trials, chosen.iter().flatten().count()), (1, 1));
        drop(chosen);
        prop_assert!(pool.choose("m", NOW).unwrap().slot.is_trial(), "the next one may try");
    }
}

#[test]
fn a_request_that_panics_gives_back_its_slot_and_its_trial() {
    let pool = one_account(1);
    pool.happens(&limited(1, 1, Scope::Account, NOW.0));
    let chosen = pool.choose("m", NOW).unwrap();
    let crashed = thread::spawn(move || {
        let _chosen = chosen;
        std::panic::resume_unwind(Box::new("a defect"));
    });
    assert!(crashed.join().is_err());
    assert_eq!(pool.account(1).live.in_flight(), 0);
    assert!(pool.choose("m", NOW).unwrap().slot.is_trial());
}

#[test]
fn a_trial_that_is_decided_does_not_keep_a_later_mark_from_being_tried() {
    let pool = Pool::of(1, Settings::default());
    pool.happens(&limited(1, 1, Scope::Account, NOW.0));
    let first = pool.choose("m", NOW).unwrap();
    assert!(first.slot.is_trial());
    pool.happens(&AccountEvent {
        kind: AccountEventKind::Recovered,
        until: None,
        ..limited(2, 1, Scope::Account, 0)
    });
    // Its answer still flows, and meanwhile another request has met the limit again.
    pool.happens(&limited(3, 1, Scope::Account, NOW.0));
    let second = pool.choose("m", NOW).unwrap();
    assert!(second.slot.is_trial());
    drop(first);
    assert_eq!(
        pool.choose("m", NOW).err(),
        Some(NoRoute::NoSlot),
        "one at a time"
    );
    drop(second);
    assert!(pool.choose("m", NOW).unwrap().slot.is_trial());
}

#[test]
fn trials_of_two_models_follow_one_another() {
    let pool = Pool::of(1, Settings::default());
    pool.happens(&limited(1, 1, Scope::Model("a".into()), NOW.0));
    pool.happens(&limited(2, 1, Scope::Model("b".into()), NOW.0));
    let trial = pool.choose("a", NOW).unwrap();
    assert!(trial.slot.is_trial());
    assert_eq!(pool.choose("b", NOW).err(), Some(NoRoute::NoSlot));
    assert!(
        !pool.choose("c", NOW).unwrap().slot.is_trial(),
        "others are not concerned"
    );
    drop(trial);
    assert!(pool.choose("b", NOW).unwrap().slot.is_trial());
}

#[test]
fn a_recovered_account_gets_one_request_then_twice_as_many_with_each_success() {
    let pool = one_account(5);
    let live = &pool.account(1).live;
    let fits = || {
        let chosen: Vec<_> = std::iter::from_fn(|| pool.choose("m", NOW).ok()).collect();
        chosen.len()
    };
    live.start_ramp();
    let grows: Vec<_> = (0..4)
        .map(|_| {
            let fits = fits();
            live.ramp_up();
            fits
        })
        .collect();
    assert_eq!(grows, [1, 2, 4, 5]);
    live.start_ramp();
    live.end_ramp();
    assert_eq!(fits(), 5);
}

#[test]
fn a_retry_of_an_account_that_was_stopped_meanwhile_gets_no_slot() {
    let pool = Pool::of(1, Settings::default());
    let model = Arc::from("m");
    let mut plan = pool.plan(wanted(&model)).unwrap();
    let chosen = plan.choose(NOW).unwrap();
    let live = Arc::clone(chosen.slot.live());
    let again = plan.again(chosen, NOW).unwrap();
    assert_eq!(live.in_flight(), 1, "the same slot");
    pool.happens(&limited(1, 1, Scope::Account, NOW.0 + 1));
    assert!(plan.again(again, NOW).is_none());
    assert_eq!(live.in_flight(), 0, "given back");
}
