//! What other dialects' clients say, as Gemini is told it.

use super::*;

fn turn<const N: usize>(role: Role, parts: [Content<'static>; N]) -> Turn<'static> {
    Turn {
        role,
        parts: parts.map(Part::from).to_vec(),
    }
}

fn call(
    id: &'static str,
    name: &'static str,
    signature: Option<Signature<'static>>,
) -> Content<'static> {
    Content::ToolCall(ToolCall {
        id: id.into(),
        name: name.into(),
        arguments: Json::parse("{\"n\":1}".to_owned()).unwrap(),
        signature,
    })
}

fn result(id: &'static str, parts: Vec<Part<'static>>, is_error: bool) -> Content<'static> {
    Content::ToolResult(ToolResult {
        id: id.into(),
        name: None,
        parts,
        is_error,
    })
}

fn image() -> Part<'static> {
    Content::Media(Media {
        kind: MediaKind::Image,
        mime: Some("image/png".into()),
        source: Source::Base64("iVBORw0KGgo=".into()),
        name: None,
    })
    .into()
}

fn text(text: &'static str) -> Part<'static> {
    Content::Text(text.into()).into()
}

/// A conversation with tools, as a client of another provider has it.
fn foreign() -> Prompt<'static> {
    let proof = |maker| {
        Some(Signature {
            maker,
            value: "cHJvb2Y=".into(),
        })
    };
    let thought = |maker| {
        Content::Thinking(Thought {
            text: "hm".into(),
            signature: maker,
            redacted: false,
        })
    };
    Prompt {
        system: vec![text("Be brief.")],
        turns: vec![
            turn(Role::User, [Content::Text("Go.".into())]),
            turn(
                Role::Assistant,
                [
                    thought(proof(Maker::Anthropic)),
                    thought(None),
                    call("toolu_1", "see", None),
                    call("toolu_2", "hear", None),
                ],
            ),
            turn(
                Role::User,
                [
                    Content::Text("Hurry.".into()),
                    result("toolu_2", vec![text("deaf")], true),
                    result("toolu_1", vec![text("a"), image(), text("b")], false),
                ],
            ),
            turn(Role::Assistant, [thought(proof(Maker::Anthropic))]),
            turn(
                Role::Assistant,
                [
                    thought(proof(Maker::Gemini)),
                    call("toolu_3", "see", proof(Maker::Gemini)),
                ],
            ),
            turn(
                Role::User,
                [result("toolu_3", vec![text("{\"lux\": 3}")], false)],
            ),
        ],
        thinking: Some(Thinking {
            amount: Amount::Tokens(40_000),
            shown: None,
        }),
        tool_choice: Some(ToolChoice::Auto),
        tools: vec![Tool {
            name: "see".into(),
            description: Some("Sees.".into()),
            parameters: Some(
                Json::parse(
                    r#"{"$schema":"x","type":"object","properties":{"n":{"type":["integer","null"]}},"additionalProperties":false}"#
                        .to_owned(),
                )
                .unwrap(),
            ),
            strict: Some(true),
        }],
        user: Some("somebody".into()),
        ..Prompt::default()
    }
}

#[test]
fn a_conversation_with_tools_is_told_as_gemini_wants_it() {
    for (name, target) in [("old", OLD), ("new", NEW)] {
        let written = write_prompt(&foreign(), target).unwrap();
        let pretty = serde_json::to_string_pretty(&json(&written)).unwrap();
        insta::assert_snapshot!(format!("foreign_{name}"), pretty);
    }
}

#[test]
fn thinking_is_said_in_the_words_of_the_model_s_generation() {
    let amounts = [
        Amount::Off,
        Amount::Adaptive,
        Amount::Tokens(100),
        Amount::Tokens(40_000),
        Amount::Effort(Effort::Minimal),
        Amount::Effort(Effort::Medium),
        Amount::Effort(Effort::Max),
    ];
    let mut lines = Vec::new();
    for model in ["gemini-2.5-flash", "gemini-2.5-pro", "gemini-3.5-pro"] {
        for amount in amounts {
            let prompt = Prompt {
                thinking: Some(Thinking {
                    amount,
                    shown: None,
                }),
                ..Prompt::default()
            };
            let target = Target {
                model,
                max_tokens: 1,
            };
            let written = json(&write_prompt(&prompt, target).unwrap());
            let config = &written["generationConfig"]["thinkingConfig"];
            lines.push(format!("{model} {amount:?}: {config}"));
        }
    }
    insta::assert_snapshot!("thinking", lines.join("\n"));
}

#[test]
fn files_are_told_by_their_types_and_addresses() {
    let media = |kind, mime: Option<&'static str>, source, name: Option<&'static str>| {
        Content::Media(Media {
            kind,
            mime: mime.map(Text::from),
            source,
            name: name.map(Text::from),
        })
    };
    let prompt = Prompt {
        turns: vec![turn(
            Role::User,
            [
                media(
                    MediaKind::Image,
                    None,
                    Source::Url("https://x.example/A.PNG?b".into()),
                    None,
                ),
                media(
                    MediaKind::Image,
                    None,
                    Source::Url("https://x.example/a".into()),
                    None,
                ),
                media(
                    MediaKind::Document,
                    None,
                    Source::Plain("once".into()),
                    Some("tale.txt"),
                ),
                media(
                    MediaKind::Document,
                    Some("application/pdf"),
                    Source::Base64("JVBERi0=".into()),
                    Some("Report"),
                ),
                media(
                    MediaKind::Document,
                    Some("application/pdf"),
                    Source::File("gs://bucket/x".into()),
                    None,
                ),
            ],
        )],
        ..Prompt::default()
    };
    let written = write_prompt(&prompt, OLD).unwrap();
    let pretty = serde_json::to_string_pretty(&json(&written)).unwrap();
    insta::assert_snapshot!("files", pretty);
}

#[test]
fn what_a_schema_is_for_is_said_in_the_schema() {
    let format = |schema: &str, description: Option<&'static str>| Prompt {
        format: Some(Format::Schema {
            name: Some("label".into()),
            description: description.map(Text::from),
            schema: Json::parse(schema.to_owned()).unwrap(),
            strict: Some(true),
        }),
        ..Prompt::default()
    };
    for (schema, description, expected) in [
        (r#"{"type":"object"}"#, None, r#"{"type":"object"}"#),
        (
            r#"{ "type":"object"}"#,
            Some("a \"cat\""),
            r#"{"description":"a \"cat\"","type":"object"}"#,
        ),
        (r#"{}"#, Some("x"), r#"{"description":"x"}"#),
        (
            r#"{"description":"own"}"#,
            Some("x"),
            r#"{"description":"own"}"#,
        ),
    ] {
        let written = write_prompt(&format(schema, description), OLD).unwrap();
        let written = String::from_utf8(written).unwrap();
        assert!(
            written.contains(&format!("\"responseJsonSchema\":{expected}}}")),
            "{written}"
        );
    }
}

#[test]
fn a_call_and_its_result_find_each_other_without_ids() {
    let body = r#"{"contents":[
        {"role":"model","parts":[{"functionCall":{"name":"f"}},{"functionCall":{"name":"g"}},{"functionCall":{"name":"f","args":{"n":2}}}]},
        {"role":"user","parts":[{"functionResponse":{"name":"f","response":{}}},{"functionResponse":{"name":"f","response":{}}},{"functionResponse":{"name":"g","response":{}}}]}
    ]}"#;
    let prompt = read_prompt(body).unwrap();
    let ids: Vec<String> = prompt
        .turns
        .iter()
        .flat_map(|turn| &turn.parts)
        .map(|part| match &part.content {
            Content::ToolCall(call) => call.id.to_string(),
            Content::ToolResult(result) => result.id.to_string(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(
        ids,
        [
            "call_0_0", "call_0_1", "call_0_2", "call_0_0", "call_0_2", "call_0_1"
        ]
    );
}

#[test]
fn an_answer_of_another_provider_is_whole_for_a_gemini_client() {
    let answer = Answer {
        id: None,
        model: None,
        parts: vec![
            Content::Thinking(Thought {
                text: Text::default(),
                signature: Some(Signature {
                    maker: Maker::Anthropic,
                    value: "sealed".into(),
                }),
                redacted: true,
            })
            .into(),
            Content::Refusal("No.".into()).into(),
        ],
        stop: Stop::Refused(Some("refusal".into())),
        tokens: Tokens {
            input: 1,
            cache_read: 2,
            cache_write: 4,
            output: 9,
            thinking: 3,
        },
    };
    let written = write_answer(&answer, &context());
    let pretty = serde_json::to_string_pretty(&json(&written)).unwrap();
    insta::assert_snapshot!("foreign_answer", pretty);
    let written = String::from_utf8(written).unwrap();
    let again = read_answer(&written).unwrap();
    assert_eq!(again.parts[0], answer.parts[0]);
    assert_eq!(again.tokens.prompt(), 7);
    assert_eq!(again.tokens.output, 9);
}

#[test]
fn a_streamed_thought_that_is_handed_back_in_pieces_is_one() {
    let body = r#"{"contents":[{"role":"model","parts":[
        {"thought":true,"text":"a"},{"thought":true,"text":"b"},{"thought":true,"text":"","thoughtSignature":"YWJj"},
        {"thought":true,"text":"c"},{"text":"d"}]}]}"#;
    let prompt = read_prompt(body).unwrap();
    let thought = |text: &'static str, value: Option<&'static str>| {
        Part::from(Content::Thinking(Thought {
            text: text.into(),
            signature: value.map(|value| Signature {
                maker: Maker::Gemini,
                value: value.into(),
            }),
            redacted: false,
        }))
    };
    assert_eq!(
        prompt.turns[0].parts,
        [thought("ab", Some("YWJj")), thought("c", None), text("d")]
    );
}
