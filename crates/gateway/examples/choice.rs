//! What the choice of an account costs in a pool of a thousand: `cargo run --release --example choice`.
//!
//! Prints nanoseconds per choice, of the best round and of the median one: of the choice alone, and with
//! the making of the plan and the giving back of the slot; and the bytes that a choice allocates.
#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code, reason = "the tests use more of it")]
#[path = "../tests/routing/pool.rs"]
mod pool;

use std::{hint::black_box, sync::Arc, time::Instant};

use waybill_gateway::routing::{Plan, Wanted};
use waybill_model::{state::Scope, time::UnixMillis};

use pool::{Pool, Settings, conversation, limited, wanted};

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

const ACCOUNTS: usize = 1_000;
/// Short rounds, and many: on a busy machine some are not disturbed.
const ROUNDS: usize = 201;
const CHOICES: usize = 100;
const NOW: UnixMillis = UnixMillis(1_000_000);

fn main() {
    println!(
        "{ACCOUNTS} accounts in one tier; ns per choice, best and median of {ROUNDS} rounds of {CHOICES}\n"
    );
    println!(
        "{:<40} {:>14} {:>14} {:>10}",
        "", "choice", "and plan", "allocated"
    );
    let later = NOW.0 + 3_600_000;
    let pool = || {
        Pool::of(
            ACCOUNTS,
            Settings {
                concurrency: Some(200),
                ..Settings::default()
            },
        )
    };
    let marked = |scope: fn(i64) -> Option<Scope>| {
        let pool = pool();
        for id in 1..=ACCOUNTS as i64 {
            if let Some(scope) = scope(id) {
                pool.happens(&limited(id, id, scope, later));
            }
        }
        pool
    };
    measure("nothing held against any", &pool(), |_| None);
    measure(
        "each has a mark on another model",
        &marked(|_| Some(Scope::Model("other".into()))),
        |_| None,
    );
    measure(
        "each has a mark on another family",
        &marked(|_| Some(Scope::Family("other".into()))),
        |_| None,
    );
    measure(
        "every second one is limited",
        &marked(|id| (id % 2 == 0).then_some(Scope::Account)),
        |_| None,
    );
    measure(
        "all but one are limited",
        &marked(|id| (id != 500).then_some(Scope::Account)),
        |_| None,
    );
    let slow = pool();
    for (id, account) in (0u32..).zip(slow.accounts()) {
        account.live.took_ms(if id % 2 == 0 { 100 } else { 2_000 });
    }
    measure("every second one is slow", &slow, |_| None);
    measure("sticky", &pool(), Some);
    measure(
        "sticky, every second one is limited",
        &marked(|id| (id % 2 == 0).then_some(Scope::Account)),
        Some,
    );
}

fn measure(what: &str, pool: &Pool, conversation_of: fn(u64) -> Option<u64>) {
    let model: Arc<str> = "claude-sonnet-4-5".into();
    let plan = |n: usize| -> Plan {
        let sticky = conversation_of(n as u64).and_then(conversation);
        pool.plan(Wanted {
            sticky,
            ..wanted(&model)
        })
        .unwrap()
    };
    let mut alone = Vec::new();
    let mut whole = Vec::new();
    let mut bytes = 0;
    for _ in 0..ROUNDS {
        let mut plans: Vec<_> = (0..CHOICES).map(plan).collect();
        let mut chosen = Vec::with_capacity(CHOICES);
        let before = allocated();
        let began = Instant::now();
        for plan in &mut plans {
            chosen.push(plan.choose(NOW).unwrap());
        }
        alone.push(began.elapsed().as_nanos() / CHOICES as u128);
        bytes = (allocated() - before) / CHOICES as u64;
        drop(chosen);
        let began = Instant::now();
        for n in 0..CHOICES {
            drop(black_box(plan(n).choose(NOW)));
        }
        whole.push(began.elapsed().as_nanos() / CHOICES as u128);
    }
    let best_and_median = |mut times: Vec<u128>| {
        times.sort_unstable();
        format!("{} {:>6}", times[0], times[times.len() / 2])
    };
    println!(
        "{what:<40} {:>14} {:>14} {bytes:>8} B",
        best_and_median(alone),
        best_and_median(whole)
    );
}

/// Bytes this thread has ever allocated.
fn allocated() -> u64 {
    tikv_jemalloc_ctl::thread::allocatedp::read().unwrap().get()
}
