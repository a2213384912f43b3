//! A simulator and a client for it, for the tests of this folder.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::Value;
use waybill_sim::{Sim, SimOptions};

/// Longer than anything here takes; a test that reaches it has failed.
pub const DEADLINE: Duration = Duration::from_secs(60);

pub struct Rig {
    pub sim: Sim,
    pub client: Client<HttpConnector, Full<Bytes>>,
}

/// What came back: the head, the bytes that came, and whether the body ended as HTTP requires.
pub struct Answer {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub bytes: Bytes,
    pub whole: bool,
}

impl Answer {
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.bytes).into_owned()
    }

    pub fn json(&self) -> Value {
        serde_json::from_slice(&self.bytes).unwrap()
    }

    /// The `data:` of every event, as JSON where it is JSON.
    pub fn events(&self) -> Vec<Value> {
        let text = self.text();
        let data = text.lines().filter_map(|line| line.strip_prefix("data: "));
        data.map(|data| serde_json::from_str(data).unwrap_or_else(|_| data.into()))
            .collect()
    }
}

pub async fn rig() -> Rig {
    rig_with(SimOptions::default(), false).await
}

pub async fn rig_with(options: SimOptions, http2: bool) -> Rig {
    let sim = Sim::start(options).await.unwrap();
    let client = Client::builder(TokioExecutor::new())
        .http2_only(http2)
        .build(HttpConnector::new());
    Rig { sim, client }
}

impl Rig {
    pub fn request(&self, path: &str, key: &str, body: &Value) -> Request<Full<Bytes>> {
        Request::post(format!("{}{path}", self.sim.url()))
            .header("x-api-key", key)
            .header("authorization", format!("Bearer {key}"))
            .header("anthropic-version", "2023-06-01")
            .body(Full::from(body.to_string()))
            .unwrap()
    }

    /// The answer's head, with its body still to come.
    pub async fn open(
        &self,
        path: &str,
        key: &str,
        body: &Value,
    ) -> Result<Response<Incoming>, String> {
        let sent = self.client.request(self.request(path, key, body));
        tokio::time::timeout(DEADLINE, sent)
            .await
            .expect("an answer in time")
            .map_err(|e| format!("{e:?}"))
    }

    pub async fn post(&self, path: &str, body: &Value) -> Result<Answer, String> {
        let response = self.open(path, "key-1", body).await?;
        Ok(tokio::time::timeout(DEADLINE, read(response))
            .await
            .expect("a body in time"))
    }

    pub async fn get(&self, path: &str) -> Answer {
        let request = Request::get(format!("{}{path}", self.sim.url()))
            .body(Full::default())
            .unwrap();
        read(self.client.request(request).await.unwrap()).await
    }
}

pub async fn read(response: Response<Incoming>) -> Answer {
    let (head, mut body) = response.into_parts();
    let (mut bytes, mut whole) = (Vec::new(), true);
    while let Some(frame) = body.frame().await {
        match frame {
            Ok(frame) => bytes.extend_from_slice(&frame.into_data().unwrap_or_default()),
            Err(_) => {
                whole = false;
                break;
            }
        }
    }
    Answer {
        status: head.status,
        headers: head.headers,
        bytes: bytes.into(),
        whole,
    }
}
