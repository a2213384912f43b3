//! Collecting a request body: bounded in size and time, copied at most once.

use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::Version;
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio::time::{Instant, timeout_at};

use crate::{
    config::{Limits, Timeouts},
    respond::{Code, Refusal},
};

/// Room that is taken at once on the word of `content-length`; beyond it, memory follows what arrives.
const TRUSTED_LENGTH: usize = 1 << 20;

/// Bytes read and thrown away so that a client still sending can read its refusal.
const DRAIN_BYTES: usize = 64 << 20;

/// Why a body was not taken whole.
pub enum Stopped {
    /// It will not be.
    Refused {
        /// Why.
        refusal: Refusal,
        /// Its size, as far as it is known.
        body_bytes: u64,
    },
    /// The client went away.
    Left,
}

/// Reads the body. What had arrived when it stopped is returned with the reason, for the record.
pub async fn collect(
    body: &mut Incoming,
    version: Version,
    limits: &Limits,
    timeouts: &Timeouts,
) -> (Bytes, Option<Stopped>) {
    if body.is_end_stream() {
        return (Bytes::new(), None);
    }
    let announced = body.size_hint().exact();
    if let Some(length) = announced.filter(|length| *length > limits.request_bytes as u64) {
        return (
            Bytes::new(),
            Some(Stopped::Refused {
                refusal: too_large(limits),
                body_bytes: length,
            }),
        );
    }
    let deadline = Instant::now() + timeouts.body_read;
    let mut first = Bytes::new();
    let mut rest = BytesMut::new();
    loop {
        let patience = deadline.min(Instant::now() + timeouts.body_idle);
        let frame = match timeout_at(patience, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => break,
            Ok(Some(Err(error))) if has_left(&error, version) => {
                let arrived = if rest.is_empty() {
                    first
                } else {
                    rest.freeze()
                };
                return (arrived, Some(Stopped::Left));
            }
            Ok(Some(Err(error))) => {
                let refusal = Refusal::new(
                    Code::InvalidRequest,
                    format!("the request body broke off: {error}"),
                );
                return given_up(first, rest, refusal);
            }
            Err(_) => {
                let refusal = Refusal::new(
                    Code::RequestTimeout,
                    "the request body did not arrive in time",
                );
                return given_up(first, rest, refusal);
            }
        };
        let Ok(data) = frame.into_data() else {
            continue;
        };
        if first.len() + rest.len() + data.len() > limits.request_bytes {
            return given_up(first, rest, too_large(limits));
        }
        if first.is_empty() && rest.is_empty() {
            first = data;
            continue;
        }
        if rest.is_empty() {
            let announced = announced
                .and_then(|length| usize::try_from(length).ok())
                .unwrap_or(0);
            rest.reserve(announced.min(TRUSTED_LENGTH).max(first.len() + data.len()));
            rest.extend_from_slice(&first);
            first = Bytes::new();
        }
        rest.extend_from_slice(&data);
    }
    (
        if rest.is_empty() {
            first
        } else {
            rest.freeze()
        },
        None,
    )
}

fn given_up(first: Bytes, rest: BytesMut, refusal: Refusal) -> (Bytes, Option<Stopped>) {
    let arrived = if rest.is_empty() {
        first
    } else {
        rest.freeze()
    };
    let body_bytes = arrived.len() as u64;
    (
        arrived,
        Some(Stopped::Refused {
            refusal,
            body_bytes,
        }),
    )
}

/// Whether the connection ended, rather than the client sent what is no body. Over HTTP/2 a body breaks
/// only when the client takes its request back, or the connection ends.
fn has_left(error: &hyper::Error, version: Version) -> bool {
    use std::{error::Error as _, io::ErrorKind};
    if version == Version::HTTP_2 || error.is_incomplete_message() {
        return true;
    }
    let mut source = error.source();
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            return matches!(
                io.kind(),
                ErrorKind::UnexpectedEof
                    | ErrorKind::ConnectionReset
                    | ErrorKind::ConnectionAborted
                    | ErrorKind::BrokenPipe
            );
        }
        source = inner.source();
    }
    false
}

fn too_large(limits: &Limits) -> Refusal {
    Refusal::new(
        Code::RequestTooLarge,
        format!(
            "the request body is larger than the {} bytes this gateway accepts",
            limits.request_bytes
        ),
    )
}

/// Reads and forgets what a refused client still sends, so that it can read why.
pub async fn drain(body: &mut Incoming, patience: Duration) {
    let deadline = Instant::now() + patience;
    let mut seen = 0;
    while seen < DRAIN_BYTES && !body.is_end_stream() {
        match timeout_at(deadline, body.frame()).await {
            Ok(Some(Ok(frame))) => seen += frame.data_ref().map_or(0, Bytes::len),
            Ok(None | Some(Err(_))) | Err(_) => break,
        }
    }
}
