//! What a fault makes of an answer: one function from the fault and the good answer to an action.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use serde_json::Value;
use waybill_model::time::UnixMillis;

use crate::{
    ask::Ask,
    body::Step,
    fault::{Cut, Fault, Place, ProviderError},
    line::{Order, RawEnd, SETTLE},
    outgoing::{Action, JSON, Outgoing, paced, status_code},
    provider::{Answer, Frame, anthropic, errors, stream_format},
    route::Route,
};

/// The request a fault hits, and the answer it would have had.
pub struct Scene<'a> {
    /// The endpoint.
    pub route: &'a Route,
    /// The request, understood.
    pub ask: &'a Ask,
    /// The good answer.
    pub answer: Answer,
    /// The provider's headers of every answer.
    pub headers: HeaderMap,
    /// The rest before each content frame.
    pub pause: Duration,
    /// The presented credential.
    pub key: Option<&'a str>,
    /// The id of the request.
    pub request_id: &'a str,
    /// Now.
    pub now: UnixMillis,
}

/// What happens instead of the good answer.
pub fn apply(fault: &Fault, scene: Scene<'_>) -> Action {
    let common = scene.headers.clone();
    let plain =
        |status, content_type, body: Bytes| Outgoing::whole(status, common, content_type, body);
    match fault {
        Fault::Http {
            status,
            headers,
            body,
        } => {
            let (content_type, bytes) = match body {
                Value::Null => (JSON, Bytes::new()),
                Value::String(text) => ("text/plain; charset=utf-8", Bytes::from(text.clone())),
                json => (JSON, json.to_string().into()),
            };
            let mut out = plain(*status, content_type, bytes);
            out.set_headers(headers);
            Action::Respond(out)
        }
        Fault::Provider {
            error,
            retry_after_ms,
            echo_key,
            headers,
        } => {
            let said = scene.say(*error, *retry_after_ms, *echo_key);
            let mut out = plain(said.status, JSON, said.status_body(scene.route).into());
            out.set_headers(
                said.headers
                    .iter()
                    .map(|(name, value)| (*name, value.as_str())),
            );
            out.set_headers(headers);
            Action::Respond(out)
        }
        Fault::OkWithError { error } => {
            let said = scene.say(*error, None, false);
            Action::Respond(plain(200, JSON, said.body().to_string().into()))
        }
        Fault::StreamError { error, frames } => scene.stream_error(*error, *frames),
        Fault::Truncate { frames } => {
            let (head, _) = scene.split(*frames);
            scene.flowing(head)
        }
        Fault::Cut { how, at, frames } => scene.cut(*how, *at, *frames),
        Fault::Stall { at, for_ms, frames } => {
            scene.stall(*at, for_ms.map(Duration::from_millis), *frames)
        }
        Fault::Trickle { bytes, every_ms } => {
            scene.trickle((*bytes).max(1), Duration::from_millis(*every_ms))
        }
        Fault::Pings { count, every_ms } => scene.pings(*count, Duration::from_millis(*every_ms)),
        Fault::NotHttp => raw(
            b"\x16\x03\x01SSH-2.0-nothing you expected\r\n\x00\xff\xfe\r\n\r\n",
            RawEnd::Close,
        ),
        Fault::Garbage { frames } => {
            let (mut head, _) = scene.split(*frames);
            head.push(Step::Send(Bytes::from_static(
                b"\x00\x01}{ not the protocol \xff\xfe\n\n<<<>>>\n\n",
            )));
            scene.flowing(head)
        }
        Fault::Html { status } => {
            let page = "<!DOCTYPE html>\n<html><head><title>Just a moment...</title></head><body><h1>Bad gateway</h1><p>The web server reported an error.</p></body></html>\n";
            Action::Respond(plain(*status, "text/html; charset=UTF-8", page.into()))
        }
        Fault::Huge { mib, status } => Action::Respond(scene.huge(*mib, *status)),
        Fault::LongLength { extra } => scene.long_length(*extra),
        Fault::InvalidUtf8 { status } => scene.invalid_utf8(*status),
        Fault::Redirect { to, status } => {
            let mut out = plain(*status, "text/plain", Bytes::new());
            out.set_headers([("location", to)]);
            Action::Respond(out)
        }
    }
}

impl Scene<'_> {
    fn say(
        &self,
        error: ProviderError,
        retry_after_ms: Option<u64>,
        echo_key: bool,
    ) -> errors::Said {
        errors::say(
            error,
            &errors::Occasion {
                platform: self.route.platform,
                model: &self.ask.model,
                retry_after_ms,
                limit: None,
                echo_key: self.key.filter(|_| echo_key),
                request_id: self.request_id,
                now: self.now,
            },
        )
    }

    /// The steps of the good answer up to a place in its content, and the rest.
    fn split(&self, frames: usize) -> (Vec<Step>, Vec<Step>) {
        match &self.answer {
            Answer::Plain(body) => {
                let mut head = body.clone();
                let rest = head.split_off(if frames == 0 { 0 } else { head.len() / 2 });
                (vec![Step::Send(head)], vec![Step::Send(rest)])
            }
            Answer::Stream(_, all) => {
                let (head, rest) = all.split_at(place(all, frames));
                (
                    paced(head.to_vec(), self.pause),
                    paced(rest.to_vec(), self.pause),
                )
            }
        }
    }

    /// The good answer's head with other steps, ended cleanly as HTTP.
    fn flowing(self, steps: Vec<Step>) -> Action {
        Action::Respond(self.with_steps(steps))
    }

    fn with_steps(self, steps: Vec<Step>) -> Outgoing {
        Outgoing {
            steps,
            exact: false,
            ..Outgoing::good(self.answer, self.headers, self.pause)
        }
    }

    fn stream_error(self, error: ProviderError, frames: usize) -> Action {
        let said = self.say(error, None, false);
        let Answer::Stream(format, all) = &self.answer else {
            return Action::Respond(Outgoing::whole(
                200,
                self.headers,
                JSON,
                said.body().to_string(),
            ));
        };
        let before = place(all, frames);
        let mut head = all[..before].to_vec();
        head.extend(said.frames(*format, self.ask, self.now.0 as u64 / 1000, before as u64));
        let steps = paced(head, self.pause);
        self.flowing(steps)
    }

    fn cut(self, how: Cut, at: Place, frames: usize) -> Action {
        let (order, end) = match how {
            Cut::Reset => (Order::Reset, RawEnd::Reset),
            Cut::Close => (Order::Close, RawEnd::Close),
        };
        match at {
            Place::BeforeHeaders => Action::Break(order),
            Place::MidHeaders => raw(HALF_A_HEAD, end),
            Place::BeforeContent | Place::MidContent => {
                let length = self.plain_length();
                let (mut steps, _) = self.split(if at == Place::BeforeContent {
                    0
                } else {
                    frames.max(1)
                });
                steps.extend([Step::Pause(SETTLE), Step::Break(order)]);
                let mut out = self.with_steps(steps);
                out.headers.extend(length);
                Action::Respond(out)
            }
        }
    }

    fn stall(self, at: Place, pause: Option<Duration>, frames: usize) -> Action {
        match at {
            Place::BeforeHeaders => match pause {
                None => Action::Silence,
                Some(pause) => {
                    Action::Later(pause, Outgoing::good(self.answer, self.headers, self.pause))
                }
            },
            Place::MidHeaders => raw(HALF_A_HEAD, RawEnd::Stall),
            Place::BeforeContent | Place::MidContent => {
                let length = self.plain_length();
                let (mut steps, rest) = self.split(if at == Place::BeforeContent {
                    0
                } else {
                    frames.max(1)
                });
                match pause {
                    None => steps.push(Step::Stall),
                    Some(pause) => {
                        steps.push(Step::Pause(pause));
                        steps.extend(rest);
                    }
                }
                let mut out = self.with_steps(steps);
                out.headers.extend(length);
                Action::Respond(out)
            }
        }
    }

    fn trickle(self, bytes: usize, every: Duration) -> Action {
        let mut out = Outgoing::good(self.answer, self.headers, Duration::ZERO);
        out.steps = out
            .steps
            .iter()
            .flat_map(|step| match step {
                Step::Send(all) => (0..all.len())
                    .step_by(bytes)
                    .flat_map(|at| {
                        let piece = all.slice(at..(at + bytes).min(all.len()));
                        [Step::Send(piece), Step::Pause(every)]
                    })
                    .collect(),
                other => vec![other.clone()],
            })
            .collect();
        Action::Respond(out)
    }

    fn pings(self, count: u64, every: Duration) -> Action {
        let Answer::Stream(..) = &self.answer else {
            return Action::Respond(Outgoing::good(self.answer, self.headers, self.pause));
        };
        let ping = match stream_format(self.route) {
            waybill_model::protocol::StreamFormat::AnthropicSse => anthropic::ping(),
            waybill_model::protocol::StreamFormat::GeminiArray => Frame::raw(" "),
            waybill_model::protocol::StreamFormat::ChatSse
            | waybill_model::protocol::StreamFormat::ResponsesSse
            | waybill_model::protocol::StreamFormat::GeminiSse => Frame::raw(": keep-alive\n\n"),
        };
        let (mut steps, rest) = self.split(0);
        for _ in 0..count {
            steps.extend([Step::Pause(every), Step::Send(ping.bytes.clone())]);
        }
        steps.extend(rest);
        self.flowing(steps)
    }

    /// A document of one long string, in pieces of 64 KiB.
    fn huge(self, mib: u64, status: u16) -> Outgoing {
        const PIECE: &[u8] = &[b'x'; 64 * 1024];
        let mut out = Outgoing::whole(status, self.headers, JSON, Bytes::new());
        out.steps = vec![
            Step::Send(Bytes::from_static(
                b"{\"error\":{\"type\":\"api_error\",\"message\":\"",
            )),
            Step::Repeat(Bytes::from_static(PIECE), mib * 16),
            Step::Send(Bytes::from_static(b"\"}}")),
        ];
        out
    }

    fn long_length(self, extra: u64) -> Action {
        let mut out = Outgoing::good(self.answer, self.headers, Duration::ZERO);
        let length: usize = out
            .steps
            .iter()
            .map(|step| {
                if let Step::Send(bytes) = step {
                    bytes.len()
                } else {
                    0
                }
            })
            .sum();
        out.exact = false;
        out.headers.insert(
            header::CONTENT_LENGTH,
            HeaderValue::from(length as u64 + extra),
        );
        out.steps
            .extend([Step::Pause(SETTLE), Step::Break(Order::Close)]);
        Action::Respond(out)
    }

    fn invalid_utf8(self, status: u16) -> Action {
        const BROKEN: &[u8] = b"caf\xe9 \xf0\x9f\x98 \xff";
        let spoil = |bytes: &Bytes| {
            // Into the first longer string value, where a message or a text is.
            let at = memchr::memmem::find(bytes, b"e ").map_or(bytes.len() / 2, |at| at + 2);
            Bytes::from([&bytes[..at], BROKEN, &bytes[at..]].concat())
        };
        if status >= 400 {
            let body = self
                .say(ProviderError::Internal, None, false)
                .body()
                .to_string();
            return Action::Respond(Outgoing::whole(
                status,
                self.headers,
                JSON,
                spoil(&body.into()),
            ));
        }
        let answer = match self.answer {
            Answer::Plain(body) => Answer::Plain(spoil(&body)),
            Answer::Stream(format, mut frames) => {
                if let Some(first) = frames.iter_mut().find(|frame| frame.content) {
                    first.bytes = spoil(&first.bytes);
                }
                Answer::Stream(format, frames)
            }
        };
        let mut out = Outgoing::good(answer, self.headers, self.pause);
        out.status = status_code(status);
        Action::Respond(out)
    }

    /// The honest `content-length` of a plain answer, stated although the body will not be whole.
    fn plain_length(&self) -> HeaderMap {
        let mut headers = HeaderMap::new();
        if let Answer::Plain(body) = &self.answer {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
        }
        headers
    }
}

/// The first bytes of a head, as far as they came.
const HALF_A_HEAD: &[u8] = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\nx-request-";

fn raw(bytes: &'static [u8], end: RawEnd) -> Action {
    Action::Break(Order::Raw {
        pieces: vec![(Duration::ZERO, Bytes::from_static(bytes))],
        end,
    })
}

/// How many frames come before the content frame number `frames`, counted from 0; lifecycle frames
/// that follow the last of them are not among them, those before the first content are.
fn place(all: &[Frame], frames: usize) -> usize {
    let mut content = all
        .iter()
        .enumerate()
        .filter(|(_, frame)| frame.content)
        .map(|(at, _)| at);
    match frames {
        0 => content.next().unwrap_or(all.len()),
        n => content.nth(n - 1).map_or_else(
            || {
                all.iter()
                    .rposition(|frame| frame.content)
                    .map_or(all.len(), |last| last + 1)
            },
            |at| at + 1,
        ),
    }
}
