//! What the load sends: one request, its bytes made once and sent again and again.

use std::{io, sync::Arc};

use anyhow::{Result, ensure};

/// A request ready to be written, and what a good answer to it is.
#[derive(Clone)]
pub struct Request {
    /// Head and body as they go on the wire.
    pub wire: Arc<[u8]>,
    /// What the answer must be.
    pub expect: Expect,
}

/// What the answer to a request must be; anything else is counted as wrong.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Expect {
    /// `200` with exactly this many payload bytes.
    Served {
        /// Length of the payload.
        body_bytes: u64,
    },
    /// This status, whatever the body says.
    Refused {
        /// The status.
        status: u16,
    },
    /// `200` with this length, or this status.
    ServedOr {
        /// Length of the payload of a `200`.
        body_bytes: u64,
        /// The other status.
        status: u16,
    },
    /// Nothing is checked.
    Anything,
}

impl Expect {
    /// Whether an answer is what was expected.
    pub fn accepts(self, status: u16, body_bytes: u64) -> bool {
        match self {
            Expect::Served { body_bytes: want } => status == 200 && body_bytes == want,
            Expect::Refused { status: want } => status == want,
            Expect::ServedOr {
                body_bytes: want,
                status: other,
            } => status == other || (status == 200 && body_bytes == want),
            Expect::Anything => true,
        }
    }
}

impl Request {
    /// A chat completion that asks for `model`, with a body of exactly `body_bytes`.
    ///
    /// # Errors
    /// When `body_bytes` is too small to hold the request.
    pub fn new(model: &str, body_bytes: usize, key: &str, expect: Expect) -> Result<Request> {
        let stream = model.contains("-stream-");
        let before = format!(
            r#"{{"model":"{model}","stream":{stream},"max_tokens":512,"messages":[{{"role":"system","content":"You are terse."}},{{"role":"user","content":""#
        );
        let after = r#""}]}"#;
        let fill = body_bytes.checked_sub(before.len() + after.len());
        ensure!(
            fill.is_some(),
            "a request body of {body_bytes} bytes cannot hold the request"
        );
        let head = format!(
            "POST /v1/chat/completions HTTP/1.1\r\nhost: bench.local\r\nauthorization: Bearer {key}\r\n\
             content-type: application/json\r\naccept: {}\r\nuser-agent: waybill-bench\r\n\
             content-length: {body_bytes}\r\n\r\n",
            if stream {
                "text/event-stream"
            } else {
                "application/json"
            }
        );
        let mut wire = head.into_bytes();
        wire.extend_from_slice(before.as_bytes());
        wire.extend(filler().take(fill.unwrap_or(0)));
        wire.extend_from_slice(after.as_bytes());
        Ok(Request {
            wire: wire.into(),
            expect,
        })
    }
}

/// Text like a prompt: words and escaped line breaks, so that a scan of it meets what it would meet.
pub fn filler() -> impl Iterator<Item = u8> {
    b"The quick brown fox reads the log, finds line 4711 and asks why it failed. "
        .iter()
        .copied()
        .cycle()
}

/// A plain `GET` with a bearer token, for the few questions asked of the gateway's admin API.
///
/// # Errors
/// When the connection fails or the answer cannot be read.
pub fn get(target: std::net::SocketAddr, path: &str, token: &str) -> io::Result<(u16, Vec<u8>)> {
    use std::io::Write;
    let mut stream = std::net::TcpStream::connect(target)?;
    stream.set_read_timeout(Some(std::time::Duration::from_secs(30)))?;
    write!(
        stream,
        "GET {path} HTTP/1.1\r\nhost: bench.local\r\nauthorization: Bearer {token}\r\nconnection: close\r\n\r\n"
    )?;
    let mut body = Vec::new();
    let read = crate::http1::Reader::new(stream).message(
        |head| crate::http1::status(head).unwrap_or(0),
        |piece| body.extend_from_slice(piece),
    )?;
    read.map(|(status, _)| (status, body))
        .ok_or_else(|| io::ErrorKind::UnexpectedEof.into())
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    #[test]
    fn a_request_has_exactly_the_asked_size_and_is_json() {
        for size in [1024, 100 * 1024] {
            let request = Request::new("bench-1k", size, "k", Expect::Anything).unwrap();
            let text = std::str::from_utf8(&request.wire).unwrap();
            let (_, body) = text.split_once("\r\n\r\n").unwrap();
            assert_eq!(body.len(), size);
            let json: serde_json::Value = serde_json::from_str(body).unwrap();
            assert_eq!(json["model"], "bench-1k");
        }
    }

    #[test]
    fn a_body_too_small_for_its_request_is_refused() {
        assert!(Request::new("bench-1k", 10, "k", Expect::Anything).is_err());
    }
}
