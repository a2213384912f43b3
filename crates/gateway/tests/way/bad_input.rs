//! What clients should not send: each gets a clear error in its protocol's shape, at a bounded cost,
//! and leaves the right record.

use crate::support::{
    Answer, CLIENT_KEY, Setup, World, chat, eventually, generate, message, raw::Wire, response,
    told,
};
use bytes::Bytes;
use http::{Method, Request};
use http_body_util::Full;
use serde_json::Value;
use waybill_sim::{Fault, Rule};

/// Every endpoint that names its model in the body.
const PATHS: [&str; 5] = [
    "/v1/messages",
    "/v1/messages/count_tokens",
    "/v1/chat/completions",
    "/v1/responses",
    "/v1/embeddings",
];

const GEMINI: &str = "/v1beta/models/gemini-2.5-pro:generateContent";

/// Checks an error of ours: its status, type, and marks.
#[track_caller]
fn refused(path: &str, answer: &Answer, status: u16, code: &str, source: &str) -> String {
    let story = format!("{path}: {} {}", answer.status, answer.text());
    assert_eq!(answer.status, status, "{story}");
    let (kind, says) = told(path, answer);
    assert_eq!(kind, code, "{story}");
    assert_eq!(
        answer.header("content-type"),
        Some("application/json"),
        "{story}"
    );
    assert_eq!(
        answer.header("x-waybill-error-source"),
        Some(source),
        "{story}"
    );
    assert_eq!(answer.header("x-waybill-attempts"), Some("0"), "{story}");
    assert_eq!(answer.json()["request_id"], answer.request_id(), "{story}");
    assert!(!answer.broken, "{story}");
    says
}

/// Checks that a refused request is on record as the client's own doing, and reached no provider.
async fn recorded(world: &World, answer: &Answer, cause: &str, phase: &str) -> Value {
    let error = world.error(answer.request_id()).await;
    assert_eq!(
        (&error["cause"], &error["phase"]),
        (&cause.into(), &phase.into()),
        "{error}"
    );
    assert_eq!(error["status_code"], answer.status.as_u16(), "{error}");
    assert_eq!(
        (&error["error_owner"], &error["error_source"]),
        (&"client".into(), &"client".into()),
        "{error}"
    );
    assert_eq!(
        (&error["upstream_error_count"], &error["account_id"]),
        (&0.into(), &Value::Null),
        "{error}"
    );
    assert_eq!(error["api_key_name"], "dev", "{error}");
    assert!(
        world
            .error_in("errors", answer.request_id())
            .await
            .is_none(),
        "{error}"
    );
    assert!(
        world
            .error_in("excluded", answer.request_id())
            .await
            .is_some(),
        "{error}"
    );
    assert_eq!(world.sim.counters().requests, 0, "{error}");
    error
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_cannot_be_read_is_refused_with_the_field_and_the_place() {
    let world = World::new().await;
    let everywhere: [(&[u8], &str); 8] = [
        (b"", "empty"),
        (b" \n ", "empty"),
        (b"[]", "must be a JSON object"),
        (b"\"model\"", "must be a JSON object"),
        (b"{\"model\":\"m\",", "not valid JSON"),
        (b"{\"model\":\"m\"} trailing", "not valid JSON"),
        (b"{\n  \"model\": nope}", "line 2"),
        (b"{\"model\":\"m\",\"x\":\"caf\xe9\"}", "not valid UTF-8"),
    ];
    let with_model: [(&[u8], &str); 6] = [
        (b"{\"messages\":[]}", "`model` is missing"),
        (b"{\"model\":7}", "`model` must be a string, not a number"),
        (b"{\"model\":null}", "`model` must be a string, not null"),
        (b"{\"model\":\"\"}", "`model` must not be empty"),
        (
            b"{\"model\":\"m\",\"model\":\"n\"}",
            "`model` appears twice",
        ),
        (
            b"{\"model\":\"m\",\"stream\":\"yes\"}",
            "`stream` must be true or false, not a string",
        ),
    ];
    let cases = PATHS
        .iter()
        .flat_map(|path| {
            everywhere
                .iter()
                .chain(&with_model)
                .map(move |case| (*path, case))
        })
        .chain(everywhere.iter().map(|case| (GEMINI, case)));
    for (path, (body, says)) in cases {
        let answer = world.post(path, Bytes::copy_from_slice(body)).await;
        let message = refused(path, &answer, 400, "waybill_invalid_request", "client");
        assert!(message.contains(says), "{path} {says}: {message}");
        let error = recorded(&world, &answer, "gateway.invalid_request", "request").await;
        assert_eq!(error["request_body_bytes"], body.len(), "{error}");
        assert_eq!(
            (&error["type"], &error["message"]),
            (&"invalid_request_error".into(), &message.into()),
            "{error}"
        );
        assert!(
            error["error_body"]
                .as_str()
                .unwrap()
                .contains("waybill_invalid_request"),
            "{error}"
        );
        assert_eq!(error["replayable"], false, "{error}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_beyond_the_limit_is_refused_however_it_is_sent() {
    let world = World::new().await;
    let body = Bytes::from(vec![b' '; 40 << 20]);
    for path in ["/v1/messages", "/v1/chat/completions", GEMINI] {
        let answer = world.post(path, body.clone()).await;
        let says = refused(path, &answer, 413, "waybill_request_too_large", "client");
        assert!(says.contains("33554432 bytes"), "{says}");
        let error = recorded(&world, &answer, "gateway.request_too_large", "request").await;
        assert_eq!(error["request_body_bytes"], 40 << 20, "{error}");
        assert!(
            error["request_body"].is_null(),
            "what was not taken cannot be shown: {error}"
        );
    }
    // Without a length it is found out on the way.
    let mut wire = Wire::to(&world.url).await;
    wire.send(format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {CLIENT_KEY}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n"
    ))
    .await;
    for part in body.chunks(1 << 20) {
        wire.send(format!("{:x}\r\n", part.len())).await;
        wire.send(part).await;
        wire.send("\r\n").await;
    }
    wire.send("0\r\n\r\n").await;
    let answer = wire.answer().await;
    refused(
        "/v1/messages",
        &answer,
        413,
        "waybill_request_too_large",
        "client",
    );
    let error = recorded(&world, &answer, "gateway.request_too_large", "request").await;
    assert!(
        error["request_body_bytes"].as_u64().unwrap() > 31 << 20,
        "{error}"
    );
    assert_eq!(
        error["replayable"], false,
        "only a whole body can be sent again: {error}"
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_body_that_never_ends_is_waited_for_only_so_long() {
    for (top, how) in [
        ("body_read_ms = 300", "in all"),
        ("body_idle_ms = 300", "in silence"),
    ] {
        let world = World::with(Setup {
            top: format!("[timeouts]\n{top}"),
            ..Setup::default()
        })
        .await;
        for framing in ["transfer-encoding: chunked", "content-length: 1000000"] {
            let mut wire = Wire::to(&world.url).await;
            wire.send(format!("POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {CLIENT_KEY}\r\n{framing}\r\n\r\n5\r\n{{\"mod\r\n"))
                .await;
            let answer = wire.answer().await;
            refused(
                "/v1/messages",
                &answer,
                408,
                "waybill_request_timeout",
                "client",
            );
            let error = recorded(&world, &answer, "gateway.request_timeout", "request").await;
            assert!(
                error["request_body_bytes"]
                    .as_u64()
                    .is_some_and(|bytes| (5..20).contains(&bytes)),
                "{how}: {error}"
            );
        }
        world.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_half_sent_request_whose_client_has_hung_up_leaves_a_record_and_nothing_else() {
    let world = World::new().await;
    // Half a head is nobody's.
    let mut wire = Wire::to(&world.url).await;
    wire.send(format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {CLIENT_KEY}\r\n"
    ))
    .await;
    wire.finish().await;
    wire.rest().await;
    assert_eq!(world.errors().await, Vec::<Value>::new());
    // Half a body has an owner.
    for framing in ["transfer-encoding: chunked", "content-length: 1000"] {
        let mut wire = Wire::to(&world.url).await;
        wire.send(format!("POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {CLIENT_KEY}\r\n{framing}\r\n\r\n5\r\n{{\"mod")).await;
        wire.finish().await;
        wire.rest().await;
    }
    let errors = eventually("both records", || async {
        let errors = world.errors().await;
        (errors.len() == 2).then_some(errors)
    })
    .await;
    for error in errors {
        assert_eq!(
            (&error["error_owner"], &error["api_key_name"]),
            (&"client".into(), &"dev".into()),
            "{error}"
        );
    }
    assert_eq!(world.sim.counters().requests, 0);
    world.stop().await;
}

/// Refusals before auth, by cause.
async fn noise(world: &World) -> Vec<(String, u64)> {
    let list = world.ops("noise?time_range=1h").await;
    let mut counts = std::collections::BTreeMap::new();
    for line in list["items"].as_array().unwrap() {
        assert_eq!(line["client_ip"], "127.0.0.1", "{line}");
        let samples = line["samples"].as_array().unwrap();
        assert!(
            !samples.is_empty() && samples.len() <= 3 && samples.iter().all(Value::is_string),
            "{line}"
        );
        *counts
            .entry(line["cause"].as_str().unwrap().to_owned())
            .or_default() += line["count"].as_u64().unwrap();
    }
    counts.into_iter().collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_unknown_key_is_counted_and_leaves_no_row_and_a_known_one_that_is_refused_has_an_owner_who_will_ask()
 {
    let rest = r#"
[[user]]
name = "gone"
enabled = false

[[api_key]]
name = "off"
key = "disabled-key-0123456789"
groups = ["claude"]
enabled = false

[[api_key]]
name = "of-a-disabled-user"
key = "key-of-disabled-user-0123456789"
user = "gone"
groups = ["claude"]

[[api_key]]
name = "old"
key = "expired-key-0123456789"
groups = ["claude"]
expires_at = "2020-01-31T00:00:00Z"
"#;
    let world = World::with(Setup {
        rest: rest.to_owned(),
        ..Setup::default()
    })
    .await;
    let cases = [
        (None, 401, "waybill_invalid_api_key"),
        (Some(""), 401, "waybill_invalid_api_key"),
        (
            Some("unknown-key-0123456789"),
            401,
            "waybill_invalid_api_key",
        ),
        (
            Some("expired-key-0123456789"),
            401,
            "waybill_invalid_api_key",
        ),
        (Some("disabled-key-0123456789"), 403, "waybill_key_disabled"),
        (
            Some("key-of-disabled-user-0123456789"),
            403,
            "waybill_key_disabled",
        ),
    ];
    let paths = [
        ("/v1/messages", "x-api-key", message(true)),
        ("/v1/chat/completions", "authorization", chat(true)),
        (GEMINI, "x-goog-api-key", generate()),
        ("/v1/nothing", "authorization", response(false)),
    ];
    for (key, status, code) in cases {
        for (path, header, body) in &paths {
            let mut request = Request::post(format!("{}{path}", world.url));
            if let Some(key) = key {
                let scheme = if *header == "authorization" {
                    "Bearer "
                } else {
                    ""
                };
                request = request.header(*header, format!("{scheme}{key}"));
            }
            let answer = world
                .send(request.body(Full::from(body.clone())).unwrap())
                .await;
            let says = refused(path, &answer, status, code, "client");
            assert!(
                says.contains("key") && key.is_none_or(|key| key.is_empty() || !says.contains(key)),
                "{says}"
            );
        }
    }
    let counted = eventually("the counts", || async {
        let counted = noise(&world).await;
        (counted.iter().map(|(_, count)| count).sum::<u64>() == 12).then_some(counted)
    })
    .await;
    assert_eq!(counted, [("gateway.invalid_key".to_owned(), 12)]);
    let errors = world.errors().await;
    for (name, cause) in [
        ("off", "gateway.key_disabled"),
        ("of-a-disabled-user", "gateway.key_disabled"),
        ("old", "gateway.invalid_key"),
    ] {
        let of_key: Vec<_> = errors
            .iter()
            .filter(|error| error["api_key_name"] == name)
            .collect();
        assert_eq!(of_key.len(), paths.len(), "{name}: {errors:?}");
        assert!(
            of_key
                .iter()
                .all(|error| error["cause"] == cause && error["phase"] == "auth"),
            "{of_key:?}"
        );
    }
    assert_eq!(errors.len(), 3 * paths.len(), "{errors:?}");
    let counting = world.ops("errors?view=errors&time_range=1h").await;
    assert_eq!(counting["total"], 0, "{counting}");
    assert_eq!(world.sim.counters().requests, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_great_body_without_a_key_is_not_taken() {
    let world = World::new().await;
    let mut wire = Wire::to(&world.url).await;
    // As much is promised as nobody would wait for.
    wire.send("POST /v1/messages HTTP/1.1\r\nhost: x\r\nconnection: close\r\ncontent-length: 100000000000\r\n\r\n{").await;
    let answer = wire.answer().await;
    refused(
        "/v1/messages",
        &answer,
        401,
        "waybill_invalid_api_key",
        "client",
    );
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_paths_wrong_methods_and_unknown_models_are_told_apart() {
    let rest = r#"
[[group]]
name = "narrow"
platform = "anthropic"

[[account]]
name = "n1"
platform = "anthropic"
groups = ["narrow"]
base_url = "{providers}"
credential = { api_key = "sk-ant-api03-n1-0123456789abcdefABCDEF" }
models = ["claude-haiku*"]

[[account]]
name = "n2"
platform = "anthropic"
groups = ["narrow"]
base_url = "{providers}"
credential = { api_key = "sk-ant-api03-n2-0123456789abcdefABCDEF" }
models = ["claude-sonnet-9"]
enabled = false

[[group]]
name = "empty"
platform = "openai"

[[api_key]]
name = "narrow"
key = "narrow-key-0123456789"
groups = ["narrow", "empty"]
"#;
    let world = World::with(Setup {
        rest: rest.to_owned(),
        ..Setup::default()
    })
    .await;
    for path in [
        "/v1/nothing",
        "/v1/messages/nothing",
        "/v1beta/nothing",
        "/v2/messages",
        "/v1/messages/",
    ] {
        let answer = world.post(path, message(false)).await;
        refused(path, &answer, 404, "waybill_not_found", "client");
        let error = recorded(&world, &answer, "gateway.not_found", "request").await;
        assert_eq!(error["request_path"], path, "{error}");
    }
    for (method, path, allow) in [
        (Method::GET, "/v1/messages", "POST"),
        (Method::PUT, "/v1/chat/completions", "POST"),
        (
            Method::DELETE,
            "/v1beta/models/gemini-2.5-pro:generateContent",
            "POST",
        ),
        (Method::DELETE, "/v1beta/models", "GET"),
    ] {
        let answer = world.send(world.request(method, path, "")).await;
        refused(path, &answer, 405, "waybill_method_not_allowed", "client");
        assert_eq!(answer.header("allow"), Some(allow), "{path}");
        recorded(&world, &answer, "gateway.method_not_allowed", "request").await;
    }
    let narrow = async |path: &str, body: String| {
        let request = Request::post(format!("{}{path}", world.url))
            .header("api-key", "narrow-key-0123456789");
        world.send(request.body(Full::from(body)).unwrap()).await
    };
    for (path, body, model) in [
        ("/v1/messages", message(false), "claude-sonnet-4-5"),
        (GEMINI, generate(), "gemini-2.5-pro"),
    ] {
        let answer = narrow(path, body).await;
        let says = refused(path, &answer, 404, "waybill_model_not_served", "client");
        assert!(says.contains(model), "{says}");
        let error = world.error(answer.request_id()).await;
        assert_eq!(
            (&error["cause"], &error["phase"]),
            (&"gateway.model_not_served".into(), &"scheduling".into())
        );
        assert_eq!(
            (&error["model"], &error["error_owner"]),
            (&model.into(), &"client".into()),
            "{error}"
        );
    }
    // Accounts that have the model, but may not be used, are the operator's business.
    for (path, body) in [
        (
            "/v1/messages",
            message(false).replace("claude-sonnet-4-5", "claude-sonnet-9"),
        ),
        ("/v1/chat/completions", chat(false)),
    ] {
        let answer = narrow(path, body).await;
        refused(path, &answer, 503, "waybill_no_account", "gateway");
        let error = world.error(answer.request_id()).await;
        assert_eq!(
            (&error["cause"], &error["error_owner"]),
            (&"gateway.no_account".into(), &"platform".into())
        );
        assert!(
            world
                .error_in("errors", answer.request_id())
                .await
                .is_some(),
            "{error}"
        );
        if path == "/v1/messages" {
            let route: Vec<_> = error["route"]
                .as_array()
                .unwrap()
                .iter()
                .map(|seen| seen["excluded"].as_str())
                .collect();
            assert_eq!(
                route,
                [Some("model_not_served"), Some("disabled")],
                "{error}"
            );
        }
    }
    assert_eq!(world.sim.counters().requests, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_no_account_of_the_keys_groups_can_answer_is_refused_in_words_that_say_whose_could() {
    let rest = r#"
[[group]]
name = "bridge"
platform = "gemini"
protocols = ["gemini", "anthropic", "openai"]

[[account]]
name = "b1"
platform = "gemini"
groups = ["bridge"]
base_url = "{providers}"
credential = { api_key = "AIzaSyb10123456789abcdefABCDEF012345" }

[[group]]
name = "cloud"
platform = "antigravity"

[[api_key]]
name = "bridged"
key = "bridged-key-0123456789"
groups = ["bridge"]

[[api_key]]
name = "cloudy"
key = "cloudy-key-0123456789"
groups = ["cloud"]
"#;
    let world = World::with(Setup {
        rest: rest.to_owned(),
        ..Setup::default()
    })
    .await;
    let ask = async |method: Method, path: &str, key: &str, body: String| {
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{path}", world.url))
            .header("authorization", format!("Bearer {key}"));
        if path.ends_with("?of=anthropic") {
            request = request.header("anthropic-version", "2023-06-01");
        }
        world.send(request.body(Full::from(body)).unwrap()).await
    };
    let embed = r#"{"model": "text-embedding-3-small", "input": "x"}"#;
    let (bridged, cloudy) = ("bridged-key-0123456789", "cloudy-key-0123456789");
    for (method, path, key, body, says) in [
        (
            Method::GET,
            "/v1/models",
            bridged,
            "",
            "no group of this key serves openai clients by openai accounts, which alone can answer this",
        ),
        (
            Method::POST,
            "/v1/embeddings",
            bridged,
            embed,
            "serves openai clients by openai accounts, which alone can answer this (model `text-embedding-3-small`)",
        ),
        (
            Method::GET,
            "/v1beta/models",
            cloudy,
            "",
            "serves gemini clients by gemini accounts, which alone can answer this",
        ),
        (
            Method::POST,
            "/v1/chat/completions",
            cloudy,
            &chat(false),
            "no group of this key serves openai clients (model `gpt-5`)",
        ),
        (
            Method::POST,
            "/antigravity/v1/messages",
            bridged,
            &message(false),
            "serves anthropic clients by antigravity accounts, which alone can answer this",
        ),
        (
            Method::POST,
            "/antigravity/v1beta/models/gemini-2.5-pro:generateContent",
            bridged,
            &generate(),
            "serves gemini clients by antigravity accounts, which alone can answer this (model `gemini-2.5-pro`)",
        ),
    ] {
        let answer = ask(method, path, key, body.to_owned()).await;
        let said = refused(path, &answer, 404, "waybill_model_not_served", "client");
        assert!(said.contains(says), "{path}: {said}");
        let error = world.error(answer.request_id()).await;
        assert_eq!(error["cause"], "gateway.model_not_served", "{error}");
        assert_eq!(error["request_path"], path, "{error}");
    }
    let answer = ask(
        Method::GET,
        "/v1/models?of=anthropic",
        bridged,
        String::new(),
    )
    .await;
    assert_eq!(answer.status, 404);
    assert!(answer.text().contains("by anthropic accounts"));
    // The group has no account yet: that is the operator's business.
    let answer = ask(
        Method::POST,
        "/antigravity/v1/messages/count_tokens",
        cloudy,
        message(false),
    )
    .await;
    refused(
        "/antigravity/v1/messages/count_tokens",
        &answer,
        503,
        "waybill_no_account",
        "gateway",
    );
    let error = world.error(answer.request_id()).await;
    assert_eq!(error["platform"], "antigravity", "{error}");
    for path in [
        "/antigravity/v1/chat/completions",
        "/antigravity/v1beta/nothing",
        "/antigravity/v1/messages/nothing",
    ] {
        let answer = ask(Method::POST, path, cloudy, message(false)).await;
        refused(path, &answer, 404, "waybill_not_found", "client");
    }
    assert_eq!(world.sim.counters().requests, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn header_bombs_are_refused_before_anything_else_is_done() {
    let world = World::new().await;
    let bomb = |count: usize, bytes: usize| {
        let mut head = format!(
            "POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-api-key: {CLIENT_KEY}\r\nconnection: close\r\ncontent-length: 0\r\n"
        );
        for number in 0..count {
            head.push_str(&format!("x-bomb-{number}: {}\r\n", "b".repeat(bytes)));
        }
        head + "\r\n"
    };
    for (count, bytes) in [(1, 100_000), (300, 300), (100, 1000)] {
        let mut wire = Wire::to(&world.url).await;
        wire.send(bomb(count, bytes)).await;
        let answer = wire.answer().await;
        let says = refused(
            "/v1/messages",
            &answer,
            431,
            "waybill_headers_too_large",
            "client",
        );
        assert!(says.contains("65536"), "{says}");
    }
    // What even the parser refuses is answered by it.
    for (count, bytes) in [(1, 2 << 20), (10_000, 10)] {
        let mut wire = Wire::to(&world.url).await;
        wire.send(bomb(count, bytes)).await;
        let said = String::from_utf8_lossy(&wire.rest().await).into_owned();
        assert!(
            said.is_empty() || said.starts_with("HTTP/1.1 431 "),
            "{said}"
        );
    }
    assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
    assert_eq!(world.errors().await, Vec::<Value>::new());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_http_is_hung_up_on_and_harms_nobody() {
    let world = World::new().await;
    for garbage in [
        &b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03 a TLS hello\r\n\r\n"[..],
        b"SSH-2.0-OpenSSH_9.6\r\n\r\n",
        b"\x00\x01\x02\x03\r\n\r\n",
        b"GET\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\ncontent-length: many\r\n\r\n",
        b"POST /v1/messages HTTP/1.1\r\nhost: x\r\nbad header\r\n\r\n",
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\nnot a frame at all, but long enough to be read as one",
    ] {
        let mut wire = Wire::to(&world.url).await;
        wire.send(garbage).await;
        wire.finish().await;
        wire.rest().await;
        assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
    }
    assert_eq!(world.errors().await, Vec::<Value>::new());
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_head_that_never_ends_is_waited_for_only_so_long() {
    let top = "[timeouts]\nheader_read_ms = 300".to_owned();
    let world = World::with(Setup {
        top,
        ..Setup::default()
    })
    .await;
    for start in [
        "",
        "PO",
        "PRI * HT",
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nx-slow: ",
    ] {
        let mut wire = Wire::to(&world.url).await;
        wire.send(start).await;
        wire.rest().await;
    }
    assert_eq!(world.post("/v1/messages", message(false)).await.status, 200);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_goes_on_after_an_error_and_answers_in_order() {
    let world = World::new().await;
    let one = |path: &str, key: &str, body: &str| {
        format!(
            "POST {path} HTTP/1.1\r\nhost: x\r\nanthropic-version: 2023-06-01\r\nx-api-key: {key}\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let last = one("/v1/messages", CLIENT_KEY, &message(true))
        .replace("host: x", "host: x\r\nconnection: close");
    let mut wire = Wire::to(&world.url).await;
    // All at once, as a client that pipelines would.
    wire.send(
        [
            one("/v1/messages", CLIENT_KEY, "{"),
            one("/v1/nothing", CLIENT_KEY, "{}"),
            one("/v1/messages", "no-such-key-0123456789", &message(false)),
            one("/v1/messages", CLIENT_KEY, &message(false)),
            last,
        ]
        .concat(),
    )
    .await;
    let text = String::from_utf8(wire.rest().await).unwrap();
    let statuses: Vec<_> = text
        .match_indices("HTTP/1.1 ")
        .map(|(at, found)| &text[at + found.len()..][..3])
        .collect();
    assert_eq!(statuses, ["400", "404", "401", "200", "200"], "{text}");
    assert!(text.contains("message_stop"), "{text}");
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_one_byte_at_a_time_gets_everything() {
    let world = World::new().await;
    for stream in [false, true] {
        let whole = world.post("/v1/messages", message(stream)).await;
        let body = message(stream);
        let mut wire = Wire::to(&world.url).await;
        wire.send(format!(
            "POST /v1/messages HTTP/1.1\r\nhost: x\r\nanthropic-version: 2023-06-01\r\nx-api-key: {CLIENT_KEY}\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        ))
        .await;
        let mut read = Vec::new();
        while let Some(byte) = wire.byte().await {
            read.push(byte);
        }
        let read = String::from_utf8(read).unwrap();
        let end = if stream {
            "message_stop"
        } else {
            "output_tokens"
        };
        assert!(
            read.starts_with("HTTP/1.1 200 OK") && read.contains(end),
            "{read}"
        );
        assert!(read.len() > whole.body.len(), "{read}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_stops_reading_a_stream_is_let_go_and_frees_the_account() {
    let top = "[timeouts]\nwrite_stall_ms = 500".to_owned();
    let world = World::with(Setup {
        top,
        ..Setup::default()
    })
    .await;
    let delta =
        r#"{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"word"}}"#;
    let stream = format!("event: content_block_delta\ndata: {delta}\n\n").repeat(200_000);
    let headers = [("content-type".to_owned(), "text/event-stream".to_owned())].into();
    world.sim.script(Rule::new(Fault::Http {
        status: 200,
        headers,
        body: stream.into(),
    }));
    let body = message(true);
    let mut wire = Wire::narrow(&world.url).await;
    wire.send(format!(
        "POST /v1/messages HTTP/1.1\r\nhost: x\r\nanthropic-version: 2023-06-01\r\nx-api-key: {CLIENT_KEY}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    let error = eventually("the record", || async {
        world.errors().await.first().cloned()
    })
    .await;
    assert_eq!(
        (&error["status_code"], &error["error_owner"]),
        (&499.into(), &"client".into()),
        "{error}"
    );
    eventually("the account and the provider are free", || async {
        let taken = world.in_flight("a1").await + world.sim.counters().in_flight;
        (taken == 0).then_some(())
    })
    .await;
    drop(wire);
    world.stop().await;
}
