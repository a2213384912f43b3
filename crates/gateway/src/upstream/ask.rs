//! One request to something beside a provider, over a new connection, with an answer that is read whole.
//!
//! Promises: the same addresses, proxies and TLS as an attempt; bounded in time and bytes. Must not know: who is
//! asked, or what for.

use std::{future::Future, sync::Arc, time::Duration};

use bytes::{Bytes, BytesMut};
use http::{HeaderMap, HeaderValue, Request, StatusCode, Version, header};
use tokio::time::timeout;
use waybill_model::waybill::TransportFault;

use super::{
    answer::{AnswerStream, Broken},
    body::RequestBody,
    connect::{self, Outlet, TransportError},
    exchange::{self, Connection},
    pool::Pool,
};
use crate::routing::Upstream;

/// Longest silence within an answer; the time for all of it is usually shorter.
const IDLE: Duration = Duration::from_secs(60);

/// Asks `upstream`; of the answer at most `most` bytes are read: one that is longer is a fault.
pub async fn ask(
    outlet: Outlet<'_>,
    upstream: &Upstream,
    request: Request<Bytes>,
    most: usize,
    patience: Duration,
) -> Result<(StatusCode, HeaderMap, Bytes), TransportError> {
    let both = async {
        let connection = connect::through(outlet, upstream).await?;
        exchange(connection, upstream, request, most).await
    };
    within(patience, both).await
}

/// The same, but that connecting, which takes no longer than `outlet` lets it, takes nothing from the time for the
/// answer: a time-out that was [`TransportError::sent`] is one of somebody who was asked.
pub async fn ask_and_wait(
    outlet: Outlet<'_>,
    upstream: &Upstream,
    request: Request<Bytes>,
    most: usize,
    patience: Duration,
) -> Result<(StatusCode, HeaderMap, Bytes), TransportError> {
    let connection = connect::through(outlet, upstream).await?;
    within(patience, exchange(connection, upstream, request, most)).await
}

async fn within<T>(
    patience: Duration,
    asked: impl Future<Output = Result<T, TransportError>>,
) -> Result<T, TransportError> {
    timeout(patience, asked).await.unwrap_or_else(|_| {
        let message = format!("no complete answer within {} ms", patience.as_millis());
        Err(TransportError::sent(TransportFault::Timeout, message))
    })
}

async fn exchange(
    connection: Connection,
    upstream: &Upstream,
    request: Request<Bytes>,
    most: usize,
) -> Result<(StatusCode, HeaderMap, Bytes), TransportError> {
    let (head, body) = request.into_parts();
    let mut request = Request::from_parts(head, RequestBody::whole(body));
    *request.version_mut() = Version::HTTP_11;
    if let Ok(host) = HeaderValue::from_str(upstream.authority.as_str()) {
        request.headers_mut().insert(header::HOST, host);
    }
    // Of a pool of its own: nobody asks there again soon.
    let home = Arc::new(Pool::default()).home(upstream);
    let response = exchange::send(connection, home, request).await?;
    let (head, body) = response.into_parts();
    let mut headers = head.headers;
    let mut source = AnswerStream::new(body, &mut headers, IDLE);
    let mut whole = BytesMut::new();
    while let Some(data) = source.data().await {
        let data = data.map_err(|broken| match broken {
            Broken::Transport(error) => error,
            Broken::Stalled => TransportError::sent(TransportFault::Timeout, "it went silent"),
        })?;
        if whole.len() + data.len() > most {
            let message = format!("the answer is larger than {most} bytes");
            return Err(TransportError::sent(TransportFault::Protocol, message));
        }
        whole.extend_from_slice(&data);
    }
    Ok((head.status, headers, whole.freeze()))
}
