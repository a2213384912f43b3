//! Conversations made at random from what Gemini's dialect can say.

use proptest::{collection::vec, option, prelude::*};
use serde_json::Number;

use super::*;

fn words() -> impl Strategy<Value = Text<'static>> {
    "[ -~é\n\"\\\\]{1,12}".prop_map(Text::from)
}

fn name() -> impl Strategy<Value = Text<'static>> {
    "[a-z_]{1,8}".prop_map(Text::from)
}

fn object() -> impl Strategy<Value = Json<'static>> {
    (name(), words(), any::<i32>()).prop_map(|(key, text, number)| {
        let value = serde_json::json!({ &*key: &*text, "n": number });
        Json::parse(value.to_string()).unwrap()
    })
}

fn proof() -> impl Strategy<Value = Signature<'static>> {
    "[A-Za-z0-9+/]{8}".prop_map(|value| Signature {
        maker: Maker::Gemini,
        value: Text::from(format!("Zz{value}")),
    })
}

fn file() -> impl Strategy<Value = Content<'static>> {
    let kinds = prop_oneof![
        Just((MediaKind::Image, "image/png")),
        Just((MediaKind::Document, "application/pdf")),
        Just((MediaKind::Audio, "audio/wav")),
        Just((MediaKind::Video, "video/mp4")),
    ];
    let sources = prop_oneof![
        Just(Source::Base64("AAAA".into())),
        Just(Source::Url("https://x.example/y".into())),
        Just(Source::File("gs://x/y".into())),
    ];
    (kinds, sources).prop_map(|((kind, mime), source)| {
        Content::Media(Media {
            kind,
            mime: Some(mime.into()),
            source,
            name: None,
        })
    })
}

fn thought() -> impl Strategy<Value = Content<'static>> {
    (
        prop_oneof![Just(Text::default()), words()],
        proof(),
        any::<bool>(),
    )
        .prop_map(|(text, proof, hidden)| {
            Content::Thinking(Thought {
                redacted: hidden && text.is_empty(),
                text,
                signature: Some(proof),
            })
        })
}

/// A call and what came of it.
fn called() -> impl Strategy<Value = (ToolCall<'static>, ToolResult<'static>)> {
    let said = prop_oneof![
        words().prop_map(Some),
        object().prop_map(|json| Some(Text::from(json.get().to_owned()))),
        Just(None),
    ];
    (
        name(),
        object(),
        option::of(proof()),
        said,
        any::<bool>(),
        any::<bool>(),
    )
        .prop_map(|(name, arguments, signature, said, is_error, seen)| {
            let mut parts: Vec<Part<'static>> = said
                .into_iter()
                .map(|text| Content::Text(text).into())
                .collect();
            let is_error = is_error && !parts.is_empty();
            if seen {
                parts.push(
                    Content::Media(Media {
                        kind: MediaKind::Image,
                        mime: Some("image/png".into()),
                        source: Source::Base64("AAAA".into()),
                        name: None,
                    })
                    .into(),
                );
            }
            let call = ToolCall {
                id: Text::default(),
                name: name.clone(),
                arguments,
                signature,
            };
            let result = ToolResult {
                id: Text::default(),
                name: Some(name),
                parts,
                is_error,
            };
            (call, result)
        })
}

/// What the user says, what the model says, what it calls, and what comes of it.
type Round = (
    Vec<Content<'static>>,
    Vec<Content<'static>>,
    Vec<(ToolCall<'static>, ToolResult<'static>)>,
);

fn round() -> impl Strategy<Value = Round> {
    let user = prop_oneof![3 => words().prop_map(Content::Text), 1 => file()];
    let model = prop_oneof![3 => words().prop_map(Content::Text), 1 => thought()];
    (vec(user, 1..3), vec(model, 1..3), vec(called(), 0..3))
}

fn turns() -> impl Strategy<Value = Vec<Turn<'static>>> {
    vec(round(), 1..4).prop_map(|rounds| {
        let mut turns: Vec<Turn<'static>> = Vec::new();
        let mut results: Vec<Part<'static>> = Vec::new();
        let mut count = 0;
        for (said, answered, calls) in rounds {
            let mut parts = std::mem::take(&mut results);
            parts.extend(said.into_iter().map(Part::from));
            turns.push(Turn {
                role: Role::User,
                parts,
            });
            let mut parts: Vec<Part<'static>> = answered.into_iter().map(Part::from).collect();
            for (mut call, mut result) in calls {
                count += 1;
                call.id = Text::from(format!("id_{count}"));
                result.id = call.id.clone();
                parts.push(Content::ToolCall(call).into());
                results.push(Content::ToolResult(result).into());
            }
            turns.push(Turn {
                role: Role::Assistant,
                parts,
            });
        }
        if !results.is_empty() {
            turns.push(Turn {
                role: Role::User,
                parts: results,
            });
        }
        turns
    })
}

fn number() -> impl Strategy<Value = Number> {
    (0..200_i32).prop_map(|n| Number::from_f64(f64::from(n) / 100.0).unwrap())
}

fn tools() -> impl Strategy<Value = (Vec<Tool<'static>>, Option<ToolChoice<'static>>)> {
    let schema = name().prop_map(|property| {
        let schema = serde_json::json!({
            "type": "object",
            "properties": { &*property: {"type": "string"} },
            "required": [&*property],
        });
        Json::parse(schema.to_string()).unwrap()
    });
    let tool = (name(), option::of(words()), option::of(schema));
    let choice = prop_oneof![
        Just(None),
        Just(Some(ToolChoice::Auto)),
        Just(Some(ToolChoice::None)),
        Just(Some(ToolChoice::Any)),
        name().prop_map(|name| Some(ToolChoice::Named(name))),
    ];
    (vec(tool, 0..3), choice, any::<bool>()).prop_map(|(tools, choice, strict)| {
        // Strictness is told only where the model is free to call.
        let strict = (strict && choice == Some(ToolChoice::Auto)).then_some(true);
        let tools = tools
            .into_iter()
            .map(|(name, description, parameters)| Tool {
                name,
                description,
                parameters,
                strict,
            })
            .collect();
        (tools, choice)
    })
}

fn format() -> impl Strategy<Value = Option<Format<'static>>> {
    prop_oneof![
        Just(None),
        Just(Some(Format::Json)),
        object().prop_map(|schema| Some(Format::Schema {
            name: None,
            description: None,
            schema,
            strict: None,
        })),
    ]
}

fn thinking() -> impl Strategy<Value = Option<Thinking>> {
    let amounts = prop_oneof![
        Just(Amount::Adaptive),
        (1..30_000_u64).prop_map(Amount::Tokens),
        Just(Amount::Effort(Effort::Minimal)),
        Just(Amount::Effort(Effort::Low)),
        Just(Amount::Effort(Effort::Medium)),
        Just(Amount::Effort(Effort::High)),
    ];
    let on = (amounts, any::<bool>()).prop_map(|(amount, shown)| Thinking {
        amount,
        shown: Some(shown),
    });
    let off = Just(Thinking {
        amount: Amount::Off,
        shown: Some(false),
    });
    option::of(prop_oneof![4 => on, 1 => off])
}

fn prompts() -> impl Strategy<Value = Prompt<'static>> {
    (
        (vec(words(), 0..3), turns(), tools()),
        (
            option::of(1..100_000_u64),
            option::of(number()),
            option::of(number()),
            option::of(1..100_u64),
            option::of(any::<i32>()),
        ),
        (
            option::of(number()),
            vec(words(), 0..5),
            thinking(),
            format(),
        ),
    )
        .prop_map(
            |(
                (system, turns, (tools, tool_choice)),
                (max_tokens, temperature, top_p, top_k, seed),
                (penalty, stop, thinking, format),
            )| Prompt {
                system: system
                    .into_iter()
                    .map(|text| Content::Text(text).into())
                    .collect(),
                turns,
                tools,
                tool_choice,
                max_tokens,
                temperature,
                top_p,
                top_k,
                seed: seed.map(i64::from),
                presence_penalty: penalty.clone(),
                frequency_penalty: penalty,
                stop,
                thinking,
                format,
                ..Prompt::default()
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_reads_as_it_was_meant(prompt in prompts()) {
        let written = String::from_utf8(write_prompt(&prompt, NEW).unwrap()).unwrap();
        prop_assert_eq!(read_prompt(&written).unwrap(), prompt);
    }

    #[test]
    fn no_body_makes_a_reader_panic(body in ".{0,60}", cut in 0..400_usize) {
        let _ = read_prompt(&body);
        let _ = read_answer(&body);
        let _ = count::read_request(&body);
        let mut decoder = Decoder::default();
        let mut out = Vec::new();
        let _ = decoder.event("", &body, &mut out);
        let whole = fixture("request/tools.json");
        if let Some(part) = whole.get(..cut) {
            let _ = read_prompt(part);
        }
    }
}
