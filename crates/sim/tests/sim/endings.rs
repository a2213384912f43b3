//! How the simulated models end otherwise: at a limit, at a stop sequence, refused, after a silence.

use std::time::{Duration, Instant};

use crate::{
    loops::{TONGUES, Tongue},
    support::{DEADLINE, Rig, rig},
};
use http_body_util::BodyExt;
use serde_json::{Value, json};

/// Where a protocol says why it ends, plainly and in the last event that says so.
fn reason(tongue: Tongue, answer: &Value) -> Value {
    let pointers: &[&str] = match tongue {
        Tongue::Messages => &["/stop_reason", "/delta/stop_reason"],
        Tongue::Chat => &["/choices/0/finish_reason"],
        Tongue::Responses => &[
            "/incomplete_details/reason",
            "/response/incomplete_details/reason",
        ],
        Tongue::Gemini => &["/candidates/0/finishReason", "/promptFeedback/blockReason"],
        Tongue::Assist => &[
            "/response/candidates/0/finishReason",
            "/response/promptFeedback/blockReason",
        ],
    };
    pointers
        .iter()
        .filter_map(|pointer| answer.pointer(pointer))
        .find(|reason| reason.is_string())
        .cloned()
        .unwrap_or_default()
}

fn body(tongue: Tongue, model: &str, stream: bool) -> Value {
    let mut body = tongue.body(model, &tongue.question(), false, stream);
    let inner = match tongue {
        Tongue::Assist => &mut body["request"],
        _ => &mut body,
    };
    inner.as_object_mut().unwrap().remove("tools");
    match tongue {
        Tongue::Messages => inner["stop_sequences"] = json!(["END"]),
        Tongue::Chat => inner["stop"] = json!("END"),
        Tongue::Responses => {}
        Tongue::Gemini | Tongue::Assist => {
            inner["generationConfig"] = json!({ "stopSequences": ["END"] });
        }
    }
    body
}

async fn reasons(rig: &Rig, tongue: Tongue, model: &str) -> [Value; 2] {
    let plain = rig
        .post(&tongue.path(model, false), &body(tongue, model, false))
        .await
        .unwrap();
    assert_eq!(plain.status, 200, "{tongue:?}: {}", plain.text());
    let events = rig
        .post(&tongue.path(model, true), &body(tongue, model, true))
        .await
        .unwrap()
        .events();
    let streamed = events
        .iter()
        .rev()
        .map(|event| reason(tongue, event))
        .find(|reason| !reason.is_null());
    [reason(tongue, &plain.json()), streamed.unwrap_or_default()]
}

#[tokio::test]
async fn each_model_ends_as_its_name_says_in_the_words_of_each_protocol() {
    let rig = rig().await;
    let none = Value::Null;
    for (model, expected) in [
        (
            "sim-max-tokens",
            [
                json!("max_tokens"),
                json!("length"),
                json!("max_output_tokens"),
                json!("MAX_TOKENS"),
            ],
        ),
        (
            "sim-stop-sequence",
            [
                json!("stop_sequence"),
                json!("stop"),
                none.clone(),
                json!("STOP"),
            ],
        ),
        (
            "sim-safety",
            [
                json!("refusal"),
                json!("content_filter"),
                json!("content_filter"),
                json!("SAFETY"),
            ],
        ),
        (
            "sim-blocked",
            [json!("refusal"), json!("stop"), none, json!("SAFETY")],
        ),
    ] {
        for (place, tongue) in TONGUES.iter().enumerate() {
            let expected = &expected[place.min(3)];
            let found = reasons(&rig, *tongue, model).await;
            assert_eq!(
                found,
                [expected.clone(), expected.clone()],
                "{tongue:?} {model}"
            );
        }
    }
}

#[tokio::test]
async fn what_stopped_and_what_was_refused_is_said_beside_the_reason() {
    let rig = rig().await;
    let ask = async |tongue: Tongue, model: &str, stream: bool| {
        rig.post(&tongue.path(model, stream), &body(tongue, model, stream))
            .await
            .unwrap()
    };
    let stopped = ask(Tongue::Messages, "sim-stop-sequence", false)
        .await
        .json();
    assert_eq!(stopped["stop_sequence"], "END");
    let refused = ask(Tongue::Messages, "sim-blocked", false).await.json();
    assert_eq!(refused["content"], json!([]));
    let refused = ask(Tongue::Chat, "sim-blocked", false).await.json();
    assert!(refused["choices"][0]["message"]["refusal"].is_string());
    assert!(refused["choices"][0]["message"]["content"].is_null());
    let refused = ask(Tongue::Chat, "sim-blocked", true).await.events();
    assert!(
        refused
            .iter()
            .any(|event| event["choices"][0]["delta"]["refusal"].is_string())
    );
    let refused = ask(Tongue::Responses, "sim-blocked", false).await.json();
    assert_eq!(refused["output"][0]["content"][0]["type"], "refusal");
    let blocked = ask(Tongue::Gemini, "sim-blocked", false).await.json();
    assert!(blocked["candidates"].is_null());
    assert_eq!(
        blocked["promptFeedback"]["safetyRatings"][0]["blocked"],
        true
    );
}

#[tokio::test]
async fn a_slow_thinker_opens_its_stream_and_is_silent_before_it_says_anything() {
    const SILENCE: Duration = Duration::from_millis(300);
    let rig = rig().await;
    let model = "sim-slow-thinker-300ms";
    for tongue in TONGUES {
        let begun = Instant::now();
        let path = tongue.path(model, true);
        let response = rig
            .open(&path, "key-1", &body(*tongue, model, true))
            .await
            .unwrap();
        assert_eq!(response.status(), 200);
        let mut stream = response.into_body();
        let content = match tongue {
            Tongue::Messages => "content_block_delta",
            Tongue::Chat => "\"delta\":{\"content\":",
            Tongue::Responses => "output_text.delta",
            Tongue::Gemini | Tongue::Assist => "\"parts\"",
        };
        let (mut said, mut first) = (String::new(), None);
        while let Some(frame) = tokio::time::timeout(DEADLINE, stream.frame())
            .await
            .unwrap()
        {
            said.push_str(&String::from_utf8_lossy(
                &frame.unwrap().into_data().unwrap(),
            ));
            if first.is_none() && said.contains(content) {
                first = Some(begun.elapsed());
            }
        }
        assert!(first.unwrap() >= SILENCE, "{tongue:?}");
        let begun = Instant::now();
        rig.post(&tongue.path(model, false), &body(*tongue, model, false))
            .await
            .unwrap();
        assert!(begun.elapsed() >= SILENCE, "{tongue:?}");
    }
}
