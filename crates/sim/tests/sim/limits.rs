//! Accounts with limits: what fits is served and says what is left, what does not is refused as the
//! provider does it, by a clock that the test sets.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use http_body_util::{BodyExt, Full};
use serde_json::{Value, json};
use waybill_sim::{Fault, Limit, ProviderError, Rule, SimClock, SimOptions};

use crate::support::{Answer, DEADLINE, Rig, read, rig_with};

const CLAUDE: &str = "/v1/messages";
const CHAT: &str = "/v1/chat/completions";
const GEMINI: &str = "/v1beta/models/gemini-2.5-flash:generateContent";

/// 2026-01-01T00:00:00Z
const START: i64 = 1_767_225_600_000;

async fn at_a_clock() -> (Rig, Arc<AtomicI64>) {
    let now = Arc::new(AtomicI64::new(START));
    let options = SimOptions {
        clock: SimClock::Manual(Arc::clone(&now)),
        ..SimOptions::default()
    };
    (rig_with(options, false).await, now)
}

async fn ask(rig: &Rig, path: &str, key: &str, model: &str) -> Answer {
    let messages = json!([{"role": "user", "content": "Hello."}]);
    let body = match path {
        GEMINI => json!({"contents": [{"parts": [{"text": "Hello."}]}]}),
        _ => json!({"model": model, "max_tokens": 50, "messages": messages}),
    };
    read(rig.open(path, key, &body).await.unwrap()).await
}

fn header<'a>(answer: &'a Answer, name: &str) -> &'a str {
    answer
        .headers
        .get(name)
        .map_or("", |value| value.to_str().unwrap())
}

#[tokio::test]
async fn a_claude_account_says_what_is_left_and_refuses_what_is_too_much() {
    let (rig, now) = at_a_clock().await;
    rig.sim.limit(Limit::of("key-*").requests_per_minute(2));
    let first = ask(&rig, CLAUDE, "key-1", "claude-x").await;
    assert_eq!(first.status, 200);
    assert_eq!(header(&first, "anthropic-ratelimit-requests-limit"), "2");
    assert_eq!(
        header(&first, "anthropic-ratelimit-requests-remaining"),
        "1"
    );
    assert_eq!(
        header(&first, "anthropic-ratelimit-requests-reset"),
        "2026-01-01T00:00:30Z"
    );
    assert_eq!(ask(&rig, CLAUDE, "key-1", "claude-x").await.status, 200);
    let third = ask(&rig, CLAUDE, "key-1", "claude-y").await;
    assert_eq!(third.status, 429);
    assert_eq!(third.json()["error"]["type"], "rate_limit_error");
    assert!(third.text().contains("rate limit of 2 requests per minute"));
    assert_eq!(header(&third, "retry-after"), "30");
    assert_eq!(
        header(&third, "anthropic-ratelimit-requests-remaining"),
        "0"
    );
    // Another account has its own; time brings one back.
    assert_eq!(ask(&rig, CLAUDE, "key-2", "claude-x").await.status, 200);
    now.fetch_add(30_000, Ordering::SeqCst);
    assert_eq!(ask(&rig, CLAUDE, "key-1", "claude-x").await.status, 200);
    assert_eq!(ask(&rig, CLAUDE, "key-1", "claude-x").await.status, 429);
    assert_eq!(rig.sim.limits()[0].refused, 2);
}

#[tokio::test]
async fn an_openai_account_runs_out_of_tokens_of_one_model() {
    let (rig, _) = at_a_clock().await;
    rig.sim
        .limit(Limit::of("key-1").model("gpt-5").tokens_per_minute(600));
    let first = ask(&rig, CHAT, "key-1", "gpt-5").await;
    let used = first.json()["usage"]["total_tokens"].as_u64().unwrap();
    let left = header(&first, "x-ratelimit-remaining-tokens");
    assert_eq!(left, (600 - used).to_string());
    assert_eq!(
        header(&first, "x-ratelimit-reset-tokens"),
        format!("{}s", used as f64 / 10.0)
    );
    let served = 600 / used;
    for _ in 1..served {
        assert_eq!(ask(&rig, CHAT, "key-1", "gpt-5").await.status, 200);
    }
    let over = ask(&rig, CHAT, "key-1", "gpt-5").await;
    assert_eq!(over.status, 429);
    assert_eq!(over.json()["error"]["type"], "tokens");
    let missing = used - (600 - served * used);
    let wait: u64 = header(&over, "retry-after-ms").parse().unwrap();
    assert_eq!(wait, missing * 100);
    assert_eq!(ask(&rig, CHAT, "key-1", "gpt-4o").await.status, 200);
}

#[tokio::test]
async fn a_gemini_account_has_a_quota_for_the_day() {
    let (rig, now) = at_a_clock().await;
    rig.sim.limit(Limit::of("*").requests_per_day(1));
    assert_eq!(ask(&rig, GEMINI, "key-1", "").await.status, 200);
    now.store(START + 23 * 3_600_000, Ordering::SeqCst);
    let over = ask(&rig, GEMINI, "key-1", "").await;
    assert_eq!(over.status, 429);
    let details = over.json()["error"]["details"].clone();
    assert_eq!(details[0]["violations"][0]["quotaValue"], "1");
    assert_eq!(details[2]["retryDelay"], "3600s");
    now.store(START + 24 * 3_600_000, Ordering::SeqCst);
    assert_eq!(ask(&rig, GEMINI, "key-1", "").await.status, 200);
}

#[tokio::test]
async fn a_place_is_taken_until_the_answer_is_over_or_the_client_has_left() {
    let options = SimOptions {
        chunk_pause: DEADLINE * 10,
        ..SimOptions::default()
    };
    let rig = rig_with(options, false).await;
    rig.sim.limit(Limit::of("key-1").concurrency(2));
    let body = json!({"model": "m", "max_tokens": 50, "stream": true, "messages": [{"role": "user", "content": "Hello."}]});
    let first = rig.open(CLAUDE, "key-1", &body).await.unwrap();
    let second = rig.open(CLAUDE, "key-1", &body).await.unwrap();
    assert_eq!(
        (first.status().as_u16(), second.status().as_u16()),
        (200, 200)
    );
    let third = ask(&rig, CLAUDE, "key-1", "m").await;
    assert_eq!(third.status, 429);
    assert!(third.text().contains("concurrent connections"));
    assert_eq!(ask(&rig, CLAUDE, "key-2", "m").await.status, 200);
    let of_key = rig.sim.by_key().remove("key-1").unwrap();
    assert_eq!((of_key.requests, of_key.limited), (3, 1));
    drop(first);
    let deadline = std::time::Instant::now() + DEADLINE;
    while ask(&rig, CLAUDE, "key-1", "m").await.status != 200 {
        assert!(
            std::time::Instant::now() < deadline,
            "the place never came back"
        );
        tokio::task::yield_now().await;
    }
    assert!(rig.sim.by_key()["key-1"].max_in_flight >= 3);
}

#[tokio::test]
async fn a_burst_of_overload_begins_and_ends_by_the_clock() {
    let (rig, now) = at_a_clock().await;
    rig.sim.script(
        Rule::new(Fault::provider(ProviderError::Overloaded))
            .between(Duration::from_secs(60), Duration::from_secs(90)),
    );
    for (at_s, status) in [(0, 200), (60, 529), (89, 529), (90, 200)] {
        now.store(START + at_s * 1000, Ordering::SeqCst);
        assert_eq!(
            ask(&rig, CLAUDE, "key-1", "m").await.status,
            status,
            "{at_s}"
        );
    }
}

#[tokio::test]
async fn what_reached_it_is_counted_by_key_and_model_and_faults_are_not_charged() {
    let (rig, _) = at_a_clock().await;
    rig.sim
        .script(Rule::new(Fault::provider(ProviderError::Overloaded)).times(3));
    rig.sim.limit(Limit::of("a").requests_per_minute(1));
    for (key, model, status) in [
        ("a", "m1", 529),
        ("a", "m1", 529),
        ("b", "m1", 529),
        ("a", "m2", 200),
        ("a", "m1", 429),
        ("b", "m1", 200),
    ] {
        assert_eq!(ask(&rig, CLAUDE, key, model).await.status, status);
    }
    let counters = rig.get("/_sim/counters").await.json();
    assert_eq!(counters["keys"]["a"]["models"], json!({"m1": 3, "m2": 1}));
    assert_eq!(counters["keys"]["a"]["limited"], 1);
    assert_eq!(counters["keys"]["b"]["requests"], 2);
    assert!(counters["keys"]["b"]["max_in_flight"].as_u64() >= Some(1));
}

#[tokio::test]
async fn limits_are_set_read_and_removed_over_http() {
    let (rig, _) = at_a_clock().await;
    let send = async |method: &str, body: Value| {
        let request = http::Request::builder()
            .method(method)
            .uri(format!("{}/_sim/limits", rig.sim.url()))
            .body(Full::from(body.to_string()))
            .unwrap();
        let (head, body) = rig.client.request(request).await.unwrap().into_parts();
        (
            head.status.as_u16(),
            body.collect().await.unwrap().to_bytes(),
        )
    };
    let limit = json!([{"key": "key-1", "requests_per_minute": 0}]);
    assert_eq!(send("POST", limit).await.0, 201);
    assert_eq!(send("POST", json!({"rpm": 1})).await.0, 400);
    assert_eq!(ask(&rig, CLAUDE, "key-1", "m").await.status, 429);
    assert_eq!(
        rig.get("/_sim/limits").await.json(),
        json!([{"key": "key-1", "requests_per_minute": 0, "refused": 1}])
    );
    assert_eq!(send("DELETE", Value::Null).await.0, 204);
    assert_eq!(ask(&rig, CLAUDE, "key-1", "m").await.status, 200);
}
