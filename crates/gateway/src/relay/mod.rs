//! Relay: gives the answer to the client.
//!
//! In: an [`Answer`](crate::upstream::Answer) of which the client has seen nothing. Out: an HTTP response; for
//! a stream, a [`Stream`] that ends in exactly one way.
//!
//! Promises: bytes go out as they came; what is ready together is written together, and nothing waits
//! for more; the last bytes of an answer with a failure on its record wait for that record. Must not
//! know: how an account was chosen.

mod reply;
mod stream;
mod watch;

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, Version};
use waybill_model::waybill::{Outcome, Relayed, Usage};
use waybill_wire::{render, usage};

pub use reply::ReplyBody;
pub use watch::Watch;

use crate::{
    app::Shared,
    app::Worker,
    ingress::Inbound,
    record::{Journey, millis_since},
    respond,
    upstream::{Answer, Exhausted, Streaming, Whole},
};

/// Largest document in several chunks that is joined to read its token counts.
const MAX_USAGE_BYTES: usize = 8 << 20;

/// Delivers what upstream came to.
pub async fn deliver(
    worker: &Worker,
    inbound: Inbound,
    result: Result<Answer, Exhausted>,
) -> Response<ReplyBody> {
    match result {
        Ok(Answer::Whole(whole)) => document(inbound, whole).await,
        Ok(Answer::Stream(streaming)) => stream(worker, inbound, *streaming),
        Err(exhausted) => failure(inbound.journey, exhausted).await,
    }
}

async fn document(inbound: Inbound, whole: Whole) -> Response<ReplyBody> {
    let Inbound {
        mut journey,
        endpoint,
        ..
    } = inbound;
    let elapsed = journey.elapsed_ms();
    let waybill = journey.waybill_mut();
    let size: usize = whole.body.iter().map(Bytes::len).sum();
    let usage = match whole.body.as_slice() {
        [] => Usage::default(),
        [only] => usage::usage_of(endpoint, only),
        many if size <= MAX_USAGE_BYTES => usage::usage_of(endpoint, &many.concat()),
        _ => Usage::default(),
    };
    waybill.relayed = Some(Relayed {
        upstream_latency_ms: waybill
            .attempts()
            .last()
            .and_then(|attempt| attempt.first_byte_ms),
        time_to_first_token_ms: Some(elapsed),
        response_latency_ms: Some(millis_since(whole.head_at)),
        usage,
        cost: None,
    });
    let (request_id, attempts) = (waybill.request_id, waybill.attempts_made());
    if let Some(commit) = journey.finish(Outcome::Served, whole.status.as_u16(), Bytes::new()) {
        commit.await;
    }
    let mut response = Response::new(ReplyBody::chunks(whole.body));
    *response.status_mut() = whole.status;
    *response.headers_mut() = match whole.bridge {
        None => respond::passed_on(&whole.headers),
        Some(_) => respond::of_type("application/json"),
    };
    respond::stamp(response.headers_mut(), request_id, attempts, None);
    response
}

fn stream(worker: &Worker, inbound: Inbound, streaming: Streaming) -> Response<ReplyBody> {
    let waybill = inbound.journey.waybill();
    let (request_id, attempts) = (waybill.request_id, waybill.attempts_made());
    let mut headers = match streaming.bridge {
        None => respond::passed_on(&streaming.headers),
        Some(_) => respond::of_type(render::content_type(streaming.format)),
    };
    respond::stamp(&mut headers, request_id, attempts, None);
    let status = streaming.status;
    let stream = Box::new(stream::Stream::new(inbound.journey, streaming));
    let stream = Arc::new(Mutex::new(Some(stream)));
    if inbound.version == Version::HTTP_2 {
        worker.watch.add(&stream);
    }
    let mut response = Response::new(ReplyBody::stream(stream));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

async fn failure(journey: Journey, exhausted: Exhausted) -> Response<ReplyBody> {
    let (request_id, attempts) = (
        journey.waybill().request_id,
        journey.waybill().attempts_made(),
    );
    match exhausted {
        Exhausted::Surface {
            status,
            mut headers,
            body,
        } => {
            let body = journey.shared().scrub(body);
            scrub_headers(journey.shared(), &mut headers);
            let outcome = Outcome::Failed {
                source: waybill_model::cause::Source::Upstream,
            };
            if let Some(commit) = journey.finish(outcome, status.as_u16(), body.clone()) {
                commit.await;
            }
            respond::provider(status, &headers, body, request_id, attempts)
        }
        Exhausted::Replaced(refusal) => {
            let outcome = Outcome::Failed {
                source: waybill_model::cause::Source::Gateway,
            };
            own(journey, &refusal, outcome).await
        }
        Exhausted::Refused(refusal) | Exhausted::Wordless(refusal, _) => {
            let outcome = Outcome::Refused {
                cause: refusal.cause(),
                message: refusal.log_message().to_owned(),
            };
            own(journey, &refusal, outcome).await
        }
    }
}

/// Takes secrets out of a failing provider's headers: it may repeat in them what it was sent.
fn scrub_headers(shared: &Shared, headers: &mut HeaderMap) {
    for value in headers.values_mut() {
        let clean = shared.scrub(Bytes::copy_from_slice(value.as_bytes()));
        if clean != value.as_bytes() {
            *value = HeaderValue::from_maybe_shared(clean)
                .unwrap_or_else(|_| HeaderValue::from_static("[redacted]"));
        }
    }
}

/// Ends an admitted request with an error of ours.
pub async fn refuse(journey: Journey, refusal: &respond::Refusal) -> Response<ReplyBody> {
    let outcome = Outcome::Refused {
        cause: refusal.cause(),
        message: refusal.log_message().to_owned(),
    };
    own(journey, refusal, outcome).await
}

async fn own(
    journey: Journey,
    refusal: &respond::Refusal,
    outcome: Outcome,
) -> Response<ReplyBody> {
    let (request_id, attempts) = (
        journey.waybill().request_id,
        journey.waybill().attempts_made(),
    );
    let body = respond::own_body(journey.protocol(), refusal, request_id);
    if let Some(commit) = journey.finish(outcome, refusal.code.info().status.as_u16(), body.clone())
    {
        commit.await;
    }
    respond::own(refusal, body, request_id, attempts)
}
