#![allow(clippy::unwrap_used, clippy::panic)]
//! Messages against what Anthropic documents.

use std::{fs, path::PathBuf};

use proptest::prelude::*;
use serde_json::{Value, json};

use super::{
    super::{
        Context, Target, Untranslatable,
        talk::{Amount, Content, Delta, Effort, Maker, Prompt, Signature, Thinking},
        text::Text,
    },
    Decoder, Encoder, HINTS, count, read_answer, read_prompt, spell, write_answer, write_prompt,
};

const TARGET: Target<'static> = Target {
    model: "claude-sonnet-4-6",
    max_tokens: 8_192,
};

fn context() -> Context {
    Context {
        request_id: "w1".to_owned(),
        model: "claude-sonnet-4-6".to_owned(),
        created: 0,
        stream_usage: false,
    }
}

fn fixtures(kind: &str) -> Vec<(String, String)> {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/messages")
        .join(kind);
    let mut all = fs::read_dir(folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(path).unwrap())
        })
        .collect::<Vec<_>>();
    all.sort();
    assert!(!all.is_empty());
    all
}

/// Frames of a well-formed stream.
fn decode(stream: &str) -> Vec<Delta<'_>> {
    let mut decoder = Decoder::default();
    let mut deltas = Vec::new();
    for frame in stream.split("\n\n").filter(|frame| !frame.is_empty()) {
        let (name, data) = frame.split_once('\n').unwrap();
        decoder
            .event(
                name.strip_prefix("event: ").unwrap(),
                data.strip_prefix("data: ").unwrap(),
                &mut deltas,
            )
            .unwrap();
    }
    let mut rest = Vec::new();
    decoder.finish(&mut rest).unwrap();
    deltas.extend(rest);
    deltas
}

fn encode(deltas: &[Delta<'_>]) -> String {
    let mut encoder = Encoder::new(context());
    let mut out = Vec::new();
    for delta in deltas {
        encoder.delta(delta, &mut out);
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn requests_mean_what_they_say() {
    for (name, body) in fixtures("request") {
        insta::assert_debug_snapshot!(format!("request_{name}"), read_prompt(&body).unwrap());
    }
}

#[test]
fn a_request_that_is_read_and_written_and_read_is_the_same() {
    // Proofs of others are not shown to Anthropic.
    for (name, body) in fixtures("request")
        .into_iter()
        .filter(|(name, _)| name != "foreign_proofs")
    {
        let prompt = read_prompt(&body).unwrap();
        let written = String::from_utf8(write_prompt(&prompt, TARGET).unwrap()).unwrap();
        assert_eq!(read_prompt(&written).unwrap(), prompt, "{name}: {written}");
    }
}

#[test]
fn answers_mean_what_they_say_and_are_written_as_they_were_read() {
    for (name, body) in fixtures("answer") {
        let answer = read_answer(&body).unwrap();
        insta::assert_debug_snapshot!(format!("answer_{name}"), answer);
        let written = String::from_utf8(write_answer(&answer, &context())).unwrap();
        assert_eq!(read_answer(&written).unwrap(), answer, "{name}: {written}");
    }
}

#[test]
fn streams_mean_what_they_say_and_are_written_as_they_were_read() {
    for (name, stream) in fixtures("stream") {
        let deltas = decode(&stream);
        insta::assert_debug_snapshot!(format!("stream_{name}"), deltas);
        let written = encode(&deltas);
        assert_eq!(decode(&written), deltas, "{name}: {written}");
    }
}

#[test]
fn an_error_is_no_answer() {
    for (name, body) in fixtures("error") {
        assert_eq!(
            &*read_answer(&body).unwrap_err().why,
            "Overloaded",
            "{name}"
        );
    }
}

/// A small request with fields changed or added by a JSON merge.
fn with(fields: &Value) -> String {
    let mut body = json!({
        "model": "m",
        "max_tokens": 5000,
        "messages": [{ "role": "user", "content": "Hi" }],
    });
    for (name, value) in fields.as_object().unwrap() {
        body[name] = value.clone();
    }
    body.to_string()
}

fn refusal(body: &str) -> String {
    let Untranslatable { what, why } = read_prompt(body).unwrap_err();
    format!("{} {why}", spell(&what))
}

#[test]
fn what_others_have_no_word_for_is_refused_by_its_name() {
    let user = |block: Value| json!({ "messages": [{ "role": "user", "content": [block] }] });
    let assistant =
        |block: Value| json!({ "messages": [{ "role": "assistant", "content": [block] }] });
    let tool = |tool: Value| json!({ "tools": [tool] });
    let refusals = [
        json!({ "max_tokens": null }),
        json!({ "messages": null }),
        json!({ "max_tokens": "many" }),
        json!({ "n": 2 }),
        json!({ "container": "c1" }),
        json!({ "mcp_servers": [{ "type": "url", "url": "https://example.com", "name": "x" }] }),
        json!({ "inference_geo": "eu" }),
        json!({ "context_management": { "edits": [{ "type": "compact_20260112" }] } }),
        json!({ "metadata": { "team": "x" } }),
        json!({ "output_config": { "effort": "extreme" } }),
        json!({ "output_config": { "task_budget": { "type": "tokens", "total": 5 } } }),
        json!({ "output_config": { "format": { "type": "grammar" } } }),
        json!({ "output_format": { "type": "json_schema" } }),
        json!({ "thinking": { "type": "enabled" } }),
        json!({ "thinking": { "type": "between_tools" } }),
        json!({ "thinking": { "type": "adaptive", "display": "updates" } }),
        json!({ "tool_choice": { "type": "tool" } }),
        json!({ "tool_choice": { "type": "some" } }),
        json!({ "messages": [{ "role": "tool", "content": "x" }] }),
        json!({ "messages": [{ "role": "user", "content": "x", "name": "y" }] }),
        json!({ "messages": [{ "role": "user", "content": 5 }] }),
        json!({ "messages": [{ "role": "user" }] }),
        json!({ "system": [{ "type": "image", "source": { "type": "url", "url": "u" } }] }),
        tool(json!({ "type": "web_search_20250305", "name": "web_search", "max_uses": 5 })),
        tool(json!({ "type": "bash_20250124", "name": "bash" })),
        tool(json!({ "type": "text_editor_20250728", "name": "str_replace_based_edit_tool" })),
        tool(
            json!({ "type": "computer_20250124", "name": "computer", "display_width_px": 1, "display_height_px": 1 }),
        ),
        tool(json!({ "name": "x" })),
        tool(json!({ "name": "x", "input_schema": {}, "input_examples": [{}] })),
        tool(
            json!({ "name": "x", "input_schema": {}, "allowed_callers": ["code_execution_20250825"] }),
        ),
        user(json!({ "type": "search_result", "source": "s", "title": "t", "content": [] })),
        user(json!({ "type": "text" })),
        user(json!({ "type": "text", "text": "x", "data": "y" })),
        user(json!({ "type": "text", "text": "x", "colour": "red" })),
        user(json!({ "type": "image", "source": { "type": "base64", "data": "x" } })),
        user(
            json!({ "type": "image", "source": { "type": "base64", "media_type": 7, "data": "x" } }),
        ),
        user(json!({ "type": "document", "source": { "type": "content", "content": "x" } })),
        user(
            json!({ "type": "document", "source": { "type": "url", "url": "x" }, "citations": { "enabled": true } }),
        ),
        user(
            json!({ "type": "document", "source": { "type": "url", "url": "x" }, "context": "from last year" }),
        ),
        user(json!({ "type": "tool_use", "id": "t", "name": "n", "input": {} })),
        user(
            json!({ "type": "tool_result", "tool_use_id": "t", "content": [{ "type": "tool_reference", "tool_name": "n" }] }),
        ),
        assistant(json!({ "type": "tool_use", "id": "t", "name": "n", "input": [] })),
        assistant(
            json!({ "type": "tool_use", "id": "t", "name": "n", "input": {}, "caller": { "type": "code_execution_20250825", "tool_id": "s" } }),
        ),
        assistant(
            json!({ "type": "server_tool_use", "id": "t", "name": "web_search", "input": {} }),
        ),
        assistant(
            json!({ "type": "text", "text": "x", "citations": [{ "type": "char_location" }] }),
        ),
    ];
    let mut table = refusals
        .map(|fields| format!("{fields}\n    {}", refusal(&with(&fields))))
        .to_vec();
    table.push(format!("not JSON\n    {}", refusal("{\"model\":")));
    insta::assert_snapshot!(table.join("\n"));
}

#[test]
fn hints_change_nothing() {
    let bare = with(&json!({}));
    let hinted = with(&json!({
        "cache_control": { "type": "ephemeral" },
        "context_management": { "edits": [
            { "type": "clear_thinking_20251015", "keep": { "type": "thinking_turns", "value": 2 } },
            { "type": "clear_tool_uses_20250919", "trigger": { "type": "input_tokens", "value": 9 }, "exclude_tools": ["x"] },
        ] },
        "service_tier": "auto",
        "speed": "fast",
        "diagnostics": { "previous_message_id": null },
        "user_profile_id": "p",
        "workspace_id": "w",
        "anthropic_version": "vertex-2023-10-16",
        "anthropic_beta": ["interleaved-thinking-2025-05-14"],
        "betas": ["x"],
        "container": null,
        "mcp_servers": [],
        "messages": [{ "role": "user", "content": [{ "type": "text", "text": "Hi", "cache_control": { "type": "ephemeral" }, "citations": null }] }],
    }));
    assert_eq!(read_prompt(&hinted).unwrap(), read_prompt(&bare).unwrap());
    for (name, _) in HINTS.iter().filter(|(name, _)| !name.contains(['*', '.'])) {
        assert!(
            hinted.contains(&format!("\"{name}\"")),
            "{name} is not tried"
        );
    }
}

#[test]
fn system_messages_among_the_others_join_the_system_prompt() {
    let body = with(&json!({ "system": "A", "messages": [
        { "role": "user", "content": "1" },
        { "role": "system", "content": "B" },
        { "role": "user", "content": [{ "type": "text", "text": "2" }] },
    ] }));
    let prompt = read_prompt(&body).unwrap();
    assert_eq!(prompt.system.len(), 2);
    assert_eq!(prompt.turns.len(), 1);
    assert_eq!(prompt.turns[0].parts[1].at.message, 2);
}

#[test]
fn a_proof_of_geminis_travels_sealed_before_its_call() {
    let body = fs::read_to_string(
        PathBuf::from(env!("CARGO_MANIFEST_DIR"))
            .join("tests/fixtures/messages/request/foreign_proofs.json"),
    )
    .unwrap();
    let prompt = read_prompt(&body).unwrap();
    let Content::ToolCall(call) = &prompt.turns[1].parts[1].content else {
        panic!("{prompt:?}");
    };
    assert_eq!(
        call.signature,
        Some(Signature {
            maker: Maker::Gemini,
            value: Text::from("CpcBAVSoXO4")
        })
    );
    let sent = String::from_utf8(write_prompt(&prompt, TARGET).unwrap()).unwrap();
    assert!(
        !sent.contains("CpcBAVSoXO4") && !sent.contains("gAAAAABo"),
        "{sent}"
    );
}

fn sent(prompt: &Prompt<'_>, model: &str) -> Value {
    let target = Target { model, ..TARGET };
    serde_json::from_slice(&write_prompt(prompt, target).unwrap()).unwrap()
}

#[test]
fn thinking_is_said_as_the_model_understands_it() {
    let cases = [
        (
            "claude-sonnet-4-5",
            Amount::Effort(Effort::High),
            Some(6000),
            json!({ "type": "enabled", "budget_tokens": 3000 }),
            Value::Null,
            6000,
        ),
        (
            "claude-sonnet-4.5",
            Amount::Effort(Effort::High),
            None,
            json!({ "type": "enabled", "budget_tokens": 24576 }),
            Value::Null,
            8192 + 24576,
        ),
        (
            "claude-haiku-4-5",
            Amount::Tokens(100),
            Some(500),
            json!({ "type": "enabled", "budget_tokens": 1024 }),
            Value::Null,
            1524,
        ),
        (
            "claude-haiku-4-5",
            Amount::Tokens(9000),
            Some(4000),
            json!({ "type": "enabled", "budget_tokens": 3999 }),
            Value::Null,
            4000,
        ),
        (
            "claude-opus-4@20250514",
            Amount::Adaptive,
            Some(60000),
            json!({ "type": "enabled", "budget_tokens": 24576 }),
            Value::Null,
            60000,
        ),
        (
            "claude-sonnet-4-6",
            Amount::Tokens(2000),
            Some(4000),
            json!({ "type": "enabled", "budget_tokens": 2000 }),
            Value::Null,
            4000,
        ),
        (
            "claude-opus-4-7",
            Amount::Tokens(2000),
            Some(1000),
            json!({ "type": "adaptive" }),
            json!("medium"),
            1000,
        ),
        (
            "claude-opus-5",
            Amount::Effort(Effort::Minimal),
            None,
            json!({ "type": "adaptive" }),
            json!("low"),
            8192,
        ),
        (
            "claude-opus-5",
            Amount::Adaptive,
            None,
            json!({ "type": "adaptive" }),
            Value::Null,
            8192,
        ),
        (
            "claude-opus-5",
            Amount::Off,
            None,
            json!({ "type": "disabled" }),
            Value::Null,
            8192,
        ),
    ];
    for (model, amount, max_tokens, thinking, effort, limit) in cases {
        let prompt = Prompt {
            thinking: Some(Thinking {
                amount,
                shown: None,
            }),
            max_tokens,
            ..Prompt::default()
        };
        let sent = sent(&prompt, model);
        assert_eq!(sent["thinking"], thinking, "{model} {amount:?}");
        assert_eq!(
            sent["output_config"]["effort"], effort,
            "{model} {amount:?}"
        );
        assert_eq!(sent["max_tokens"], limit, "{model} {amount:?}");
    }
}

#[test]
fn a_count_asks_for_what_is_read_and_nothing_else() {
    let body = fixtures("request")
        .into_iter()
        .find(|(name, _)| name == "settings")
        .unwrap()
        .1;
    let body = body.replace("\"max_tokens\": 300,", "");
    let prompt = count::read_request(&body).unwrap();
    let question: Value =
        serde_json::from_slice(&count::write_request(&prompt, TARGET).unwrap()).unwrap();
    let fields = question
        .as_object()
        .unwrap()
        .keys()
        .map(String::as_str)
        .collect::<Vec<_>>();
    assert_eq!(fields, ["messages", "model", "tool_choice", "tools"]);
    assert_eq!(
        count::read_answer(&String::from_utf8(count::write_answer(12)).unwrap()),
        Ok(12)
    );
    assert!(count::read_answer("{}").is_err());
}

/// Pieces that bodies and events are made of, in any order: closer to the branches than random bytes.
fn pieces() -> impl Strategy<Value = String> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "null",
        "true",
        "1",
        "-1",
        "1e999",
        "\\",
        "\\u",
        "é",
        "{\"type\":\"",
        "\"type\":\"text\"",
        "\"text\":\"x\"",
        "\"max_tokens\":1",
        "\"messages\":[",
        "\"role\":\"user\"",
        "\"role\":\"assistant\"",
        "\"content\":[",
        "\"content\":\"x\"",
        "\"tool_use\"",
        "\"tool_result\"",
        "\"redacted_thinking\"",
        "\"data\":\"waybill.gemini.\"",
        "\"input\":{}",
        "message_start\"",
        "content_block_start\",\"content_block\":{",
        "content_block_delta\",\"delta\":{",
        "content_block_stop\"}",
        "message_stop\"}",
        "\"tools\":[",
        "\"thinking\":{",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..40)
        .prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_comes_is_read_or_refused(text in prop_oneof![pieces(), ".{0,80}"], more in pieces()) {
        let _ = read_prompt(&text).map_err(|refusal| spell(&refusal.what));
        let _ = read_answer(&text);
        let _ = count::read_answer(&text);
        let mut decoder = Decoder::default();
        let mut deltas = Vec::new();
        let _ = decoder.event("", &text, &mut deltas);
        let _ = decoder.event("content_block_delta", &more, &mut deltas);
        let mut rest = Vec::new();
        let _ = decoder.finish(&mut rest);
        deltas.extend(rest);
        encode(&deltas);
    }
}

#[test]
fn every_start_of_every_fixture_is_read_or_refused() {
    for (_, body) in fixtures("request").into_iter().chain(fixtures("answer")) {
        let body = body.trim_end();
        for (end, _) in body.char_indices() {
            let _ = read_prompt(&body[..end]).unwrap_err();
            let _ = read_answer(&body[..end]).unwrap_err();
        }
    }
}

#[test]
fn a_call_whose_arguments_are_no_object_is_no_answer() {
    for (input, is_read) in [
        (r#"{"harbour":"Cork"}"#, true),
        ("null", true),
        (r#""Cork""#, false),
        ("[]", false),
        ("7", false),
    ] {
        let body = format!(
            r#"{{"type":"message","id":"m","role":"assistant","content":[{{"type":"tool_use","id":"t","name":"tide","input":{input}}}],"stop_reason":"tool_use"}}"#
        );
        assert_eq!(read_answer(&body).is_ok(), is_read, "{input}");
    }
}

#[test]
fn a_call_that_names_no_tool_is_no_answer() {
    for name in ["null", r#""""#] {
        let block = format!(r#"{{"type":"tool_use","id":"t","name":{name},"input":{{}}}}"#);
        let body = format!(
            r#"{{"type":"message","id":"m","role":"assistant","content":[{block}],"stop_reason":"tool_use"}}"#
        );
        assert!(read_answer(&body).is_err(), "{name}");
        let start = r#"{"type":"message_start","message":{"id":"m","model":"x","usage":{}}}"#;
        let event =
            format!(r#"{{"type":"content_block_start","index":0,"content_block":{block}}}"#);
        let (mut decoder, mut out) = (Decoder::default(), Vec::new());
        decoder.event("message_start", start, &mut out).unwrap();
        let opened = decoder.event("content_block_start", &event, &mut out);
        assert!(opened.is_err(), "{name}");
    }
}
