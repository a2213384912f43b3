//! Telemetry: numbers for Prometheus, traces and numbers over OTLP.
//!
//! In: finished waybills, on the recorder's thread. Out: [`collect`]ed families, which `/metrics` shows and the
//! exporter sends, and the spans of each request, which the exporter alone sends.
//!
//! Promises: nothing here is on the way of a request but the trace context, which is read where traces are
//! collected and nowhere else; a full queue and a receiver that is away cost spans, which are counted, and nothing
//! else; no secret and no prompt leaves. Must not know: the store, HTTP servers.

mod collect;
pub mod convention;
mod counts;
mod export;
mod family;
mod histogram;
mod models;
mod otlp;
mod page;
mod process;
mod settings;
mod span;
pub mod table;
mod told;

use std::{
    borrow::Cow,
    collections::BTreeMap,
    sync::{
        Arc, Mutex, OnceLock, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use http::HeaderMap;
use tokio::sync::mpsc;
use waybill_model::{
    cause::Cause,
    id::{AccountId, RequestId},
    record::Verdict,
    redact::Redactor,
    time::UnixMillis,
    trace::TraceContext,
    view::{Books, JobOutcome},
    waybill::Finished,
};

pub use collect::collect;
pub use export::{Exporter, Outbox, start};
pub use page::{CONTENT_TYPE, page};
pub use settings::{Otlp, Propagation, Settings};

use counts::Counts;
use export::Sent;
use family::Families;
use models::ModelNames;
use span::Trace;
use told::{Ending, Told};

use crate::routing::Snapshot;

/// Requests whose spans may wait to be sent. Each is some kilobytes.
const MOST_WAITING: usize = 4096;

/// What is counted, and the way of spans to the exporter.
pub struct Telemetry {
    settings: Settings,
    began: UnixMillis,
    models: ArcSwap<ModelNames>,
    /// The recorder's thread adds, a reader of metrics copies: nobody else waits here.
    counts: Mutex<Counts>,
    traces: Option<mpsc::Sender<Trace>>,
    sent: Sent,
    uncounted: AtomicU64,
    /// The books when the process began: what is in them is of those before it.
    books_before: OnceLock<Books>,
    /// Runs of jobs that ended here.
    runs: Mutex<BTreeMap<(&'static str, JobOutcome), u64>>,
}

impl Telemetry {
    /// Nothing is counted yet. What is sent comes out of the [`Outbox`].
    pub fn new(settings: Settings, now: UnixMillis) -> (Arc<Telemetry>, Outbox) {
        let (traces, outbox) = match settings.otlp {
            None => (None, Outbox::none()),
            Some(_) => {
                let (traces, waiting) = mpsc::channel(MOST_WAITING);
                (Some(traces), Outbox::of(waiting))
            }
        };
        let telemetry = Telemetry {
            settings,
            began: now,
            models: ArcSwap::default(),
            counts: Mutex::default(),
            traces,
            sent: Sent::default(),
            uncounted: AtomicU64::new(0),
            books_before: OnceLock::new(),
            runs: Mutex::default(),
        };
        (Arc::new(telemetry), outbox)
    }

    /// The trace that a request belongs to; `None` where nobody collects traces.
    pub fn context(&self, request_id: RequestId, headers: &HeaderMap) -> Option<Box<TraceContext>> {
        let otlp = self.settings.otlp.as_ref()?;
        let context = TraceContext::of(request_id, headers, otlp.sample_ratio);
        Some(Box::new(context))
    }

    /// The same of a request that an operator sends again, which belongs to no client's.
    pub fn context_of_replay(&self, request_id: RequestId) -> Option<Box<TraceContext>> {
        let otlp = self.settings.otlp.as_ref()?;
        Some(Box::new(TraceContext::begin(request_id, otlp.sample_ratio)))
    }

    /// What becomes of a client's trace context.
    pub fn propagation(&self) -> Propagation {
        self.settings.propagation
    }

    /// The configuration has changed: which accounts and models there are.
    pub fn adopt(&self, snapshot: &Snapshot) {
        self.models.store(Arc::new(ModelNames::of(snapshot)));
        self.counts(|counts| {
            counts.keep_accounts(|id| snapshot.account(id).is_some());
            counts.begin(snapshot.accounts().map(|account| account.platform));
        });
    }

    /// Counts a finished request by what it is judged to be, and hands its spans over. On the recorder's thread;
    /// never waits for anybody but a reader of metrics.
    pub fn finished(&self, finished: &Finished, verdict: Option<Verdict>, redactor: &Redactor) {
        let told = Told::of(finished, verdict);
        let models = self.models.load();
        self.counts(|counts| counts.add(finished, &told, &models));
        if let Some(trace) = self.wanted(finished, &told) {
            self.hand_over(span::trace(finished, &told, trace.clone(), redactor));
        }
    }

    /// Counts a refusal before auth.
    pub fn unadmitted(&self, cause: Cause) {
        self.counts(|counts| counts.add_unadmitted(cause));
    }

    /// Counts a request that cannot be counted otherwise.
    pub fn uncounted(&self) {
        self.uncounted.fetch_add(1, Ordering::Relaxed);
    }

    /// When the process began.
    pub fn began(&self) -> UnixMillis {
        self.began
    }

    /// The books as they are when the process begins. Only the first ones count.
    pub fn begins_with(&self, books: Books) {
        let _ = self.books_before.set(books);
    }

    /// What was written into the books since the process began. Where they could not be read then, since they could.
    pub fn since_start(&self, books: Books) -> Books {
        let before = self.books_before.get_or_init(|| books);
        Books {
            due: books.due.saturating_sub(before.due),
            stored: books.stored.saturating_sub(before.stored),
            counted_lost: books.counted_lost.saturating_sub(before.counted_lost),
            ..books
        }
    }

    /// Counts a run of a job that ended on this replica.
    pub fn ran(&self, job: &'static str, outcome: JobOutcome) {
        let mut runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        // Both are there from the first run on, so that the first failure is a rise.
        for of in [JobOutcome::Ok, JobOutcome::Failed] {
            *runs.entry((job, of)).or_default() += u64::from(of == outcome);
        }
    }

    /// The trace of a request whose spans are sent: it is sampled, or it failed.
    fn wanted<'f>(&self, finished: &'f Finished, told: &Told) -> Option<&'f TraceContext> {
        let otlp = self.settings.otlp.as_ref()?;
        let trace = finished.waybill.trace.as_deref()?;
        let failed = told.ending != Ending::Served;
        (trace.sampled || (failed && otlp.sample_failures)).then_some(trace)
    }

    fn hand_over(&self, trace: Trace) {
        let Some(traces) = &self.traces else {
            return;
        };
        if let Err(error) = traces.try_send(trace) {
            let (mpsc::error::TrySendError::Full(trace) | mpsc::error::TrySendError::Closed(trace)) =
                error;
            self.sent.queue_full(trace.spans.len());
        }
    }

    fn families(
        &self,
        families: &mut Families,
        untold: u64,
        account: impl Fn(AccountId) -> Option<Cow<'static, str>>,
    ) {
        self.counts(|counts| counts.families(families, account));
        let uncounted = untold + self.uncounted.load(Ordering::Relaxed);
        families.one(&table::UNCOUNTED, uncounted);
        self.sent.families(families);
        let runs = self.runs.lock().unwrap_or_else(PoisonError::into_inner);
        let runs = runs.iter().map(|((job, outcome), count)| {
            let labels = [*job, outcome.as_str()].map(family::word);
            (labels.to_vec(), *count)
        });
        families.many(&table::JOB_RUNS, runs);
        let waiting = self.traces.as_ref();
        let waiting = waiting.map_or(0, |traces| traces.max_capacity() - traces.capacity());
        families.one(&table::SPANS_WAITING, waiting);
    }

    fn counts<T>(&self, with: impl FnOnce(&mut Counts) -> T) -> T {
        with(&mut self.counts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn numbers_begin_with_the_process_whatever_was_written_before_it() {
        let (telemetry, _) = Telemetry::new(Settings::default(), UnixMillis(0));
        let books = |due, counted_lost| Books {
            due,
            stored: due - counted_lost,
            counted_lost,
            ..Books::default()
        };
        telemetry.begins_with(books(331, 1));
        assert_eq!(telemetry.since_start(books(331, 1)), Books::default());
        assert_eq!(telemetry.since_start(books(340, 3)), books(9, 2));
    }

    #[test]
    fn failures_are_there_before_the_first_one() {
        let (telemetry, _) = Telemetry::new(Settings::default(), UnixMillis(0));
        telemetry.counts(|counts| counts.begin([waybill_model::protocol::Platform::OpenAi]));
        telemetry.ran("alerts", JobOutcome::Ok);
        let mut families = Families::default();
        telemetry.families(&mut families, 0, |_| None);
        let text = page(&families.sorted());
        for line in [
            "waybill_requests_total{platform=\"openai\",endpoint=\"responses\",outcome=\"failed\"} 0",
            "waybill_request_failures_total{cause=\"gateway.internal\",owner=\"gateway\"} 0",
            "waybill_hidden_failures_total{cause=\"network.reset\"} 0",
            "waybill_job_runs_total{job=\"alerts\",outcome=\"ok\"} 1",
            "waybill_job_runs_total{job=\"alerts\",outcome=\"failed\"} 0",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
    }
}
