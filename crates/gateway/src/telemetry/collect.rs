//! Every metric as it is now.
//!
//! Promises: labels come from closed sets and from names of what is configured; what cannot be had at the moment is
//! left out, never guessed. Must not know: in which format they leave.

use std::{borrow::Cow, sync::Arc};

use tokio::time::Instant;
use waybill_model::{id::AccountId, time::UnixMillis, view::JobOutcome};
use waybill_store::Forwarding;

use super::{
    family::{Families, Family, Labels, name, word},
    process, table,
};
use crate::{
    admin::{StateWord, state_word},
    app::Shared,
    cluster::ClusterView,
    routing::AccountEntry,
};

/// Every metric, in the order of the table.
pub async fn collect(shared: &Shared) -> Vec<Family> {
    let mut families = Families::default();
    let snapshot = shared.snapshot();
    let called =
        |id: AccountId| -> Option<Cow<'static, str>> { Some(name(&snapshot.account(id)?.name)) };
    let untold = shared.recorder.untold();
    shared.telemetry.families(&mut families, untold, called);
    requests(&mut families, shared);
    queue(&mut families, shared);
    let mut entries: Vec<_> = snapshot.accounts().collect();
    entries.sort_by_key(|account| account.id);
    accounts(&mut families, &entries, shared.clock.now());
    if let Some(cluster) = &shared.cluster {
        sharing(&mut families, &cluster.view(&snapshot));
    }
    drop(entries);
    drop(snapshot);
    recorder(&mut families, shared);
    records(&mut families, shared).await;
    jobs(&mut families, shared).await;
    process(&mut families, shared);
    families.sorted()
}

fn requests(families: &mut Families, shared: &Shared) {
    families.one(&table::IN_FLIGHT, shared.in_flight.count());
    families.one(
        &table::OLDEST_IN_FLIGHT,
        shared.in_flight.oldest(Instant::now()).as_secs(),
    );
    let refusals = shared.refusals.counts();
    families.many(
        &table::BUSINESS_REFUSALS,
        refusals.map(|(cause, count)| (vec![word(cause.as_str())], count)),
    );
}

fn recorder(families: &mut Families, shared: &Shared) {
    let recorder = &shared.recorder;
    families.one(&table::RECORDER_UP, recorder.is_running());
    families.one(&table::RECORDER_QUEUE, recorder.waiting());
    families.one(&table::RECORDER_QUEUE_BYTES, recorder.waiting_bytes());
    families.one(&table::WITHOUT_BODY, recorder.without_body());
    families.one(&table::REFUSALS_UNCOUNTED, recorder.noise_uncounted());
    families.one(&table::RELEASED_EARLY, recorder.released_early());
    families.one(&table::ACCOUNT_EVENTS, recorder.account_events());
    families.one(&table::ACCOUNT_EVENTS_LOST, recorder.account_events_lost());
    families.one(&table::USAGE_LOST, recorder.usage_lost());
}

async fn records(families: &mut Families, shared: &Shared) {
    let books = shared.recorder.books().await;
    families.one(&table::STORE_UP, books.is_ok());
    match books {
        Ok(books) => {
            let books = shared.telemetry.since_start(books);
            families.one(&table::RECORDS_DUE, books.due);
            families.one(&table::RECORDS_STORED, books.stored);
            families.one(&table::RECORDS_LOST, books.counted_lost);
            families.one(&table::RECORDS_SPOOLED, books.spooled);
        }
        Err(error) => tracing::warn!(%error, "metrics are without the counts of records"),
    }
    families.one(
        &table::REQUESTS_GIVEN_UP,
        shared.store.requests_given_up_here(),
    );
    if let Some(forwarding) = shared.store.forwarding() {
        families.one(&table::SHARED_STORE_UP, forwarding == Forwarding::Works);
    }
}

async fn jobs(families: &mut Families, shared: &Shared) {
    let jobs = match shared.store.jobs().await {
        Ok(jobs) => jobs,
        Err(error) => return tracing::warn!(%error, "metrics are without jobs"),
    };
    let finished = jobs.iter().filter_map(|job| {
        let finished = job.finished_at?;
        Some((vec![name(&job.name)], finished.0 as f64 / 1000.0))
    });
    families.many(&table::JOB_FINISHED, finished);
    let went = jobs.iter().filter_map(|job| {
        let outcome = job.outcome?;
        Some((vec![name(&job.name)], outcome == JobOutcome::Ok))
    });
    families.many(&table::JOB_OK, went);
}

/// What replicas share through Redis.
fn sharing(families: &mut Families, view: &ClusterView) {
    families.one(&table::REDIS_UP, view.redis_up);
    families.one(&table::REPLICAS, view.replicas.len());
    families.one(&table::DRIFTED, view.drift.len());
    let accounts = view.accounts.iter();
    families.many(
        &table::ALLOTMENT,
        accounts.map(|account| (vec![name(&account.name)], account.allotment)),
    );
    let counts = &view.counts;
    families.one(&table::REDIS_LOSSES, counts.redis_losses);
    families.one(&table::SLOT_EXCHANGES, counts.slot_exchanges);
    families.one(&table::SLOT_EXCHANGES_FAILED, counts.slot_exchanges_failed);
    families.one(&table::OWN_VIEWS, counts.own_views);
    families.one(&table::SHARED_EVENTS_DROPPED, counts.events_dropped);
}

fn queue(families: &mut Families, shared: &Shared) {
    let counts = shared.line.counts();
    families.one(&table::QUEUE_WAITING, counts.waiting);
    families.one(
        &table::QUEUE_LONGEST,
        counts.longest_wait_ms as f64 / 1000.0,
    );
    families.one(&table::QUEUE_JOINED, counts.joined);
    let ended = [
        ("served", counts.served),
        ("timed_out", counts.timed_out),
        ("left", counts.left),
        ("given_up", counts.given_up),
        ("refused", counts.refused),
    ];
    families.many(
        &table::QUEUE_ENDED,
        ended.map(|(outcome, count)| (vec![word(outcome)], count)),
    );
}

fn accounts(families: &mut Families, entries: &[&Arc<AccountEntry>], now: UnixMillis) {
    let called = |entry: &AccountEntry| -> Labels { vec![name(&entry.name)] };
    families.many(
        &table::ACCOUNT_IN_FLIGHT,
        entries
            .iter()
            .map(|entry| (called(entry), entry.live.in_flight())),
    );
    families.many(
        &table::ACCOUNT_LIMIT,
        entries.iter().filter_map(|entry| {
            let limit = entry.live.allowed(entry.concurrency)?;
            Some((called(entry), limit))
        }),
    );
    let states = entries.iter().flat_map(|entry| {
        let (is, _) = state_word(&entry.live.state(), entry.status, None, now);
        StateWord::ALL
            .iter()
            .map(move |state| (vec![name(&entry.name), word(state.as_str())], *state == is))
    });
    families.many(&table::ACCOUNT_STATE, states);
}

fn process(families: &mut Families, shared: &Shared) {
    let version = word(env!("CARGO_PKG_VERSION"));
    families.many(&table::BUILD, [(vec![version], 1_u64)]);
    families.one(&table::START, shared.telemetry.began.0 as f64 / 1000.0);
    if let Some(bytes) = allocated_here() {
        families.one(&table::ALLOCATED, bytes);
    }
    process::families(families);
}

/// Bytes ever allocated by this thread. `None` in a program whose allocator is not jemalloc: the
/// counter is there also then, and nothing counts in it.
fn allocated_here() -> Option<u64> {
    let counter = tikv_jemalloc_ctl::thread::allocatedp::read().ok()?;
    Some(counter.get()).filter(|bytes| *bytes > 0)
}
