//! The way from request threads to the recorder: bounded queues and an answer.
//!
//! What a client waits for wakes the recorder; plain successes lie in a second queue until it next
//! wakes by itself, so that a good request costs no system call here. What goes along with records
//! (changes of accounts' states, usage) has queues of its own: what was put there before a record is
//! written no later than the record. All are bounded. A full queue is a counted loss, never a silent
//! one.

use std::{
    future::Future,
    net::IpAddr,
    pin::Pin,
    sync::{Arc, Mutex, PoisonError, atomic::Ordering},
    task::{Context, Poll},
    time::Duration,
};

use bytes::Bytes;
use crossbeam_channel::{Receiver, Sender, TrySendError};
use http::{HeaderMap, HeaderName, HeaderValue, uri::PathAndQuery};
use tokio::{
    sync::{oneshot, watch},
    time::Sleep,
};
use waybill_model::{
    cause::Cause, id::RequestId, state::AccountEvent, time::UnixMillis, traits, view::Books,
    waybill::Finished,
};
use waybill_store::{LossReason, Store, StoreError};

use super::{counters::Counters, moved::Moved};
use crate::{
    config::{Capture, RequestLogging},
    quota::{self, Charge},
};

/// How long the end of an answer waits for its record. A disk that takes longer must not stop
/// traffic; the record stays in the queue, and the early release is counted.
const COMMIT_PATIENCE: Duration = Duration::from_secs(5);

/// Headers in which clients send an id of their own.
pub const CLIENT_REQUEST_ID: &[&str] = &["x-client-request-id", "x-request-id"];

/// Acts by hand that may wait for their record at once.
const MOST_ASKERS: usize = 1024;

/// Refusals before auth that may wait for the recorder.
const NOISE_QUEUE: usize = 65_536;

/// Changes of accounts' states that may wait for the recorder, and as many more with it while the
/// store takes none.
pub const ACCOUNT_EVENT_QUEUE: usize = 65_536;

/// Finished requests whose usage may wait for the recorder, which only has to add it up.
const USAGE_QUEUE: usize = 65_536;

/// Puts finished waybills into the queues.
pub struct Recorder {
    urgent: Sender<Entry>,
    lazy: Sender<Entry>,
    noise: Sender<Noise>,
    /// Boxed: the places of a queue are there from the beginning.
    account_events: Sender<Box<AccountEvent>>,
    askers: Sender<oneshot::Sender<()>>,
    usage: Sender<Vec<Charge>>,
    counters: Arc<Counters>,
    store: Store,
    capture: Capture,
    requests: RequestLogging,
    moved: Mutex<Moved>,
}

/// One finished waybill, and who waits for it.
pub struct Entry {
    pub(super) finished: Finished,
    pub(super) body_dropped: bool,
    /// Whether it becomes a record; if not, it is only counted.
    pub(super) is_kept: bool,
    /// Bytes of bodies that wait with it.
    pub(super) held_bytes: usize,
    pub(super) committed: Option<oneshot::Sender<()>>,
}

/// One refusal before auth.
pub struct Noise {
    pub(super) client_ip: IpAddr,
    pub(super) cause: Cause,
    pub(super) request_id: RequestId,
    pub(super) at: UnixMillis,
}

/// The receiving ends.
pub struct Queues {
    pub(super) urgent: Receiver<Entry>,
    pub(super) lazy: Receiver<Entry>,
    pub(super) noise: Receiver<Noise>,
    pub(super) account_events: Receiver<Box<AccountEvent>>,
    /// Who wants to know when the events put in before are written.
    pub(super) askers: Receiver<oneshot::Sender<()>>,
    pub(super) usage: Receiver<Vec<Charge>>,
    pub(super) counters: Arc<Counters>,
}

impl Queues {
    /// Whether nothing waits that must be written; counts of refused requests may go.
    pub(super) fn are_empty(&self) -> bool {
        let records = self.urgent.len() + self.lazy.len();
        records + self.account_events.len() + self.usage.len() == 0
    }
}

impl Recorder {
    /// Makes the queues.
    pub fn new(store: Store, capture: Capture, requests: RequestLogging) -> (Recorder, Queues) {
        let (urgent, urgent_rx) = crossbeam_channel::bounded(capture.queue_records);
        let (lazy, lazy_rx) = crossbeam_channel::bounded(capture.queue_records);
        let (noise, noise_rx) = crossbeam_channel::bounded(NOISE_QUEUE);
        let (account_events, account_events_rx) = crossbeam_channel::bounded(ACCOUNT_EVENT_QUEUE);
        let (askers, askers_rx) = crossbeam_channel::bounded(MOST_ASKERS);
        let (usage, usage_rx) = crossbeam_channel::bounded(USAGE_QUEUE);
        let counters = Arc::new(Counters::default());
        let queues = Queues {
            urgent: urgent_rx,
            lazy: lazy_rx,
            noise: noise_rx,
            account_events: account_events_rx,
            askers: askers_rx,
            usage: usage_rx,
            counters: Arc::clone(&counters),
        };
        (
            Recorder {
                urgent,
                lazy,
                noise,
                account_events,
                askers,
                usage,
                counters,
                store,
                capture,
                requests,
                moved: Mutex::default(),
            },
            queues,
        )
    }

    /// Records a finished request, and what it used. `Some`: the last bytes of its answer wait for it.
    pub fn record(&self, mut finished: Finished) -> Option<Commit> {
        // First, and also of successes that are not kept: what somebody is refused for later is then on
        // disk when the refusal is.
        let charges = quota::charges(&finished.waybill, finished.finished_at);
        if !charges.is_empty() && self.usage.try_send(charges).is_err() {
            self.counters.lose_usage();
        }
        let durable = finished.must_be_durable();
        if !durable {
            let is_kept = self.keeps(&finished);
            // A success is one compact row. Its body, path and headers are slices of read buffers: let
            // those go now, not when the row is written.
            let arrival = &mut finished.waybill.arrival;
            arrival.body = Bytes::new();
            arrival.path = PathAndQuery::from_static("/");
            arrival.headers = match is_kept {
                true => of_row(&arrival.headers),
                false => HeaderMap::new(),
            };
            let entry = Entry {
                finished,
                body_dropped: false,
                is_kept,
                held_bytes: 0,
                committed: None,
            };
            match is_kept {
                true => self.put(&self.lazy, entry),
                false => self.put_to_count(entry),
            }
            return None;
        }
        let mut bytes = held_bytes(&finished);
        let waiting = self.counters.waiting_bytes.load(Ordering::Relaxed) + bytes;
        let body_dropped = waiting > self.capture.queue_bytes;
        if body_dropped {
            self.counters.without_body.fetch_add(1, Ordering::Relaxed);
            finished.waybill.arrival.body = Bytes::new();
            bytes = held_bytes(&finished);
        }
        let (committed, wait) = oneshot::channel();
        let entry = Entry {
            finished,
            body_dropped,
            is_kept: true,
            held_bytes: bytes,
            committed: Some(committed),
        };
        self.put(&self.urgent, entry);
        Some(Commit {
            wait,
            patience: None,
            counters: Arc::clone(&self.counters),
        })
    }

    /// Records a change of an account's state. Never waits: a full queue is a counted loss. On disk no
    /// later than any record that is put in after it.
    pub fn account_event(&self, event: AccountEvent) {
        self.counters.account_events.fetch_add(1, Ordering::Relaxed);
        if self.account_events.try_send(Box::new(event)).is_err() {
            self.counters.lose_account_events(1);
        }
    }

    /// Resolves when every change of an account's state that was put in before is written, or the wait
    /// has become too long. For what a person did: an answer to it must survive the end of the process.
    pub async fn account_events_written(&self) {
        let (asker, written) = oneshot::channel();
        if self.askers.try_send(asker).is_ok() {
            // Too late, or the recorder has ended: it is counted, and nothing more can be done here.
            let _ = tokio::time::timeout(COMMIT_PATIENCE, written).await;
        }
    }

    /// Counts a refusal before auth.
    pub fn noise(&self, client_ip: IpAddr, cause: Cause, request_id: RequestId, at: UnixMillis) {
        if self
            .noise
            .try_send(Noise {
                client_ip,
                cause,
                request_id,
                at,
            })
            .is_err()
        {
            self.counters
                .noise_uncounted
                .fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Where every record went that was due here: the store's books with the queue before it. The two are
    /// read one after the other, so a record on its way between them may be counted in neither or both for
    /// a moment; the sum holds.
    pub async fn books(&self) -> Result<Books, StoreError> {
        let waiting = self.waiting();
        let books = self.store.books().await?;
        Ok(Books {
            due: books.due + waiting,
            spooled: books.spooled + waiting,
            ..books
        })
    }

    /// The books, and up to when every record that was due here is in the store: with a shared one, moved there.
    pub async fn books_and_moved(
        &self,
        now: UnixMillis,
    ) -> Result<(Books, UnixMillis), StoreError> {
        let books = self.books().await?;
        let mut moved = self.moved.lock().unwrap_or_else(PoisonError::into_inner);
        let up_to = moved.note(now, &books);
        Ok((books, up_to))
    }

    /// Whether records are still written.
    pub fn is_running(&self) -> bool {
        !self.counters.ended.load(Ordering::Acquire)
    }

    /// Records accepted and not yet committed.
    pub fn waiting(&self) -> u64 {
        self.counters.waiting.load(Ordering::Relaxed) as u64
    }

    /// Bytes of bodies that wait with them.
    pub fn waiting_bytes(&self) -> u64 {
        self.counters.waiting_bytes.load(Ordering::Relaxed) as u64
    }

    /// Requests that are in no count, because the queue was full.
    pub fn untold(&self) -> u64 {
        self.counters.untold.load(Ordering::Relaxed)
    }

    /// Changes when failures have been written: with a shared store, to the spool.
    pub fn failures_written(&self) -> watch::Receiver<()> {
        self.counters.failures_written.subscribe()
    }

    /// Answers released before their record was committed, because the store took too long.
    pub fn released_early(&self) -> u64 {
        self.counters.released_early.load(Ordering::Relaxed)
    }

    /// Refusals before auth that nobody counted: too many came at once, or the store was away too long.
    pub fn noise_uncounted(&self) -> u64 {
        self.counters.noise_uncounted.load(Ordering::Relaxed)
    }

    /// Changes of accounts' states since the start, those that were lost included.
    pub fn account_events(&self) -> u64 {
        self.counters.account_events.load(Ordering::Relaxed)
    }

    /// Changes of accounts' states that are not on record: too many came at once, or the store took none
    /// until the end.
    pub fn account_events_lost(&self) -> u64 {
        self.counters.account_events_lost.load(Ordering::Relaxed)
    }

    /// Requests whose usage is not in the store, for the same reasons.
    pub fn usage_lost(&self) -> u64 {
        self.counters.usage_lost.load(Ordering::Relaxed)
    }

    /// Records whose body was let go because too many bytes were waiting.
    pub fn without_body(&self) -> u64 {
        self.counters.without_body.load(Ordering::Relaxed)
    }

    /// Whether there are successes of which no row is kept.
    pub fn samples_successes(&self) -> bool {
        !matches!(self.requests, RequestLogging::All)
    }

    fn keeps(&self, finished: &Finished) -> bool {
        match self.requests {
            RequestLogging::All => true,
            RequestLogging::ErrorsOnly => false,
            RequestLogging::Sampled(share) => finished.waybill.request_id.is_sampled(share),
        }
    }

    /// Puts in what is only counted. It takes no place from what is kept.
    fn put_to_count(&self, entry: Entry) {
        let has_room = self.lazy.len() < self.capture.queue_records.div_ceil(2);
        if !has_room || self.lazy.try_send(entry).is_err() {
            self.counters.untold.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn put(&self, queue: &Sender<Entry>, entry: Entry) {
        let bytes = entry.held_bytes;
        self.counters.waiting.fetch_add(1, Ordering::Relaxed);
        self.counters
            .waiting_bytes
            .fetch_add(bytes, Ordering::Relaxed);
        let reason = match queue.try_send(entry) {
            Ok(()) => return,
            Err(TrySendError::Full(_)) => LossReason::QueueFull,
            Err(TrySendError::Disconnected(_)) => LossReason::Shutdown,
        };
        self.counters.waiting.fetch_sub(1, Ordering::Relaxed);
        self.counters
            .waiting_bytes
            .fetch_sub(bytes, Ordering::Relaxed);
        self.store.count_lost(1, reason);
        self.counters.untold.fetch_add(1, Ordering::Relaxed);
        self.counters.lose_record(reason);
    }
}

/// Bytes that wait with a record: the request's body, and what providers answered.
fn held_bytes(finished: &Finished) -> usize {
    let failures = finished
        .waybill
        .attempts()
        .iter()
        .filter_map(|attempt| attempt.failure.as_ref());
    let answers: usize = failures.map(|failure| failure.body.len()).sum();
    finished.waybill.arrival.body.len() + finished.told.len() + answers
}

/// What a success's row says of its headers, alone and copied: the client's own id for the request, and what it
/// is compared with failures by.
fn of_row(headers: &HeaderMap) -> HeaderMap {
    let ids = CLIENT_REQUEST_ID.iter().filter_map(|name| {
        let value = HeaderValue::from_bytes(headers.get(*name)?.as_bytes()).ok()?;
        Some((HeaderName::from_static(name), value))
    });
    let mut kept = traits::kept(headers);
    kept.extend(ids);
    kept
}

/// Resolves when the record is committed, or counted lost, or the wait has become too long.
pub struct Commit {
    wait: oneshot::Receiver<()>,
    patience: Option<Pin<Box<Sleep>>>,
    counters: Arc<Counters>,
}

impl Future for Commit {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        // An answer or a closed channel: either way the recorder is done with it.
        if Pin::new(&mut self.wait).poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let patience = self
            .patience
            .get_or_insert_with(|| Box::pin(tokio::time::sleep(COMMIT_PATIENCE)));
        if patience.as_mut().poll(cx).is_ready() {
            self.counters.released_early.fetch_add(1, Ordering::Relaxed);
            return Poll::Ready(());
        }
        Poll::Pending
    }
}
