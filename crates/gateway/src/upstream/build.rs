//! The request as the provider gets it: the client's, with our account's credential, address and model; or
//! what it says in the provider's language.

use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version, header};
use waybill_model::trace::{SpanId, TRACEPARENT, TRACESTATE};
use waybill_wire::{
    peek, splice,
    translate::{
        Context, Dialect,
        bridge::{self, Ask, Bridge, Way},
        unsigned::{Stage, unsigned},
    },
};

use super::body::RequestBody;
use crate::{
    hop::named_by_connection,
    ingress::Inbound,
    record::Journey,
    respond::{Code, Refusal},
    routing::{AccountEntry, Chosen, Credential, Place, Upstream},
    telemetry::Propagation,
};

/// How the gateway calls itself where it speaks for itself.
pub const USER_AGENT: &str = concat!("waybill/", env!("CARGO_PKG_VERSION"));

/// The version of Anthropic's API that is translated into.
const ANTHROPIC_VERSION: &str = "2023-06-01";

/// Headers that end at a hop (RFC 9110 7.6.1), or that this gateway decides itself.
const NOT_FORWARDED: &[HeaderName] = &[
    header::CONNECTION,
    header::HOST,
    header::CONTENT_LENGTH,
    header::TRANSFER_ENCODING,
    header::TE,
    header::TRAILER,
    header::UPGRADE,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::EXPECT,
    // Answers are read on their way; a plain one is scanned without unpacking it first.
    header::ACCEPT_ENCODING,
    // Who calls the gateway is not the provider's business.
    header::FORWARDED,
    header::COOKIE,
    // The client's own credential, in every spelling its SDK may use.
    header::AUTHORIZATION,
];

/// The same, for names without a constant.
const NOT_FORWARDED_NAMES: &[&str] = &[
    "keep-alive",
    "proxy-connection",
    "http2-settings",
    "x-api-key",
    "api-key",
    "x-goog-api-key",
    "via",
    "x-real-ip",
    "x-client-ip",
    "x-cluster-client-ip",
    "true-client-ip",
];

/// The same, for families of names.
const NOT_FORWARDED_PREFIXES: &[&str] = &["x-waybill-", "x-forwarded-", "cf-"];

/// A request for one account.
pub struct Prepared {
    /// What is sent. An access token that has ended may stand in it: the attempt has one that is valid.
    pub request: Request<RequestBody>,
    /// What it and its answer are translated over; `None`: they pass as they come.
    pub over: Option<Over>,
    /// Where it is sent.
    pub place: Place,
    /// How the conversation is told.
    pub stage: Stage,
}

impl Prepared {
    /// Whether it names the project that its account works in.
    pub fn needs_project(&self) -> bool {
        let over = self.over.as_ref();
        over.is_some_and(|over| over.bridge.needs_project())
    }
}

/// A bridge, and what it needs on the way back.
#[derive(Debug, Clone)]
pub struct Over {
    /// The way.
    pub bridge: Bridge,
    /// For the answer.
    pub context: Context,
}

/// Builds the provider's request. One that passes as it came shares the client's body.
///
/// # Errors
/// It says what the account's provider has no words for; the refusal names the field.
pub fn prepare(
    inbound: &Inbound,
    chosen: &Chosen,
    place: Place,
    stage: Stage,
) -> Result<Prepared, Refusal> {
    let account = &chosen.account;
    let upstream = account.upstream_at(place);
    let bridge = bridge_to(inbound, account)?;
    let (body, path, over) = match bridge {
        None => (body(inbound, chosen, stage), None, None),
        Some(bridge) => {
            let (body, path, context) = translated(inbound, chosen, bridge, stage)?;
            (body, Some(path), Some(Over { bridge, context }))
        }
    };
    let mut request = Request::new(body);
    let method = match bridge {
        Some(bridge) if bridge.is_asked_with_body() => Method::POST,
        _ => inbound.method.clone(),
    };
    *request.uri_mut() = match path {
        None => uri(inbound, chosen, upstream)?,
        Some(path) => format!("{}{path}", upstream.path_prefix)
            .parse()
            .map_err(Refusal::internal)?,
    };
    *request.version_mut() = Version::HTTP_11;
    let client = &inbound.arrival().headers;
    *request.headers_mut() = headers_sent(client, account, place, &method, bridge);
    mark(&inbound.journey, request.headers_mut());
    *request.method_mut() = method;
    Ok(Prepared {
        request,
        over,
        place,
        stage,
    })
}

/// What a client of this endpoint and this account understand each other over.
fn bridge_to(inbound: &Inbound, account: &AccountEntry) -> Result<Option<Bridge>, Refusal> {
    let protocol = inbound.arrival().protocol;
    match bridge::way(protocol, inbound.endpoint, account.platform, &account.apis) {
        Way::Direct => Ok(None),
        Way::Over(bridge) => Ok(Some(bridge)),
        Way::Closed => Err(Refusal::no_counterpart(
            Some(inbound.endpoint),
            account.platform,
        )),
    }
}

fn translated(
    inbound: &Inbound,
    chosen: &Chosen,
    bridge: Bridge,
    stage: Stage,
) -> Result<(RequestBody, String, Context), Refusal> {
    let waybill = inbound.journey.waybill();
    let arrival = &waybill.arrival;
    let body = std::str::from_utf8(&arrival.body).map_err(|error| {
        let message = format!("the body is not UTF-8 from byte {}", error.valid_up_to());
        Refusal::new(Code::InvalidRequest, message)
    })?;
    let ask = Ask {
        model: chosen.upstream_model.as_deref().unwrap_or_default(),
        project: chosen.account.project.id(),
        stream: arrival.stream,
        stage,
    };
    let written = bridge
        .request(body, ask)
        .map_err(|refused| Refusal::new(Code::Untranslatable, refused.0))?;
    // One model among those of the service's list is named as the service names it.
    let named = match bridge.is_asked_with_body() {
        true => chosen.upstream_model.as_deref(),
        false => arrival.model.as_deref(),
    };
    let context = Context {
        request_id: waybill.request_id.to_string(),
        model: named.unwrap_or_default().to_owned(),
        created: u64::try_from(waybill.opened_at.0 / 1000).unwrap_or(0),
        stream_usage: written.stream_usage,
    };
    let body = RequestBody::whole(written.body.into());
    Ok((body, written.path.into_owned(), context))
}

/// The next stage at which the conversation is told differently, after its signatures were refused at
/// `stage`.
pub fn next_stage(inbound: &Inbound, chosen: &Chosen, stage: Stage) -> Option<Stage> {
    let at = |stage| {
        let prepared = prepare(inbound, chosen, Place::default(), stage).ok()?;
        Some(prepared.request.into_body().concat())
    };
    let before = at(stage)?;
    let mut next = stage.next();
    while let Some(stage) = next {
        if at(stage)? != before {
            return Some(stage);
        }
        next = stage.next();
    }
    None
}

/// The headers sent. Of a request that passes as it came: the client's, less what must not pass. Of a
/// translated one: none of them, for they speak of another protocol. Then the account's own, and its
/// credential.
pub fn headers_sent(
    client: &HeaderMap,
    account: &AccountEntry,
    place: Place,
    method: &Method,
    bridge: Option<Bridge>,
) -> HeaderMap {
    let mut headers = match bridge {
        None => passed_on(client),
        Some(bridge) => own(bridge),
    };
    if let Ok(host) = HeaderValue::from_str(account.upstream_at(place).authority.as_str()) {
        headers.insert(header::HOST, host);
    }
    account.headers.put_into(&mut headers);
    headers.insert(
        header::ACCEPT_ENCODING,
        HeaderValue::from_static("identity"),
    );
    if method == Method::POST && !headers.contains_key(header::CONTENT_TYPE) {
        headers.insert(
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        );
    }
    if let Some((name, value)) = account.credential.as_ref().and_then(Credential::presented) {
        headers.insert(name, value);
    }
    headers
}

/// Marks what is sent again, where the operator wants its providers to know.
pub fn mark(journey: &Journey, headers: &mut HeaderMap) {
    if journey.waybill().replay_of.is_some()
        && let Some((name, value)) = &journey.shared().settings.replay.mark_header
    {
        headers.insert(name.clone(), value.clone());
    }
}

/// Says of an attempt which trace it belongs to, as far as its provider is to know.
pub fn trace(journey: &Journey, attempt: u32, headers: &mut HeaderMap) {
    let propagation = journey.shared().telemetry.propagation();
    if propagation == Propagation::AsItCame {
        return;
    }
    headers.remove(TRACEPARENT);
    headers.remove(TRACESTATE);
    let waybill = journey.waybill();
    let Some(trace) = &waybill.trace else {
        return;
    };
    let is_told = match propagation {
        Propagation::AsItCame | Propagation::Never => false,
        Propagation::Client => trace.parent.is_some(),
        Propagation::Always => true,
    };
    let span = SpanId::of(waybill.request_id, attempt);
    if let Some(line) = trace.traceparent(span).filter(|_| is_told) {
        headers.insert(TRACEPARENT, line);
        if let Some(state) = trace.tracestate() {
            headers.insert(TRACESTATE, state);
        }
    }
}

/// Of a client's headers those that its provider gets.
pub fn passed_on(client: &HeaderMap) -> HeaderMap {
    let named_by_connection = named_by_connection(client);
    let mut headers = HeaderMap::with_capacity(client.len() + 3);
    for (name, value) in client {
        if !is_forwarded(name)
            || named_by_connection
                .iter()
                .any(|named| named == name.as_str())
        {
            continue;
        }
        headers.append(name.clone(), value.clone());
    }
    headers
}

fn own(bridge: Bridge) -> HeaderMap {
    let mut headers = HeaderMap::with_capacity(8);
    headers.insert(header::USER_AGENT, HeaderValue::from_static(USER_AGENT));
    headers.insert(header::ACCEPT, HeaderValue::from_static("*/*"));
    if bridge.provider() == Dialect::Messages {
        let version = HeaderValue::from_static(ANTHROPIC_VERSION);
        headers.insert("anthropic-version", version);
    }
    headers
}

fn is_forwarded(name: &HeaderName) -> bool {
    !NOT_FORWARDED.contains(name)
        && !NOT_FORWARDED_NAMES.contains(&name.as_str())
        && !NOT_FORWARDED_PREFIXES
            .iter()
            .any(|prefix| name.as_str().starts_with(prefix))
}

fn body(inbound: &Inbound, chosen: &Chosen, stage: Stage) -> RequestBody {
    let mut body = inbound.arrival().body.clone();
    let mut model_span = inbound.model_span.clone();
    if let Some(changed) = without_signatures(inbound, stage) {
        body = changed.into();
        let peeked = peek::peek(inbound.endpoint, &body).ok();
        model_span = peeked.and_then(|peeked| peeked.model_span);
    }
    match (&model_span, &chosen.upstream_model) {
        (Some(span), Some(model)) if inbound.arrival().model.as_ref() != Some(model) => {
            RequestBody::spliced(splice::splice(&body, span, model))
        }
        _ => RequestBody::whole(body),
    }
}

fn without_signatures(inbound: &Inbound, stage: Stage) -> Option<String> {
    // What passes as it came is not looked through.
    if stage == Stage::AsSent {
        return None;
    }
    let dialect = bridge::dialect_of(inbound.endpoint)?;
    let body = std::str::from_utf8(&inbound.arrival().body).ok()?;
    unsigned(dialect, body, stage)
}

/// Path and query alone, as HTTP/1.1 wants it; HTTP/2 adds scheme and host when it is sent.
fn uri(inbound: &Inbound, chosen: &Chosen, upstream: &Upstream) -> Result<Uri, Refusal> {
    let renamed = match (&inbound.path_model_span, &chosen.upstream_model) {
        (Some(span), Some(model)) if inbound.arrival().model.as_ref() != Some(model) => Some(
            splice::splice_path(inbound.path_and_query.as_str(), span, model),
        ),
        _ => None,
    };
    let path_and_query = match (renamed, upstream.path_prefix.is_empty()) {
        (None, true) => inbound.path_and_query.clone(),
        (renamed, _) => {
            let path = renamed
                .as_deref()
                .unwrap_or(inbound.path_and_query.as_str());
            format!("{}{path}", upstream.path_prefix)
                .parse()
                .map_err(Refusal::internal)?
        }
    };
    Ok(Uri::from(path_and_query))
}
