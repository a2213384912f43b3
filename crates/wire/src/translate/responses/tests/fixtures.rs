//! What is written down in the fixtures: read, written, and read again.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::Value;

use super::{TARGET, context, fixture, fixtures};
use crate::translate::{
    responses::{read_answer, read_prompt, write_answer, write_prompt},
    talk::{Content, Maker, Part, Prompt, Stop, Tool, ToolCall},
};

#[test]
fn a_request_says_in_talk_what_it_says_in_json() {
    for (name, body) in fixtures("request") {
        insta::assert_debug_snapshot!(format!("request_{name}"), read_prompt(&body).unwrap());
    }
}

/// Thoughts of other makers are no business of OpenAI's.
fn without_foreign_thoughts(mut prompt: Prompt<'_>) -> Prompt<'_> {
    for turn in &mut prompt.turns {
        for part in &mut turn.parts {
            if let Content::ToolCall(call) = &mut part.content {
                call.signature = None;
            }
        }
        turn.parts.retain(|part| match &part.content {
            Content::Thinking(thought) => thought
                .signature
                .as_ref()
                .is_some_and(|signature| signature.maker == Maker::OpenAi),
            _ => true,
        });
    }
    prompt
}

#[test]
fn a_request_that_is_written_and_read_again_says_the_same() {
    for (name, body) in fixtures("request") {
        let prompt = read_prompt(&body).unwrap();
        let written = String::from_utf8(write_prompt(&prompt, TARGET).unwrap()).unwrap();
        let again = read_prompt(&written).unwrap();
        assert_eq!(again, without_foreign_thoughts(prompt), "{name}: {written}");
    }
}

#[test]
fn a_request_is_written_in_the_words_of_the_reference() {
    for name in ["tools", "image", "thinking", "settings", "schema", "codex"] {
        let body = fixture("request", name);
        let written = write_prompt(&read_prompt(&body).unwrap(), TARGET).unwrap();
        let json: Value = serde_json::from_slice(&written).unwrap();
        insta::assert_json_snapshot!(format!("written_{name}"), json);
    }
}

#[test]
fn an_answer_says_in_talk_what_it_says_in_json() {
    for (name, body) in fixtures("answer") {
        insta::assert_debug_snapshot!(format!("answer_{name}"), read_answer(&body).unwrap());
    }
}

#[test]
fn an_answer_that_is_written_and_read_again_says_the_same() {
    for (name, body) in fixtures("answer") {
        let mut answer = read_answer(&body).unwrap();
        let written = String::from_utf8(write_answer(&answer, &context())).unwrap();
        // What an answer lacks is filled in.
        answer.id.get_or_insert("resp_req01".into());
        answer.model.get_or_insert("asked-for".into());
        assert_eq!(read_answer(&written).unwrap(), answer, "{name}: {written}");
    }
}

#[test]
fn an_answer_holds_every_field_that_the_sdk_demands() {
    for name in ["tools", "thinking", "long"] {
        let body = fixture("answer", name);
        let written = write_answer(&read_answer(&body).unwrap(), &context());
        let json: Value = serde_json::from_slice(&written).unwrap();
        insta::assert_json_snapshot!(format!("told_{name}"), json);
    }
}

#[test]
fn an_answer_that_served_nobody_is_unreadable() {
    let mut said = String::new();
    for (name, body) in fixtures("error") {
        said.push_str(&format!("{name}: {}\n", read_answer(&body).unwrap_err()));
    }
    said.push_str(&format!(
        "no JSON: {}\n",
        read_answer("<html>").unwrap_err()
    ));
    insta::assert_snapshot!(said);
}

#[test]
fn a_call_that_was_cut_off_is_none() {
    let body = r#"{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"},"output":[
        {"type":"message","content":[{"type":"output_text","text":"so"}]},
        {"type":"function_call","status":"incomplete","call_id":"c","name":"f","arguments":"{\"a\":"}]}"#;
    let answer = read_answer(body).unwrap();
    assert_eq!(answer.parts, [Part::from(Content::Text("so".into()))]);
    assert_eq!(answer.stop, Stop::MaxTokens);
}

#[test]
fn a_custom_tool_comes_back_to_the_client_as_one() {
    let body = fixture("request", "codex");
    let prompt = read_prompt(&body).unwrap();
    let [_, Tool { name, .. }] = prompt.tools.as_slice() else {
        panic!("two tools");
    };
    let call = ToolCall {
        id: "toolu_1".into(),
        name: name.clone(),
        arguments: crate::translate::text::Json::parse(
            r#"{"input":"*** Begin\n\"Patch\""}"#.to_owned(),
        )
        .unwrap(),
        signature: None,
    };
    let mut answer = read_answer(r#"{"output":[]}"#).unwrap();
    answer.parts.push(Content::ToolCall(call).into());
    let told: Value = serde_json::from_slice(&write_answer(&answer, &context())).unwrap();
    let item = &told["output"][0];
    assert_eq!(item["type"], "custom_tool_call");
    assert_eq!(item["name"], "apply_patch");
    assert_eq!(item["call_id"], "toolu_1");
    assert_eq!(item["input"], "*** Begin\n\"Patch\"");
}

#[test]
fn a_call_without_an_id_gets_one_from_the_request() {
    let mut answer =
        read_answer(r#"{"output":[{"type":"function_call","name":"f","arguments":"{}"}]}"#)
            .unwrap();
    answer.parts.insert(0, Content::Text("now".into()).into());
    let told: Value = serde_json::from_slice(&write_answer(&answer, &context())).unwrap();
    assert_eq!(told["output"][0]["id"], "msg_req01_0");
    assert_eq!(told["output"][1]["id"], "fc_req01_1");
    assert_eq!(told["output"][1]["call_id"], "call_req01_1");
    assert_eq!(told["status"], "completed");
}
