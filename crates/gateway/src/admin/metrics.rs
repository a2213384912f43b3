//! `/metrics`: counts in the Prometheus text format.
//!
//! Promises: labels come from closed sets and from names of what is configured.

use std::fmt::{Display, Write as _};

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;
use waybill_model::time::UnixMillis;
use waybill_store::Forwarding;

use super::{
    App,
    state::{StateWord, word},
};
use crate::{app::Shared, cluster::ClusterView, routing::AccountEntry};

/// Counts in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "probes",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn show(State(shared): State<App>) -> Response {
    let mut page = Page::default();
    requests(&mut page, &shared);
    records(&mut page, &shared).await;
    queue(&mut page, &shared);
    let snapshot = shared.snapshot();
    let mut entries: Vec<_> = snapshot.accounts().collect();
    entries.sort_by_key(|account| account.id);
    accounts(&mut page, &entries, shared.clock.now());
    if let Some(cluster) = &shared.cluster {
        sharing(&mut page, &cluster.view(&snapshot));
    }
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], page.0).into_response()
}

fn requests(page: &mut Page, shared: &Shared) {
    page.one(
        "waybill_requests_in_flight",
        GAUGE,
        "Requests being served now.",
        shared.in_flight.count(),
    );
    page.head(
        "waybill_business_refusals_total",
        COUNTER,
        "Requests refused for a limit of a key or a user.",
    );
    for (cause, count) in shared.refusals.counts() {
        let labels = [("cause", cause.info().code)];
        page.labelled("waybill_business_refusals_total", &labels, count);
    }
    if let Some(bytes) = allocated_here() {
        page.one(
            "waybill_worker_allocated_bytes_total",
            COUNTER,
            "Bytes ever allocated by the worker thread that answered.",
            bytes,
        );
    }
}

async fn records(page: &mut Page, shared: &Shared) {
    let books = shared.recorder.books().await;
    page.one(
        "waybill_store_up",
        GAUGE,
        "Whether the store answers.",
        u8::from(books.is_ok()),
    );
    match books {
        Ok(books) => {
            page.one(
                "waybill_records_due_total",
                COUNTER,
                "Records that had to be written.",
                books.due,
            );
            page.one(
                "waybill_records_stored_total",
                COUNTER,
                "Records committed to the store.",
                books.stored,
            );
            page.one(
                "waybill_records_lost_total",
                COUNTER,
                "Records given up, each one counted.",
                books.counted_lost,
            );
            page.one(
                "waybill_records_spooled",
                GAUGE,
                "Records accepted and not yet committed.",
                books.spooled,
            );
        }
        Err(error) => tracing::warn!(%error, "metrics are without the counts of records"),
    }
    if let Some(forwarding) = shared.store.forwarding() {
        page.one(
            "waybill_shared_store_up",
            GAUGE,
            "Whether spooled records get to the shared database.",
            u8::from(forwarding == Forwarding::Works),
        );
    }
    page.one(
        "waybill_recorder_up",
        GAUGE,
        "Whether records are written.",
        u8::from(shared.recorder.is_running()),
    );
    page.one(
        "waybill_refusals_uncounted_total",
        COUNTER,
        "Refusals before auth that nobody counted, because too many came at once.",
        shared.recorder.noise_uncounted(),
    );
    page.one(
        "waybill_records_released_early_total",
        COUNTER,
        "Answers released before their record was committed.",
        shared.recorder.released_early(),
    );
    page.one(
        "waybill_account_events_total",
        COUNTER,
        "Changes of accounts' states, those that were lost included.",
        shared.recorder.account_events(),
    );
    page.one(
        "waybill_account_events_lost_total",
        COUNTER,
        "Changes of accounts' states that could not be recorded.",
        shared.recorder.account_events_lost(),
    );
    page.one(
        "waybill_usage_lost_total",
        COUNTER,
        "Requests whose usage could not be recorded.",
        shared.recorder.usage_lost(),
    );
}

/// What replicas share through Redis.
fn sharing(page: &mut Page, view: &ClusterView) {
    page.one(
        "waybill_redis_up",
        GAUGE,
        "Whether Redis answers; while it does not, slots are shared by this replica's own view.",
        u8::from(view.redis_up),
    );
    page.one(
        "waybill_replicas",
        GAUGE,
        "Replicas that are there, this one included.",
        view.replicas.len(),
    );
    page.one(
        "waybill_account_states_drifted",
        GAUGE,
        "Accounts whose state differs from that on another replica, and stays so.",
        view.drift.len(),
    );
    let name = "waybill_account_allotment";
    page.head(
        name,
        GAUGE,
        "Slots of an account that are this replica's, of those that all replicas share.",
    );
    for account in &view.accounts {
        page.labelled(name, &[("account", &account.name)], account.allotment);
    }
    let counts = &view.counts;
    for (name, help, count) in [
        (
            "waybill_redis_losses_total",
            "Connections to Redis that were lost.",
            counts.redis_losses,
        ),
        (
            "waybill_slot_exchanges_total",
            "Exchanges of slots with other replicas.",
            counts.slot_exchanges,
        ),
        (
            "waybill_slot_exchanges_failed_total",
            "Exchanges of slots that were not answered.",
            counts.slot_exchanges_failed,
        ),
        (
            "waybill_own_views_total",
            "Times that an account's slots went over to this replica's own view.",
            counts.own_views,
        ),
        (
            "waybill_shared_account_events_dropped_total",
            "Changes of accounts' states that other replicas were not told at once.",
            counts.events_dropped,
        ),
    ] {
        page.one(name, COUNTER, help, count);
    }
}

fn queue(page: &mut Page, shared: &Shared) {
    let counts = shared.line.counts();
    page.one(
        "waybill_queue_waiting",
        GAUGE,
        "Requests that wait for a slot now.",
        counts.waiting,
    );
    page.one(
        "waybill_queue_longest_wait_ms",
        GAUGE,
        "How long the request that waits longest has.",
        counts.longest_wait_ms,
    );
    page.one(
        "waybill_queue_joined_total",
        COUNTER,
        "Requests that began to wait.",
        counts.joined,
    );
    let name = "waybill_queue_ended_total";
    page.head(name, COUNTER, "How waits ended.");
    for (outcome, count) in [
        ("served", counts.served),
        ("timed_out", counts.timed_out),
        ("left", counts.left),
        ("given_up", counts.given_up),
        ("refused", counts.refused),
    ] {
        page.labelled(name, &[("outcome", outcome)], count);
    }
}

fn accounts(page: &mut Page, entries: &[&std::sync::Arc<AccountEntry>], now: UnixMillis) {
    let name = "waybill_account_in_flight";
    page.head(name, GAUGE, "Requests on an account now.");
    for entry in entries {
        page.labelled(name, &[("account", &entry.name)], entry.live.in_flight());
    }
    let name = "waybill_account_limit";
    page.head(
        name,
        GAUGE,
        "Most requests at once on an account just now, where there is a limit.",
    );
    for entry in entries {
        if let Some(limit) = entry.live.allowed(entry.concurrency) {
            page.labelled(name, &[("account", &entry.name)], limit);
        }
    }
    let name = "waybill_account_state";
    page.head(
        name,
        GAUGE,
        "1 for the state an account is in, 0 for every other.",
    );
    for entry in entries {
        let (is, _) = word(&entry.live.state(), entry.status, None, now);
        for state in StateWord::ALL {
            let labels = [("account", &*entry.name), ("state", state.as_str())];
            page.labelled(name, &labels, u8::from(*state == is));
        }
    }
}

/// Bytes ever allocated by this thread. `None` in a program whose allocator is not jemalloc: the
/// counter is there also then, and nothing counts in it.
fn allocated_here() -> Option<u64> {
    let counter = tikv_jemalloc_ctl::thread::allocatedp::read().ok()?;
    Some(counter.get()).filter(|bytes| *bytes > 0)
}

const GAUGE: &str = "gauge";
const COUNTER: &str = "counter";

/// A page of the text format. Writing to a `String` cannot fail.
#[derive(Default)]
struct Page(String);

impl Page {
    fn head(&mut self, name: &str, kind: &str, help: &str) {
        let _ = write!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}\n");
    }

    fn one(&mut self, name: &str, kind: &str, help: &str, value: impl Display) {
        self.head(name, kind, help);
        let _ = writeln!(self.0, "{name} {value}");
    }

    fn labelled(&mut self, name: &str, labels: &[(&str, &str)], value: impl Display) {
        let escaped = |text: &str| {
            text.replace('\\', "\\\\")
                .replace('"', "\\\"")
                .replace('\n', "\\n")
        };
        let labels: Vec<_> = labels
            .iter()
            .map(|(label, text)| format!("{label}=\"{}\"", escaped(text)))
            .collect();
        let _ = writeln!(self.0, "{name}{{{}}} {value}", labels.join(","));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_quotes_cannot_break_the_page() {
        let mut page = Page::default();
        page.labelled("m", &[("account", "a\"}\n\\")], 1);
        assert_eq!(page.0, "m{account=\"a\\\"}\\n\\\\\"} 1\n");
    }
}
