//! Code Assist: its answers in their envelope, what it says of an account, and how it runs out.

use crate::{
    loops::Tongue,
    support::{Rig, rig, rig_with},
};
use serde_json::{Value, json};
use waybill_model::{protocol::Platform, time::UnixMillis};
use waybill_sim::{Fault, ProviderError, Rule, SimClock, SimOptions};

const MODEL: &str = "gemini-2.5-pro";

fn body() -> Value {
    let mut body = Tongue::Assist.body(MODEL, &Tongue::Assist.question(), false, false);
    body["user_prompt_id"] = json!("prompt-1");
    body["request"]["session_id"] = json!("session-1");
    body
}

async fn refused(rig: &Rig, error: ProviderError, wait_ms: Option<u64>) -> (u16, Value) {
    rig.sim.clear_script();
    rig.sim.script(
        Rule::new(Fault::Provider {
            error,
            retry_after_ms: wait_ms,
            echo_key: false,
            headers: Default::default(),
        })
        .platform(Platform::Antigravity),
    );
    let answer = rig
        .post("/v1internal:generateContent", &body())
        .await
        .unwrap();
    (answer.status.as_u16(), answer.json()["error"].clone())
}

/// The member of `details` of this type.
fn detail<'a>(error: &'a Value, kind: &str) -> Option<&'a Value> {
    let mut details = error["details"].as_array()?.iter();
    details.find(|detail| detail["@type"].as_str().unwrap().ends_with(kind))
}

#[tokio::test]
async fn answers_and_events_come_in_an_envelope_with_a_trace() {
    let rig = rig().await;
    let plain = rig
        .post("/v1internal:generateContent", &body())
        .await
        .unwrap();
    assert!(plain.headers.contains_key("x-cloudaicompanion-trace-id"));
    let plain = plain.json();
    let text = plain["response"]["candidates"][0]["content"]["parts"][0]["text"]
        .as_str()
        .unwrap();
    assert!(plain["traceId"].is_string());
    let stream = rig
        .post("/v1internal:streamGenerateContent?alt=sse", &body())
        .await
        .unwrap();
    assert_eq!(stream.headers["content-type"], "text/event-stream");
    let events = stream.events();
    let pieces = events.iter().map(|event| {
        event["response"]["candidates"][0]["content"]["parts"][0]["text"]
            .as_str()
            .unwrap()
    });
    assert_eq!(pieces.collect::<String>(), text);
    assert!(
        events
            .iter()
            .all(|event| event["traceId"] == plain["traceId"])
    );
    let array = rig
        .post("/v1internal:streamGenerateContent", &body())
        .await
        .unwrap()
        .json();
    assert_eq!(array.as_array().unwrap().len(), events.len());
}

#[tokio::test]
async fn tokens_are_counted_and_the_account_and_its_models_told() {
    let rig = rig().await;
    let count = json!({ "request": { "model": format!("models/{MODEL}"), "contents": Tongue::Assist.question() } });
    let counted = rig
        .post("/v1internal:countTokens", &count)
        .await
        .unwrap()
        .json();
    assert!(counted["totalTokens"].as_u64().unwrap() > 3);
    let metadata = json!({ "metadata": { "ideType": "IDE_UNSPECIFIED", "pluginType": "GEMINI" } });
    let account = rig
        .post("/v1internal:loadCodeAssist", &metadata)
        .await
        .unwrap()
        .json();
    assert_eq!(account["currentTier"]["id"], "free-tier");
    let project = json!({ "project": account["cloudaicompanionProject"] });
    let models = rig
        .post("/v1internal:fetchAvailableModels", &project)
        .await
        .unwrap()
        .json();
    assert!(models["models"]["gemini-2.5-pro"]["displayName"].is_string());
    assert!(models["models"]["sim-agent"]["quotaInfo"]["resetTime"].is_string());
    for path in ["countTokens", "loadCodeAssist", "fetchAvailableModels"] {
        let answer = rig
            .post(&format!("/v1internal:{path}"), &json!({ "extra": 1 }))
            .await
            .unwrap();
        assert_eq!(answer.status, 400, "{path}");
    }
    let unknown = rig
        .post("/v1internal:doEverything", &json!({}))
        .await
        .unwrap();
    assert_eq!(unknown.json()["error"]["status"], "NOT_FOUND");
}

#[tokio::test]
async fn a_resource_is_exhausted_in_each_of_its_variants() {
    let clock = SimClock::Manual(std::sync::Arc::new(1_790_000_000_000.into()));
    let options = SimOptions {
        clock,
        ..SimOptions::default()
    };
    let rig = rig_with(options, false).await;

    let (status, error) = refused(&rig, ProviderError::RateLimitRequests, Some(479)).await;
    assert_eq!(
        (status, &error["status"]),
        (429, &json!("RESOURCE_EXHAUSTED"))
    );
    let info = detail(&error, "ErrorInfo").unwrap();
    assert_eq!(info["reason"], "RATE_LIMIT_EXCEEDED");
    assert_eq!(info["metadata"]["quotaResetDelay"], "0.479s");
    assert_eq!(detail(&error, "RetryInfo").unwrap()["retryDelay"], "0.479s");

    let (status, error) = refused(&rig, ProviderError::Quota, Some(3_661_000)).await;
    assert_eq!(status, 429);
    let info = detail(&error, "ErrorInfo").unwrap();
    assert_eq!(info["reason"], "QUOTA_EXHAUSTED");
    assert_eq!(
        info["metadata"]["quotaResetTimeStamp"],
        UnixMillis(1_790_003_661_000)
            .to_string()
            .replace(".000Z", "Z")
    );
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .ends_with("after 1h1m1s.")
    );

    let (status, error) = refused(&rig, ProviderError::RateLimitTokens, Some(6_236_000)).await;
    assert_eq!((status, detail(&error, "ErrorInfo")), (429, None));
    assert!(
        error["message"]
            .as_str()
            .unwrap()
            .ends_with("after 1h43m56s.")
    );

    let (status, error) = refused(&rig, ProviderError::RateLimitDay, None).await;
    assert_eq!(status, 429);
    assert!(detail(&error, "ErrorInfo").unwrap()["metadata"]["quota_limit"].is_string());

    for (error, expected) in [
        (ProviderError::Capacity, 429),
        (ProviderError::Overloaded, 503),
    ] {
        let (status, error) = refused(&rig, error, None).await;
        assert_eq!(status, expected);
        assert_eq!(
            detail(&error, "ErrorInfo").unwrap()["reason"],
            "MODEL_CAPACITY_EXHAUSTED"
        );
        assert!(detail(&error, "RetryInfo").is_none());
    }
}

#[tokio::test]
async fn a_rule_for_code_assist_leaves_gemini_alone() {
    let rig = rig().await;
    let (status, _) = refused(&rig, ProviderError::Quota, None).await;
    assert_eq!(status, 429);
    let body = Tongue::Gemini.body(MODEL, &Tongue::Gemini.question(), false, false);
    let answer = rig
        .post(&Tongue::Gemini.path(MODEL, false), &body)
        .await
        .unwrap();
    assert_eq!(answer.status, 200);
}

#[tokio::test]
async fn an_error_inside_a_stream_has_googles_shape() {
    let rig = rig().await;
    rig.sim.script(Rule::new(Fault::StreamError {
        error: ProviderError::Internal,
        frames: 2,
    }));
    let events = rig
        .post("/v1internal:streamGenerateContent?alt=sse", &body())
        .await
        .unwrap()
        .events();
    assert_eq!(events.len(), 3);
    assert_eq!(events[2]["error"]["status"], "INTERNAL");
}
