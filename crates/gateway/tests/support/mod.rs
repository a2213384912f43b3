//! The real gateway on a real socket, before simulated providers, over a store in a temporary folder.
#![allow(dead_code, reason = "each test file uses a part of it")]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::{fmt::Write as _, future::Future, time::Duration};

pub mod binary;
pub mod key_file;
pub mod raw;
pub mod receiver;
pub mod replicas;

use bytes::Bytes;
use futures_util::future::join_all;
use http::{HeaderMap, Method, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use tempfile::TempDir;
use waybill_gateway::{clock::Clock, config::Config, run, run::Gateway};
use waybill_sim::{Sim, SimOptions};

pub const CLIENT_KEY: &str = "client-key-for-tests-0123456789";
pub const ADMIN_TOKEN: &str = "admin-token-for-tests-0123456789";

/// Longest wait for a condition. Only a failing test waits this long.
pub const DEADLINE: Duration = Duration::from_secs(60);

/// A gateway with its providers.
pub struct World {
    pub sim: Sim,
    pub gateway: Option<Gateway>,
    pub url: String,
    pub folder: TempDir,
    client: Client<HttpConnector, Full<Bytes>>,
}

/// How a world is made. Accounts `a1, a2` (Anthropic), `o1, o2` (OpenAI), `g1, g2` (Gemini), in this
/// order of priority, with keys by [`key_of`].
pub struct Setup {
    pub sim: SimOptions,
    /// Put before everything else in the configuration.
    pub top: String,
    /// Put behind it; `{providers}` in it is the address of the simulated providers.
    pub rest: String,
    /// Accounts per platform.
    pub accounts: usize,
    /// What time the gateway takes it to be.
    pub clock: Clock,
}

impl Default for Setup {
    fn default() -> Self {
        Setup {
            sim: SimOptions::default(),
            top: String::new(),
            rest: String::new(),
            accounts: 2,
            clock: Clock::System,
        }
    }
}

/// The credential of an account of the test pool.
pub fn key_of(account: &str) -> String {
    match account.as_bytes()[0] {
        b'a' => format!("sk-ant-api03-{account}-0123456789abcdefABCDEF"),
        b'o' => format!("sk-proj-{account}-0123456789abcdefABCDEF"),
        _ => format!("AIzaSy{account}0123456789abcdefABCDEF012345"),
    }
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Bytes,
    /// The body broke off.
    pub broken: bool,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    #[track_caller]
    pub fn request_id(&self) -> &str {
        self.header("x-waybill-request-id")
            .expect("every answer carries its id")
    }
}

/// The configuration of a test pool.
pub fn configuration(setup: &Setup, providers: &str) -> String {
    let mut text = format!(
        "listen = \"127.0.0.1:0\"\nadmin_token = \"{ADMIN_TOKEN}\"\nworkers = 2\n{}\n",
        setup.top
    );
    let pools = [
        ("claude", "anthropic", "a"),
        ("gpt", "openai", "o"),
        ("gemini", "gemini", "g"),
    ];
    for (group, platform, letter) in pools {
        let _ = write!(
            text,
            "[[group]]\nname = \"{group}\"\nplatform = \"{platform}\"\n"
        );
        for number in 1..=setup.accounts {
            let name = format!("{letter}{number}");
            let _ = write!(
                text,
                "[[account]]\nname = \"{name}\"\nplatform = \"{platform}\"\ngroups = [\"{group}\"]\n\
                 base_url = \"{providers}\"\ncredential = {{ api_key = \"{}\" }}\npriority = {number}\n",
                key_of(&name),
            );
        }
    }
    let _ = write!(
        text,
        "[[api_key]]\nname = \"dev\"\nkey = \"{CLIENT_KEY}\"\ngroups = [\"claude\", \"gpt\", \"gemini\"]\n{}\n",
        setup.rest.replace("{providers}", providers)
    );
    text
}

impl World {
    pub async fn new() -> World {
        World::with(Setup::default()).await
    }

    pub async fn with(setup: Setup) -> World {
        let sim = Sim::start(setup.sim.clone()).await.unwrap();
        World::over(sim, setup).await
    }

    /// The same before providers that have been prepared.
    pub async fn over(sim: Sim, setup: Setup) -> World {
        let folder = tempfile::tempdir().unwrap();
        let mut config = Config::parse(&configuration(&setup, &sim.url()), &|_| None).unwrap();
        config.data_dir = folder.path().to_owned();
        let gateway = run::start_at(config, setup.clock).await.unwrap();
        let url = format!("http://{}", gateway.running.address());
        World {
            sim,
            gateway: Some(gateway),
            url,
            folder,
            client: client(),
        }
    }

    /// Sends anything as it is, without a key.
    pub async fn send(&self, request: Request<Full<Bytes>>) -> Answer {
        send(&self.client, request).await
    }

    /// The same, with the answer's body still to be read.
    pub async fn open(&self, request: Request<Full<Bytes>>) -> Response<Incoming> {
        open(&self.client, request).await
    }

    /// `POST` with the client's key, as an SDK of the path's protocol would.
    pub async fn post(&self, path: &str, body: impl Into<Bytes>) -> Answer {
        self.send(self.request(Method::POST, path, body)).await
    }

    pub fn request(
        &self,
        method: Method,
        path: &str,
        body: impl Into<Bytes>,
    ) -> Request<Full<Bytes>> {
        let (name, value) = match path {
            path if path.starts_with("/v1/messages") => ("x-api-key", CLIENT_KEY.to_owned()),
            path if path.starts_with("/v1beta") => ("x-goog-api-key", CLIENT_KEY.to_owned()),
            _ => ("authorization", format!("Bearer {CLIENT_KEY}")),
        };
        Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url))
            .header(name, value)
            .header("anthropic-version", "2023-06-01")
            .header("content-type", "application/json")
            .body(Full::new(body.into()))
            .unwrap()
    }

    /// Asks the admin API.
    pub async fn admin(&self, method: Method, path: &str, body: impl Into<Bytes>) -> Answer {
        let request = Request::builder()
            .method(method)
            .uri(format!("{}/api/v1/admin{path}", self.url))
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .header("content-type", "application/json")
            .body(Full::new(body.into()))
            .unwrap();
        self.send(request).await
    }

    /// The failed request with this id, if it is among the errors of a view (`errors`, `excluded`, `all`).
    pub async fn error_in(&self, view: &str, request_id: &str) -> Option<Value> {
        let list = self
            .ops(&format!(
                "errors?view={view}&time_range=1h&request_id={request_id}"
            ))
            .await;
        list["errors"].as_array().unwrap().first().cloned()
    }

    /// The failed attempts of one request, oldest first.
    pub async fn events_of(&self, request_id: &str) -> Vec<Value> {
        let list = self
            .ops(&format!(
                "upstream-errors?time_range=1h&request_id={request_id}"
            ))
            .await;
        let mut events = list["events"].as_array().unwrap().clone();
        events.sort_by_key(|event| event["attempt"].as_u64());
        events
    }

    /// The row of a request, once the recorder has written it.
    pub async fn request_row(&self, request_id: &str) -> Value {
        eventually("the request's row", || async move {
            let list = self
                .ops(&format!("requests?time_range=1h&request_id={request_id}"))
                .await;
            list["items"].as_array().unwrap().first().cloned()
        })
        .await
    }

    /// What `/metrics` says.
    pub async fn metrics(&self) -> String {
        let request = Request::get(format!("{}/metrics", self.url))
            .header("authorization", format!("Bearer {ADMIN_TOKEN}"))
            .body(Full::default())
            .unwrap();
        self.send(request).await.text()
    }

    /// Requests that hold a place on an account now.
    pub async fn in_flight(&self, account: &str) -> u64 {
        let page = self.metrics().await;
        let name = format!("waybill_account_in_flight{{account=\"{account}\"}} ");
        page.lines()
            .find_map(|line| line.strip_prefix(&name))
            .expect("a line per account")
            .parse()
            .unwrap()
    }

    #[track_caller]
    pub fn ops(&self, path: &str) -> impl Future<Output = Value> + use<'_> {
        let path = format!("/ops/{path}");
        async move {
            let answer = self.admin(Method::GET, &path, "").await;
            assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            answer.json()
        }
    }

    /// Failed requests, newest first.
    pub async fn errors(&self) -> Vec<Value> {
        self.ops("errors?view=all&time_range=1h").await["errors"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// Failed attempts, newest first.
    pub async fn events(&self) -> Vec<Value> {
        self.ops("upstream-errors?time_range=1h").await["events"]
            .as_array()
            .unwrap()
            .clone()
    }

    /// The whole record of a failed request.
    pub async fn error(&self, request_id: &str) -> Value {
        self.ops(&format!("errors/{request_id}")).await
    }

    /// Clears what earlier failures did to the accounts, so that every case begins alike.
    pub async fn clear_states(&self) {
        let list = self
            .admin(Method::GET, "/accounts?page_size=500", "")
            .await
            .json();
        // Together: each is answered when it is on disk, and one commit takes them all.
        let resets = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|account| async {
                let path = format!("/accounts/{}/reset", account["id"]);
                let answer = self.admin(Method::POST, &path, "").await;
                assert_eq!(answer.status, 200, "{path}: {}", answer.text());
            });
        join_all(resets).await;
    }

    pub async fn stop(mut self) {
        if let Some(gateway) = self.gateway.take() {
            gateway.stop().await;
        }
    }
}

/// A client that keeps connections alive and retries nothing.
pub fn client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new())
        .retry_canceled_requests(false)
        .build_http()
}

/// A client that speaks HTTP/2 with prior knowledge.
pub fn http2_client() -> Client<HttpConnector, Full<Bytes>> {
    Client::builder(TokioExecutor::new())
        .http2_only(true)
        .build_http()
}

pub async fn open(
    client: &Client<HttpConnector, Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Response<Incoming> {
    tokio::time::timeout(DEADLINE, client.request(request))
        .await
        .expect("an answer in time")
        .unwrap()
}

pub async fn send(
    client: &Client<HttpConnector, Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Answer {
    try_send(client, request).await.unwrap()
}

/// An answer, or an error where there is none.
pub async fn try_send(
    client: &Client<HttpConnector, Full<Bytes>>,
    request: Request<Full<Bytes>>,
) -> Result<Answer, hyper_util::client::legacy::Error> {
    let exchange = async { Ok(read(client.request(request).await?).await) };
    tokio::time::timeout(DEADLINE, exchange)
        .await
        .expect("an answer in time")
}

/// Reads an answer to its end.
pub async fn read(response: Response<Incoming>) -> Answer {
    let (head, mut incoming) = response.into_parts();
    let mut body = Vec::new();
    let mut broken = false;
    while let Some(frame) = incoming.frame().await {
        match frame {
            Ok(frame) => body.extend_from_slice(frame.data_ref().map_or(&[], |data| data)),
            Err(_) => {
                broken = true;
                break;
            }
        }
    }
    Answer {
        status: head.status,
        headers: head.headers,
        body: body.into(),
        broken,
    }
}

/// The type and the message of an error, wherever the client's protocol keeps them.
#[track_caller]
pub fn told(path: &str, answer: &Answer) -> (String, String) {
    let body = answer.json();
    let error = match body.as_array() {
        Some(array) => &array[0]["error"],
        None => &body["error"],
    };
    let kind = if protocol_of(path) == "gemini" {
        &error["status"]
    } else {
        &error["type"]
    };
    if protocol_of(path) == "anthropic" {
        assert_eq!(body["type"], "error", "{body}");
    }
    (
        kind.as_str().unwrap().to_owned(),
        error["message"].as_str().unwrap().to_owned(),
    )
}

/// The protocol that a path speaks.
pub fn protocol_of(path: &str) -> &'static str {
    match path.strip_prefix("/antigravity").unwrap_or(path) {
        path if path.starts_with("/v1/messages") => "anthropic",
        path if path.starts_with("/v1beta") => "gemini",
        _ => "openai",
    }
}

/// Waits until `check` gives something.
#[track_caller]
pub fn eventually<T, F: Future<Output = Option<T>>>(
    what: &str,
    mut check: impl FnMut() -> F,
) -> impl Future<Output = T> {
    let what = what.to_owned();
    async move {
        let began = tokio::time::Instant::now();
        loop {
            if let Some(found) = check().await {
                return found;
            }
            assert!(began.elapsed() < DEADLINE, "not in time: {what}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

/// A Messages request.
pub fn message(stream: bool) -> String {
    serde_json::json!({
        "model": "claude-sonnet-4-5", "max_tokens": 64, "stream": stream,
        "messages": [{"role": "user", "content": "Say something."}],
    })
    .to_string()
}

/// A Chat Completions request.
pub fn chat(stream: bool) -> String {
    serde_json::json!({
        "model": "gpt-5", "stream": stream, "messages": [{"role": "user", "content": "Say something."}],
    })
    .to_string()
}

/// A Responses request.
pub fn response(stream: bool) -> String {
    serde_json::json!({"model": "gpt-5", "stream": stream, "input": "Say something."}).to_string()
}

/// A Gemini request.
pub fn generate() -> String {
    serde_json::json!({"contents": [{"role": "user", "parts": [{"text": "Say something."}]}]})
        .to_string()
}
