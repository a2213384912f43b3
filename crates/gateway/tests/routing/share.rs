//! Equal accounts share the load.

use std::{
    collections::BTreeMap,
    sync::Barrier,
    thread::{self, ScopedJoinHandle},
};

use proptest::prelude::*;
use waybill_model::{id::AccountId, time::UnixMillis};

use super::{
    pool::{Pool, Settings},
    slots::next,
};

/// Requests of each account; all shares must lie within a tenth of the mean.
fn assert_even(counts: &BTreeMap<AccountId, u32>, accounts: usize) {
    let all: u32 = counts.values().sum();
    let mean = f64::from(all) / accounts as f64;
    assert_eq!(counts.len(), accounts, "{counts:?}");
    for count in counts.values() {
        let off = (f64::from(*count) - mean).abs() / mean;
        assert!(off <= 0.1, "{counts:?}: {:.1} % off the mean", off * 100.0);
    }
}

#[test]
fn requests_that_come_one_at_a_time_go_round() {
    let pool = Pool::of(7, Settings::default());
    let mut counts = BTreeMap::new();
    for at in 0..700 {
        let chosen = pool.choose("m", UnixMillis(at)).unwrap();
        *counts.entry(chosen.account.id).or_insert(0) += 1;
    }
    assert!(counts.values().all(|count| *count == 100), "{counts:?}");
}

#[test]
fn requests_that_come_in_the_same_instant_on_four_threads_are_shared() {
    let pool = Pool::of(5, Settings::default());
    // A thread that is put aside while it holds a slot would make that account a busy one.
    let step = Barrier::new(4);
    let mut counts = BTreeMap::new();
    let per_thread: Vec<Vec<AccountId>> = thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                scope.spawn(|| {
                    let choose = |at| {
                        step.wait();
                        let chosen = pool.choose("m", UnixMillis(at)).unwrap();
                        step.wait();
                        chosen.account.id
                    };
                    (0..1_000).map(choose).collect()
                })
            })
            .collect();
        let join = |thread: ScopedJoinHandle<'_, _>| thread.join().unwrap();
        threads.into_iter().map(join).collect()
    });
    for id in per_thread.into_iter().flatten() {
        *counts.entry(id).or_insert(0) += 1;
    }
    assert_even(&counts, 5);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn requests_that_come_at_random_and_take_as_long_as_they_like_are_shared(
        accounts in 2..9usize,
        limit in proptest::option::of(20..60u32),
        at_once in 1..20usize,
        mut seed: u64,
    ) {
        let pool = Pool::of(accounts, Settings { concurrency: limit, ..Settings::default() });
        let mut counts = BTreeMap::new();
        let mut running = Vec::new();
        for at in 0..30_000 {
            let drawn = next(&mut seed) as usize;
            if running.is_empty() || (drawn.is_multiple_of(2) && running.len() < at_once) {
                let chosen = pool.choose("m", UnixMillis(at)).unwrap();
                *counts.entry(chosen.account.id).or_insert(0) += 1;
                running.push(chosen);
            } else {
                running.swap_remove(drawn / 2 % running.len());
            }
        }
        assert_even(&counts, accounts);
    }
}
