//! An answer on its way out: head and steps, and a good answer laid out as steps.
//!
//! Must not know: why an answer is what it is.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use waybill_model::protocol::StreamFormat;

use crate::{
    body::{Prebuilt, Step},
    line::Order,
    provider::{Answer, Frame},
};

/// A response before it is a response.
#[derive(Debug)]
pub struct Outgoing {
    /// The status.
    pub status: StatusCode,
    /// The headers.
    pub headers: HeaderMap,
    /// The body.
    pub steps: Vec<Step>,
    /// Whether the steps are the whole body, so that their length can be stated.
    pub exact: bool,
}

/// What happens to a request in the end.
#[derive(Debug)]
pub enum Action {
    /// It is answered.
    Respond(Outgoing),
    /// It is answered with shared events.
    Prebuilt(HeaderMap, Prebuilt),
    /// Its connection breaks.
    Break(Order),
    /// Nothing happens until the peer leaves.
    Silence,
    /// It is answered after this long.
    Later(Duration, Outgoing),
}

impl Outgoing {
    /// An answer with a whole body.
    pub fn whole(
        status: u16,
        mut headers: HeaderMap,
        content_type: &'static str,
        body: impl Into<Bytes>,
    ) -> Self {
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        Outgoing {
            status: status_code(status),
            headers,
            steps: vec![Step::Send(body.into())],
            exact: true,
        }
    }

    /// A good answer; a stream rests `pause` before each content frame but the first.
    pub fn good(answer: Answer, mut headers: HeaderMap, pause: Duration) -> Self {
        match answer {
            Answer::Plain(body) => Outgoing::whole(200, headers, JSON, body),
            Answer::Stream(format, frames) => {
                headers.insert(
                    header::CONTENT_TYPE,
                    HeaderValue::from_static(stream_type(format)),
                );
                headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
                Outgoing {
                    status: StatusCode::OK,
                    headers,
                    steps: paced(frames, pause),
                    exact: false,
                }
            }
        }
    }

    /// Sets headers, replacing those of the same name. What is no header is left out.
    pub fn set_headers<N: AsRef<str>, V: AsRef<str>>(
        &mut self,
        headers: impl IntoIterator<Item = (N, V)>,
    ) {
        for (name, value) in headers {
            let name = HeaderName::from_bytes(name.as_ref().as_bytes());
            let value = HeaderValue::from_str(value.as_ref());
            if let (Ok(name), Ok(value)) = (name, value) {
                self.headers.insert(name, value);
            }
        }
    }
}

/// `application/json`
pub const JSON: &str = "application/json";

/// The content type of a stream.
pub fn stream_type(format: StreamFormat) -> &'static str {
    match format {
        StreamFormat::AnthropicSse | StreamFormat::ChatSse | StreamFormat::ResponsesSse => {
            "text/event-stream; charset=utf-8"
        }
        StreamFormat::GeminiSse => "text/event-stream",
        StreamFormat::GeminiArray => "application/json; charset=UTF-8",
    }
}

/// Frames as steps, resting before each content frame but the first.
pub fn paced(frames: Vec<Frame>, pause: Duration) -> Vec<Step> {
    let mut steps = Vec::with_capacity(frames.len() * 2);
    let mut content_before = false;
    for frame in frames {
        if frame.content {
            if content_before && !pause.is_zero() {
                steps.push(Step::Pause(pause));
            }
            content_before = true;
        }
        steps.push(Step::Send(frame.bytes));
    }
    steps
}

/// A number as a status; what is none becomes 500.
pub fn status_code(status: u16) -> StatusCode {
    StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
}
