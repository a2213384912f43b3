//! Streams, event by event.
#![allow(clippy::unwrap_used, clippy::panic)]

use serde_json::Value;

use super::{context, fixture, fixtures};
use crate::translate::{
    Unreadable,
    responses::{Decoder, Encoder, read_answer, read_prompt},
    talk::{Content, Delta, Maker, Opening, Signature, Stop, Tokens},
};

/// The events of a stream: name and data.
fn events(stream: &str) -> Vec<(&str, &str)> {
    stream
        .split("\n\n")
        .filter(|frame| !frame.is_empty())
        .map(|frame| {
            let field = |name: &str| frame.lines().find_map(|line| line.strip_prefix(name));
            (field("event: ").unwrap_or(""), field("data: ").unwrap())
        })
        .collect()
}

fn decode(stream: &str) -> Result<Vec<Delta<'_>>, Unreadable> {
    let mut decoder = Decoder::default();
    let mut deltas = Vec::new();
    for (name, data) in events(stream) {
        decoder.event(name, data, &mut deltas)?;
    }
    let mut rest = Vec::new();
    decoder.finish(&mut rest)?;
    deltas.extend(rest);
    Ok(deltas)
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
fn a_stream_says_in_deltas_what_it_says_in_events() {
    for (name, stream) in fixtures("stream") {
        insta::assert_debug_snapshot!(format!("stream_{name}"), decode(&stream).unwrap());
    }
}

#[test]
fn a_stream_that_is_written_and_read_again_says_the_same() {
    for (name, stream) in fixtures("stream") {
        let mut deltas = decode(&stream).unwrap();
        let written = encode(&deltas);
        // What a stream lacks is filled in.
        if let Some(Delta::Begin { id, model, tokens }) = deltas.first_mut() {
            id.get_or_insert("resp_req01".into());
            model.get_or_insert("asked-for".into());
            *tokens = Tokens::default();
        }
        assert_eq!(decode(&written).unwrap(), deltas, "{name}: {written}");
    }
}

#[test]
fn a_stream_is_told_in_the_events_of_the_reference() {
    for name in ["text", "tools", "thinking", "refusal", "long"] {
        let stream = fixture("stream", name);
        insta::assert_snapshot!(
            format!("told_stream_{name}"),
            encode(&decode(&stream).unwrap())
        );
    }
}

#[test]
fn the_last_event_repeats_the_whole_answer() {
    for name in ["text", "tools", "thinking", "refusal", "long", "refused"] {
        let told = encode(&decode(&fixture("stream", name)).unwrap());
        let (_, last) = *events(&told).last().unwrap();
        let last: Value = serde_json::from_str(last).unwrap();
        let response = last["response"].to_string();
        assert_eq!(
            read_answer(&response).unwrap(),
            read_answer(&fixture("answer", name)).unwrap(),
            "{name}"
        );
    }
}

#[test]
fn events_are_numbered_and_named_twice() {
    for (_, stream) in fixtures("stream") {
        let told = encode(&decode(&stream).unwrap());
        for (number, (name, data)) in events(&told).into_iter().enumerate() {
            let data: Value = serde_json::from_str(data).unwrap();
            assert_eq!(data["sequence_number"], number);
            assert_eq!(data["type"], name);
        }
    }
}

fn call(id: &'static str) -> Delta<'static> {
    Delta::Open(Opening::ToolCall {
        id: id.into(),
        name: "f".into(),
    })
}

fn signed(value: &'static str) -> Delta<'static> {
    Delta::Signed(Signature {
        maker: Maker::Gemini,
        value: value.into(),
    })
}

fn end(stop: Stop<'static>) -> Delta<'static> {
    Delta::End {
        stop,
        tokens: Tokens::default(),
    }
}

/// The output of a stream, handed back by a client as the next request.
fn handed_back(told: &str) -> String {
    let (_, last) = *events(told).last().unwrap();
    let last: Value = serde_json::from_str(last).unwrap();
    format!(r#"{{"input":{}}}"#, last["response"]["output"])
}

#[test]
fn the_signature_of_a_call_comes_back_to_the_call_wherever_the_stream_told_it() {
    let told = encode(&[
        call("a"),
        signed("early"),
        Delta::More("{}".into()),
        Delta::Close,
        call("b"),
        Delta::More("{}".into()),
        signed("late"),
        Delta::Close,
        call("c"),
        Delta::Close,
        end(Stop::ToolUse),
    ]);
    let body = handed_back(&told);
    let prompt = read_prompt(&body).unwrap();
    let signatures: Vec<_> = prompt.turns[0]
        .parts
        .iter()
        .map(|part| match &part.content {
            Content::ToolCall(call) => call
                .signature
                .as_ref()
                .map(|signature| signature.value.to_string()),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        signatures,
        [Some("early".to_owned()), Some("late".to_owned()), None]
    );
}

#[test]
fn a_thought_that_must_not_be_shown_comes_back_as_one() {
    let deltas = [
        Delta::Open(Opening::Thinking { redacted: true }),
        Delta::Signed(Signature {
            maker: Maker::Anthropic,
            value: "hush".into(),
        }),
        Delta::Close,
        end(Stop::End),
    ];
    let told = encode(&deltas);
    assert_eq!(decode(&told).unwrap()[1..], deltas);
    let body = handed_back(&told);
    let prompt = read_prompt(&body).unwrap();
    let Content::Thinking(thought) = &prompt.turns[0].parts[0].content else {
        panic!("{prompt:?}");
    };
    assert!(thought.redacted);
    assert_eq!(thought.signature.as_ref().unwrap().maker, Maker::Anthropic);
}

#[test]
fn a_custom_tool_is_called_in_its_own_events() {
    let told = encode(&[
        Delta::Open(Opening::ToolCall {
            id: "".into(),
            name: "apply_patch__custom".into(),
        }),
        Delta::More("{\"input\":\"*** ".into()),
        Delta::More("Begin\\n\"}".into()),
        Delta::Close,
        end(Stop::ToolUse),
    ]);
    insta::assert_snapshot!(told);
}

#[test]
fn what_a_stream_is_not_told_it_is_told_at_its_end() {
    let told = encode(&[
        Delta::Open(Opening::Text),
        Delta::More("a".into()),
        end(Stop::End),
    ]);
    let names: Vec<_> = events(&told).into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "response.created",
            "response.in_progress",
            "response.output_item.added",
            "response.content_part.added",
            "response.output_text.delta",
            "response.output_text.done",
            "response.content_part.done",
            "response.output_item.done",
            "response.completed",
        ]
    );
}

#[test]
fn a_stream_that_ends_without_its_last_event_ends_all_the_same() {
    let stream = r#"data: {"type":"response.output_text.delta","delta":"a"}"#;
    let deltas = decode(stream).unwrap();
    assert_eq!(
        deltas[2..],
        [Delta::More("a".into()), Delta::Close, end(Stop::End)]
    );
}

#[test]
fn a_stream_that_mixes_its_items_is_unreadable() {
    let streams = [
        "data: {\"type\":\"response.output_text.delta\",\"output_index\":1,\"delta\":\"a\"}\n\n\
         data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"b\"}",
        "data: {\"type\":\"response.output_text.delta\",\"output_index\":0,\"delta\":\"a\"}\n\n\
         data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":\"b\"}",
        "data: {\"type\":\"response.function_call_arguments.delta\",\"output_index\":0,\"delta\":\"b\"}",
        "data: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"web_search_call\"}}",
        "data: {\"type\":\"response.output_item.added\",\"item\":{\"type\":\"function_call\"}}",
        "data: {\"type\":\"response.output_item.added\"}",
        "data: {\"type\":\"response.completed\",\"response\":{\"status\":\"failed\",\"error\":{\"message\":\"m\",\"code\":\"c\"}}}",
        "data: {\"type\":\"response.failed\",\"response\":{}}",
        "data: {\"type\":\"response.output_text.delta\",\"delta\":7}",
        "data: {\"type\":",
        "data: {\"type\":\"keepalive\"}",
    ];
    let mut all = String::new();
    for stream in streams {
        all.push_str(&format!("{stream}\n    {}\n", decode(stream).unwrap_err()));
    }
    insta::assert_snapshot!(all);
}
