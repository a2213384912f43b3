//! One request to the receiver, and what its answer means (OTLP over HTTP, binary).
//!
//! Promises: bounded in time and bytes; says once that the receiver is away, and once that it is back. Must not
//! know: what is sent.

use std::time::Duration;

use async_compression::tokio::bufread::GzipEncoder;
use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, header};
use tokio::io::AsyncReadExt as _;

use crate::{
    app::Shared,
    telemetry::{otlp::partial, settings::Otlp},
    upstream::{Outlet, USER_AGENT, ask},
};

/// For connecting, sending and an answer.
const PATIENCE: Duration = Duration::from_secs(10);

/// Bytes of an answer that are read.
const MAX_ANSWER: usize = 64 << 10;

/// Bytes of what a receiver says that are logged.
const MAX_SAID: usize = 512;

/// What is to be done after a try.
#[derive(Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was taken, but for so many.
    Taken(u64),
    /// It will never be.
    Refused,
    /// It may be taken later: after this time, where the receiver says so.
    Later(Option<Duration>),
}

/// Bytes, and how they are packed.
#[derive(Debug, Clone)]
pub struct Packed {
    bytes: Bytes,
    is_gzip: bool,
}

/// Packs a body. What cannot be packed goes as it is.
pub async fn packed(body: Vec<u8>) -> Packed {
    let mut bytes = Vec::new();
    let is_gzip = GzipEncoder::new(body.as_slice())
        .read_to_end(&mut bytes)
        .await
        .is_ok();
    Packed {
        bytes: Bytes::from(if is_gzip { bytes } else { body }),
        is_gzip,
    }
}

/// The receiver of one signal.
pub struct Receiver {
    otlp: Otlp,
    path: &'static str,
    is_away: bool,
}

impl Receiver {
    /// The one at this path.
    pub fn new(otlp: Otlp, path: &'static str) -> Receiver {
        Receiver {
            otlp,
            path,
            is_away: false,
        }
    }

    /// One try.
    pub async fn post(&mut self, shared: &Shared, body: Packed) -> Answer {
        let Some(request) = self.request(body) else {
            return Answer::Refused;
        };
        let outlet = Outlet {
            egress: &self.otlp.egress,
            ..Outlet::of(shared)
        };
        let asked = ask(outlet, &self.otlp.receiver, request, MAX_ANSWER, PATIENCE).await;
        let (answer, said) = match asked {
            Ok((status, headers, body)) => (read(status, &headers, &body), said(status, &body)),
            Err(error) => (Answer::Later(None), error.to_string()),
        };
        let said = shared.secrets.redactor().text_bounded(&said, MAX_SAID);
        let (path, said) = (self.path, said.as_str());
        match answer {
            Answer::Taken(rejected) => {
                if rejected > 0 {
                    tracing::warn!(
                        path,
                        rejected,
                        said,
                        "the OTLP receiver did not take everything"
                    );
                }
                if std::mem::take(&mut self.is_away) {
                    tracing::info!(path, "the OTLP receiver takes what it is sent again");
                }
            }
            Answer::Refused | Answer::Later(_) => {
                if !std::mem::replace(&mut self.is_away, true) {
                    tracing::warn!(
                        path,
                        said,
                        "the OTLP receiver takes nothing; what waits too long is let go, and counted"
                    );
                }
            }
        }
        answer
    }

    fn request(&self, body: Packed) -> Option<Request<Bytes>> {
        let mut request = Request::new(body.bytes);
        *request.method_mut() = Method::POST;
        let path = format!("{}{}", self.otlp.receiver.path_prefix, self.path);
        *request.uri_mut() = path.parse::<Uri>().ok()?;
        let headers = request.headers_mut();
        for (name, value) in [
            (header::CONTENT_TYPE, "application/x-protobuf"),
            (header::ACCEPT, "application/x-protobuf"),
            (header::ACCEPT_ENCODING, "identity"),
            (header::USER_AGENT, USER_AGENT),
        ] {
            headers.insert(name, HeaderValue::from_static(value));
        }
        if body.is_gzip {
            headers.insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        for (name, value) in &self.otlp.headers {
            headers.insert(name.clone(), value.clone());
        }
        Some(request)
    }
}

fn read(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Answer {
    match status.as_u16() {
        200..=299 => Answer::Taken(partial(body).map_or(0, |partial| partial.rejected)),
        429 | 502 | 503 | 504 => Answer::Later(retry_after(headers)),
        _ => Answer::Refused,
    }
}

/// What a receiver said, for the log.
fn said(status: StatusCode, body: &[u8]) -> String {
    match partial(body).filter(|_| status.is_success()) {
        Some(partial) => partial.message,
        None => format!("it answered {status}"),
    }
}

/// In seconds; a date is as if it had not been said.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get(header::RETRY_AFTER)?.to_str().ok()?;
    Some(Duration::from_secs(text.trim().parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, wait: Option<&'static str>) -> Answer {
        let mut headers = HeaderMap::new();
        if let Some(wait) = wait {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(wait));
        }
        let status = StatusCode::from_u16(status).unwrap_or_default();
        read(status, &headers, b"")
    }

    #[test]
    fn only_what_may_help_is_tried_again() {
        assert_eq!(answer(200, None), Answer::Taken(0));
        for status in [400, 401, 403, 404, 413, 500, 501, 302] {
            assert_eq!(answer(status, None), Answer::Refused, "{status}");
        }
        for status in [429, 502, 503, 504] {
            assert_eq!(answer(status, None), Answer::Later(None), "{status}");
        }
        let wait = Some(Duration::from_secs(7));
        assert_eq!(answer(503, Some("7")), Answer::Later(wait));
        assert_eq!(answer(503, Some("soon")), Answer::Later(None));
    }

    #[test]
    fn a_part_that_was_not_taken_is_counted() {
        let rejected_three = [0x0a, 0x02, 0x08, 0x03];
        assert_eq!(
            read(StatusCode::OK, &HeaderMap::new(), &rejected_three),
            Answer::Taken(3)
        );
    }
}
