//! Answers prepared at start: of a given size and number of events, at little cost per request.
//!
//! For benchmarks, where the simulator must not be what is measured. The generating endpoints are
//! served this way; the others as usual.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use waybill_model::protocol::{Endpoint, StreamFormat};

use crate::{
    ask::Ask,
    body::Prebuilt,
    outgoing::{Action, JSON, Outgoing, stream_type},
    provider::{self, Answer, headers, stream_format},
    reply::Reply,
    route::Route,
    seed::Seed,
    words::prose,
};

/// What is prepared.
#[derive(Debug, Clone)]
pub struct Fast {
    /// Size of a plain answer's text; the body is some hundred bytes more.
    pub text_bytes: usize,
    /// Content events of a stream.
    pub events: usize,
    /// Pause before each event but the first; zero sends all at once.
    pub pause: Duration,
}

/// A prepared answer per endpoint and format.
pub(crate) struct Prepared {
    plain: Vec<(Endpoint, HeaderMap, Bytes)>,
    streams: Vec<(StreamFormat, HeaderMap, Prebuilt)>,
}

/// What is prepared: path, the model that the answer names, and whether it is plain, streamed or both.
const PREPARED: &[(&str, &str, &[bool])] = &[
    ("/v1/messages", "claude-sonnet-4-5", &[false, true]),
    ("/v1/chat/completions", "gpt-5", &[false, true]),
    ("/v1/responses", "gpt-5", &[false, true]),
    (
        "/v1beta/models/gemini-2.5-flash:generateContent",
        "gemini-2.5-flash",
        &[false],
    ),
    (
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent?alt=sse",
        "gemini-2.5-flash",
        &[true],
    ),
    (
        "/v1beta/models/gemini-2.5-flash:streamGenerateContent",
        "gemini-2.5-flash",
        &[true],
    ),
];

impl Fast {
    /// Makes the answers.
    pub(crate) fn prepare(&self) -> Prepared {
        const WORDS_PER_EVENT: usize = 3;
        let mut prepared = Prepared {
            plain: Vec::new(),
            streams: Vec::new(),
        };
        let mut seed = Seed::new(1);
        let mut long = prose(&mut seed, self.text_bytes / 4 + 1);
        long.truncate(self.text_bytes);
        let words = prose(&mut seed, self.events * WORDS_PER_EVENT);
        let words: Vec<&str> = words
            .split(' ')
            .take(self.events * WORDS_PER_EVENT)
            .collect();
        let (long, streamed) = (long, words.join(" "));

        for (path, model, ways) in PREPARED {
            let uri = Uri::from_static(path);
            let Ok(route) = Route::read(&Method::POST, &uri, &HeaderMap::new()) else {
                continue;
            };
            for stream in *ways {
                let text = if *stream { &streamed } else { &long };
                let mut ask = Ask::without_body(&route);
                (ask.model, ask.stream) = ((*model).to_owned(), *stream);
                let reply = Reply {
                    text: text.clone(),
                    ..Reply::to(&ask)
                };
                let mut headers = headers::common(route.platform, "req_prepared");
                match provider::phrase(&route, &ask, &reply, 1_760_000_000, WORDS_PER_EVENT) {
                    Answer::Plain(body) => prepared.plain.push((route.endpoint, headers, body)),
                    Answer::Stream(format, frames) => {
                        headers.insert(
                            header::CONTENT_TYPE,
                            HeaderValue::from_static(stream_type(format)),
                        );
                        let events = frames.into_iter().map(|frame| frame.bytes).collect();
                        prepared.streams.push((
                            format,
                            headers,
                            Prebuilt {
                                events,
                                pause: self.pause,
                            },
                        ));
                    }
                }
            }
        }
        prepared
    }
}

impl Prepared {
    /// The prepared answer, if this endpoint has one.
    pub fn answer(&self, route: &Route, stream: bool) -> Option<Action> {
        if stream {
            let format = stream_format(route);
            let (_, headers, events) = self.streams.iter().find(|(known, ..)| *known == format)?;
            return Some(Action::Prebuilt(headers.clone(), events.clone()));
        }
        let (_, headers, body) = self
            .plain
            .iter()
            .find(|(known, ..)| *known == route.endpoint)?;
        Some(Action::Respond(Outgoing::whole(
            200,
            headers.clone(),
            JSON,
            body.clone(),
        )))
    }
}
