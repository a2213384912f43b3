//! A steady trickle of plausible client requests of all three protocols, streamed and not.
//!
//! Promises: at most one request per interval, a bounded number at a time, none started after it was
//! cancelled; every request has exactly one outcome.
//!
//! Must not know: the gateway; it is handed a base URL and a client key.

use std::{
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Request, header};
use http_body_util::{BodyExt, Full};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use tokio::sync::Semaphore;
use tokio_util::{sync::CancellationToken, task::TaskTracker};
use waybill_model::protocol::Protocol;

use crate::{
    json::{Json, obj},
    seed::Seed,
};

/// Where to send, how fast, and as whom.
#[derive(Debug, Clone)]
pub struct TrafficOptions {
    /// The gateway.
    pub gateway: SocketAddr,
    /// The client key it knows.
    pub key: String,
    /// Time from one request to the next.
    pub interval: Duration,
    /// Requests at one time; when so many are unanswered, the next waits.
    pub concurrency: usize,
    /// Where the choices begin.
    pub seed: u64,
}

/// How the requests went.
#[derive(Debug, Default)]
pub struct Outcomes {
    /// Requests sent.
    pub sent: AtomicU64,
    /// Answered with a status below 400, and whole.
    pub answered: AtomicU64,
    /// Answered with a status from 400.
    pub refused: AtomicU64,
    /// Answered with a good status, and broken off or ended by an error event.
    pub broken: AtomicU64,
    /// Not answered at all.
    pub unreachable: AtomicU64,
}

/// Sends requests until it is cancelled, then waits for the answers under way.
pub async fn run(options: TrafficOptions, outcomes: Arc<Outcomes>, cancel: CancellationToken) {
    let client: HttpClient = Client::builder(TokioExecutor::new()).build(HttpConnector::new());
    let slots = Arc::new(Semaphore::new(options.concurrency.max(1)));
    let (mut seed, tasks) = (Seed::new(options.seed), TaskTracker::new());
    let mut interval = tokio::time::interval(options.interval);
    interval.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    while let Some(slot) = cancel
        .run_until_cancelled(async {
            interval.tick().await;
            Arc::clone(&slots).acquire_owned().await
        })
        .await
    {
        let Ok(request) = call(&options, &mut seed) else {
            continue;
        };
        let (client, outcomes) = (client.clone(), Arc::clone(&outcomes));
        tasks.spawn(async move {
            outcomes.sent.fetch_add(1, Ordering::Relaxed);
            outcomes
                .count(send(&client, request).await)
                .fetch_add(1, Ordering::Relaxed);
            drop(slot);
        });
    }
    tasks.close();
    tasks.wait().await;
}

type HttpClient = Client<HttpConnector, Full<Bytes>>;

enum Outcome {
    Answered,
    Refused,
    Broken,
    Unreachable,
}

impl Outcomes {
    fn count(&self, outcome: Outcome) -> &AtomicU64 {
        match outcome {
            Outcome::Answered => &self.answered,
            Outcome::Refused => &self.refused,
            Outcome::Broken => &self.broken,
            Outcome::Unreachable => &self.unreachable,
        }
    }
}

async fn send(client: &HttpClient, request: Request<Full<Bytes>>) -> Outcome {
    let Ok(response) = client.request(request).await else {
        return Outcome::Unreachable;
    };
    if response.status().as_u16() >= 400 {
        return Outcome::Refused;
    }
    match response
        .into_body()
        .collect()
        .await
        .map(|body| has_error(&body.to_bytes()))
    {
        Ok(false) => Outcome::Answered,
        Ok(true) | Err(_) => Outcome::Broken,
    }
}

/// An answer with a good status that tells of an error all the same, in any of the protocols. `"error":null`
/// is how the Responses API says that there is none.
fn has_error(body: &[u8]) -> bool {
    memchr::memmem::find(body, br#""error":{"#).is_some()
        || memchr::memmem::find(body, b"event: error").is_some()
}

const QUESTIONS: &[&str] = &[
    "Summarise the incident report in three sentences.",
    "Translate this paragraph into plain English.",
    "Which of these two designs is easier to test, and why?",
    "Write a commit message for the change below.",
    "Explain what this stack trace means.",
    "Draft a reply to the customer.",
];

const MODELS: &[(Protocol, &[&str])] = &[
    (
        Protocol::Anthropic,
        &["claude-sonnet-4-5", "claude-opus-4-5", "claude-haiku-4-5"],
    ),
    (Protocol::OpenAi, &["gpt-5", "gpt-5-mini"]),
    (Protocol::Gemini, &["gemini-2.5-flash", "gemini-2.5-pro"]),
];

fn call(options: &TrafficOptions, seed: &mut Seed) -> http::Result<Request<Full<Bytes>>> {
    let (protocol, models) = MODELS[seed.below(MODELS.len())];
    let model = models[seed.below(models.len())];
    let question = QUESTIONS[seed.below(QUESTIONS.len())];
    let (path, body) = phrase(
        protocol,
        model,
        question,
        seed.below(2) == 0,
        seed.below(3) == 0,
    );
    let mut request = Request::post(format!("http://{}{path}", options.gateway))
        .body(Full::from(body.to_string()))?;
    *request.headers_mut() = headers(protocol, &options.key)?;
    Ok(request)
}

/// Path and body of a request; `responses` picks the newer of OpenAI's two APIs.
fn phrase(
    protocol: Protocol,
    model: &str,
    question: &str,
    stream: bool,
    responses: bool,
) -> (String, Json) {
    let messages = [obj! { "role": "user", "content": question }];
    match protocol {
        Protocol::Anthropic => (
            "/v1/messages".to_owned(),
            obj! { "model": model, "max_tokens": 256, "stream": stream, "messages": messages },
        ),
        Protocol::OpenAi if responses => (
            "/v1/responses".to_owned(),
            obj! { "model": model, "input": question, "stream": stream },
        ),
        Protocol::OpenAi => (
            "/v1/chat/completions".to_owned(),
            obj! { "model": model, "stream": stream, "messages": messages },
        ),
        Protocol::Gemini => {
            let action = if stream {
                "streamGenerateContent?alt=sse"
            } else {
                "generateContent"
            };
            let contents = [obj! { "role": "user", "parts": [obj! { "text": question }] }];
            (
                format!("/v1beta/models/{model}:{action}"),
                obj! { "contents": contents },
            )
        }
    }
}

fn headers(protocol: Protocol, key: &str) -> http::Result<HeaderMap> {
    let agent = match protocol {
        Protocol::Anthropic => "Anthropic/Python 2.12.0",
        Protocol::OpenAi => "OpenAI/Python 3.54.0",
        Protocol::Gemini => "google-genai-sdk/3.4.0 gl-python/3.12",
    };
    let mut headers = HeaderMap::new();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::USER_AGENT, HeaderValue::from_static(agent));
    match protocol {
        Protocol::Anthropic => {
            headers.insert("x-api-key", HeaderValue::from_str(key)?);
            headers.insert("anthropic-version", HeaderValue::from_static("2023-06-01"));
        }
        Protocol::OpenAi => {
            headers.insert(
                header::AUTHORIZATION,
                HeaderValue::from_str(&format!("Bearer {key}"))?,
            );
        }
        Protocol::Gemini => {
            headers.insert("x-goog-api-key", HeaderValue::from_str(key)?);
        }
    }
    Ok(headers)
}
