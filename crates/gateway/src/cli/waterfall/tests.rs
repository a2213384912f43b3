//! The way of requests that ended in every manner, as it is drawn.

#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::{Value, json};
use waybill_model::view::ErrorLogDetail;

use super::*;

const ARRIVED_MS: i64 = 1_760_000_000_000;

/// A failure with everything that has to be there.
const WHOLE: &str = r#"{
"id": 7, "created_at": "2025-10-09T08:53:20.000Z", "phase": "upstream", "type": "api_error", "severity": "P2",
"status_code": 503, "platform": "anthropic", "model": "claude-sonnet-4-5", "latency_ms": 0,
"client_request_id": null, "request_id": "r", "message": "m", "user_id": 1, "api_key_id": 1,
"account_id": null, "group_id": 1, "client_ip": "::1", "request_path": "/v1/messages", "stream": true,
"cause": "overloaded", "error_owner": "provider", "error_source": "gateway", "is_retryable": true,
"is_business_limited": false, "upstream_error_count": 0, "recovered": false, "fingerprint": "00",
"resolved": false, "user_name": "u", "api_key_name": "k", "account_name": null, "group_name": "g",
"error_body": null, "user_agent": null, "auth_latency_ms": 1, "routing_latency_ms": 2,
"upstream_latency_ms": null, "response_latency_ms": null, "time_to_first_token_ms": null,
"request_body": null, "request_body_truncated": false, "request_body_bytes": 2, "attempts": [],
"queued": null, "route": [], "explanation": "e", "remedy": "r", "replayable": true
}"#;

/// A failure that took so long, changed.
fn error(latency_ms: u32, change: &[(&str, Value)]) -> ErrorLogDetail {
    let mut error: Value = serde_json::from_str(WHOLE).unwrap();
    error["latency_ms"] = latency_ms.into();
    for (name, value) in change {
        error[name] = value.clone();
    }
    serde_json::from_value(error).unwrap()
}

fn attempt(number: u32, account: &str, from_ms: i64, took_ms: u32) -> Value {
    json!({
        "id": number, "created_at": waybill_model::time::UnixMillis(ARRIVED_MS + from_ms).to_string(),
        "at_unix_ms": ARRIVED_MS + from_ms, "request_id": "r", "error_id": 7, "attempt": number,
        "platform": "anthropic", "model": "claude-sonnet-4-5", "account_id": number, "account_name": account,
        "upstream_host": "h", "upstream_status_code": 529, "upstream_request_id": null, "kind": "http_error",
        "message": "m", "detail": null, "cause": "overloaded", "name": null, "request_headers": null,
        "response_headers": null, "response_body": null, "connect_ms": took_ms / 5, "first_byte_ms": took_ms / 2,
        "duration_ms": took_ms, "retry_after_ms": null, "retry_after_source": null, "decision": "next_account",
        "decision_reason": "the account is overloaded", "recovered": false,
    })
}

fn with(mut value: Value, change: &[(&str, Value)]) -> Value {
    for (name, new) in change {
        value[name] = new.clone();
    }
    value
}

/// Drawn for every width; none may be exceeded. Answers the usual one.
fn drawn(error: &ErrorLogDetail) -> String {
    for width in [0, 50, 51, 79, 120, 300] {
        for line in waterfall(error, width, false).lines() {
            assert!(columns(line) <= width.max(MIN_WIDTH), "{width}: {line}");
            assert!(!line.contains('\u{1b}'), "{line}");
        }
    }
    waterfall(error, 80, false)
}

#[test]
fn one_that_no_account_was_there_for() {
    let queued = json!({"ahead": 12, "waited_ms": 30_000});
    let waited = error(
        30_004,
        &[
            ("queued", queued),
            ("routing_latency_ms", json!(30_002)),
            ("cause", json!("gateway.queue_timeout")),
        ],
    );
    insta::assert_snapshot!("queue", drawn(&waited));
    insta::assert_snapshot!("none", drawn(&error(4, &[])));
}

#[test]
fn one_attempt_that_was_not_answered() {
    let one = with(
        attempt(1, "a1", 3, 400),
        &[
            ("upstream_status_code", Value::Null),
            ("first_byte_ms", Value::Null),
            ("cause", json!("network.reset")),
            ("decision", json!("give_up")),
            ("decision_reason", json!("no account is left")),
        ],
    );
    insta::assert_snapshot!("one", drawn(&error(403, &[("attempts", json!([one]))])));
}

#[test]
fn many_attempts_one_after_the_other() {
    let attempts: Vec<Value> = (1..=32)
        .rev()
        .map(|number| attempt(number, &format!("a{number}"), i64::from(number) * 100, 90))
        .collect();
    let many = error(3_300, &[("attempts", json!(attempts))]);
    insta::assert_snapshot!("many", drawn(&many));
}

#[test]
fn names_that_are_too_long_and_wide_ones() {
    let attempts = json!([
        attempt(1, &"an-account-with-a-very-long-name".repeat(4), 3, 100),
        attempt(2, "東京リージョンの予備アカウント", 110, 90),
        attempt(3, "steer\u{1b}[2J", 205, 90),
    ]);
    let long = error(300, &[("attempts", attempts)]);
    insta::assert_snapshot!("names", drawn(&long));
}

#[test]
fn a_stream_that_broke_after_content() {
    let broken = with(
        attempt(2, "a2", 300, 1_700),
        &[
            ("upstream_status_code", json!(200)),
            ("connect_ms", Value::Null),
            ("first_byte_ms", json!(250)),
            ("cause", json!("stream.truncated")),
            ("decision", json!("give_up")),
            (
                "decision_reason",
                json!("content had already reached the client"),
            ),
        ],
    );
    let stream = error(
        2_000,
        &[
            ("attempts", json!([attempt(1, "a1", 3, 290), broken])),
            ("status_code", json!(200)),
            ("cause", json!("stream.truncated")),
            ("upstream_latency_ms", json!(250)),
            ("response_latency_ms", json!(1_450)),
            ("time_to_first_token_ms", json!(610)),
            ("account_id", json!(2)),
        ],
    );
    insta::assert_snapshot!("stream", drawn(&stream));
}

#[test]
fn one_that_succeeded_in_the_end() {
    let route = json!([
        {"account_id": 1, "account_name": "a1", "excluded": "already_tried"},
        {"account_id": 2, "account_name": "a2", "excluded": null},
    ]);
    let recovered = error(
        900,
        &[
            ("attempts", json!([attempt(1, "a1", 3, 200)])),
            ("recovered", json!(true)),
            ("status_code", json!(200)),
            ("upstream_latency_ms", json!(300)),
            ("response_latency_ms", json!(390)),
            ("time_to_first_token_ms", json!(512)),
            ("route", route),
        ],
    );
    insta::assert_snapshot!("recovered", drawn(&recovered));
}

#[test]
fn one_whose_client_left() {
    let left = error(
        5_000,
        &[
            ("status_code", json!(499)),
            ("cause", json!("client_closed_request")),
            ("account_id", json!(1)),
            ("account_name", json!("a1")),
        ],
    );
    insta::assert_snapshot!("left", drawn(&left));
}

#[test]
fn a_clock_that_was_set_back_and_times_that_do_not_fit_draw_something() {
    let attempts = json!([
        attempt(1, "a1", -5_000, 100),
        attempt(2, "a2", 90_000, u32::MAX)
    ]);
    let odd = error(0, &[("attempts", attempts), ("auth_latency_ms", json!(7))]);
    let text = drawn(&odd);
    assert!(
        text.contains("#1 a1") && text.contains("4294967295"),
        "{text}"
    );
}

#[test]
fn colours_come_only_where_they_are_wanted() {
    let text = waterfall(&error(4, &[]), 80, true);
    assert!(text.contains("\u{1b}[1mThe way of the request"), "{text}");
}
