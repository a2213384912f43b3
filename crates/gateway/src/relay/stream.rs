//! A stream on its way to the client, from its first content to exactly one end.
//!
//! It is polled by the connection's own task: a provider's bytes wake that task, are read, scanned and
//! handed on in one go. Everything that is there is handed on together.

use std::{
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, Method};
use tokio::time::Instant;
use waybill_model::{
    cause::{Blame, Source},
    protocol::StreamFormat,
    waybill::{Decision, Failure, Outcome, Relayed, StreamFault},
};
use waybill_wire::{
    render,
    stream::{ErrorForm, Event, Mark, Piece, Standing, StreamEnd},
    translate::{Reading, bridge::Bridge, told},
};

use crate::{
    record::{CLIENT_CLOSED_REQUEST, Commit, Journey, millis_since},
    respond::Refusal,
    routing::{AccountEntry, GroupEntry, Place, Slot},
    standing::{Blamed, Failed},
    upstream::{
        AnswerStream, Fault, Streaming, failure_of, flaw_of, flaw_of_end, headers_sent, mark, trace,
    },
};

/// Bytes gathered before they are handed on even though more is ready.
const GATHER: usize = 64 << 10;

/// A stream being relayed.
pub struct Stream {
    journey: Option<Journey>,
    source: Option<AnswerStream>,
    reader: Reading,
    standing: Standing,
    /// Read, but not yet handed on.
    ready: Gathered,
    pieces: Vec<Piece>,
    /// The end, held back because a failure was hidden on the way here and must be on record first.
    held_back: Gathered,
    /// The last byte that was handed on, white space aside: an array's error has to know.
    last: Option<u8>,
    /// The last bytes, waiting for the record.
    farewell: Option<(Commit, Bytes)>,
    /// Since when the client has not asked for more.
    handed_at: Option<Instant>,
    format: StreamFormat,
    /// It is translated over this.
    bridge: Option<Bridge>,
    silence: Silence,
    facts: Facts,
    /// Held as long as the provider is listened to.
    slot: Option<Slot>,
}

/// What a failure's record needs, should there be one.
struct Facts {
    status: http::StatusCode,
    headers: HeaderMap,
    account: Arc<AccountEntry>,
    place: Place,
    group: Option<Arc<GroupEntry>>,
    started: Instant,
    head_at: Instant,
    time_to_first_token_ms: Option<u32>,
}

impl Stream {
    /// A stream whose first content has been read.
    pub fn new(mut journey: Journey, streaming: Streaming) -> Self {
        let Streaming {
            status,
            headers,
            held,
            reader,
            source,
            format,
            bridge,
            account,
            place,
            slot,
            group,
            started,
            head_at,
        } = streaming;
        let facts = Facts {
            status,
            headers,
            account,
            place,
            group,
            started,
            head_at,
            time_to_first_token_ms: None,
        };
        journey.answering(status);
        let silence = Silence::new(journey.shared().settings.timeouts.keep_alive);
        let mut standing = Standing::default();
        standing.on(Event::HeadersSent);
        Stream {
            journey: Some(journey),
            source: Some(source),
            reader,
            standing,
            ready: Gathered::default(),
            pieces: held,
            held_back: Gathered::default(),
            last: None,
            farewell: None,
            handed_at: None,
            format,
            bridge,
            silence,
            facts,
            slot,
        }
    }

    /// The next bytes for the client; `None` at the end.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.handed_at = None;
        let polled = self.poll_bytes(cx);
        if matches!(polled, Poll::Ready(Some(_))) {
            self.handed_at = Some(Instant::now());
        }
        polled
    }

    /// Whether the client has taken nothing for `stall`.
    pub fn is_stalled(&self, stall: Duration) -> bool {
        self.handed_at.is_some_and(|since| since.elapsed() > stall)
    }

    /// Ends it for a client that takes nothing.
    pub fn give_up(mut self) {
        if let Some(mut journey) = self.journey.take() {
            self.stamp(&mut journey);
            drop(journey.finish(Outcome::ClientStalled, CLIENT_CLOSED_REQUEST, Bytes::new()));
        }
    }

    fn poll_bytes(&mut self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        loop {
            if let Some((commit, _)) = &mut self.farewell {
                // What came before the end does not wait for the record.
                if let Some(bytes) = self.ready.take() {
                    return Poll::Ready(Some(bytes));
                }
                std::task::ready!(Pin::new(commit).poll(cx));
                let last = self
                    .farewell
                    .take()
                    .map(|(_, bytes)| bytes)
                    .filter(|bytes| !bytes.is_empty());
                match last {
                    Some(bytes) => return Poll::Ready(Some(bytes)),
                    None => continue,
                }
            }
            self.hand_on();
            if self.ready.len() >= GATHER || self.source.is_none() || self.farewell.is_some() {
                if let Some(bytes) = self.ready.take() {
                    return Poll::Ready(Some(bytes));
                }
                if self.farewell.is_some() {
                    continue;
                }
                return Poll::Ready(None);
            }
            let Some(source) = &mut self.source else {
                continue;
            };
            match source.poll_data(cx) {
                Poll::Ready(Some(Ok(chunk))) => self.reader.feed(chunk, &mut self.pieces),
                Poll::Ready(Some(Err(broken))) => {
                    // After its end marker a provider owes nothing: the client is given its own end.
                    if self.reader.ended() == Some(&StreamEnd::Complete) {
                        self.end();
                    } else {
                        let (fault, message) = flaw_of(broken);
                        self.end_badly(fault, message, self.reader.held(), None);
                    }
                }
                Poll::Ready(None) => self.end(),
                Poll::Pending => {
                    return match self.ready.take() {
                        Some(bytes) => Poll::Ready(Some(bytes)),
                        None => self.silence.poll(self.format, cx).map(Some),
                    };
                }
            }
        }
    }

    /// The provider says nothing more.
    fn end(&mut self) {
        let end = self.reader.finish(&mut self.pieces);
        self.hand_on();
        match end {
            StreamEnd::Complete => self.end_well(),
            broken => {
                let (fault, message, frame) = flaw_of_end(broken, &self.reader);
                self.end_badly(fault, message, frame, None);
            }
        }
    }

    /// Whether the client has everything.
    pub fn is_end(&self) -> bool {
        self.source.is_none()
            && self.farewell.is_none()
            && self.ready.is_empty()
            && self.pieces.is_empty()
    }

    /// Moves pieces to the client's side, up to an end among them.
    fn hand_on(&mut self) {
        let mut pieces = std::mem::take(&mut self.pieces);
        for piece in pieces.drain(..) {
            if self.journey.is_none() {
                // Over: what a provider sends after an error, or after a stream ended, is its own affair.
                break;
            }
            match piece.mark {
                Mark::Lifecycle | Mark::Content if !self.held_back.is_empty() => {
                    self.held_back.push(piece.bytes);
                    continue;
                }
                Mark::Lifecycle => {}
                Mark::Content => {
                    if self.facts.time_to_first_token_ms.is_none() {
                        self.facts.time_to_first_token_ms =
                            self.journey.as_ref().map(Journey::elapsed_ms);
                    }
                }
                // What follows an end marker may still belong to the answer: more of it, or its usage.
                Mark::Terminal if self.must_wait() => {
                    self.held_back.push(piece.bytes);
                    continue;
                }
                Mark::Terminal => {}
                Mark::Error => {
                    let end = match self.reader.ended() {
                        Some(end @ (StreamEnd::Error(_) | StreamEnd::Garbage(_))) => end.clone(),
                        _ => StreamEnd::Error(piece.bytes.clone()),
                    };
                    let (fault, message, payload) = flaw_of_end(end, &self.reader);
                    // A provider's own words are a client's only in a language that both speak.
                    let said = self.bridge.is_none().then_some(piece.bytes);
                    self.end_badly(fault, message, payload, said);
                    break;
                }
            }
            self.standing.on(Event::Sent(piece.mark));
            self.silence.broken();
            self.last = piece.bytes.trim_ascii_end().last().copied().or(self.last);
            self.ready.push(piece.bytes);
        }
        pieces.clear();
        self.pieces = pieces;
    }

    /// Whether the end must wait for the record: a failure was hidden on the way here.
    fn must_wait(&self) -> bool {
        self.journey
            .as_ref()
            .is_some_and(|journey| journey.waybill().attempts_failed() > 0)
    }

    fn end_well(&mut self) {
        let Some(mut journey) = self.journey.take() else {
            return;
        };
        self.stamp(&mut journey);
        if journey.waybill().replay_of.is_none() {
            journey.shared().keeper.completed(&self.facts.account);
        }
        self.standing.on(Event::Sent(Mark::Terminal));
        if let Some(commit) =
            journey.finish(Outcome::Served, self.facts.status.as_u16(), Bytes::new())
        {
            self.farewell = Some((commit, self.held_back.take().unwrap_or_default()));
        }
        self.stop_listening();
    }

    fn stop_listening(&mut self) {
        self.source = None;
        self.slot = None;
    }

    /// `said` is the provider's own error event, where it sent one: the client gets it, without secrets.
    fn end_badly(
        &mut self,
        fault: StreamFault,
        message: String,
        payload: Bytes,
        said: Option<Bytes>,
    ) {
        let Some(mut journey) = self.journey.take() else {
            return;
        };
        let account = &self.facts.account;
        // Only a request with a body can be answered by a stream.
        let client = &journey.waybill().arrival.headers;
        let mut sent = headers_sent(
            client,
            account,
            self.facts.place,
            &Method::POST,
            self.bridge,
        );
        mark(&journey, &mut sent);
        trace(&journey, journey.waybill().attempts_made(), &mut sent);
        let (failure, upstream_request_id) = failure_of(
            account.platform,
            Fault::Broken {
                fault,
                message,
                status: self.facts.status,
                headers: std::mem::take(&mut self.facts.headers),
                frame: payload,
            },
            sent,
            journey.shared().clock.now(),
        );
        self.tell_account(&journey, &failure);
        let told = match (said, self.standing.error_form()) {
            (_, ErrorForm::None) => Bytes::new(),
            (Some(event), _) => journey.shared().scrub(event),
            // What is wrong with a credential of the pool is not told in its provider's words.
            (None, ErrorForm::Answer | ErrorForm::Event)
                if self.bridge.is_some()
                    && fault == StreamFault::ErrorEvent
                    && failure.cause.info().blame != Blame::Credential =>
            {
                let event = told::error_event(
                    self.format,
                    failure.cause,
                    &failure.message,
                    &journey.waybill().request_id.to_string(),
                );
                journey.shared().scrub(event)
            }
            (None, ErrorForm::Answer | ErrorForm::Event) => {
                let refusal = Refusal::in_place_of(&failure);
                let code = refusal.code.info();
                let request_id = journey.waybill().request_id.to_string();
                render::error_event(
                    self.format,
                    code.status.as_u16(),
                    code.name,
                    &refusal.message,
                    &request_id,
                    true,
                )
            }
        };
        let told = match self.format {
            StreamFormat::GeminiArray if !told.is_empty() => render::array_end(&told, self.last),
            StreamFormat::AnthropicSse
            | StreamFormat::ChatSse
            | StreamFormat::ResponsesSse
            | StreamFormat::GeminiSse
            | StreamFormat::GeminiArray => told,
        };
        self.stamp(&mut journey);
        let waybill = journey.waybill_mut();
        waybill.fail_last_attempt(
            failure,
            Decision::GiveUp,
            "content had already reached the client",
        );
        if let Some(last) = waybill.last_attempt_mut() {
            last.duration_ms = millis_since(self.facts.started);
            last.upstream_request_id = last.upstream_request_id.take().or(upstream_request_id);
        }
        self.stop_listening();
        self.standing.on(Event::Sent(Mark::Error));
        let outcome = Outcome::Failed {
            source: Source::Upstream,
        };
        if let Some(commit) = journey.finish(outcome, self.facts.status.as_u16(), told.clone()) {
            self.farewell = Some((commit, told));
        }
    }

    /// A failure after content counts for its account like one before.
    fn tell_account(&self, journey: &Journey, failure: &Failure) {
        let shared = journey.shared();
        let waybill = journey.waybill();
        let Some(attempt) = waybill.attempts().last() else {
            return;
        };
        let rules = self
            .facts
            .group
            .as_ref()
            .map(|group| &group.state_rules[..]);
        shared.keeper.failed(Failed {
            account: &self.facts.account,
            group_rules: rules.unwrap_or_default(),
            model: attempt.upstream_model.as_ref(),
            failure,
            status: attempt.status,
            request_id: Some(waybill.request_id),
            attempt: Some(attempt.number),
            actor: None,
            began_at: attempt.started_at,
            now: shared.clock.now(),
            stale_connection: false,
            acts: waybill.replay_of.is_none(),
            blamed: &mut Blamed::default(),
        });
    }

    fn stamp(&self, journey: &mut Journey) {
        let waybill = journey.waybill_mut();
        waybill.relayed = Some(Relayed {
            upstream_latency_ms: waybill
                .attempts()
                .last()
                .and_then(|attempt| attempt.first_byte_ms),
            time_to_first_token_ms: self.facts.time_to_first_token_ms,
            response_latency_ms: Some(millis_since(self.facts.head_at)),
            usage: self.reader.usage(),
            cost: None,
        });
    }
}

impl Drop for Stream {
    /// A client that leaves after its end marker has all it wanted.
    fn drop(&mut self) {
        if self.journey.is_none() {
            return;
        }
        if self.reader.is_over() {
            self.end_well();
        } else if let Some(mut journey) = self.journey.take() {
            self.stamp(&mut journey);
            drop(journey);
        }
    }
}

/// The provider's silence, which whoever stands between here and the client may take for a dead
/// connection.
struct Silence {
    /// The longest; `None`: any.
    longest: Option<Duration>,
    since: Option<Instant>,
    alarm: Option<Pin<Box<tokio::time::Sleep>>>,
}

impl Silence {
    fn new(longest: Duration) -> Silence {
        Silence {
            longest: (!longest.is_zero()).then_some(longest),
            since: None,
            alarm: None,
        }
    }

    /// Something was said.
    fn broken(&mut self) {
        self.since = None;
    }

    /// A sign of life, when it has lasted too long.
    fn poll(&mut self, format: StreamFormat, cx: &mut Context<'_>) -> Poll<Bytes> {
        let Some(longest) = self.longest else {
            return Poll::Pending;
        };
        let due = *self.since.get_or_insert_with(Instant::now) + longest;
        loop {
            // Set once, and again when it rings early: most silences are short.
            let alarm = self
                .alarm
                .get_or_insert_with(|| Box::pin(tokio::time::sleep_until(due)));
            if alarm.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            if Instant::now() >= due {
                self.since = Some(Instant::now());
                self.alarm = None;
                return Poll::Ready(render::keep_alive(format));
            }
            alarm.as_mut().reset(due);
        }
    }
}

/// Bytes that go out together: one piece stays as it is, several small ones are joined.
#[derive(Default)]
struct Gathered {
    first: Bytes,
    joined: BytesMut,
}

impl Gathered {
    fn push(&mut self, bytes: Bytes) {
        if self.is_empty() {
            self.first = bytes;
        } else {
            if self.joined.is_empty() {
                self.joined.extend_from_slice(&self.first);
                self.first = Bytes::new();
            }
            self.joined.extend_from_slice(&bytes);
        }
    }

    fn take(&mut self) -> Option<Bytes> {
        if !self.joined.is_empty() {
            return Some(self.joined.split().freeze());
        }
        (!self.first.is_empty()).then(|| std::mem::take(&mut self.first))
    }

    fn len(&self) -> usize {
        self.first.len() + self.joined.len()
    }

    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}
