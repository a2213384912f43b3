//! Secrets: wherever one is planted, it is found in no table, no answer of the admin API, no log line,
//! and, where it is the pool's, in no answer to a client. What only looks like one survives.

use std::path::Path;

use crate::support::{
    ADMIN_TOKEN, Answer, CLIENT_KEY, Setup, binary::Binary, client, configuration, key_of, send,
};
use http::{Method, Request};
use http_body_util::Full;
use serde_json::{Value, json};
use waybill_sim::{Fault, Place, ProviderError, Rule, Sim, SimOptions};

/// Credentials of others, by their shape. Put together here so that no scanner takes this file for a leak.
fn shaped() -> Vec<String> {
    let tail = "Zq7Wm3Kx9Tn2Vb5Rc8Lp4Hd6Jf1Gs0Ay";
    vec![
        format!("sk-{tail}"),
        format!("sk-ant-api03-{tail}-{tail}AA"),
        format!("sk-proj-{tail}{tail}"),
        format!("AIza{}", &format!("{tail}{tail}")[..35]),
        format!("ya29.{tail}"),
        format!("ghp_{tail}1234"),
        format!("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.{tail}"),
    ]
}

/// A conversation with everything in it that must go, and everything that must stay.
fn conversation(secrets: &[String]) -> Value {
    let shaped = secrets.join(" and ");
    let inner = json!({"api_key": "hunter2-hunter2-hunter2", "nested": {"authorization": "Bearer deep-token-0123456789"}});
    json!({
        "model": "claude-sonnet-4-5",
        "max_tokens": 4321,
        "metadata": {"user_id": "user-17"},
        "system": format!("Use {shaped}."),
        "messages": [
            {"role": "user", "content": format!("curl -H 'Authorization: Bearer text-token-0123456789abcdef' 'https://x.test/v1?key={}'", secrets[0])},
            {"role": "assistant", "content": [
                {"type": "thinking", "thinking": "Hm.", "signature": "EqQBCkYIBRgCIkDkeepThisSignature0123456789abcdefghijklmnopqrstuv=="},
            ]},
            {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "toolu_1", "content": inner.to_string()}]},
        ],
        "usage": {"input_tokens": 987, "output_tokens": 654, "cache_read_input_tokens": 321},
        "password": "correct-horse-battery-staple",
    })
}

/// Everything that must be nowhere.
fn forbidden(secrets: &[String]) -> Vec<String> {
    let inside = [
        CLIENT_KEY,
        ADMIN_TOKEN,
        "hunter2-hunter2-hunter2",
        "deep-token-0123456789",
        "text-token-0123456789abcdef",
        "correct-horse-battery-staple",
        "cookie-value-0123456789",
    ];
    inside
        .iter()
        .map(|secret| (*secret).to_owned())
        .chain(secrets.iter().cloned())
        .collect()
}

/// Looks for every secret in some bytes.
#[track_caller]
fn assert_clean(place: &str, bytes: &[u8], secrets: &[String]) {
    for secret in secrets {
        if let Some(at) = bytes
            .windows(secret.len())
            .position(|window| window == secret.as_bytes())
        {
            let around = &bytes[at.saturating_sub(200)..(at + secret.len() + 50).min(bytes.len())];
            panic!(
                "{place} holds {secret}: …{}…",
                String::from_utf8_lossy(around)
            );
        }
    }
}

fn assert_files_clean(folder: &Path, secrets: &[String]) {
    let mut files: Vec<_> = std::fs::read_dir(folder.join("data"))
        .unwrap()
        .map(|file| file.unwrap().path())
        .collect();
    assert!(
        files.iter().any(|file| file.ends_with("waybill.db")),
        "{files:?}"
    );
    files.push(folder.join("output.log"));
    for file in files {
        assert_clean(
            &file.display().to_string(),
            &std::fs::read(&file).unwrap(),
            secrets,
        );
    }
}

/// Clears what keeps accounts from serving, so that the next request reaches them.
async fn reset(waybill: &Binary) {
    for account in 1..=6 {
        let path = format!("/accounts/{account}/reset");
        let answer = waybill.admin(Method::POST, &path, String::new()).await;
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
}

/// Everything the admin API tells.
async fn told(waybill: &Binary) -> Vec<(String, String)> {
    let mut pages = Vec::new();
    let mut paths: Vec<String> = [
        "noise?time_range=1h",
        "books",
        "requests?time_range=1h&page_size=500",
        "account-availability",
        "concurrency",
    ]
    .iter()
    .map(|path| format!("/ops/{path}"))
    .chain(["accounts", "groups", "users", "api-keys", "prices"].map(|path| format!("/{path}")))
    .chain((1..=6).map(|account| format!("/accounts/{account}/events?page_size=500")))
    .collect();
    for query in ["", "&recovered=true"] {
        for error in waybill
            .all(&format!("errors?view=all&time_range=1h{query}"), "errors")
            .await
        {
            paths.push(format!("/ops/errors/{}", error["id"]));
            paths.push(format!("/ops/errors/{}/upstream-errors", error["id"]));
        }
    }
    for event in waybill.all("upstream-errors?time_range=1h", "events").await {
        paths.push(format!("/ops/upstream-errors/{}", event["id"]));
    }
    for path in paths {
        let answer = waybill.admin(Method::GET, &path, String::new()).await;
        assert_eq!(answer.status, 200, "{path}");
        pages.push((path, answer.text()));
    }
    pages
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_planted_secret_is_found_nowhere_and_what_only_looks_like_one_survives() {
    let sim = Sim::start(SimOptions::default()).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let variables = [("RUST_LOG", "debug")];
    let waybill = Binary::serve(
        folder.path(),
        &configuration(&Setup::default(), &sim.url()),
        &variables,
    )
    .await;
    let http = client();

    let made = waybill
        .admin(
            Method::POST,
            "/api-keys",
            json!({"name": "made"}).to_string(),
        )
        .await;
    assert!(made.status.is_success(), "{}", made.text());
    let made = made.json()["key"].as_str().unwrap().to_owned();
    let mut planted = shaped();
    planted.push(made.clone());
    let pool: Vec<String> = ["a1", "a2", "o1", "o2", "g1", "g2"].map(key_of).to_vec();

    let ask = async |key: &str, path: &str, body: String| -> Answer {
        let request = Request::post(format!("{}{path}", waybill.url))
            .header("x-api-key", key)
            .header("anthropic-version", "2023-06-01")
            .header("cookie", "session=cookie-value-0123456789")
            .header("x-extra", format!("Bearer {}", planted[1]))
            .header("x-more-secret-token", "hunter2-hunter2-hunter2")
            .header("x-client-request-id", format!("id-{}", planted[0]))
            .header("user-agent", format!("agent/1.0 ({})", planted[2]))
            .header("proxy-authorization", "Bearer deep-token-0123456789");
        let answer = send(&http, request.body(Full::from(body)).unwrap()).await;
        assert_clean("an answer to a client", &answer.body, &pool);
        assert_clean(
            "the headers of an answer",
            format!("{:?}", answer.headers).as_bytes(),
            &pool,
        );
        answer
    };

    let mut everything = planted.clone();
    everything.extend(pool.iter().cloned());
    everything.extend([CLIENT_KEY.to_owned(), ADMIN_TOKEN.to_owned()]);
    let conversation = conversation(&everything);
    let streamed = {
        let mut streamed = conversation.clone();
        streamed["stream"] = true.into();
        streamed
    };

    // A provider that repeats the account's key: in its error's text, in a header, in a stream, under 200.
    let echo = |error| Fault::Provider {
        error,
        retry_after_ms: None,
        echo_key: true,
        headers: [(
            "x-you-sent".to_owned(),
            format!("{} {}", key_of("a1"), key_of("a2")),
        )]
        .into(),
    };
    let said = format!("Not with {} or {}!", key_of("a1"), key_of("a2"));
    let error = json!({"type": "error", "error": {"type": "api_error", "message": said}});
    let delta = json!({"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": "Well"}});
    let events =
        format!("event: content_block_delta\ndata: {delta}\n\nevent: error\ndata: {error}\n\n");
    let as_stream = [("content-type".to_owned(), "text/event-stream".to_owned())];
    let faults = [
        echo(ProviderError::ContextLength),
        echo(ProviderError::InvalidKey),
        echo(ProviderError::RateLimitRequests),
        echo(ProviderError::Internal),
        Fault::http(200, error.clone()),
        Fault::http(500, said.clone()),
        Fault::http(400, format!("<html>{said}</html>")),
        Fault::Http {
            status: 200,
            headers: as_stream.into(),
            body: events.into(),
        },
        Fault::reset(Place::BeforeHeaders),
        Fault::Truncate { frames: 2 },
    ];
    let mut shown = None;
    for fault in faults {
        sim.script(Rule::new(fault.clone()));
        let is_stream = matches!(&fault, Fault::Http { headers, .. } if !headers.is_empty());
        for body in [&conversation, &streamed] {
            if is_stream && body["stream"] != true {
                continue;
            }
            let answer = ask(CLIENT_KEY, "/v1/messages", body.to_string()).await;
            shown.get_or_insert_with(|| answer.request_id().to_owned());
            reset(&waybill).await;
        }
        sim.clear_script();
    }
    // Hidden behind a success.
    sim.script(Rule::new(echo(ProviderError::InvalidKey)).key(&key_of("a1")));
    assert_eq!(
        ask(CLIENT_KEY, "/v1/messages", conversation.to_string())
            .await
            .status,
        200
    );
    sim.clear_script();

    // In places where nobody looks for them.
    ask(
        &made,
        "/v1/messages",
        conversation.to_string().replace('}', ""),
    )
    .await;
    ask(
        &made,
        "/v1/messages",
        json!({"model": planted[3], "messages": []})
            .to_string()
            .replace("messages", &planted[4]),
    )
    .await;
    ask(
        &made,
        "/v1/messages",
        json!({"model": 1, "text": planted}).to_string(),
    )
    .await;
    ask(
        &made,
        &format!(
            "/v1/nothing/{}?key={made}&api_key={}",
            planted[1], planted[0]
        ),
        "{}".into(),
    )
    .await;
    ask(&planted[1], "/v1/messages", conversation.to_string()).await;
    ask(
        CLIENT_KEY,
        &format!("/v1beta/models/x:generateContent?key={CLIENT_KEY}"),
        json!({"contents": [{"parts": [{"text": 1}]}]}).to_string(),
    )
    .await;
    sim.script(Rule::new(Fault::provider(ProviderError::ModelNotFound)));
    ask(
        CLIENT_KEY,
        "/v1/messages",
        json!({"model": planted[5], "max_tokens": 1, "messages": []}).to_string(),
    )
    .await;
    ask(
        CLIENT_KEY,
        &format!("/v1/messages?key={made}&token={}", planted[4]),
        conversation.to_string(),
    )
    .await;
    sim.clear_script();

    let mut everywhere = forbidden(&planted);
    everywhere.extend(pool.iter().cloned());
    let pages = told(&waybill).await;
    assert!(
        pages.len() > 60,
        "there is something to look through: {}",
        pages.len()
    );
    for (path, page) in &pages {
        assert_clean(path, page.as_bytes(), &everywhere);
    }

    let detail = waybill.ops(&format!("errors/{}", shown.unwrap())).await;
    let body = detail["request_body"].as_str().unwrap();
    for survivor in [
        "\"max_tokens\":4321",
        "EqQBCkYIBRgCIkDkeepThisSignature0123456789abcdefghijklmnopqrstuv==",
        "\"input_tokens\":987",
        "\"output_tokens\":654",
        "\"cache_read_input_tokens\":321",
        "user-17",
        "claude-sonnet-4-5",
        "https://x.test/v1",
        "toolu_1",
    ] {
        assert!(body.contains(survivor), "{survivor}: {body}");
    }
    assert_eq!(
        (&detail["request_body_truncated"], &detail["replayable"]),
        (&false.into(), &true.into()),
        "{detail}"
    );

    assert_files_clean(folder.path(), &everywhere);
    waybill.terminate();
    assert!(waybill.ended().await.success());
    assert_files_clean(folder.path(), &everywhere);
    let log = std::fs::read_to_string(folder.path().join("output.log")).unwrap();
    assert!(
        log.lines().count() > 1,
        "there is a log to look through: {log}"
    );
}
