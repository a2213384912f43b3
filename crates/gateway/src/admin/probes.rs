//! Probes and metrics: is it alive, may it be sent traffic, what are its counts.

use std::fmt::{Display, Write as _};

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use http::{StatusCode, header};
use serde::Serialize;

use super::{App, books};

/// Alive: the process answers.
#[utoipa::path(get, path = "/healthz", operation_id = "live", tag = "probes", security(()),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn live() -> &'static str {
    "ok\n"
}

/// Whether traffic may be sent here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Readiness {
    /// Whether it may.
    ready: bool,
    /// Why not.
    #[schema(value_type = Vec<String>)]
    reasons: Vec<&'static str>,
}

/// Ready: the store answers, records are written, and the gateway is not being stopped.
#[utoipa::path(get, path = "/readyz", operation_id = "ready", tag = "probes", security(()),
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub async fn ready(State(shared): State<App>) -> (StatusCode, Json<Readiness>) {
    let mut reasons = Vec::new();
    if shared.is_stopping() {
        reasons.push("the gateway is being stopped");
    }
    if !shared.recorder.is_running() {
        reasons.push("the recorder has ended");
    }
    if let Err(error) = shared.store.books().await {
        tracing::warn!(%error, "not ready");
        reasons.push("the store does not answer");
    }
    let ready = reasons.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Readiness { ready, reasons }))
}

/// Counts in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "probes",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn metrics(State(shared): State<App>) -> Response {
    let mut page = Page::default();
    page.one(
        "waybill_requests_in_flight",
        GAUGE,
        "Requests being served now.",
        shared.in_flight.count(),
    );
    let books = books::balanced(&shared).await;
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
    if let Some(bytes) = allocated_here() {
        page.one(
            "waybill_worker_allocated_bytes_total",
            COUNTER,
            "Bytes ever allocated by the worker thread that answered.",
            bytes,
        );
    }
    page.head(
        "waybill_account_in_flight",
        GAUGE,
        "Requests on an account now.",
    );
    let snapshot = shared.snapshot();
    let mut accounts: Vec<_> = snapshot.accounts().collect();
    accounts.sort_by_key(|account| account.id);
    for account in accounts {
        page.labelled(
            "waybill_account_in_flight",
            "account",
            &account.name,
            account.live.in_flight(),
        );
    }
    (
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        page.0,
    )
        .into_response()
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

    fn labelled(&mut self, name: &str, label: &str, text: &str, value: impl Display) {
        let text = text
            .replace('\\', "\\\\")
            .replace('"', "\\\"")
            .replace('\n', "\\n");
        let _ = writeln!(self.0, "{name}{{{label}=\"{text}\"}} {value}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_quotes_cannot_break_the_page() {
        let mut page = Page::default();
        page.labelled("m", "account", "a\"}\n\\", 1);
        assert_eq!(page.0, "m{account=\"a\\\"}\\n\\\\\"} 1\n");
    }
}
