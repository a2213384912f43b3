//! From what broke to the facts of a failure.

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use waybill_model::{
    protocol::Platform,
    time::UnixMillis,
    waybill::{EventKind, Failure, StreamFault, TransportFault},
};
use waybill_wire::error;

use super::connect::TransportError;
use crate::credential::{self, NoToken};

/// What broke.
pub enum Fault {
    /// No answer.
    Transport {
        /// What the transport said.
        error: TransportError,
        /// The connection was an idle one that had been closed.
        stale: bool,
    },
    /// Nothing was sent: there is no access token to send.
    NoToken(NoToken),
    /// An answer with a status that is no success.
    Status {
        /// The status.
        status: StatusCode,
        /// The headers.
        headers: HeaderMap,
        /// The body, bounded.
        body: Bytes,
    },
    /// A `200` that broke.
    Broken {
        /// How.
        fault: StreamFault,
        /// What there is to say about it, where the provider said nothing.
        message: String,
        /// The status.
        status: StatusCode,
        /// The headers.
        headers: HeaderMap,
        /// The frame or document with the provider's error, or what there was of one.
        frame: Bytes,
    },
}

impl Fault {
    /// A fault before anything was sent.
    pub fn unsent(fault: TransportFault, message: &str) -> Fault {
        Fault::Transport {
            error: TransportError::unsent(fault, message),
            stale: false,
        }
    }
}

/// Most bytes of a bad answer that are kept for the record.
const MAX_KEPT: usize = 256 << 10;

/// A copy of the beginning where all of it would pin too much memory until it is written.
fn bounded(body: Bytes) -> Bytes {
    if body.len() <= MAX_KEPT {
        return body;
    }
    Bytes::copy_from_slice(&body[..MAX_KEPT])
}

/// Reads the facts of a fault. The cause follows from them. Also returns the provider's request id,
/// where the body holds one.
pub fn failure_of(
    platform: Platform,
    fault: Fault,
    request_headers: HeaderMap,
    now: UnixMillis,
) -> (Failure, Option<String>) {
    let (transport, stream, status, headers, body, message) = match fault {
        Fault::NoToken(why) => return (credential::failure_of(&why, request_headers), None),
        Fault::Transport { error, .. } => (
            Some(error.fault),
            None,
            None,
            HeaderMap::new(),
            Bytes::new(),
            error.message,
        ),
        Fault::Status {
            status,
            headers,
            body,
        } => (None, None, Some(status), headers, body, String::new()),
        Fault::Broken {
            fault,
            message,
            status,
            headers,
            frame,
        } => (None, Some(fault), Some(status), headers, frame, message),
    };
    let body = bounded(body);
    // What the gateway saw itself is said in its own words; the provider's are read from what it sent.
    let own_words = transport.is_some() || !matches!(stream, None | Some(StreamFault::ErrorEvent));
    let said: &[u8] = if own_words { message.as_bytes() } else { &body };
    let error = error::read(
        platform,
        status.map(|status| status.as_u16()),
        &headers,
        said,
        now,
    );
    let (retry_after_ms, retry_after_source) = error
        .reset
        .as_ref()
        .map(|reset| (reset.after_ms, reset.source.clone()))
        .unzip();
    let failure = Failure {
        kind: match stream {
            None => EventKind::HttpError,
            Some(StreamFault::ErrorEvent) => EventKind::StreamError,
            Some(
                StreamFault::Truncated
                | StreamFault::Reset
                | StreamFault::Stalled
                | StreamFault::Garbage
                | StreamFault::GaveUp
                | StreamFault::TooLarge,
            ) => EventKind::StreamTruncated,
        },
        cause: error.cause_with(transport, stream),
        transport,
        stream,
        message: if own_words { message } else { error.message },
        name: error.name.filter(|_| !own_words),
        detail: error.detail.filter(|_| !own_words),
        body,
        request_headers,
        response_headers: headers,
        retry_after_ms,
        retry_after_source,
        reach: error.reach,
    };
    (failure, error.upstream_request_id)
}
