//! Streams: what the client gets when one breaks, what is written down, and what a good one leaves.

use crate::support::{
    Answer, DEADLINE, Setup, World, eventually, generate, key_of, message, response,
};
use futures_util::future::join_all;
use http::Method;
use http_body_util::BodyExt;
use serde_json::Value;
use waybill_sim::{DEFAULT_FRAMES, Fault, Place, ProviderError, Rule};

/// The five ways to frame a stream: path, body, the account that serves.
fn asks() -> Vec<(&'static str, String, &'static str)> {
    let chat = serde_json::json!({
        "model": "gpt-5", "stream": true, "stream_options": {"include_usage": true},
        "messages": [{"role": "user", "content": "Say something."}],
    });
    vec![
        ("/v1/messages", message(true), "a1"),
        ("/v1/chat/completions", chat.to_string(), "o1"),
        ("/v1/responses", response(true), "o1"),
        (
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent?alt=sse",
            generate(),
            "g1",
        ),
        (
            "/v1beta/models/gemini-2.5-pro:streamGenerateContent",
            generate(),
            "g1",
        ),
    ]
}

fn is_array(path: &str) -> bool {
    path.ends_with("streamGenerateContent")
}

/// The documents of a stream, in order: the data of its events, or the elements of its array. Panics
/// where it is not well-formed to its last byte.
#[track_caller]
fn documents(path: &str, answer: &Answer) -> Vec<Value> {
    if is_array(path) {
        return serde_json::from_slice(&answer.body)
            .unwrap_or_else(|e| panic!("{path}: {e}: {}", answer.text()));
    }
    let text = answer.text().replace("\r\n", "\n");
    assert!(
        text.ends_with("\n\n"),
        "{path}: the last event is whole: {text}"
    );
    text.lines()
        .filter_map(|line| line.strip_prefix("data: "))
        .filter(|data| *data != "[DONE]")
        .map(|data| serde_json::from_str(data).unwrap_or_else(|e| panic!("{path}: {e}: {data}")))
        .collect()
}

/// Checks that a stream ends with an error as its protocol's SDKs read one. The error's own words.
#[track_caller]
fn error_at_the_end(path: &str, answer: &Answer) -> String {
    let documents = documents(path, answer);
    let last = documents.last().unwrap();
    let story = format!("{path}: {}", answer.text());
    assert!(
        !answer.text().contains("[DONE]"),
        "a client that looks only for this would take it for whole: {story}"
    );
    if path == "/v1/messages" {
        assert!(answer.text().contains("event: error\n"), "{story}");
        assert_eq!(last["type"], "error", "{story}");
    }
    if path == "/v1/responses" && last["type"] == "response.failed" {
        // The provider's own.
        return last["response"]["error"].to_string();
    }
    assert!(
        last["error"]["message"]
            .as_str()
            .is_some_and(|message| !message.is_empty()),
        "{story}"
    );
    last["error"].to_string()
}

/// A failure after two frames of content: the cause on record, the kind of event, and whether the
/// error the client reads is ours.
fn faults() -> Vec<(Fault, &'static [&'static str], &'static str, bool)> {
    vec![
        (
            Fault::StreamError {
                error: ProviderError::Overloaded,
                frames: 2,
            },
            // What the provider said tells more than that it was said inside a stream.
            &["overloaded", "stream.error_event"],
            "stream_error",
            false,
        ),
        (
            Fault::Truncate { frames: 2 },
            &["stream.truncated"],
            "stream_truncated",
            true,
        ),
        (
            Fault::reset(Place::MidContent),
            &["network.reset", "stream.truncated"],
            "stream_truncated",
            true,
        ),
        (
            Fault::stall(Place::MidContent),
            &["stream.stalled"],
            "stream_truncated",
            true,
        ),
    ]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_that_breaks_after_content_ends_with_its_protocols_own_error_and_counts_as_a_failure()
 {
    let setup = Setup {
        top: "[timeouts]\nidle_ms = 1500".into(),
        // Who finds the account stopped by another's failure waits, and does not go elsewhere.
        accounts: 1,
        ..Setup::default()
    };
    let world = World::with(setup).await;
    for (fault, causes, kind, ours) in faults() {
        world.clear_states().await;
        world.sim.script(Rule::new(fault.clone()));
        join_all(asks().into_iter().map(|(path, body, account)| {
            let (world, fault) = (&world, &fault);
            async move {
                let answer = world.post(path, body).await;
                let story = format!("{path} {fault:?}: {}", answer.text());
                assert_eq!(answer.status, 200, "{story}");
                assert!(!answer.broken, "{story}");
                assert_eq!(answer.header("x-waybill-attempts"), Some("1"), "{story}");
                assert!(
                    documents(path, &answer).len() > 2,
                    "what was sent before is there: {story}"
                );
                let error = error_at_the_end(path, &answer);
                assert_eq!(error.contains("waybill_"), ours, "{story}");

                let id = answer.request_id();
                let error = world
                    .error_in("errors", id)
                    .await
                    .expect("it counts against the service");
                assert_eq!(error["status_code"], 200, "{story}: {error}");
                assert_eq!(error["phase"], "upstream", "{story}: {error}");
                assert!(
                    causes.contains(&error["cause"].as_str().unwrap()),
                    "{story}: {error}"
                );
                assert_eq!(error["error_owner"], "provider", "{story}: {error}");
                assert_eq!(error["error_source"], "upstream", "{story}: {error}");
                assert_eq!(error["stream"], true, "{story}: {error}");
                assert_eq!(error["recovered"], false, "{story}: {error}");

                let detail = world.error(id).await;
                assert!(
                    detail["time_to_first_token_ms"].is_u64(),
                    "{story}: {detail}"
                );
                assert!(detail["upstream_latency_ms"].is_u64(), "{story}: {detail}");
                assert!(detail["response_latency_ms"].is_u64(), "{story}: {detail}");
                assert!(
                    detail["error_body"].as_str().unwrap().contains("error"),
                    "{story}: {detail}"
                );
                assert_eq!(
                    detail["attempts"].as_array().unwrap().len(),
                    1,
                    "{story}: {detail}"
                );
                let attempt = &detail["attempts"][0];
                assert_eq!(
                    (&attempt["kind"], &attempt["account_name"]),
                    (&kind.into(), &account.into()),
                    "{story}"
                );
                assert_eq!(attempt["upstream_status_code"], 200, "{story}: {attempt}");
                assert_eq!(attempt["recovered"], false, "{story}: {attempt}");
                assert!(
                    !attempt["message"].as_str().unwrap().is_empty(),
                    "{story}: {attempt}"
                );
                assert!(
                    attempt["upstream_request_id"].is_string(),
                    "{story}: {attempt}"
                );
            }
        }))
        .await;
        world.sim.clear_script();
    }
    for account in ["a1", "o1", "g1"] {
        assert_eq!(world.in_flight(account).await, 0, "{account}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_in_the_middle_is_written_down_as_its_own_doing_and_frees_the_account()
{
    let world = World::new().await;
    world.sim.script(Rule::new(Fault::stall(Place::MidContent)));
    for (path, body, account) in asks() {
        let mut response = world.open(world.request(Method::POST, path, body)).await;
        assert_eq!(response.status(), 200);
        let id = response.headers()["x-waybill-request-id"]
            .to_str()
            .unwrap()
            .to_owned();
        let first = response.frame().await.unwrap().unwrap();
        assert!(!first.data_ref().unwrap().is_empty());
        assert_eq!(world.in_flight(account).await, 1, "{path}");
        drop(response);

        let error = eventually("the record of a client that left", || {
            world.error_in("all", &id)
        })
        .await;
        assert_eq!(error["status_code"], 499, "{path}: {error}");
        assert_eq!(error["cause"], "client_closed_request", "{path}: {error}");
        assert_eq!(error["type"], "client_closed_request", "{path}: {error}");
        assert_eq!(error["error_owner"], "client", "{path}: {error}");
        assert_eq!(error["upstream_error_count"], 0, "{path}: {error}");
        assert!(
            world.error_in("errors", &id).await.is_none(),
            "{path}: it does not count against the service"
        );
        assert!(world.error_in("excluded", &id).await.is_some(), "{path}");
        assert!(
            world.error(&id).await["time_to_first_token_ms"].is_u64(),
            "{path}"
        );
        eventually("the account's place is free", || async {
            (world.in_flight(account).await == 0).then_some(())
        })
        .await;
    }
    eventually("the provider is let go", || async {
        (world.sim.counters().in_flight == 0).then_some(())
    })
    .await;
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_before_any_answer_is_written_down_and_frees_the_account() {
    let world = World::new().await;
    world
        .sim
        .script(Rule::new(Fault::stall(Place::BeforeHeaders)));
    {
        let request = world.open(world.request(Method::POST, "/v1/messages", message(true)));
        let waiting = eventually("the provider has the request", || async {
            (world.sim.counters().in_flight == 1).then_some(())
        });
        tokio::select! {
            _ = request => panic!("there is nothing to answer"),
            () = waiting => {}
        }
    }
    let error = eventually("the record", || async {
        world.errors().await.first().cloned()
    })
    .await;
    assert_eq!(
        (&error["status_code"], &error["error_owner"]),
        (&499.into(), &"client".into()),
        "{error}"
    );
    assert_eq!(
        (&error["account_name"], &error["upstream_error_count"]),
        (&"a1".into(), &0.into()),
        "an attempt was under way, and did not fail: {error}"
    );
    assert_eq!(world.in_flight("a1").await, 0);
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_good_answer_leaves_one_compact_row_with_the_tokens_the_provider_counted() {
    let world = World::new().await;
    let plain = asks().into_iter().map(|(path, body, account)| {
        let body = body.replace("\"stream\":true", "\"stream\":false");
        let body = body.replace(",\"stream_options\":{\"include_usage\":true}", "");
        let body = body.replace("\"stream_options\":{\"include_usage\":true},", "");
        (
            path.replace("streamGenerateContent", "generateContent")
                .replace("?alt=sse", ""),
            body,
            account,
        )
    });
    let streamed = asks()
        .into_iter()
        .map(|(path, body, account)| (path.to_owned(), body, account));
    for (path, body, account) in plain.chain(streamed) {
        let answer = world.post(&path, body.clone()).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
        let row = world.request_row(answer.request_id()).await;
        let story = format!("{path} {body}: {row}");
        let counted = |names: &[&str]| {
            let text = answer.text();
            names.iter().find_map(|name| {
                let (_, after) = text.rsplit_once(&format!("\"{name}\":"))?;
                after
                    .split(|c: char| !c.is_ascii_digit())
                    .next()?
                    .parse::<u64>()
                    .ok()
            })
        };
        let input = counted(&["input_tokens", "prompt_tokens", "promptTokenCount"]);
        let output = counted(&["output_tokens", "completion_tokens", "candidatesTokenCount"]);
        assert!(
            input.is_some_and(|tokens| tokens > 0) && output.is_some_and(|tokens| tokens > 0),
            "{story}"
        );
        assert_eq!(row["input_tokens"].as_u64(), input, "{story}");
        assert_eq!(
            row["output_tokens"].as_u64(),
            output,
            "{story}: {}",
            answer.text()
        );
        assert_eq!(
            (&row["status_code"], &row["attempts"]),
            (&200.into(), &1.into()),
            "{story}"
        );
        let streams = body.contains("\"stream\":true") || path.contains("streamGenerateContent");
        assert_eq!(row["stream"], streams, "{story}");
        assert!(
            row["cause"].is_null() && row["recovered"] == false,
            "{story}"
        );
        assert!(
            row["time_to_first_token_ms"].is_u64() && row["account_id"].is_i64(),
            "{story}"
        );
        let model = if path.starts_with("/v1beta") {
            "gemini-2.5-pro"
        } else {
            &*row["model"].as_str().unwrap().to_owned()
        };
        assert_eq!(row["model"], model, "{story}");
        assert!(
            world.error_in("all", answer.request_id()).await.is_none(),
            "{story}"
        );
        let served = world.sim.received().last().unwrap().key.clone().unwrap();
        assert_eq!(served, key_of(account), "{story}");
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keep_alive_frames_are_no_content_and_do_not_stop_failover() {
    let world = World::new().await;
    world.sim.script(
        Rule::new(Fault::Pings {
            count: 5,
            every_ms: 1,
        })
        .key(&key_of("a1")),
    );
    for (path, body, _) in asks() {
        let answer = world.post(path, body).await;
        assert_eq!(answer.status, 200, "{path}");
        assert!(
            documents(path, &answer).len() > 2 && !answer.broken,
            "{path}: {}",
            answer.text()
        );
    }
    world.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn content_reaches_the_client_while_the_provider_is_still_sending() {
    let world = World::new().await;
    // The provider holds the rest back until its peer leaves: what arrives, arrives before the end.
    world.sim.script(Rule::new(Fault::stall(Place::MidContent)));
    let contents = [
        "text_delta",
        "\"content\":\"",
        "output_text.delta",
        "\"text\":",
        "\"text\":",
    ];
    for ((path, body, _), content) in asks().into_iter().zip(contents) {
        let mut response = world.open(world.request(Method::POST, path, body)).await;
        let mut text = String::new();
        while text.matches(content).count() < DEFAULT_FRAMES {
            let frame = tokio::time::timeout(DEADLINE, response.frame())
                .await
                .unwrap_or_else(|_| panic!("{path}: {text}"));
            text.push_str(
                std::str::from_utf8(frame.unwrap().unwrap().data_ref().unwrap()).unwrap(),
            );
        }
    }
    world.stop().await;
}
