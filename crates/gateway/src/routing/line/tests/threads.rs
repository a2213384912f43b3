//! The line under threads: waiters live on different ones, and so do those who free slots.

use std::{sync::atomic::AtomicU64, thread};

use super::*;

const THREADS: u64 = 6;
const TASKS: u64 = 4;
const REQUESTS: u64 = 1000;

/// Times that a slot is given back at about the moment in which another request finds none.
const DUELS: u64 = 30_000;

/// What a request does that has waited for so many turns of its event loop.
#[derive(Clone, Copy)]
enum Client {
    Patient,
    /// Leaves after some turns, or never, by its number.
    Fickle,
}

/// Everybody asks for slots, holds them for a moment, and asks again. Nothing but a slot that is given
/// back wakes anybody: a call that is lost is a request that times out.
fn rush(pool: &Arc<Pool>, client: Client) -> u64 {
    let most = Arc::new(AtomicU64::new(0));
    let threads: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (pool, most) = (Arc::clone(pool), Arc::clone(&most));
            thread::spawn(move || {
                let runtime = pool::runtime();
                let tasks = tokio::task::LocalSet::new();
                for task in 0..TASKS {
                    let (pool, most) = (Arc::clone(&pool), Arc::clone(&most));
                    tasks.spawn_local(async move {
                        for number in 0..REQUESTS {
                            let seed = (thread * TASKS + task) * REQUESTS + number;
                            request(&pool, &most, client, seed).await;
                        }
                    });
                }
                runtime.block_on(tasks);
            })
        })
        .collect();
    for thread in threads {
        thread.join().unwrap();
    }
    most.load(Ordering::Relaxed)
}

async fn request(pool: &Pool, most: &AtomicU64, client: Client, seed: u64) {
    let key = i64::try_from(seed % 5).unwrap();
    let mut asked = pool.ask(key);
    let turns = match client {
        Client::Patient => u64::MAX,
        Client::Fickle if seed.is_multiple_of(3) => seed % 4,
        Client::Fickle => u64::MAX,
    };
    for _ in 0..turns.min(4) {
        if let Some((_, result, _)) = (&mut asked).now_or_never() {
            hold(pool, most, result.unwrap(), seed).await;
            return;
        }
        tokio::task::yield_now().await;
    }
    if turns == u64::MAX {
        let (_, result, _) = asked.await;
        hold(pool, most, result.unwrap(), seed).await;
    }
}

async fn hold(pool: &Pool, most: &AtomicU64, chosen: Chosen, seed: u64) {
    most.fetch_max(pool.in_flight().into(), Ordering::Relaxed);
    for _ in 0..seed % 3 {
        tokio::task::yield_now().await;
    }
    drop(chosen);
}

#[test]
fn no_call_is_lost_and_no_slot_under_threads() {
    let pool = Arc::new(Pool::new(&[Settings::slots(2), Settings::slots(1)]));
    let most = rush(&pool, Client::Patient);
    assert_eq!(most, 3, "as many at once as there are slots, and no more");
    let counts = pool.line.counts();
    assert_eq!(
        (
            counts.timed_out,
            counts.left,
            counts.given_up,
            counts.refused
        ),
        (0, 0, 0, 0)
    );
    assert!(
        counts.joined > REQUESTS,
        "a line without waiters shows nothing: {counts:?}"
    );
    is_at_rest(&pool);
}

#[test]
fn clients_that_leave_at_any_moment_lose_no_slot_and_no_call() {
    let pool = Arc::new(Pool::new(&[Settings::slots(1), Settings::slots(1)]));
    let most = rush(&pool, Client::Fickle);
    assert!(most <= 2);
    let counts = pool.line.counts();
    assert_eq!(
        (counts.timed_out, counts.given_up, counts.refused),
        (0, 0, 0)
    );
    assert!(counts.left > 10 && counts.served > REQUESTS, "{counts:?}");
    is_at_rest(&pool);
}

/// Two threads that meet: one gives back the only slot while the other asks for it, at all offsets of
/// some hundred nanoseconds. Nobody else is there who could make up for a call that was lost.
#[test]
fn a_slot_that_is_freed_while_a_request_joins_is_seen_by_one_of_the_two() {
    let pool = Arc::new(one_slot());
    let (ready, go) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
    let asking = {
        let (pool, ready, go) = (Arc::clone(&pool), Arc::clone(&ready), Arc::clone(&go));
        thread::spawn(move || {
            let runtime = pool::runtime();
            for duel in 1..=DUELS {
                let asked = pool.ask(1);
                ready.store(duel, Ordering::Release);
                meet(&go, duel, || false);
                spin(duel % 61);
                let (_, result, _) = runtime.block_on(asked);
                drop(result.unwrap_or_else(|why| panic!("duel {duel}: {why:?}")));
            }
        })
    };
    for duel in 1..=DUELS {
        meet(&ready, duel, || asking.is_finished());
        if asking.is_finished() {
            break;
        }
        let held = chosen(&mut pool.ask(9));
        go.store(duel, Ordering::Release);
        spin(duel / 61 % 61);
        drop(held);
    }
    asking.join().unwrap();
    let counts = pool.line.counts();
    // On one processor they only ever come one after the other.
    let is_one = thread::available_parallelism().is_ok_and(|processors| processors.get() == 1);
    assert!(
        is_one || (counts.joined > 0 && counts.joined < DUELS),
        "they never met: {counts:?}"
    );
    is_at_rest(&pool);
}

/// Waits for the other to be there, or for nobody to be.
fn meet(other: &AtomicU64, duel: u64, is_over: impl Fn() -> bool) {
    let mut turns = 0_u64;
    while other.load(Ordering::Acquire) < duel && !is_over() {
        turns += 1;
        match turns % 1000 {
            0 => thread::yield_now(),
            _ => std::hint::spin_loop(),
        }
    }
}

fn spin(turns: u64) {
    for _ in 0..turns {
        std::hint::spin_loop();
    }
}
