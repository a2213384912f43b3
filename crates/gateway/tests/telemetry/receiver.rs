//! A receiver of OTLP over HTTP on the loopback address, which behaves as it is told.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex},
};

use async_compression::tokio::bufread::GzipDecoder;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body_util::{BodyExt as _, Full};
use hyper::{body::Incoming, server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use opentelemetry_proto::tonic::{
    collector::{
        metrics::v1::ExportMetricsServiceRequest,
        trace::v1::{
            ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
        },
    },
    metrics::v1::Metric,
    resource::v1::Resource,
    trace::v1::Span,
};
use prost::Message as _;
use tokio::{io::AsyncReadExt as _, net::TcpListener, task::JoinSet};

use crate::support::eventually;

/// What it answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// It takes everything.
    Takes,
    /// It takes all but so many spans of each request.
    TakesAllBut(i64),
    /// It answers this status.
    Answers(u16),
    /// It answers nothing.
    Hangs,
}

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Sent {
    pub path: String,
    pub headers: HeaderMap,
    /// Unpacked.
    pub body: Bytes,
    /// Whether it was taken.
    pub taken: bool,
}

#[derive(Debug)]
struct State {
    manner: Manner,
    sent: Vec<Sent>,
}

/// Listens until it is dropped.
pub struct Receiver {
    pub url: String,
    state: Arc<Mutex<State>>,
    _tasks: JoinSet<()>,
}

impl Receiver {
    pub async fn start(manner: Manner) -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            manner,
            sent: Vec::new(),
        }));
        let mut tasks = JoinSet::new();
        let shared = Arc::clone(&state);
        tasks.spawn(async move {
            let mut connections = JoinSet::new();
            loop {
                let Ok((stream, _)) = listener.accept().await else {
                    return;
                };
                let state = Arc::clone(&shared);
                connections.spawn(async move {
                    let serve = service_fn(move |request| answer(Arc::clone(&state), request));
                    let _ = http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), serve)
                        .await;
                });
            }
        });
        Receiver {
            url,
            state,
            _tasks: tasks,
        }
    }

    pub fn becomes(&self, manner: Manner) {
        self.state.lock().unwrap().manner = manner;
    }

    /// Everything that came, taken or not.
    pub fn sent(&self) -> Vec<Sent> {
        self.state.lock().unwrap().sent.clone()
    }

    fn taken(&self, path: &str) -> Vec<Bytes> {
        let sent = self.sent().into_iter();
        let taken = sent.filter(|sent| sent.taken && sent.path == path);
        taken.map(|sent| sent.body).collect()
    }

    /// Every span that was taken, with the resource it came from.
    pub fn spans(&self) -> Vec<(Resource, Span)> {
        let mut spans = Vec::new();
        for body in self.taken("/v1/traces") {
            let request = ExportTraceServiceRequest::decode(body).unwrap();
            for of_resource in request.resource_spans {
                let resource = of_resource.resource.unwrap();
                for scoped in of_resource.scope_spans {
                    assert_eq!(scoped.scope.unwrap().name, "waybill");
                    let spans_of = scoped.spans.into_iter();
                    spans.extend(spans_of.map(|span| (resource.clone(), span)));
                }
            }
        }
        spans
    }

    /// The spans of one request, once they came: its own first, then its attempts' in their order.
    pub async fn spans_of(&self, request_id: &str) -> Vec<Span> {
        eventually("the spans of a request", || async {
            let mut spans: Vec<Span> = self
                .spans()
                .into_iter()
                .map(|(_, span)| span)
                .filter(|span| {
                    crate::conventions::text(span, "waybill.request_id") == Some(request_id)
                })
                .collect();
            spans.sort_by_key(|span| {
                crate::conventions::whole(span, "waybill.attempt").unwrap_or(0)
            });
            (!spans.is_empty()).then_some(spans)
        })
        .await
    }

    /// The newest metrics that were taken.
    pub fn metrics(&self) -> Option<Vec<Metric>> {
        let body = self.taken("/v1/metrics").pop()?;
        let request = ExportMetricsServiceRequest::decode(body).unwrap();
        let scoped = request
            .resource_metrics
            .into_iter()
            .flat_map(|of| of.scope_metrics);
        Some(scoped.flat_map(|scoped| scoped.metrics).collect())
    }
}

async fn answer(
    state: Arc<Mutex<State>>,
    request: Request<Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map(|body| body.to_bytes())
        .unwrap_or_default();
    assert_eq!(head.headers["content-type"], "application/x-protobuf");
    let body = match head
        .headers
        .get("content-encoding")
        .map(|value| value.as_bytes())
    {
        Some(b"gzip") => gunzip(&body).await,
        Some(other) => panic!("{other:?}"),
        None => body,
    };
    let manner = {
        let mut state = state.lock().unwrap();
        let manner = state.manner;
        state.sent.push(Sent {
            path: head.uri.path().to_owned(),
            headers: head.headers,
            body,
            taken: matches!(manner, Manner::Takes | Manner::TakesAllBut(_)),
        });
        manner
    };
    let mut response = Response::new(Full::default());
    match manner {
        Manner::Takes => {}
        Manner::TakesAllBut(rejected_spans) => {
            let partial = ExportTraceServiceResponse {
                partial_success: Some(ExportTracePartialSuccess {
                    rejected_spans,
                    error_message: "too many".to_owned(),
                }),
            };
            *response.body_mut() = Full::new(partial.encode_to_vec().into());
        }
        Manner::Answers(status) => *response.status_mut() = StatusCode::from_u16(status).unwrap(),
        Manner::Hangs => std::future::pending().await,
    }
    Ok(response)
}

async fn gunzip(packed: &[u8]) -> Bytes {
    let mut plain = Vec::new();
    let mut unpacking = GzipDecoder::new(packed);
    unpacking.read_to_end(&mut plain).await.unwrap();
    plain.into()
}
