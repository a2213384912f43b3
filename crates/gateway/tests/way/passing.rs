//! What passes through, and what must not: bytes, headers, queries, models, encodings, versions.

use crate::support::{
    self, CLIENT_KEY, Setup, World, chat, generate, http2_client, key_of, message, raw::Wire,
    response, send,
};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use waybill_sim::{Encoding, Fault, Received, Rule};

/// What the provider was sent last.
#[track_caller]
fn last(world: &World) -> Received {
    world
        .sim
        .received()
        .pop()
        .expect("the provider was sent something")
}

/// A path as the provider knows it.
fn with_version(path: &str) -> String {
    let version = if path.starts_with("/v1") { "" } else { "/v1" };
    format!("{version}{path}")
}

/// Every endpoint with a body.
fn endpoints() -> Vec<(&'static str, String, &'static str)> {
    let embed = json!({"content": {"parts": [{"text": "Some text."}]}}).to_string();
    let batch = json!({"requests": [
        {"model": "models/gemini-embedding-001", "content": {"parts": [{"text": "Some text."}]}},
    ]});
    vec![
        ("/v1/messages", message(false), "a1"),
        ("/v1/messages?beta=true", message(true), "a1"),
        (
            "/v1/messages/count_tokens",
            message(false).replace("\"max_tokens\":64,", ""),
            "a1",
        ),
        ("/v1/chat/completions", chat(false), "o1"),
        ("/v1/chat/completions", chat(true), "o1"),
        ("/v1/responses", response(true), "o1"),
        (
            "/v1/embeddings",
            json!({"model": "text-embedding-3-small", "input": "Some text."}).to_string(),
            "o1",
        ),
        (
            "/v1beta/models/gemini-2.5-pro:generateContent",
            generate(),
            "g1",
        ),
        (
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
            generate(),
            "g1",
        ),
        (
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
            generate(),
            "g1",
        ),
        (
            "/v1beta/models/gemini-2.5-pro:countTokens",
            generate(),
            "g1",
        ),
        (
            "/v1beta/models/gemini-embedding-001:embedContent",
            embed,
            "g1",
        ),
        (
            "/v1beta/models/gemini-embedding-001:batchEmbedContents",
            batch.to_string(),
            "g1",
        ),
        (
            "/v1/models/gemini-2.5-pro:generateContent",
            generate(),
            "g1",
        ),
        (
            "/v1/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
            generate(),
            "g1",
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_endpoint_reaches_its_provider_with_path_query_and_body_as_they_came() {
    let world = World::new().await;
    for (path, body, account) in endpoints() {
        // Odd spacing, unknown fields, escapes and number forms: nothing may be written anew.
        let odd = r#", "x_unknown" : {"deep":[1.0, 1e3, "\u00e9\/"]} ,"temperature":1.00}"#;
        let body = format!(" \n{}{odd}\t", body.strip_suffix('}').unwrap());
        let path = format!(
            "{path}{}x-unknown=a%20b&empty=",
            if path.contains('?') { '&' } else { '?' }
        );
        let answer = world.post(&path, body.clone()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(answer.header("x-waybill-attempts"), Some("1"), "{path}");
        let sent = last(&world);
        assert_eq!(
            (sent.method.as_str(), sent.path.as_str()),
            ("POST", path.as_str())
        );
        assert_eq!(
            sent.body,
            body.as_bytes(),
            "{path}: {}",
            String::from_utf8_lossy(&sent.body)
        );
        assert_eq!(sent.key.as_deref(), Some(&*key_of(account)), "{path}");
        assert_eq!(
            sent.header("host"),
            Some(world.sim.address().to_string().as_str()),
            "{path}"
        );
        assert_eq!(
            sent.header("content-length"),
            Some(body.len().to_string().as_str()),
            "{path}"
        );
    }
    // Clients whose base URL ends before the version; the provider knows the path with it.
    for (path, body) in [
        ("/responses", response(false)),
        ("/chat/completions", chat(true)),
    ] {
        let answer = world.post(path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert_eq!(last(&world).path, format!("/v1{path}"));
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn models_are_listed_and_described_by_the_provider_of_the_callers_protocol() {
    let world = World::new().await;
    for (path, header, first) in [
        (
            "/v1/models",
            Some(("anthropic-version", "2023-06-01")),
            "/data/0/display_name",
        ),
        (
            "/v1/models?limit=5",
            Some(("anthropic-version", "2023-06-01")),
            "/data/0/display_name",
        ),
        ("/v1/models", None, "/data/0/owned_by"),
        ("/v1/models/gpt-5", None, "/owned_by"),
        ("/models?x=y", None, "/data/0/owned_by"),
        ("/models/gpt-5", None, "/owned_by"),
        ("/v1beta/models?pageSize=2", None, "/models/0/displayName"),
        ("/v1beta/models/gemini-2.5-pro", None, "/displayName"),
    ] {
        let mut request = Request::get(format!("{}{path}", world.url))
            .header("authorization", format!("Bearer {CLIENT_KEY}"));
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        let answer = world.send(request.body(Full::default()).unwrap()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        assert!(
            answer.json().pointer(first).is_some_and(Value::is_string),
            "{path}: {}",
            answer.text()
        );
        assert_eq!(
            (last(&world).method.as_str(), last(&world).path.as_str()),
            ("GET", with_version(path).as_str())
        );
        let row = world.request_row(answer.request_id()).await;
        assert_eq!(row["endpoint"], "models", "{path}: {row}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn headers_that_matter_pass_and_those_of_the_hop_and_of_the_client_do_not() {
    let world = World::new().await;
    let passed = [
        (
            "anthropic-beta",
            "context-1m-2025-08-07,fine-grained-tool-streaming-2025-05-14",
        ),
        ("anthropic-version", "2023-06-01"),
        ("openai-organization", "org-1"),
        ("openai-project", "proj-1"),
        ("openai-beta", "responses=v1"),
        ("x-goog-api-client", "google-genai-sdk/1.0 gl-python/3.13"),
        ("x-goog-user-project", "p"),
        ("user-agent", "Anthropic/Python 1.0"),
        ("x-stainless-retry-count", "0"),
        ("idempotency-key", "abc"),
        ("x-foo", "bar"),
        ("accept", "text/event-stream"),
    ];
    let withheld = [
        ("x-api-key", CLIENT_KEY),
        ("x-goog-api-key", CLIENT_KEY),
        ("api-key", CLIENT_KEY),
        ("authorization", "Bearer client-key-for-tests-0123456789"),
        ("proxy-authorization", "Basic abc"),
        ("cookie", "session=abc"),
        ("x-forwarded-for", "10.0.0.1"),
        ("forwarded", "for=10.0.0.1"),
        ("x-real-ip", "10.0.0.1"),
        ("connection", "keep-alive, x-hop"),
        ("x-hop", "for this hop"),
        ("keep-alive", "timeout=5"),
        ("te", "trailers"),
        ("upgrade", "websocket"),
        ("accept-encoding", "gzip, br"),
        ("x-waybill-anything", "ours"),
    ];
    for (path, body, account) in endpoints() {
        let mut text = format!(
            "POST {path} HTTP/1.1\r\nhost: gateway\r\ncontent-length: {}\r\n",
            body.len()
        );
        for (name, value) in passed.iter().chain(&withheld) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        let mut wire = Wire::to(&world.url).await;
        wire.send(format!(
            "{text}content-type: application/json\r\n\r\n{body}"
        ))
        .await;
        while wire.byte().await.expect("an answer") != b'\n' {}
        drop(wire);

        let sent = last(&world);
        assert_eq!(sent.path, path);
        for (name, value) in passed {
            assert_eq!(sent.header(name), Some(value), "{path}: {name}: {sent:?}");
        }
        for (name, value) in withheld {
            let seen = sent
                .headers
                .iter()
                .find(|(known, seen)| known == name && seen == value);
            assert_eq!(seen, None, "{path}: {name}");
        }
        assert!(
            !sent
                .headers
                .iter()
                .any(|(_, value)| value.contains(CLIENT_KEY)),
            "{path}: {sent:?}"
        );
        assert!(
            !sent
                .headers
                .iter()
                .any(|(name, _)| name.starts_with("x-waybill")),
            "{path}: {sent:?}"
        );
        let credentials: Vec<_> = ["x-api-key", "x-goog-api-key", "authorization", "api-key"]
            .iter()
            .filter_map(|name| sent.header(name))
            .map(|value| value.trim_start_matches("Bearer ").to_owned())
            .collect();
        assert_eq!(
            credentials,
            [key_of(account)],
            "{path}: the account's own credential, once"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_key_is_taken_however_an_sdk_sends_it_and_never_reaches_the_provider_in_the_query() {
    let world = World::new().await;
    let bearer = format!("bearer  {CLIENT_KEY}");
    for (name, value) in [
        ("x-api-key", CLIENT_KEY),
        ("x-goog-api-key", CLIENT_KEY),
        ("api-key", CLIENT_KEY),
        ("authorization", bearer.as_str()),
    ] {
        let request = Request::post(format!("{}/v1/messages", world.url))
            .header("anthropic-version", "2023-06-01")
            .header(name, value);
        let answer = world
            .send(request.body(Full::from(message(false))).unwrap())
            .await;
        assert_eq!(answer.status, 200, "{name}: {}", answer.text());
    }
    for query in [
        "key={}",
        "key={}&alt=sse",
        "alt=sse&key={}",
        "$alt=json;enum-encoding=int&key={}",
    ] {
        let (query, rest) = (
            query.replace("{}", CLIENT_KEY),
            query.replace("&key={}", "").replace("key={}&", ""),
        );
        let path = "/v1beta/models/gemini-2.5-pro:streamGenerateContent";
        let request = Request::post(format!("{}{path}?{query}", world.url));
        let answer = world
            .send(request.body(Full::from(generate())).unwrap())
            .await;
        assert_eq!(answer.status, 200, "{query}: {}", answer.text());
        let rest = if rest == "key={}" {
            String::new()
        } else {
            format!("?{rest}")
        };
        assert_eq!(last(&world).path, format!("{path}{rest}"));
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_model_is_renamed_by_group_then_account_and_nothing_else_of_the_body_changes() {
    let rest = format!(
        r#"
[[group]]
name = "mapped"
platform = "openai"
model_mapping = {{ "gpt-5*" = "five", "gpt-5-mini" = "mini", "fast" = "gpt-4.1" }}

[[account]]
name = "m1"
platform = "openai"
groups = ["mapped"]
base_url = "{{providers}}"
credential = {{ api_key = "{}" }}
model_mapping = {{ "five" = "five-at-m1", "m*" = "m-wild", "a/b" = "c+d" }}

[[group]]
name = "mapped-gemini"
platform = "gemini"
model_mapping = {{ "gemini-2.5*" = "gemini-3" }}

[[account]]
name = "m2"
platform = "gemini"
groups = ["mapped-gemini"]
base_url = "{{providers}}"
credential = {{ api_key = "{}" }}

[[api_key]]
name = "mapped"
key = "another-client-key-0123456789"
groups = ["mapped", "mapped-gemini"]
"#,
        key_of("o9"),
        key_of("g9")
    );
    let world = World::with(Setup {
        rest,
        ..Setup::default()
    })
    .await;
    let ask = async |path: &str, body: String| {
        let request = Request::post(format!("{}{path}", world.url))
            .header("api-key", "another-client-key-0123456789");
        let answer = world.send(request.body(Full::from(body)).unwrap()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        (last(&world), answer)
    };
    for (asked, sent_as) in [
        ("gpt-5", "five-at-m1"),
        ("gpt-5-pro", "five-at-m1"),
        ("gpt-5-mini", "m-wild"),
        ("fast", "gpt-4.1"),
        ("mistral", "m-wild"),
        ("gpt-4o", "gpt-4o"),
        ("a/b", "c+d"),
    ] {
        let body = |model: &str| {
            format!(
                r#"{{"messages":[{{"role":"user","content":"model \"model\": \"{asked}\""}}],  "model" :"{model}","x":[1.0]}}"#
            )
        };
        let (sent, answer) = ask("/v1/chat/completions", body(asked)).await;
        assert_eq!(
            sent.body,
            body(sent_as).as_bytes(),
            "{asked}: {}",
            String::from_utf8_lossy(&sent.body)
        );
        let row = world.request_row(answer.request_id()).await;
        assert_eq!(
            row["model"], asked,
            "the record names the model the client named"
        );
    }
    let (sent, _) = ask(
        "/v1beta/models/gemini-2.5-pro:generateContent?x=gemini-2.5-pro",
        generate(),
    )
    .await;
    assert_eq!(
        sent.path,
        "/v1beta/models/gemini-3:generateContent?x=gemini-2.5-pro"
    );
    assert_eq!(sent.body, generate().as_bytes());

    world.sim.script(Rule::new(Fault::http(500, json!({}))));
    let request = Request::post(format!("{}/v1/chat/completions", world.url))
        .header("api-key", "another-client-key-0123456789");
    let answer = world
        .send(request.body(Full::from(chat(false))).unwrap())
        .await;
    let events = world.events_of(answer.request_id()).await;
    assert_eq!(
        events[0]["model"], "five-at-m1",
        "the attempt names the model the provider was sent: {events:?}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_providers_headers_pass_but_for_those_of_the_hop_and_of_the_pool() {
    let world = World::new().await;
    let headers = [
        ("x-passed", "yes"),
        ("retry-after", "3"),
        ("anthropic-ratelimit-requests-remaining", "7"),
        ("content-type", "application/json; charset=utf-8"),
        ("set-cookie", "__cf_bm=abc; path=/"),
        ("alt-svc", "h3=\":443\""),
        ("openai-organization", "the-operators"),
        ("anthropic-organization-id", "0000"),
        ("keep-alive", "timeout=5"),
        ("connection", "keep-alive, x-hop"),
        ("x-hop", "for this hop"),
        ("x-waybill-attempts", "99"),
        ("x-waybill-error-source", "client"),
    ];
    let headers = headers.map(|(name, value)| (name.to_owned(), value.to_owned()));
    for (status, body) in [
        (200, json!({"ok": true})),
        (400, json!({"error": {"message": "No."}})),
    ] {
        world.sim.clear_script();
        world.sim.script(Rule::new(Fault::Http {
            status,
            headers: headers.clone().into(),
            body,
        }));
        let answer = world.post("/v1/messages", message(false)).await;
        assert_eq!(answer.status.as_u16(), status);
        for (name, value) in &headers[..4] {
            assert_eq!(answer.header(name), Some(value.as_str()), "{name}");
        }
        for (name, value) in &headers[4..] {
            assert_ne!(answer.header(name), Some(value.as_str()), "{name}");
        }
        assert!(
            answer
                .header("request-id")
                .is_some_and(|id| id.starts_with("req_")),
            "{answer:?}"
        );
        assert_eq!(answer.header("x-waybill-attempts"), Some("1"));
        assert_eq!(
            answer
                .headers
                .get_all("x-waybill-error-source")
                .iter()
                .count(),
            usize::from(status == 400)
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn compressed_answers_arrive_plain_and_their_streams_are_understood() {
    let world = World::new().await;
    for (path, body, account) in endpoints() {
        let plain = world.post(path, body.clone()).await;
        for encoding in [
            Encoding::Gzip,
            Encoding::Deflate,
            Encoding::Br,
            Encoding::Zstd,
        ] {
            world.sim.clear_script();
            world.sim.script(
                Rule {
                    key: Some(key_of(account)),
                    ..Rule::healthy()
                }
                .encoding(encoding),
            );
            let answer = world.post(path, body.clone()).await;
            let story = format!("{path} {encoding:?}: {}", answer.text());
            assert_eq!(
                (answer.status.as_u16(), answer.broken),
                (200, false),
                "{story}"
            );
            assert_eq!(answer.header("x-waybill-attempts"), Some("1"), "{story}");
            assert_eq!(answer.header("content-encoding"), None, "{story}");
            assert_eq!(answer.body.len(), plain.body.len(), "{story}");
            let (compressed, known) = (
                world.request_row(answer.request_id()).await,
                world.request_row(plain.request_id()).await,
            );
            assert_eq!(
                compressed["output_tokens"], known["output_tokens"],
                "{story}"
            );
        }
        world.sim.clear_script();
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_compressed_error_is_read_and_passed_on_plain() {
    let world = World::new().await;
    for encoding in [
        Encoding::Gzip,
        Encoding::Deflate,
        Encoding::Br,
        Encoding::Zstd,
    ] {
        world.sim.clear_script();
        world.sim.script(
            Rule::new(Fault::provider(waybill_sim::ProviderError::ContextLength))
                .encoding(encoding),
        );
        let answer = world.post("/v1/messages", message(true)).await;
        assert_eq!(
            (answer.status.as_u16(), answer.header("content-encoding")),
            (400, None),
            "{encoding:?}"
        );
        assert!(
            support::told("/v1/messages", &answer)
                .1
                .starts_with("prompt is too long"),
            "{encoding:?}"
        );
        assert_eq!(
            world.error(answer.request_id()).await["cause"],
            "context_length",
            "{encoding:?}"
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn both_sides_speak_http_1_and_http_2() {
    let rest = format!(
        "[[account]]\nname = \"h2\"\nplatform = \"openai\"\ngroups = [\"gpt\"]\nbase_url = \"{{providers}}\"\n\
         credential = {{ api_key = \"{}\" }}\npriority = 0\nhttp_version = \"2\"",
        key_of("o0")
    );
    let world = World::with(Setup {
        rest,
        ..Setup::default()
    })
    .await;
    let http2 = http2_client();
    for (path, body, _) in endpoints() {
        for client_speaks_2 in [false, true] {
            let mut request = world.request(Method::POST, path, body.clone());
            let answer = if client_speaks_2 {
                *request.version_mut() = http::Version::HTTP_2;
                send(&http2, request).await
            } else {
                world.send(request).await
            };
            let story = format!("{path} {client_speaks_2}: {}", answer.text());
            assert_eq!(
                (answer.status.as_u16(), answer.broken),
                (200, false),
                "{story}"
            );
            let sent = last(&world);
            let is_2 = sent.key == Some(key_of("o0"));
            assert_eq!(
                sent.version,
                if is_2 { "HTTP/2.0" } else { "HTTP/1.1" },
                "{story}"
            );
            assert_eq!(
                is_2,
                support::protocol_of(path) == "openai" && !path.contains("gemini"),
                "{story}"
            );
            assert_eq!(sent.body, body.as_bytes(), "{story}");
        }
    }
    // Failures, too: each side's error is whole on the other.
    world.sim.script(Rule::new(Fault::provider(
        waybill_sim::ProviderError::ContextLength,
    )));
    let mut request = world.request(Method::POST, "/v1/chat/completions", chat(true));
    *request.version_mut() = http::Version::HTTP_2;
    let answer = send(&http2, request).await;
    assert_eq!(answer.status, 400, "{}", answer.text());
    assert_eq!(answer.json()["error"]["code"], "context_length_exceeded");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_base_url_may_have_a_path_of_its_own() {
    let rest = format!(
        "[[account]]\nname = \"prefixed\"\nplatform = \"openai\"\ngroups = [\"gpt\"]\nbase_url = \"{{providers}}/some/proxy/\"\n\
         credential = {{ api_key = \"{}\" }}\npriority = 0",
        key_of("o0")
    );
    let world = World::with(Setup {
        rest,
        ..Setup::default()
    })
    .await;
    let answer = world.post("/v1/chat/completions?a=b", chat(false)).await;
    let sent: Vec<_> = world
        .sim
        .received()
        .into_iter()
        .map(|sent| sent.path)
        .collect();
    assert_eq!(
        sent[0],
        "/some/proxy/v1/chat/completions?a=b",
        "{sent:?} {}",
        answer.text()
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn many_requests_share_one_connection_and_do_not_mix() {
    let world = World::new().await;
    let http2 = http2_client();
    let one = async |n: usize| {
        let body = message(false).replace("Say something.", &"word ".repeat(n + 1));
        let mut request = world.request(Method::POST, "/v1/messages", body);
        *request.version_mut() = http::Version::HTTP_2;
        let answer = send(&http2, request).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        answer.json()["usage"]["input_tokens"].as_u64().unwrap()
    };
    let alone: Vec<u64> = {
        let mut all = Vec::new();
        for n in 0..50 {
            all.push(one(n).await);
        }
        all
    };
    let together = futures_util::future::join_all((0..50).map(one)).await;
    assert_eq!(alone, together);
    assert!(alone.last() > alone.first());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_body_passes_whole() {
    let world = World::new().await;
    let body = message(false).replace(
        "Say something.",
        &"All work and no play. ".repeat(1_000_000),
    );
    assert!(body.len() > 20 << 20);
    let answer = world.post("/v1/messages", Bytes::from(body.clone())).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert!(last(&world).body == body.as_bytes());
    world.stop().await;
}
