//! How fast the journal commits and the store answers: `cargo bench -p waybill-store`.
//!
//! Prints a table, asserts nothing: figures belong to the machine they were taken on.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;

use std::time::{Duration, Instant};

use common::{Fixture, at, everything, failure, first_page, success};
use waybill_model::{id::AccountId, record::Record, view::Filter};
use waybill_store::{Batch, RetentionPolicy, Store};

const BATCH: u64 = 200;

fn main() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut f = Fixture::new();
    commit(
        &mut f,
        "failures, two attempts each, batches of 200",
        0,
        60_000,
        BATCH,
        failure,
    );
    commit(&mut f, "failures, one by one", 1_000_000, 2_000, 1, failure);
    commit(
        &mut f,
        "successes, batches of 200",
        2_000_000,
        200_000,
        BATCH,
        success,
    );
    runtime.block_on(async {
        let mut by_account = everything();
        by_account.account_id = Some(AccountId(3));
        let mut by_text = everything();
        by_text.q = Some("nowhere to be found".to_owned());
        query(&f.store, "first page of 50, all errors", everything()).await;
        query(&f.store, "first page of 50, one account", by_account).await;
        query(&f.store, "text search without a hit", by_text).await;
        let policy = RetentionPolicy {
            errors_max_age_ms: Some(0),
            ..RetentionPolicy::default()
        };
        let begun = Instant::now();
        let report = f.store.retain(&policy, at(30_000)).await.unwrap();
        println!(
            "retention: {} errors removed in {:?}",
            report.errors,
            begun.elapsed()
        );
    });
}

fn commit(
    f: &mut Fixture,
    what: &str,
    first: u64,
    count: u64,
    batch: u64,
    make: impl Fn(u64) -> Record,
) {
    let mut took: Vec<Duration> = Vec::new();
    for start in (first..first + count).step_by(usize::try_from(batch).unwrap()) {
        let records: Vec<Record> = (start..start + batch).map(&make).collect();
        let begun = Instant::now();
        f.journal.commit(Batch::of(&records));
        took.push(begun.elapsed());
    }
    let total: Duration = took.iter().sum();
    took.sort();
    let each_us = total.as_secs_f64() * 1e6 / count as f64;
    let percentile = |share: usize| took[(took.len() - 1) * share / 100];
    println!(
        "{what}: {:.0} per second, {each_us:.2} µs each; a commit takes {:?} (p50), {:?} (p99), {:?} (worst)",
        1e6 / each_us,
        percentile(50),
        percentile(99),
        percentile(100)
    );
}

async fn query(store: &Store, what: &str, filter: Filter) {
    let mut best = Duration::MAX;
    for _ in 0..5 {
        let begun = Instant::now();
        store.errors(&filter, &first_page(50)).await.unwrap();
        best = best.min(begun.elapsed());
    }
    println!("{what}: {best:?}");
}
