//! Which client endpoint a request line names, in which protocol, and where the path holds a model.
//!
//! Promises: one table says every path; an unknown path still gets a protocol, so that its refusal
//! has the shape its caller can read.
//!
//! Must not know: bodies, groups, accounts.

use std::ops::Range;

use http::{HeaderMap, Method};
use waybill_model::protocol::{Endpoint, Protocol, StreamFormat};

/// A request line that is one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised<'p> {
    /// What was asked for.
    pub endpoint: Endpoint,
    /// The language of the client.
    pub protocol: Protocol,
    /// The model as the path spells it (Gemini, and `GET …/models/{id}`), not percent-decoded.
    pub path_model: Option<&'p str>,
    /// Where in the path it stands, in bytes.
    pub path_model_span: Option<Range<usize>>,
}

/// A request line that is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unrecognised {
    /// The protocol whose error shape fits the path best.
    pub protocol: Protocol,
    /// What is wrong with it.
    pub why: Mismatch,
}

/// Why a request line is none of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mismatch {
    /// No such path: 404.
    NotFound,
    /// The path exists for another method: 405.
    MethodNotAllowed {
        /// For the `allow` header.
        allow: &'static str,
    },
}

/// A row of the table. `*` stands for one model name, which may contain slashes.
struct Route {
    method: &'static str,
    path: &'static str,
    protocol: Protocol,
    endpoint: Endpoint,
}

const fn post(path: &'static str, protocol: Protocol, endpoint: Endpoint) -> Route {
    Route {
        method: "POST",
        path,
        protocol,
        endpoint,
    }
}

const fn get(path: &'static str, protocol: Protocol) -> Route {
    Route {
        method: "GET",
        path,
        protocol,
        endpoint: Endpoint::Models,
    }
}

/// Every endpoint. The OpenAI ones also stand without `/v1`, where clients whose base URL ends before
/// it arrive; the first row that fits wins.
const ROUTES: &[Route] = &[
    post("/v1/messages", Protocol::Anthropic, Endpoint::Messages),
    post(
        "/v1/messages/count_tokens",
        Protocol::Anthropic,
        Endpoint::CountTokens,
    ),
    post(
        "/v1/chat/completions",
        Protocol::OpenAi,
        Endpoint::ChatCompletions,
    ),
    post(
        "/chat/completions",
        Protocol::OpenAi,
        Endpoint::ChatCompletions,
    ),
    post("/v1/responses", Protocol::OpenAi, Endpoint::Responses),
    post("/responses", Protocol::OpenAi, Endpoint::Responses),
    post("/v1/embeddings", Protocol::OpenAi, Endpoint::Embeddings),
    post("/embeddings", Protocol::OpenAi, Endpoint::Embeddings),
    post(
        "/v1beta/models/*:generateContent",
        Protocol::Gemini,
        Endpoint::GenerateContent,
    ),
    post(
        "/v1beta/models/*:streamGenerateContent",
        Protocol::Gemini,
        Endpoint::StreamGenerateContent,
    ),
    post(
        "/v1beta/models/*:countTokens",
        Protocol::Gemini,
        Endpoint::GeminiCountTokens,
    ),
    post(
        "/v1beta/models/*:embedContent",
        Protocol::Gemini,
        Endpoint::EmbedContent,
    ),
    post(
        "/v1beta/models/*:batchEmbedContents",
        Protocol::Gemini,
        Endpoint::EmbedContent,
    ),
    get("/v1/models", Protocol::OpenAi),
    get("/v1/models/*", Protocol::OpenAi),
    get("/models", Protocol::OpenAi),
    get("/models/*", Protocol::OpenAi),
    get("/v1beta/models", Protocol::Gemini),
    get("/v1beta/models/*", Protocol::Gemini),
];

/// The protocol of an unknown path, by prefix; OpenAI's error shape is the one most clients read.
const SHAPES: &[(&str, Protocol)] = &[
    ("/v1/messages", Protocol::Anthropic),
    ("/v1beta", Protocol::Gemini),
];

/// Finds the endpoint of a request line. `path` comes without the query.
///
/// Both Anthropic and OpenAI list models at `/v1/models`: a caller that sends `anthropic-version` is
/// Anthropic's.
pub fn recognise<'p>(
    method: &Method,
    path: &'p str,
    headers: &HeaderMap,
) -> Result<Recognised<'p>, Unrecognised> {
    let speaks_anthropic = headers.contains_key("anthropic-version");
    let protocol_of = |route: &Route| match route.endpoint {
        Endpoint::Models if speaks_anthropic && route.protocol == Protocol::OpenAi => {
            Protocol::Anthropic
        }
        _ => route.protocol,
    };
    let mut allow = None;
    for route in ROUTES {
        let Some(span) = fit(route.path, path) else {
            continue;
        };
        if route.method != method.as_str() {
            allow.get_or_insert((route.method, protocol_of(route)));
            continue;
        }
        let path_model_span = route.path.contains('*').then_some(span);
        return Ok(Recognised {
            endpoint: route.endpoint,
            protocol: protocol_of(route),
            path_model: path_model_span.clone().map(|span| &path[span]),
            path_model_span,
        });
    }
    Err(match allow {
        Some((allow, protocol)) => Unrecognised {
            protocol,
            why: Mismatch::MethodNotAllowed { allow },
        },
        None => Unrecognised {
            protocol: shape_of(path),
            why: Mismatch::NotFound,
        },
    })
}

/// How the answer to a request will be framed; `None` when it is one whole JSON document. `stream` is
/// what the body asked for; Gemini asks by path, and for SSE by `alt=sse` in the query.
pub fn stream_format(
    endpoint: Endpoint,
    stream: bool,
    query: Option<&str>,
) -> Option<StreamFormat> {
    match endpoint {
        Endpoint::Messages => stream.then_some(StreamFormat::AnthropicSse),
        Endpoint::ChatCompletions => stream.then_some(StreamFormat::ChatSse),
        Endpoint::Responses => stream.then_some(StreamFormat::ResponsesSse),
        Endpoint::StreamGenerateContent => {
            let sse = query.is_some_and(|q| {
                q.split('&')
                    .any(|pair| pair == "alt=sse" || pair == "%24alt=sse" || pair == "$alt=sse")
            });
            Some(if sse {
                StreamFormat::GeminiSse
            } else {
                StreamFormat::GeminiArray
            })
        }
        Endpoint::CountTokens
        | Endpoint::Embeddings
        | Endpoint::GenerateContent
        | Endpoint::GeminiCountTokens
        | Endpoint::EmbedContent
        | Endpoint::Models => None,
    }
}

/// Where `*` of the pattern falls in the path; an empty range when there is no `*`. `None`: no fit.
fn fit(pattern: &str, path: &str) -> Option<Range<usize>> {
    let Some((before, after)) = pattern.split_once('*') else {
        return (pattern == path).then_some(0..0);
    };
    let end = path.len().checked_sub(after.len())?;
    let fits = before.len() < end && path.starts_with(before) && path.ends_with(after);
    let span = before.len()..end;
    // A bare `GET …/models/{id}` must not swallow a method call of Gemini's, which ends in `:verb`.
    (fits && !path[span.clone()].contains(':')).then_some(span)
}

fn shape_of(path: &str) -> Protocol {
    SHAPES
        .iter()
        .find(|(prefix, _)| path.starts_with(prefix))
        .map_or(Protocol::OpenAi, |(_, protocol)| *protocol)
}
