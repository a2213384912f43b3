//! A healthy provider: each endpoint, plain and streamed, over both versions of HTTP.

use crate::support::{read, rig, rig_with};
use serde_json::{Value, json};
use waybill_sim::{Fast, SimOptions};

fn claude(stream: bool) -> Value {
    json!({ "model": "claude-sonnet-4-5", "max_tokens": 256, "stream": stream,
            "messages": [{ "role": "user", "content": "Tell me about the sea." }] })
}

fn chat(stream: bool) -> Value {
    json!({ "model": "gpt-5", "stream": stream, "stream_options": { "include_usage": true },
            "messages": [{ "role": "user", "content": "Tell me about the sea." }] })
}

fn responses(stream: bool) -> Value {
    json!({ "model": "gpt-5", "stream": stream, "input": "Tell me about the sea." })
}

fn gemini() -> Value {
    json!({ "contents": [{ "role": "user", "parts": [{ "text": "Tell me about the sea." }] }] })
}

/// The values under a JSON pointer, of the events that have it, joined.
fn joined(events: &[Value], pointer: &str) -> String {
    events
        .iter()
        .filter_map(|event| event.pointer(pointer)?.as_str())
        .collect()
}

#[tokio::test]
async fn anthropic_streams_the_text_it_answers_plainly_and_ends_with_message_stop() {
    let rig = rig().await;
    let plain = rig
        .post("/v1/messages", &claude(false))
        .await
        .unwrap()
        .json();
    let stream = rig.post("/v1/messages", &claude(true)).await.unwrap();
    assert_eq!(
        stream.headers["content-type"],
        "text/event-stream; charset=utf-8"
    );
    let events = stream.events();
    let kinds: Vec<&str> = events
        .iter()
        .map(|event| event["type"].as_str().unwrap())
        .collect();
    assert_eq!(
        &kinds[..3],
        ["message_start", "content_block_start", "ping"]
    );
    assert_eq!(
        &kinds[kinds.len() - 3..],
        ["content_block_stop", "message_delta", "message_stop"]
    );
    assert_eq!(
        joined(&events, "/delta/text"),
        plain["content"][0]["text"].as_str().unwrap()
    );
    assert_eq!(
        events[events.len() - 2]["usage"]["output_tokens"],
        plain["usage"]["output_tokens"]
    );
}

#[tokio::test]
async fn chat_completions_streams_the_text_it_answers_plainly_and_ends_with_done() {
    let rig = rig().await;
    let plain = rig
        .post("/v1/chat/completions", &chat(false))
        .await
        .unwrap()
        .json();
    let events = rig
        .post("/v1/chat/completions", &chat(true))
        .await
        .unwrap()
        .events();
    assert_eq!(events.last().unwrap(), "[DONE]");
    assert_eq!(
        joined(&events, "/choices/0/delta/content"),
        plain["choices"][0]["message"]["content"].as_str().unwrap()
    );
    assert_eq!(events[events.len() - 2]["usage"], plain["usage"]);
}

#[tokio::test]
async fn responses_numbers_its_events_and_ends_with_the_plain_answer() {
    let rig = rig().await;
    let plain = rig
        .post("/v1/responses", &responses(false))
        .await
        .unwrap()
        .json();
    let events = rig
        .post("/v1/responses", &responses(true))
        .await
        .unwrap()
        .events();
    for (number, event) in events.iter().enumerate() {
        assert_eq!(event["sequence_number"], number);
    }
    let last = events.last().unwrap();
    assert_eq!(last["type"], "response.completed");
    assert_eq!(last["response"]["output"], plain["output"]);
    let deltas: Vec<Value> = events
        .iter()
        .filter(|event| event["type"] == "response.output_text.delta")
        .cloned()
        .collect();
    assert_eq!(
        joined(&deltas, "/delta"),
        plain["output"][0]["content"][0]["text"].as_str().unwrap()
    );
}

#[tokio::test]
async fn gemini_streams_events_with_alt_sse_and_one_array_without() {
    let rig = rig().await;
    let plain = rig
        .post("/v1beta/models/gemini-2.5-flash:generateContent", &gemini())
        .await
        .unwrap()
        .json();
    let text = plain["candidates"][0]["content"]["parts"][0]["text"]
        .as_str()
        .unwrap();
    let path = "/v1beta/models/gemini-2.5-flash:streamGenerateContent";
    let events = rig
        .post(&format!("{path}?alt=sse"), &gemini())
        .await
        .unwrap()
        .events();
    let array = rig.post(path, &gemini()).await.unwrap().json();
    for documents in [events, array.as_array().unwrap().clone()] {
        assert_eq!(
            joined(&documents, "/candidates/0/content/parts/0/text"),
            text
        );
        assert_eq!(
            documents.last().unwrap()["candidates"][0]["finishReason"],
            "STOP"
        );
        assert_eq!(
            documents.last().unwrap()["usageMetadata"],
            plain["usageMetadata"]
        );
    }
}

#[tokio::test]
async fn a_tool_is_called_when_it_is_asked_for_and_its_result_is_answered_with_text() {
    let rig = rig().await;
    let schema = json!({ "type": "object", "properties": { "city": { "type": "string" } } });
    let asked = json!({ "role": "user", "content": "What is the weather?" });
    let mut body = json!({ "model": "claude-sonnet-4-5", "max_tokens": 256, "messages": [asked],
        "tools": [{ "name": "get_weather", "input_schema": schema }] });
    let call = rig.post("/v1/messages", &body).await.unwrap().json();
    assert_eq!(call["stop_reason"], "tool_use");
    assert!(call["content"][0]["input"]["city"].is_string());

    let result = json!([{ "type": "tool_result", "tool_use_id": call["content"][0]["id"], "content": "sunny" }]);
    body["messages"] = json!([asked, { "role": "assistant", "content": call["content"] }, { "role": "user", "content": result }]);
    let end = rig.post("/v1/messages", &body).await.unwrap().json();
    assert_eq!(end["stop_reason"], "end_turn");
    assert!(!end["content"][0]["text"].as_str().unwrap().is_empty());
}

#[tokio::test]
async fn a_forced_tool_is_called_in_every_protocol_plain_and_streamed() {
    let rig = rig().await;
    let schema = json!({ "type": "object", "properties": { "n": { "type": "integer" } } });
    let (mut chat, mut responses, mut gemini) = (chat(false), responses(false), gemini());
    chat["tools"] =
        json!([{ "type": "function", "function": { "name": "count", "parameters": schema } }]);
    chat["tool_choice"] = json!("required");
    responses["tools"] = json!([{ "type": "function", "name": "count", "parameters": schema }]);
    responses["tool_choice"] = json!({ "type": "function", "name": "count" });
    gemini["tools"] = json!([{ "function_declarations": [{ "name": "count", "parameters_json_schema": schema }] }]);
    gemini["toolConfig"] = json!({ "functionCallingConfig": { "mode": "ANY" } });

    let plain = rig
        .post("/v1/chat/completions", &chat)
        .await
        .unwrap()
        .json();
    let arguments = plain["choices"][0]["message"]["tool_calls"][0]["function"]["arguments"]
        .as_str()
        .unwrap();
    chat["stream"] = json!(true);
    let events = rig
        .post("/v1/chat/completions", &chat)
        .await
        .unwrap()
        .events();
    assert_eq!(
        joined(&events, "/choices/0/delta/tool_calls/0/function/arguments"),
        arguments
    );

    let plain = rig.post("/v1/responses", &responses).await.unwrap().json();
    assert_eq!(plain["output"][0]["arguments"], arguments);
    responses["stream"] = json!(true);
    let events = rig
        .post("/v1/responses", &responses)
        .await
        .unwrap()
        .events();
    assert_eq!(joined(&events, "/delta"), arguments);

    let plain = rig
        .post("/v1beta/models/g:generateContent", &gemini)
        .await
        .unwrap()
        .json();
    assert!(plain["candidates"][0]["content"]["parts"][0]["functionCall"]["args"]["n"].is_u64());
}

#[tokio::test]
async fn thinking_comes_signed_and_before_the_text() {
    let rig = rig().await;
    let mut body = claude(false);
    body["thinking"] = json!({ "type": "enabled", "budget_tokens": 1024 });
    let plain = rig.post("/v1/messages", &body).await.unwrap().json();
    assert_eq!(plain["content"][0]["type"], "thinking");
    assert_eq!(plain["content"][1]["type"], "text");
    body["stream"] = json!(true);
    let events = rig.post("/v1/messages", &body).await.unwrap().events();
    assert_eq!(
        joined(&events, "/delta/signature"),
        plain["content"][0]["signature"].as_str().unwrap()
    );
}

#[tokio::test]
async fn an_answer_keeps_to_the_limit_of_tokens_and_says_that_it_was_cut() {
    let rig = rig().await;
    let mut body = claude(false);
    body["max_tokens"] = json!(5);
    let answer = rig.post("/v1/messages", &body).await.unwrap().json();
    assert_eq!(answer["stop_reason"], "max_tokens");
    assert!(answer["usage"]["output_tokens"].as_u64().unwrap() <= 5);
}

#[tokio::test]
async fn a_stream_that_is_cut_before_its_first_word_still_says_so() {
    let rig = rig().await;
    let mut body = gemini();
    body["generationConfig"] =
        json!({ "maxOutputTokens": 1, "responseMimeType": "application/json" });
    let path = "/v1beta/models/g:streamGenerateContent?alt=sse";
    let events = rig.post(path, &body).await.unwrap().events();
    assert_eq!(
        events.last().unwrap()["candidates"][0]["finishReason"],
        "MAX_TOKENS"
    );
}

#[tokio::test]
async fn tokens_are_counted_texts_embedded_and_models_listed() {
    let rig = rig().await;
    assert!(
        rig.post("/v1/messages/count_tokens", &claude(false))
            .await
            .unwrap()
            .json()["input_tokens"]
            .is_u64()
    );
    assert!(
        rig.post("/v1beta/models/g:countTokens", &gemini())
            .await
            .unwrap()
            .json()["totalTokens"]
            .is_u64()
    );

    let two = json!({ "model": "text-embedding-3-small", "input": ["a", "b"], "dimensions": 8 });
    let embedded = rig.post("/v1/embeddings", &two).await.unwrap().json();
    assert_eq!(
        embedded["data"][1]["embedding"].as_array().unwrap().len(),
        8
    );
    let batch = json!({ "requests": [{ "content": gemini()["contents"][0] }, { "content": gemini()["contents"][0] }] });
    let embedded = rig
        .post("/v1beta/models/g:batchEmbedContents", &batch)
        .await
        .unwrap()
        .json();
    assert_eq!(embedded["embeddings"].as_array().unwrap().len(), 2);

    assert_eq!(rig.get("/v1/models").await.json()["object"], "list");
    assert_eq!(
        rig.get("/v1beta/models/gemini-2.5-pro").await.json()["name"],
        "models/gemini-2.5-pro"
    );
    assert_eq!(
        rig.get("/v1/models/nothing").await.json()["error"]["code"],
        "model_not_found"
    );
}

#[tokio::test]
async fn a_request_the_provider_cannot_read_gets_its_own_400_and_a_path_it_lacks_its_own_404() {
    let rig = rig().await;
    let no_limit =
        json!({ "model": "claude-sonnet-4-5", "messages": [{ "role": "user", "content": "Hi" }] });
    let refused = rig.post("/v1/messages", &no_limit).await.unwrap();
    assert_eq!(refused.status, 400);
    assert_eq!(
        refused.json()["error"]["message"],
        "max_tokens: Field required"
    );
    let refused = rig
        .post("/v1beta/models/g:generateContent", &json!({}))
        .await
        .unwrap();
    assert_eq!(refused.json()["error"]["status"], "INVALID_ARGUMENT");
    assert_eq!(
        rig.post("/v1/nowhere", &json!({})).await.unwrap().status,
        404
    );
}

#[tokio::test]
async fn only_known_keys_are_served_when_there_is_a_list_of_them() {
    let rig = rig_with(
        SimOptions {
            keys: vec!["key-1".into()],
            ..SimOptions::default()
        },
        false,
    )
    .await;
    assert_eq!(
        rig.post("/v1/messages", &claude(false))
            .await
            .unwrap()
            .status,
        200
    );
    let refused = read(
        rig.open("/v1/messages", "other", &claude(false))
            .await
            .unwrap(),
    )
    .await;
    assert_eq!(refused.status, 401);
    assert_eq!(refused.json()["error"]["type"], "authentication_error");
}

#[tokio::test]
async fn http2_is_served_on_the_same_port() {
    let rig = rig_with(SimOptions::default(), true).await;
    let events = rig
        .post("/v1/messages", &claude(true))
        .await
        .unwrap()
        .events();
    assert_eq!(events.last().unwrap()["type"], "message_stop");
    assert_eq!(rig.sim.received()[0].version, "HTTP/2.0");
}

#[tokio::test]
async fn prepared_answers_have_the_size_and_the_number_of_events_asked_for() {
    let fast = Fast {
        text_bytes: 2000,
        events: 50,
        pause: std::time::Duration::ZERO,
    };
    let rig = rig_with(
        SimOptions {
            fast: Some(fast),
            ..SimOptions::default()
        },
        false,
    )
    .await;
    let plain = rig
        .post("/v1/messages", &claude(false))
        .await
        .unwrap()
        .json();
    assert_eq!(plain["content"][0]["text"].as_str().unwrap().len(), 2000);
    let sse = "/v1beta/models/g:streamGenerateContent?alt=sse";
    assert_eq!(rig.post(sse, &gemini()).await.unwrap().events().len(), 50);
    for (path, body) in [
        ("/v1/messages", claude(true)),
        ("/v1/chat/completions", chat(true)),
        ("/v1/responses", responses(true)),
    ] {
        let events = rig.post(path, &body).await.unwrap().events();
        let content = |event: &&Value| {
            event["delta"]["text"].is_string()
                || event["choices"][0]["delta"]["content"]
                    .as_str()
                    .is_some_and(|text| !text.is_empty())
                || event["type"] == "response.output_text.delta"
        };
        assert_eq!(events.iter().filter(content).count(), 50, "{path}");
    }
}

#[tokio::test]
async fn what_arrived_is_kept_with_its_headers_its_body_and_its_key() {
    let rig = rig_with(
        SimOptions {
            keep: 2,
            ..SimOptions::default()
        },
        false,
    )
    .await;
    for _ in 0..3 {
        rig.post("/v1/messages?beta=true", &claude(false))
            .await
            .unwrap();
    }
    let received = rig.sim.received();
    assert_eq!(
        received.iter().map(|one| one.number).collect::<Vec<_>>(),
        [2, 3]
    );
    assert_eq!(received[0].path, "/v1/messages?beta=true");
    assert_eq!(received[0].key.as_deref(), Some("key-1"));
    assert_eq!(received[0].header("anthropic-version"), Some("2023-06-01"));
    assert_eq!(
        serde_json::from_slice::<Value>(&received[0].body).unwrap(),
        claude(false)
    );
    assert_eq!(rig.sim.counters().requests, 3);
}
