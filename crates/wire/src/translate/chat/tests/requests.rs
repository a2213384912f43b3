//! Requests.

use super::*;
use crate::translate::{
    Spot,
    talk::{
        Amount, Content, Effort, Media, MediaKind, Part, Role, Source, Thinking, Thought, ToolCall,
        ToolResult, Turn,
    },
    text::Json,
};

const REQUESTS: &[(&str, &str)] = fixtures!("request", ".json":
    "text" "tools" "image" "thinking" "settings" "schema" "refused");

#[test]
fn requests_are_read_as_what_they_say() {
    for (name, body) in REQUESTS {
        insta::assert_debug_snapshot!(format!("request_{name}"), read_prompt(body).unwrap());
    }
}

#[test]
fn requests_are_written_as_openai_documents_them() {
    for (name, body) in REQUESTS {
        let written = written(&read_prompt(body).unwrap());
        let written: serde_json::Value = serde_json::from_str(&written).unwrap();
        insta::assert_json_snapshot!(format!("request_{name}_written"), written);
    }
}

#[test]
fn what_is_read_written_and_read_is_the_same() {
    for (name, body) in REQUESTS {
        let mut prompt = read_prompt(body).unwrap();
        let again = written(&prompt);
        // A request to a provider holds no thoughts, and no other provider's proofs.
        for turn in &mut prompt.turns {
            turn.parts
                .retain(|part| !matches!(part.content, Content::Thinking(_)));
            for part in &mut turn.parts {
                if let Content::ToolCall(call) = &mut part.content
                    && *name == "thinking"
                    && *call.id == *"call_2"
                {
                    call.signature = None;
                }
            }
        }
        assert_eq!(read_prompt(&again).unwrap(), prompt, "{name}");
    }
}

#[test]
fn every_place_is_spelled_as_the_client_has_it() {
    let (_, body) = REQUESTS[1];
    let prompt = read_prompt(body).unwrap();
    let names: Vec<String> = prompt
        .turns
        .iter()
        .flat_map(|turn| &turn.parts)
        .map(|part| spell(&Spot::Part(part.at)))
        .collect();
    assert_eq!(
        names,
        [
            "messages.0.content",
            "messages.1.tool_calls.0",
            "messages.1.tool_calls.1",
            "messages.2",
            "messages.3",
            "messages.4.content",
            "messages.5.content",
            "messages.5.tool_calls.0",
            "messages.6",
        ]
    );
    let Content::ToolResult(result) = &prompt.turns[2].parts[1].content else {
        panic!("no result");
    };
    let second = Spot::Part(result.parts[1].at);
    assert_eq!(spell(&second), "messages.3.content.1");
}

#[test]
fn text_is_borrowed_from_the_body() {
    let body = r#"{"messages":[{"role":"user","content":[{"type":"text","text":"plain"},
        {"type":"image_url","image_url":{"url":"data:image/png;base64,AAAA"}}]}],"stop":["x"],"tools":[
        {"type":"function","function":{"name":"t","parameters":{"type":"object"}}}]}"#;
    let prompt = read_prompt(body).unwrap();
    let within = |text: &str| body.as_bytes().as_ptr_range().contains(&text.as_ptr());
    let Content::Text(text) = &prompt.turns[0].parts[0].content else {
        panic!("no text");
    };
    let Content::Media(Media {
        source: Source::Base64(data),
        mime: Some(mime),
        ..
    }) = &prompt.turns[0].parts[1].content
    else {
        panic!("no image");
    };
    let schema = prompt.tools[0].parameters.as_ref().unwrap();
    for borrowed in [&**text, &**data, &**mime, schema.get(), &*prompt.stop[0]] {
        assert!(within(borrowed), "{borrowed}");
    }
}

fn user(parts: Vec<Content<'_>>) -> Turn<'_> {
    Turn {
        role: Role::User,
        parts: parts.into_iter().map(Part::from).collect(),
    }
}

fn picture() -> Content<'static> {
    Content::Media(Media {
        kind: MediaKind::Image,
        mime: Some("image/png".into()),
        source: Source::Base64("AAAA".into()),
        name: None,
    })
}

fn result<'a>(id: &'a str, parts: Vec<Content<'a>>, is_error: bool) -> Content<'a> {
    Content::ToolResult(ToolResult {
        id: id.into(),
        name: Some("tool".into()),
        parts: parts.into_iter().map(Part::from).collect(),
        is_error,
    })
}

#[test]
fn failed_tools_and_files_of_results_are_said_in_words() {
    let prompt = Prompt {
        turns: vec![user(vec![
            Content::Text("First this.".into()),
            result("call_1", vec![Content::Text("no disk".into())], true),
            result("call_2", vec![picture()], true),
            result(
                "call_3",
                vec![Content::Text("a map".into()), picture(), picture()],
                false,
            ),
            result("call_4", vec![], true),
            picture(),
        ])],
        ..Prompt::default()
    };
    let written: serde_json::Value = serde_json::from_str(&written(&prompt)).unwrap();
    insta::assert_json_snapshot!("results_in_words", written);
}

#[test]
fn a_document_in_plain_text_is_text_under_its_name() {
    let document = |name: Option<&'static str>| {
        Content::Media(Media {
            kind: MediaKind::Document,
            mime: Some("text/plain".into()),
            source: Source::Plain("Clause 1.".into()),
            name: name.map(Into::into),
        })
    };
    let prompt = Prompt {
        turns: vec![user(vec![document(Some("Terms")), document(None)])],
        ..Prompt::default()
    };
    assert!(written(&prompt).contains(
        r#""content":[{"type":"text","text":"[Terms]\nClause 1."},{"type":"text","text":"Clause 1."}]"#
    ));
}

#[test]
fn thoughts_are_not_sent_and_a_turn_of_nothing_else_is_no_message() {
    let prompt = Prompt {
        turns: vec![
            user(vec![Content::Text("a".into())]),
            Turn {
                role: Role::Assistant,
                parts: vec![
                    Content::Thinking(Thought {
                        text: "hm".into(),
                        signature: None,
                        redacted: false,
                    })
                    .into(),
                ],
            },
            user(vec![Content::Text("b".into())]),
        ],
        ..Prompt::default()
    };
    assert_eq!(
        written(&prompt),
        r#"{"model":"gpt-5","messages":[{"role":"user","content":"a"},{"role":"user","content":"b"}]}"#
    );
}

#[test]
fn words_between_calls_move_before_the_first() {
    let call = |id: &'static str| {
        Content::ToolCall(ToolCall {
            id: id.into(),
            name: "t".into(),
            arguments: Json::parse("{}".to_owned()).unwrap(),
            signature: None,
        })
    };
    let parts = [call("a"), Content::Text("and".into()), call("b")];
    let prompt = Prompt {
        turns: vec![Turn {
            role: Role::Assistant,
            parts: parts.map(Part::from).into(),
        }],
        ..Prompt::default()
    };
    let function = r#""type":"function","function":{"name":"t","arguments":"{}"}"#;
    assert_eq!(
        written(&prompt),
        format!(
            r#"{{"model":"gpt-5","messages":[{{"role":"assistant","content":"and","tool_calls":[{{"id":"a",{function}}},{{"id":"b",{function}}}]}}]}}"#
        )
    );
}

#[test]
fn every_amount_of_thinking_has_a_word_but_the_models_own() {
    let cases = [
        (Amount::Off, Some("none")),
        (Amount::Adaptive, None),
        (Amount::Tokens(0), Some("none")),
        (Amount::Tokens(1_024), Some("low")),
        (Amount::Tokens(8_000), Some("medium")),
        (Amount::Tokens(60_000), Some("high")),
        (Amount::Effort(Effort::Minimal), Some("minimal")),
        (Amount::Effort(Effort::Low), Some("low")),
        (Amount::Effort(Effort::Medium), Some("medium")),
        (Amount::Effort(Effort::High), Some("high")),
        (Amount::Effort(Effort::XHigh), Some("xhigh")),
        (Amount::Effort(Effort::Max), Some("max")),
    ];
    for (amount, word) in cases {
        let thinking = Some(Thinking {
            amount,
            shown: Some(true),
        });
        let prompt = Prompt {
            thinking,
            ..Prompt::default()
        };
        let effort = word.map_or_else(String::new, |word| {
            format!(r#","reasoning_effort":"{word}""#)
        });
        assert_eq!(
            written(&prompt),
            format!(r#"{{"model":"gpt-5","messages":[]{effort}}}"#),
            "{amount:?}"
        );
    }
}

#[test]
fn usage_is_always_wanted_of_a_stream() {
    let prompt = Prompt {
        stream: true,
        stream_usage: false,
        ..Prompt::default()
    };
    assert!(
        written(&prompt).ends_with(r#""stream":true,"stream_options":{"include_usage":true}}"#)
    );
}
