//! Failover: the client sees one good answer, the operator every failure behind it.
#![allow(clippy::unwrap_used, clippy::panic)]

mod support;

use support::{World, chat, generate, key_of, message, response};
use waybill_sim::{Fault, Place, ProviderError, Rule};

/// Every way to ask for content: path, body, the account tried first.
fn asks() -> Vec<(&'static str, String, &'static str)> {
    vec![
        ("/v1/messages", message(false), "a1"),
        ("/v1/messages", message(true), "a1"),
        ("/v1/chat/completions", chat(false), "o1"),
        ("/v1/chat/completions", chat(true), "o1"),
        ("/v1/responses", response(false), "o1"),
        ("/v1/responses", response(true), "o1"),
        ("/v1beta/models/gemini-2.5-pro:generateContent", generate(), "g1"),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse", generate(), "g1"),
        ("/v1beta/models/gemini-2.5-pro:streamGenerateContent", generate(), "g1"),
    ]
}

/// Failures that another account can make good, with the status and kind of event they leave.
fn faults() -> Vec<(Fault, Option<u64>, &'static str)> {
    vec![
        (Fault::provider(ProviderError::RateLimitRequests), Some(429), "failover"),
        (Fault::provider(ProviderError::Overloaded), None, "failover"),
        (Fault::provider(ProviderError::Internal), Some(500), "failover"),
        (Fault::provider(ProviderError::InvalidKey), None, "failover"),
        (Fault::reset(Place::BeforeHeaders), None, "request_error"),
        (Fault::NotHttp, None, "request_error"),
        (Fault::StreamError { error: ProviderError::Overloaded, frames: 0 }, Some(200), "stream_error"),
        (Fault::Truncate { frames: 0 }, Some(200), "stream_truncated"),
        (Fault::reset(Place::BeforeContent), Some(200), "stream_truncated"),
        (Fault::Html { status: 200 }, Some(200), "stream_truncated"),
        (Fault::Garbage { frames: 0 }, Some(200), "stream_truncated"),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_failure_before_content_is_hidden_from_the_client_and_shown_to_the_operator() {
    let world = World::new().await;
    for (path, body, first) in asks() {
        let clean = world.post(path, body.clone()).await;
        assert_eq!(clean.status, 200, "{path}: {}", clean.text());
        for (fault, status, kind) in faults() {
            world.sim.script(Rule::new(fault.clone()).key(&key_of(first)).times(1));
            let answer = world.post(path, body.clone()).await;
            let story = format!("{path} {fault:?}: {}", answer.text());
            assert_eq!(answer.status, 200, "{story}");
            assert!(!answer.broken && answer.text().len() > 100, "{story}");
            assert_eq!(answer.header("x-waybill-attempts"), Some("2"), "{story}");
            world.sim.clear_script();

            let id = answer.request_id();
            let events = world.ops(&format!("upstream-errors?recovered=true&time_range=5m&request_id={id}")).await;
            let events = events["events"].as_array().unwrap();
            assert_eq!(events.len(), 1, "{story}: {events:?}");
            let event = &events[0];
            assert_eq!(event["account_name"], first, "{story}");
            assert_eq!(event["kind"], kind, "{story}: {event}");
            if let Some(status) = status {
                assert_eq!(event["upstream_status_code"], status, "{story}: {event}");
            }
            assert!(!event["message"].as_str().unwrap().is_empty(), "{story}: {event}");
            assert!(event["duration_ms"].is_u64() && event["recovered"] == true, "{story}: {event}");

            let errors = world.ops(&format!("errors?view=all&time_range=5m&request_id={id}")).await;
            assert_eq!(errors["errors"].as_array().unwrap().len(), 0, "{story}: a success is not an error");
        }
    }
    world.stop().await;
}
