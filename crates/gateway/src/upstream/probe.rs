//! Asking an account whether it serves, without a client's request.
//!
//! Promises: the same connection, headers and reading of errors as an attempt; an answer within
//! [`PATIENCE`]; nothing in the result needs redaction but its `failure`. Must not know: what is made of it.

use std::{sync::Arc, time::Duration};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Version, header};
use serde_json::json;
use tokio::time::{Instant, timeout};
use waybill_model::{
    cause::Cause,
    entity::Probe,
    protocol::Platform,
    time::UnixMillis,
    waybill::{Failure, TransportFault},
    words,
};
use waybill_wire::splice::splice_path;

use super::{
    answer::AnswerStream,
    attempt::request_id,
    body::RequestBody,
    build, connect, exchange,
    failure::{Fault, failure_of},
    judge::{error_body, joined, suspicious, whole},
    pool::Pool,
};
use crate::{
    app::Shared,
    credential,
    record::millis_since,
    routing::{AccountEntry, Place},
};

/// Most bytes of a broken answer that are kept.
const MAX_FRAME: usize = 256 << 10;

/// Longest time for a probe, from its connection to the end of its answer.
pub const PATIENCE: Duration = Duration::from_secs(30);

words! {
    /// What an account was asked for.
    pub enum ProbeKind {
        /// The list of models: proves the credential, uses no quota, proves no capacity.
        Models = "models",
        /// One token of one model.
        Message = "message",
    }
}

/// What came of a probe.
#[derive(Debug, Clone)]
pub struct ProbeResult {
    /// It served.
    pub ok: bool,
    /// What was asked for.
    pub kind: ProbeKind,
    /// The model that was asked, as the provider knows it.
    pub model: Option<Arc<str>>,
    /// When it began.
    pub started_at: UnixMillis,
    /// The provider's status, if it answered.
    pub status: Option<u16>,
    /// Why it did not serve.
    pub cause: Option<Cause>,
    /// What the provider, or the transport, said; redacted. Empty when it served.
    pub message: String,
    /// From its begin to the end of the answer.
    pub latency_ms: u32,
    /// The provider's id for the request.
    pub upstream_request_id: Option<String>,
    /// When the provider says that its limit ends.
    pub reset: Option<UnixMillis>,
    /// All the facts of the failure, unredacted.
    pub failure: Option<Box<Failure>>,
}

/// Asks `account`, over a new connection: a probe proves the way, too. Whether the account may be used
/// is not looked at.
pub async fn probe(
    shared: &Arc<Shared>,
    pool: &Arc<Pool>,
    account: &Arc<AccountEntry>,
    ask: &Probe,
) -> ProbeResult {
    let started = Instant::now();
    let started_at = shared.clock.now();
    let question = Question::new(account, ask);
    let mut headers = build::headers_sent(
        &question.headers,
        account,
        Place::default(),
        &question.method,
        None,
    );
    let mut seen = Seen::default();
    let asking = async {
        match account.credential {
            None => Err(Fault::unsent(
                TransportFault::Protocol,
                "what the account keeps sealed cannot be opened",
            )),
            Some(_) => {
                credential::token_of(shared, account)
                    .await
                    .map_err(Fault::NoToken)?;
                headers = build::headers_sent(
                    &question.headers,
                    account,
                    Place::default(),
                    &question.method,
                    None,
                );
                exchange(shared, pool, account, &question, headers.clone(), &mut seen).await
            }
        }
    };
    let outcome = match timeout(PATIENCE, asking).await {
        Ok(outcome) => outcome,
        Err(_) => {
            let message = format!("no complete answer within {} s", PATIENCE.as_secs());
            Err(Fault::unsent(TransportFault::Timeout, &message))
        }
    };
    let result = ProbeResult {
        ok: true,
        kind: question.kind,
        model: question.model,
        started_at,
        status: seen.status.map(|status| status.as_u16()),
        cause: None,
        message: String::new(),
        latency_ms: millis_since(started),
        upstream_request_id: seen.request_id,
        reset: None,
        failure: None,
    };
    let Err(fault) = outcome else {
        return result;
    };
    let now = shared.clock.now();
    let (failure, request_id) = failure_of(account.platform, fault, headers, now);
    let reset = failure
        .retry_after_ms
        .map(|after_ms| UnixMillis(now.0.saturating_add_unsigned(after_ms)));
    ProbeResult {
        ok: false,
        cause: Some(failure.cause),
        message: shared
            .secrets
            .redactor()
            .text(&failure.message)
            .into_string(),
        upstream_request_id: result.upstream_request_id.or(request_id),
        reset,
        failure: Some(Box::new(failure)),
        ..result
    }
}

/// What is sent.
struct Question {
    kind: ProbeKind,
    model: Option<Arc<str>>,
    method: Method,
    /// Without the account's prefix; `None`: the platform has no such thing.
    path: Option<String>,
    headers: HeaderMap,
    body: Bytes,
    platform: Platform,
}

impl Question {
    fn new(account: &AccountEntry, ask: &Probe) -> Question {
        let platform = account.platform;
        let mut headers = HeaderMap::new();
        headers.insert(
            header::USER_AGENT,
            HeaderValue::from_static(build::USER_AGENT),
        );
        if platform == Platform::Anthropic {
            headers.insert(
                HeaderName::from_static("anthropic-version"),
                HeaderValue::from_static("2023-06-01"),
            );
        }
        let Some(named) = &ask.model else {
            return Question {
                kind: ProbeKind::Models,
                model: None,
                method: Method::GET,
                path: models_path(platform).map(str::to_owned),
                headers,
                body: Bytes::new(),
                platform,
            };
        };
        let named: Arc<str> = named.as_str().into();
        let sent = account
            .model_map
            .get(&named)
            .unwrap_or_else(|| Arc::clone(&named));
        let (path, body) = smallest_generation(platform, &sent).unzip();
        Question {
            kind: ProbeKind::Message,
            model: Some(sent),
            method: Method::POST,
            path,
            headers,
            body: body.map_or_else(Bytes::new, |body: serde_json::Value| {
                body.to_string().into()
            }),
            platform,
        }
    }

    /// Reasoning models of OpenAI refuse one token as too few to finish: after they have let the request
    /// in and begun to work on it, which is all that is asked.
    fn is_answered_by(&self, status: StatusCode, body: &[u8]) -> bool {
        const BEGAN: &[u8] = b"max_tokens or model output limit was reached";
        self.platform == Platform::OpenAi
            && self.kind == ProbeKind::Message
            && status == StatusCode::BAD_REQUEST
            && memchr::memmem::find(body, BEGAN).is_some()
    }
}

fn models_path(platform: Platform) -> Option<&'static str> {
    match platform {
        Platform::Anthropic => Some("/v1/models?limit=1"),
        Platform::OpenAi => Some("/v1/models"),
        Platform::Gemini => Some("/v1beta/models?pageSize=1"),
        Platform::Antigravity => None,
    }
}

/// Path and body of the shortest question with the shortest answer.
fn smallest_generation(platform: Platform, model: &str) -> Option<(String, serde_json::Value)> {
    match platform {
        Platform::Anthropic => Some((
            "/v1/messages".to_owned(),
            json!({"model": model, "max_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}),
        )),
        Platform::OpenAi => Some((
            "/v1/chat/completions".to_owned(),
            json!({"model": model, "max_completion_tokens": 1, "messages": [{"role": "user", "content": "Hi"}]}),
        )),
        Platform::Gemini => {
            const PATH: &str = "/v1beta/models/:generateContent";
            let at = PATH.find(":").unwrap_or(PATH.len());
            Some((
                splice_path(PATH, &(at..at), model),
                json!({
                    "contents": [{"role": "user", "parts": [{"text": "Hi"}]}],
                    "generationConfig": {"maxOutputTokens": 1},
                }),
            ))
        }
        Platform::Antigravity => None,
    }
}

/// What the head of the answer says.
#[derive(Default)]
struct Seen {
    status: Option<StatusCode>,
    request_id: Option<String>,
}

async fn exchange(
    shared: &Shared,
    pool: &Arc<Pool>,
    account: &AccountEntry,
    question: &Question,
    headers: HeaderMap,
    seen: &mut Seen,
) -> Result<(), Fault> {
    let transport = |error| Fault::Transport {
        error,
        stale: false,
    };
    let upstream = &account.upstream;
    let mut request = Request::new(RequestBody::whole(question.body.clone()));
    *request.method_mut() = question.method.clone();
    let path = question.path.as_ref().ok_or_else(|| {
        Fault::unsent(
            TransportFault::Protocol,
            "accounts of this platform cannot be probed",
        )
    })?;
    *request.uri_mut() = format!("{}{path}", upstream.path_prefix)
        .parse()
        .map_err(|_| Fault::unsent(TransportFault::Protocol, "the model's name fits no address"))?;
    *request.version_mut() = Version::HTTP_11;
    *request.headers_mut() = headers;

    let connection = connect::connect(upstream, shared)
        .await
        .map_err(transport)?;
    let response = exchange::send(connection, pool.home(upstream), request)
        .await
        .map_err(transport)?;
    let (head, body) = response.into_parts();
    let (status, mut headers) = (head.status, head.headers);
    account.take_secrets_out_of(&mut headers);
    seen.status = Some(status);
    seen.request_id = request_id(&headers);
    let mut source = AnswerStream::new(body, &mut headers, PATIENCE);
    if !status.is_success() {
        let body = error_body(&mut source).await;
        if question.is_answered_by(status, &body) {
            return Ok(());
        }
        return Err(Fault::Status {
            status,
            headers,
            body,
        });
    }
    let broken = |fault, message: String, frame| Fault::Broken {
        fault,
        message,
        status,
        headers: headers.clone(),
        frame,
    };
    let body = whole(&mut source, shared.settings.limits.response_bytes)
        .await
        .map_err(|(fault, message, frame)| broken(fault, message, frame))?;
    match suspicious(&body) {
        None => Ok(()),
        Some((fault, message)) => Err(broken(fault, message.to_owned(), joined(&body, MAX_FRAME))),
    }
}
