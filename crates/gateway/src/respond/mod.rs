//! The only maker of error answers: our own, and a provider's passed on.
//!
//! Promises: an error of ours has the shape of the client's protocol and a `waybill_…` type, never a
//! provider's code; every answer carries the request id and the number of attempts, every error who
//! caused it. Must not know: how a failure came about; a [`Refusal`] says all it needs.

mod code;
mod refusal;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};
use waybill_model::{cause::Source, id::RequestId, protocol::Protocol};
use waybill_wire::render;

pub use code::Code;
pub use refusal::Refusal;

use crate::{hop::named_by_connection, relay::ReplyBody};

/// Waybill's id of the request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-waybill-request-id");
/// How many upstream attempts were made.
pub const ATTEMPTS: HeaderName = HeaderName::from_static("x-waybill-attempts");
/// On errors: `client`, `gateway` or `upstream`.
pub const ERROR_SOURCE: HeaderName = HeaderName::from_static("x-waybill-error-source");

/// Headers of a provider's answer that stay behind: the hop's own, and those that would tell clients
/// about the pool or set state at the provider.
const NOT_PASSED_ON: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-connection",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
    "content-length",
    "set-cookie",
    "alt-svc",
    "strict-transport-security",
    "openai-organization",
    "openai-project",
    "anthropic-organization-id",
];

/// The body of an error of ours.
pub fn own_body(protocol: Protocol, refusal: &Refusal, request_id: RequestId) -> Bytes {
    render::error_body(
        protocol,
        refusal.code.info().status.as_u16(),
        refusal.code.info().name,
        &refusal.message,
        &request_id.to_string(),
    )
}

/// An answer with an error of ours.
pub fn own(
    refusal: &Refusal,
    body: Bytes,
    request_id: RequestId,
    attempts: u32,
) -> Response<ReplyBody> {
    let info = refusal.code.info();
    let mut response = Response::new(ReplyBody::whole(body));
    *response.status_mut() = info.status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if let Some(seconds) = refusal.retry_after_s.or(info.retry_after_s.map(u64::from)) {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = refusal.allow {
        headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    }
    stamp(headers, request_id, attempts, Some(refusal.source()));
    response
}

/// For a client that left in the middle of its request: nobody reads it.
pub fn nothing() -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::chunks(Vec::new()));
    *response.status_mut() = StatusCode::BAD_REQUEST;
    response
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    response
}

/// A provider's error, with its status and headers, and its body as given here (secrets out).
pub fn provider(
    status: StatusCode,
    headers: &HeaderMap,
    body: Bytes,
    request_id: RequestId,
    attempts: u32,
) -> Response<ReplyBody> {
    let mut response = Response::new(ReplyBody::whole(body));
    *response.status_mut() = status;
    *response.headers_mut() = passed_on(headers);
    stamp(
        response.headers_mut(),
        request_id,
        attempts,
        Some(Source::Upstream),
    );
    response
}

/// The provider's headers that reach the client.
pub fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let mut kept = HeaderMap::with_capacity(headers.len() + 3);
    let hop = named_by_connection(headers);
    for (name, value) in headers {
        if hop.iter().any(|named| named == name.as_str()) {
            continue;
        }
        // `x-waybill-…` is ours to say.
        if !NOT_PASSED_ON.contains(&name.as_str()) && !name.as_str().starts_with("x-waybill-") {
            kept.append(name.clone(), value.clone());
        }
    }
    kept
}

/// The headers of an answer that was translated: the provider's speak of another one.
pub fn of_type(content_type: &'static str) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(4);
    let content_type = HeaderValue::from_static(content_type);
    headers.insert(header::CONTENT_TYPE, content_type);
    headers
}

/// Marks an answer as having come through here.
pub fn stamp(headers: &mut HeaderMap, request_id: RequestId, attempts: u32, error: Option<Source>) {
    if let Ok(id) = HeaderValue::try_from(request_id.to_string()) {
        headers.insert(REQUEST_ID, id);
    }
    headers.insert(ATTEMPTS, HeaderValue::from(attempts));
    if let Some(source) = error {
        headers.insert(ERROR_SOURCE, HeaderValue::from_static(source.as_str()));
    }
}
