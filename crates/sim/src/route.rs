//! Which provider endpoint a request line means, and which credential it presents.
//!
//! Promises: looks at method, path, query and headers only, never at the body.

use http::{HeaderMap, Method, Uri, header};
use waybill_model::protocol::{Endpoint, Platform, Protocol};

/// What a request line asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Whose API.
    pub protocol: Protocol,
    /// Who is asked: Code Assist speaks Gemini's language in an envelope of its own.
    pub platform: Platform,
    /// A call about the account, to Code Assist.
    pub account: Option<AccountCall>,
    /// Which endpoint of it.
    pub endpoint: Endpoint,
    /// The model in the path (Gemini, and one model's description).
    pub path_model: Option<String>,
    /// `alt=sse` was asked for (Gemini).
    pub alt_sse: bool,
    /// `batchEmbedContents` instead of `embedContent`.
    pub batch: bool,
}

/// What Code Assist is asked about an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountCall {
    /// `:loadCodeAssist`
    Load,
    /// `:fetchAvailableModels`
    Models,
}

impl Route {
    /// Reads the request line. `Err` carries the protocol whose 404 is to be answered.
    pub fn read(method: &Method, uri: &Uri, headers: &HeaderMap) -> Result<Route, Protocol> {
        let path = uri.path();
        let found = match *method {
            Method::POST => post(path),
            Method::GET => models(path, headers),
            _ => None,
        };
        let mut route = found.ok_or_else(|| protocol_by_path(path, headers))?;
        route.alt_sse = query_value(uri, "alt") == Some("sse");
        Ok(route)
    }

    fn new(protocol: Protocol, endpoint: Endpoint) -> Self {
        Route {
            protocol,
            platform: protocol.native_platform(),
            account: None,
            endpoint,
            path_model: None,
            alt_sse: false,
            batch: false,
        }
    }
}

/// The key a client presents, in any of the ways the three SDK families use, and without `Bearer`.
pub fn credential<'a>(uri: &'a Uri, headers: &'a HeaderMap) -> Option<&'a str> {
    let header = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    header("x-api-key")
        .or_else(|| header("x-goog-api-key"))
        .or_else(|| {
            let value = header(header::AUTHORIZATION.as_str())?;
            Some(
                value
                    .strip_prefix("Bearer ")
                    .or_else(|| value.strip_prefix("bearer "))
                    .unwrap_or(value),
            )
        })
        .or_else(|| query_value(uri, "key"))
}

/// The token that Code Assist takes, and nothing else.
pub fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then_some(token)
}

fn code_assist(path: &str) -> Option<Route> {
    let (endpoint, account) = match path.strip_prefix("/v1internal:")? {
        "generateContent" => (Endpoint::GenerateContent, None),
        "streamGenerateContent" => (Endpoint::StreamGenerateContent, None),
        "countTokens" => (Endpoint::GeminiCountTokens, None),
        "loadCodeAssist" => (Endpoint::Models, Some(AccountCall::Load)),
        "fetchAvailableModels" => (Endpoint::Models, Some(AccountCall::Models)),
        _ => return None,
    };
    Some(Route {
        platform: Platform::Antigravity,
        account,
        ..Route::new(Protocol::Gemini, endpoint)
    })
}

fn post(path: &str) -> Option<Route> {
    if let Some(route) = code_assist(path) {
        return Some(route);
    }
    let fixed = match path {
        "/v1/messages" => Some((Protocol::Anthropic, Endpoint::Messages)),
        "/v1/messages/count_tokens" => Some((Protocol::Anthropic, Endpoint::CountTokens)),
        "/v1/chat/completions" => Some((Protocol::OpenAi, Endpoint::ChatCompletions)),
        "/v1/responses" => Some((Protocol::OpenAi, Endpoint::Responses)),
        "/v1/embeddings" => Some((Protocol::OpenAi, Endpoint::Embeddings)),
        _ => None,
    };
    if let Some((protocol, endpoint)) = fixed {
        return Some(Route::new(protocol, endpoint));
    }
    let (model, action) = gemini_models(path)?.rsplit_once(':')?;
    let endpoint = match action {
        "generateContent" => Endpoint::GenerateContent,
        "streamGenerateContent" => Endpoint::StreamGenerateContent,
        "countTokens" => Endpoint::GeminiCountTokens,
        "embedContent" | "batchEmbedContents" => Endpoint::EmbedContent,
        _ => return None,
    };
    Some(Route {
        path_model: Some(model.to_owned()),
        batch: action == "batchEmbedContents",
        ..Route::new(Protocol::Gemini, endpoint)
    })
}

fn models(path: &str, headers: &HeaderMap) -> Option<Route> {
    let (protocol, rest) = match path.strip_prefix("/v1beta/models") {
        Some(rest) => (Protocol::Gemini, rest),
        None => (
            protocol_by_path(path, headers),
            path.strip_prefix("/v1/models")?,
        ),
    };
    let path_model = match rest.strip_prefix('/') {
        Some(model) if !model.is_empty() => Some(model.to_owned()),
        None if rest.is_empty() => None,
        _ => return None,
    };
    Some(Route {
        path_model,
        ..Route::new(protocol, Endpoint::Models)
    })
}

fn gemini_models(path: &str) -> Option<&str> {
    path.strip_prefix("/v1beta/models/")
        .or_else(|| path.strip_prefix("/v1/models/"))
}

/// `/v1` belongs to two providers; the headers only one of them uses tell which is meant.
fn protocol_by_path(path: &str, headers: &HeaderMap) -> Protocol {
    if path.starts_with("/v1beta")
        || path.starts_with("/v1internal")
        || headers.contains_key("x-goog-api-key")
    {
        Protocol::Gemini
    } else if path.starts_with("/v1/messages")
        || headers.contains_key("anthropic-version")
        || headers.contains_key("x-api-key")
    {
        Protocol::Anthropic
    } else {
        Protocol::OpenAi
    }
}

fn query_value<'a>(uri: &'a Uri, name: &str) -> Option<&'a str> {
    uri.query()?
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}
