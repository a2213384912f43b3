//! Which client endpoint a request line names, in which protocol, and where the path holds a model.
//!
//! Promises: one table says every path, one prefix that accounts of one platform are asked for; an unknown
//! path still gets a protocol, so that its refusal has the shape its caller can read.
//!
//! Must not know: bodies, groups, accounts.

use std::ops::Range;

use http::{HeaderMap, Method};
use waybill_model::protocol::{Endpoint, Platform, Protocol, StreamFormat};

/// A request line that is one of ours.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recognised<'p> {
    /// What was asked for.
    pub endpoint: Endpoint,
    /// The language of the client.
    pub protocol: Protocol,
    /// The platform whose accounts alone are asked for, by the path's prefix.
    pub only: Option<Platform>,
    /// The model as the path spells it (Gemini, and `GET …/models/{id}`), not percent-decoded.
    pub path_model: Option<&'p str>,
    /// Where in the path, prefix included, it stands, in bytes.
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

/// Whose client asks for an endpoint; `None` for lists of models, which several ask for.
pub fn protocol_of(endpoint: Endpoint) -> Option<Protocol> {
    let mut routes = ROUTES.iter();
    routes
        .find(|route| route.endpoint == endpoint && endpoint != Endpoint::Models)
        .map(|route| route.protocol)
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
    // Google's newest SDKs speak its stable version; they differ from others by their verbs.
    post(
        "/v1/models/*:generateContent",
        Protocol::Gemini,
        Endpoint::GenerateContent,
    ),
    post(
        "/v1/models/*:streamGenerateContent",
        Protocol::Gemini,
        Endpoint::StreamGenerateContent,
    ),
    post(
        "/v1/models/*:countTokens",
        Protocol::Gemini,
        Endpoint::GeminiCountTokens,
    ),
    post(
        "/v1/models/*:embedContent",
        Protocol::Gemini,
        Endpoint::EmbedContent,
    ),
    post(
        "/v1/models/*:batchEmbedContents",
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

/// What stands before the path where accounts of this platform alone are asked for.
const ANTIGRAVITY: &str = "/antigravity";

/// The platform that a path's prefix asks for, and the path behind it: what it would be without.
pub fn split_prefix(path: &str) -> (Option<Platform>, &str) {
    match path.strip_prefix(ANTIGRAVITY) {
        Some(rest) if rest.is_empty() || rest.starts_with('/') => {
            (Some(Platform::Antigravity), rest)
        }
        _ => (None, path),
    }
}

/// Whether an endpoint is there under a prefix. Antigravity has no models for vectors and no clients of
/// OpenAI's.
fn is_under(only: Option<Platform>, endpoint: Endpoint, protocol: Protocol) -> bool {
    match (only, protocol, endpoint) {
        (None, _, _) => true,
        (Some(_), Protocol::OpenAi, _) | (Some(_), _, Endpoint::EmbedContent) => false,
        (Some(_), Protocol::Anthropic | Protocol::Gemini, _) => true,
    }
}

/// Finds the endpoint of a request line. `path` comes without the query.
///
/// All three providers list models at `/v1/models`: a caller that sends `anthropic-version` is
/// Anthropic's, one that sends `x-goog-api-key` Gemini's; of the others, those under a prefix are
/// Anthropic's, and all else OpenAI's.
pub fn recognise<'p>(
    method: &Method,
    path: &'p str,
    headers: &HeaderMap,
) -> Result<Recognised<'p>, Unrecognised> {
    let (only, plain) = split_prefix(path);
    let prefix = path.len() - plain.len();
    let speaker = if headers.contains_key("anthropic-version") {
        Some(Protocol::Anthropic)
    } else if headers.contains_key("x-goog-api-key") {
        Some(Protocol::Gemini)
    } else {
        only.map(|_| Protocol::Anthropic)
    };
    let protocol_of = |route: &Route| match (route.endpoint, speaker) {
        (Endpoint::Models, Some(speaker)) if route.protocol == Protocol::OpenAi => speaker,
        _ => route.protocol,
    };
    let mut allow = None;
    for route in ROUTES {
        let Some(span) = fit(route, plain) else {
            continue;
        };
        // The list that OpenAI's clients ask for without a version is theirs alone.
        let is_versionless = route.protocol == Protocol::OpenAi && !route.path.starts_with("/v1");
        if !is_under(only, route.endpoint, protocol_of(route)) || only.is_some() && is_versionless {
            continue;
        }
        // A path that is a method call of Gemini's is not the name of a model.
        if route.method != method.as_str() || allow.is_some() {
            allow.get_or_insert((route.method, protocol_of(route)));
            continue;
        }
        let path_model_span = route
            .path
            .contains('*')
            .then_some(span.start + prefix..span.end + prefix);
        return Ok(Recognised {
            endpoint: route.endpoint,
            protocol: protocol_of(route),
            only,
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
            protocol: shape_of(plain),
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
fn fit(route: &Route, path: &str) -> Option<Range<usize>> {
    let Some((before, after)) = route.path.split_once('*') else {
        return (route.path == path).then_some(0..0);
    };
    let end = path.len().checked_sub(after.len())?;
    let fits = before.len() < end && path.starts_with(before) && path.ends_with(after);
    let span = before.len()..end;
    // A model of Gemini's has no colon, so what follows one is an unknown method; a fine-tuned model of
    // OpenAI's has several (`ft:gpt-…:org::id`).
    let may_have_colon = route.protocol == Protocol::OpenAi;
    let model = path.get(span.clone()).filter(|_| fits)?;
    (stays_in_place(model) && (may_have_colon || !model.contains(':'))).then_some(span)
}

/// Whether a model's name leads nowhere but to that model. A provider, or a proxy before it, that
/// resolves `..` would otherwise serve any path under the pool's credential.
pub(crate) fn stays_in_place(model: &str) -> bool {
    let lower = model.to_ascii_lowercase();
    let hides = ["%2e", "%2f", "%5c", "%00", "\\"]
        .iter()
        .any(|hidden| lower.contains(hidden));
    !hides
        && model
            .split('/')
            .all(|segment| !matches!(segment, "" | "." | ".."))
}

fn shape_of(path: &str) -> Protocol {
    SHAPES
        .iter()
        .find(|(prefix, _)| path.starts_with(prefix))
        .map_or(Protocol::OpenAi, |(_, protocol)| *protocol)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn on(method: Method, path: &str) -> Result<(Endpoint, Protocol, Option<&str>), Unrecognised> {
        recognise(&method, path, &HeaderMap::new())
            .map(|found| (found.endpoint, found.protocol, found.path_model))
    }

    #[test]
    fn a_model_that_leads_elsewhere_is_no_model() {
        for path in [
            "/v1/models/../files/file-x/content",
            "/v1/models/a/../../files",
            "/v1/models/%2e%2e/files",
            "/v1/models/a%2F..%2Ffiles",
            "/v1beta/models/../x:generateContent",
            "/v1/models//files",
        ] {
            let method = if path.ends_with("Content") {
                Method::POST
            } else {
                Method::GET
            };
            assert_eq!(
                on(method, path).unwrap_err().why,
                Mismatch::NotFound,
                "{path}"
            );
        }
        assert!(on(Method::GET, "/v1/models/publisher/model-1.5").is_ok());
    }

    #[test]
    fn a_fine_tuned_model_keeps_its_colons_and_a_method_call_is_no_model() {
        let path = "/v1/models/ft:gpt-4o-mini:acme::1";
        let found = on(Method::GET, path).unwrap();
        assert_eq!(found.2, Some("ft:gpt-4o-mini:acme::1"));
        let call = on(Method::GET, "/v1/models/gemini-x:generateContent").unwrap_err();
        assert_eq!(call.why, Mismatch::MethodNotAllowed { allow: "POST" });
    }

    #[test]
    fn every_client_endpoint_is_recognised() {
        use Protocol::*;
        let cases = [
            (
                Method::POST,
                "/v1/messages",
                Endpoint::Messages,
                Anthropic,
                None,
            ),
            (
                Method::POST,
                "/v1/messages/count_tokens",
                Endpoint::CountTokens,
                Anthropic,
                None,
            ),
            (
                Method::POST,
                "/v1/chat/completions",
                Endpoint::ChatCompletions,
                OpenAi,
                None,
            ),
            (
                Method::POST,
                "/chat/completions",
                Endpoint::ChatCompletions,
                OpenAi,
                None,
            ),
            (
                Method::POST,
                "/responses",
                Endpoint::Responses,
                OpenAi,
                None,
            ),
            (
                Method::POST,
                "/v1/responses",
                Endpoint::Responses,
                OpenAi,
                None,
            ),
            (
                Method::POST,
                "/v1/embeddings",
                Endpoint::Embeddings,
                OpenAi,
                None,
            ),
            (
                Method::POST,
                "/v1beta/models/gemini-x:generateContent",
                Endpoint::GenerateContent,
                Gemini,
                Some("gemini-x"),
            ),
            (
                Method::POST,
                "/v1beta/models/a/b:streamGenerateContent",
                Endpoint::StreamGenerateContent,
                Gemini,
                Some("a/b"),
            ),
            (
                Method::POST,
                "/v1beta/models/g:countTokens",
                Endpoint::GeminiCountTokens,
                Gemini,
                Some("g"),
            ),
            (
                Method::POST,
                "/v1beta/models/g:embedContent",
                Endpoint::EmbedContent,
                Gemini,
                Some("g"),
            ),
            (
                Method::POST,
                "/v1beta/models/g:batchEmbedContents",
                Endpoint::EmbedContent,
                Gemini,
                Some("g"),
            ),
            (Method::GET, "/v1/models", Endpoint::Models, OpenAi, None),
            (
                Method::GET,
                "/v1/models/org/model",
                Endpoint::Models,
                OpenAi,
                Some("org/model"),
            ),
            (
                Method::GET,
                "/v1beta/models",
                Endpoint::Models,
                Gemini,
                None,
            ),
            (
                Method::GET,
                "/v1beta/models/gemini-x",
                Endpoint::Models,
                Gemini,
                Some("gemini-x"),
            ),
        ];
        for (method, path, endpoint, protocol, model) in cases {
            assert_eq!(on(method, path), Ok((endpoint, protocol, model)), "{path}");
        }
    }

    #[test]
    fn the_span_of_a_model_is_its_place_in_the_path() {
        for path in [
            "/v1beta/models/gemini-x:generateContent",
            "/antigravity/v1beta/models/gemini-x:generateContent",
        ] {
            let found = recognise(&Method::POST, path, &HeaderMap::new()).unwrap();
            assert_eq!(found.path_model, Some("gemini-x"));
            assert_eq!(&path[found.path_model_span.unwrap()], "gemini-x");
        }
    }

    #[test]
    fn under_the_prefix_stand_the_endpoints_that_antigravity_can_serve() {
        use Protocol::*;
        let model = Some("gemini-x");
        for (method, path, endpoint, protocol, model) in [
            ("POST", "/v1/messages", Endpoint::Messages, Anthropic, None),
            (
                "POST",
                "/v1/messages/count_tokens",
                Endpoint::CountTokens,
                Anthropic,
                None,
            ),
            (
                "POST",
                "/v1beta/models/gemini-x:generateContent",
                Endpoint::GenerateContent,
                Gemini,
                model,
            ),
            (
                "POST",
                "/v1beta/models/gemini-x:streamGenerateContent",
                Endpoint::StreamGenerateContent,
                Gemini,
                model,
            ),
            (
                "POST",
                "/v1beta/models/gemini-x:countTokens",
                Endpoint::GeminiCountTokens,
                Gemini,
                model,
            ),
            (
                "POST",
                "/v1/models/gemini-x:generateContent",
                Endpoint::GenerateContent,
                Gemini,
                model,
            ),
            ("GET", "/v1/models", Endpoint::Models, Anthropic, None),
            (
                "GET",
                "/v1/models/gemini-x",
                Endpoint::Models,
                Anthropic,
                model,
            ),
            ("GET", "/v1beta/models", Endpoint::Models, Gemini, None),
            (
                "GET",
                "/v1beta/models/gemini-x",
                Endpoint::Models,
                Gemini,
                model,
            ),
        ] {
            let method = method.parse().unwrap();
            let path = format!("/antigravity{path}");
            let found = recognise(&method, &path, &HeaderMap::new()).unwrap();
            assert_eq!(found.only, Some(Platform::Antigravity), "{path}");
            assert_eq!(
                (found.endpoint, found.protocol, found.path_model),
                (endpoint, protocol, model),
                "{path}"
            );
        }
        let plain = recognise(&Method::POST, "/v1/messages", &HeaderMap::new()).unwrap();
        assert_eq!(plain.only, None);
        let google = HeaderMap::from_iter([(
            http::HeaderName::from_static("x-goog-api-key"),
            http::HeaderValue::from_static("k"),
        )]);
        let found = recognise(&Method::GET, "/antigravity/v1/models", &google).unwrap();
        assert_eq!(found.protocol, Gemini);
    }

    #[test]
    fn what_antigravity_cannot_serve_is_not_found_in_the_shape_of_the_rest_of_the_path() {
        use Protocol::*;
        for (path, protocol) in [
            ("/antigravity/v1/chat/completions", OpenAi),
            ("/antigravity/v1/responses", OpenAi),
            ("/antigravity/v1/embeddings", OpenAi),
            ("/antigravity/models", OpenAi),
            ("/antigravity/v1beta/models/g:embedContent", Gemini),
            ("/antigravity/v1beta/models/g:batchEmbedContents", Gemini),
            ("/antigravity/v1beta/cachedContents", Gemini),
            ("/antigravity/v1/messages/batches", Anthropic),
            ("/antigravity/antigravity/v1/messages", OpenAi),
            ("/antigravityv1/messages", OpenAi),
            ("/antigravity/", OpenAi),
            ("/antigravity", OpenAi),
        ] {
            let method = if path.ends_with("/models") {
                Method::GET
            } else {
                Method::POST
            };
            let why = Mismatch::NotFound;
            assert_eq!(
                on(method, path),
                Err(Unrecognised { protocol, why }),
                "{path}"
            );
        }
        let other_method = on(Method::GET, "/antigravity/v1/messages").unwrap_err();
        assert_eq!(
            other_method.why,
            Mismatch::MethodNotAllowed { allow: "POST" }
        );
        assert_eq!(other_method.protocol, Anthropic);
    }

    #[test]
    fn a_caller_that_names_an_anthropic_version_lists_anthropic_models() {
        let headers = HeaderMap::from_iter([(
            http::HeaderName::from_static("anthropic-version"),
            http::HeaderValue::from_static("2023-06-01"),
        )]);
        let protocol = |path| recognise(&Method::GET, path, &headers).unwrap().protocol;
        assert_eq!(protocol("/v1/models"), Protocol::Anthropic);
        assert_eq!(protocol("/v1/models/m"), Protocol::Anthropic);
        assert_eq!(protocol("/v1beta/models"), Protocol::Gemini);
    }

    #[test]
    fn an_unknown_path_still_gets_the_shape_of_its_likely_caller() {
        let cases = [
            ("/v1/messages/batches", Protocol::Anthropic),
            ("/v1beta/cachedContents", Protocol::Gemini),
            ("/v1beta/models/g:flyToTheMoon", Protocol::Gemini),
            ("/v1beta/models/:generateContent", Protocol::Gemini),
            ("/v1/images", Protocol::OpenAi),
            ("/", Protocol::OpenAi),
            ("", Protocol::OpenAi),
        ];
        for (path, protocol) in cases {
            assert_eq!(
                on(Method::POST, path),
                Err(Unrecognised {
                    protocol,
                    why: Mismatch::NotFound
                }),
                "{path}"
            );
        }
    }

    #[test]
    fn a_known_path_with_another_method_says_which_is_allowed() {
        let cases = [
            (Method::GET, "/v1/messages", Protocol::Anthropic, "POST"),
            (Method::POST, "/v1/models", Protocol::OpenAi, "GET"),
            (
                Method::GET,
                "/v1beta/models/g:generateContent",
                Protocol::Gemini,
                "POST",
            ),
        ];
        for (method, path, protocol, allow) in cases {
            let why = Mismatch::MethodNotAllowed { allow };
            assert_eq!(
                on(method, path),
                Err(Unrecognised { protocol, why }),
                "{path}"
            );
        }
    }

    #[test]
    fn the_format_of_a_stream_follows_from_endpoint_body_and_query() {
        use StreamFormat::*;
        let cases = [
            (Endpoint::Messages, true, None, Some(AnthropicSse)),
            (Endpoint::Messages, false, None, None),
            (Endpoint::ChatCompletions, true, None, Some(ChatSse)),
            (Endpoint::Responses, true, None, Some(ResponsesSse)),
            (Endpoint::Embeddings, true, None, None),
            (
                Endpoint::StreamGenerateContent,
                false,
                Some("key=k&alt=sse"),
                Some(GeminiSse),
            ),
            (
                Endpoint::StreamGenerateContent,
                false,
                Some("alt=json"),
                Some(GeminiArray),
            ),
            (
                Endpoint::StreamGenerateContent,
                false,
                None,
                Some(GeminiArray),
            ),
            (Endpoint::GenerateContent, true, Some("alt=sse"), None),
        ];
        for (endpoint, stream, query, format) in cases {
            assert_eq!(
                stream_format(endpoint, stream, query),
                format,
                "{endpoint} {query:?}"
            );
        }
    }

    #[test]
    fn geminis_methods_are_recognised_in_the_stable_and_in_the_beta_version() {
        for version in ["v1", "v1beta"] {
            let path = format!("/{version}/models/gemini-x:streamGenerateContent");
            let found = recognise(&Method::POST, &path, &HeaderMap::new()).unwrap();
            assert_eq!(
                (found.protocol, found.endpoint, found.path_model),
                (
                    Protocol::Gemini,
                    Endpoint::StreamGenerateContent,
                    Some("gemini-x")
                )
            );
        }
    }

    #[test]
    fn the_list_of_models_is_told_apart_by_the_headers_only_one_provider_uses() {
        for (header, protocol) in [
            ("authorization", Protocol::OpenAi),
            ("anthropic-version", Protocol::Anthropic),
            ("x-goog-api-key", Protocol::Gemini),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header, http::HeaderValue::from_static("value"));
            for path in ["/v1/models", "/v1/models/some-model"] {
                let found = recognise(&Method::GET, path, &headers).unwrap();
                assert_eq!(
                    (found.protocol, found.endpoint),
                    (protocol, Endpoint::Models)
                );
            }
        }
    }
}
