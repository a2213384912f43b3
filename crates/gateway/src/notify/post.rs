//! A message over HTTP: address, headers, signature, one request.
//!
//! Promises: goes where the egress policy lets it; redirects are not followed; the address is never told. Must not
//! know: what the body says.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use waybill_model::{entity::HttpVersion, notify::ChannelKind, secret::Secret};

use super::{
    compose::{ENQUEUE, Message},
    deliver::{Patience, Reply},
    judge::{Verdict, judge},
    opened::Opened,
    sign,
};
use crate::{
    app::Shared,
    routing::Upstream,
    upstream::{USER_AGENT, ask_and_wait},
};

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 64 << 10;

/// When a webhook was signed, in seconds.
const TIMESTAMP: HeaderName = HeaderName::from_static("x-waybill-timestamp");

/// A webhook's signature.
const SIGNATURE: HeaderName = HeaderName::from_static("x-waybill-signature");

/// What a receiver knows a message by, at each attempt the same.
const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// Sends a body to a channel's address.
pub async fn send(
    shared: &Shared,
    channel: &Opened,
    message: &Message<'_>,
    body: Value,
    patience: Patience,
) -> Reply {
    let Some((upstream, request)) = request(channel, message, body) else {
        return Reply::refused("its address cannot be read");
    };
    let outlet = patience.outlet(shared);
    let asked = ask_and_wait(outlet, &upstream, request, MAX_ANSWER, patience.answer).await;
    let (status, headers, body) = match asked {
        Ok(answer) => answer,
        Err(error) => return Reply::broken(error),
    };
    let verdict = judge(channel.body.kind, status, &headers, &body, message.now);
    let text = String::from_utf8_lossy(&body);
    let said = match (verdict, text.trim()) {
        (_, "") => format!("it answered {status}"),
        (Verdict::Taken, text) => text.to_owned(),
        (Verdict::Later(_) | Verdict::Unanswered | Verdict::Refused, text) => {
            format!("it answered {status}: {text}")
        }
    };
    Reply {
        verdict,
        status: Some(status.as_u16()),
        said,
    }
}

/// Where it goes, and what.
fn request(
    channel: &Opened,
    message: &Message<'_>,
    mut body: Value,
) -> Option<(Upstream, Request<Bytes>)> {
    let secrets = &channel.secrets;
    let url = secrets.url.as_ref().map_or(ENQUEUE, Secret::expose);
    let uri: Uri = url.parse().ok()?;
    let base = format!("{}://{}", uri.scheme_str()?, uri.authority()?);
    let upstream = Upstream::parse(&base, HttpVersion::Http1).ok()?;
    let mut path = uri
        .path_and_query()
        .map_or("/", |path| path.as_str())
        .to_owned();
    let (millis, seconds) = (message.now.0, message.now.0.div_euclid(1000));
    let secret = secrets.signing_secret.as_ref();
    match (channel.body.kind, secret) {
        (ChannelKind::Pagerduty, _) => {
            body["routing_key"] = json!(secrets.routing_key.as_ref().map(Secret::expose));
        }
        (ChannelKind::Feishu, Some(secret)) => {
            body["timestamp"] = json!(seconds.to_string());
            body["sign"] = json!(sign::feishu(secret, seconds));
        }
        (ChannelKind::Dingtalk, Some(secret)) => {
            let sign = sign::dingtalk(secret, millis);
            let sign = utf8_percent_encode(&sign, NON_ALPHANUMERIC);
            let joint = if path.contains('?') { '&' } else { '?' };
            path = format!("{path}{joint}timestamp={millis}&sign={sign}");
        }
        (
            ChannelKind::Email
            | ChannelKind::Webhook
            | ChannelKind::Slack
            | ChannelKind::Discord
            | ChannelKind::Feishu
            | ChannelKind::Dingtalk
            | ChannelKind::Wecom,
            _,
        ) => {}
    }
    let bytes = serde_json::to_vec(&body).ok()?;
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, "application/json; charset=utf-8"),
        (header::ACCEPT, "application/json"),
        (header::ACCEPT_ENCODING, "identity"),
        (header::USER_AGENT, USER_AGENT),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if channel.body.kind == ChannelKind::Webhook {
        headers.insert(IDEMPOTENCY_KEY, message.key.parse().ok()?);
        headers.insert(TIMESTAMP, HeaderValue::from(seconds));
        if let Some(secret) = secret {
            let signature = sign::webhook(secret, seconds, &bytes);
            headers.insert(SIGNATURE, signature.parse().ok()?);
        }
    }
    let mut request = Request::new(Bytes::from(bytes));
    *request.method_mut() = Method::POST;
    *request.uri_mut() = path.parse().ok()?;
    *request.headers_mut() = headers;
    Some((upstream, request))
}
