//! What each provider says: answers, streams and errors in its own words.
//!
//! Promises: pure functions; an answer is the same bytes for the same request.
//!
//! Must not know: faults, connections.

pub mod anthropic;
pub mod chat;
pub mod code_assist;
pub mod embeddings;
pub mod errors;
pub mod gemini;
pub mod headers;
pub mod models;
pub mod responses;
pub mod token;

use bytes::Bytes;
use serde::Serialize;
use waybill_model::protocol::{Endpoint, StreamFormat};

use crate::{ask::Ask, json::json, reply::Reply, route::Route};

/// One frame of a stream.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Its bytes, with what separates it from the next.
    pub bytes: Bytes,
    /// Whether it carries content: a piece of text, thinking or tool arguments. Lifecycle frames do not.
    pub content: bool,
}

impl Frame {
    /// A named event.
    pub fn event<T: Serialize + ?Sized>(name: &str, data: &T, content: bool) -> Frame {
        Frame {
            bytes: format!("event: {name}\ndata: {}\n\n", json(data)).into(),
            content,
        }
    }

    /// An event without a name.
    pub fn data<T: Serialize + ?Sized>(data: &T, content: bool) -> Frame {
        Frame {
            bytes: format!("data: {}\n\n", json(data)).into(),
            content,
        }
    }

    /// Anything else.
    pub fn raw(bytes: impl Into<Bytes>) -> Frame {
        Frame {
            bytes: bytes.into(),
            content: false,
        }
    }
}

/// A good answer's body.
#[derive(Debug, Clone)]
pub enum Answer {
    /// One JSON document.
    Plain(Bytes),
    /// Frames in order.
    Stream(StreamFormat, Vec<Frame>),
}

/// The frames a stream of an endpoint has.
pub fn stream_format(route: &Route) -> StreamFormat {
    match route.endpoint {
        Endpoint::ChatCompletions => StreamFormat::ChatSse,
        Endpoint::Responses => StreamFormat::ResponsesSse,
        Endpoint::StreamGenerateContent if route.alt_sse => StreamFormat::GeminiSse,
        Endpoint::StreamGenerateContent => StreamFormat::GeminiArray,
        Endpoint::Messages
        | Endpoint::CountTokens
        | Endpoint::Embeddings
        | Endpoint::GenerateContent
        | Endpoint::GeminiCountTokens
        | Endpoint::EmbedContent
        | Endpoint::Models => StreamFormat::AnthropicSse,
    }
}

/// The good answer to a request with a body; a stream has `words` words per frame.
pub fn answer(route: &Route, ask: &Ask, created: u64, words: usize) -> Answer {
    phrase(route, ask, &Reply::to(ask), created, words)
}

/// A reply in the words of the endpoint.
pub fn phrase(route: &Route, ask: &Ask, reply: &Reply, created: u64, words: usize) -> Answer {
    let plain = match (route.endpoint, ask.stream) {
        (Endpoint::Messages, false) => anthropic::message(ask, reply),
        (Endpoint::ChatCompletions, false) => chat::completion(ask, reply, created),
        (Endpoint::Responses, false) => responses::response(ask, reply, created),
        (Endpoint::GenerateContent, _) => gemini::response(route.platform, ask, reply),
        (Endpoint::CountTokens, _) => anthropic::count(ask),
        (Endpoint::GeminiCountTokens, _) => gemini::count(route.platform, ask),
        (Endpoint::Embeddings, _) => embeddings::openai(ask),
        (Endpoint::EmbedContent, _) => embeddings::gemini(ask, route.batch),
        (Endpoint::Models, _) => models::list(route),
        (Endpoint::Messages | Endpoint::ChatCompletions | Endpoint::Responses, true)
        | (Endpoint::StreamGenerateContent, _) => {
            let format = stream_format(route);
            let frames = match format {
                StreamFormat::AnthropicSse => anthropic::stream(ask, reply, words),
                StreamFormat::ChatSse => chat::stream(ask, reply, created, words),
                StreamFormat::ResponsesSse => responses::stream(ask, reply, created, words),
                StreamFormat::GeminiSse | StreamFormat::GeminiArray => {
                    gemini::stream(route.platform, ask, reply, words, format)
                }
            };
            return Answer::Stream(format, frames);
        }
    };
    Answer::Plain(plain.to_string().into())
}
