//! Round trips of whatever this dialect can say.
#![allow(clippy::unwrap_used, clippy::panic)]
use proptest::{collection::vec, option, prelude::*};
use serde_json::Number;

use super::{TARGET, context};
use crate::translate::{
    responses::{Decoder, Encoder, read_answer, read_prompt, write_answer, write_prompt},
    talk::{
        Amount, Answer, Content, Delta, Effort, Format, Maker, Media, MediaKind, Opening, Part,
        Prompt, Role, Signature, Source, Stop, Thinking, Thought, Tokens, Tool, ToolCall,
        ToolChoice, ToolResult, Turn,
    },
    text::{Json, Text},
};

fn text() -> impl Strategy<Value = Text<'static>> {
    prop_oneof!["[ -~äß€😀\n\"\\\\]{0,12}", "[a-z ]{1,8}"].prop_map(Text::from)
}

fn word() -> impl Strategy<Value = Text<'static>> {
    "[a-z]{1,8}".prop_map(Text::from)
}

fn json() -> impl Strategy<Value = Json<'static>> {
    ("[a-z]{1,4}", "[a-zäö]{0,6}", any::<i32>()).prop_map(|(key, text, number)| {
        Json::parse(format!(r#"{{"{key}": "{text}", "n":[{number},null]}}"#)).unwrap()
    })
}

fn number() -> impl Strategy<Value = Number> {
    (0_u8..=8).prop_map(|eighth| Number::from_f64(f64::from(eighth) / 4.0).unwrap())
}

fn part(content: impl Strategy<Value = Content<'static>>) -> impl Strategy<Value = Part<'static>> {
    content.prop_map(Part::from)
}

fn media() -> impl Strategy<Value = Content<'static>> {
    prop_oneof![
        "[A-Za-z0-9+/]{4}".prop_map(|data| Media {
            kind: MediaKind::Image,
            mime: Some("image/webp".into()),
            source: Source::Base64(data.into()),
            name: None,
        }),
        "[a-z]{1,6}".prop_map(|path| Media {
            kind: MediaKind::Image,
            mime: None,
            source: Source::Url(format!("https://example.com/{path}").into()),
            name: None,
        }),
        (word(), "[A-Za-z0-9+/]{4}").prop_map(|(name, data)| Media {
            kind: MediaKind::Document,
            mime: Some("application/pdf".into()),
            source: Source::Base64(data.into()),
            name: Some(name),
        }),
        option::of(word()).prop_map(|name| Media {
            kind: MediaKind::Document,
            mime: None,
            source: Source::Url("https://example.com/a.pdf".into()),
            name,
        }),
    ]
    .prop_map(Content::Media)
}

fn seen() -> impl Strategy<Value = Content<'static>> {
    prop_oneof![text().prop_map(Content::Text), media()]
}

fn asked() -> impl Strategy<Value = Content<'static>> {
    let result =
        (word(), vec(part(seen()), 1..3), any::<bool>()).prop_map(|(id, parts, is_error)| {
            Content::ToolResult(ToolResult {
                id,
                name: None,
                parts,
                is_error,
            })
        });
    prop_oneof![seen(), result]
}

/// `own`: what OpenAI's own account is asked has signatures of OpenAI's; an answer may be anyone's.
fn signature(own: bool) -> impl Strategy<Value = Signature<'static>> {
    let makers = if own {
        vec![Maker::OpenAi]
    } else {
        vec![Maker::OpenAi, Maker::Anthropic]
    };
    // OpenAI's are read together with the id of their item.
    (prop::sample::select(makers), "[A-Za-z0-9+/]{1,12}").prop_map(|(maker, value)| Signature {
        maker,
        value: match maker {
            Maker::OpenAi => format!("rs_1~{value}").into(),
            Maker::Anthropic | Maker::Gemini => value.into(),
        },
    })
}

fn thought(own: bool) -> impl Strategy<Value = Content<'static>> {
    (text(), signature(own), any::<bool>()).prop_map(|(text, signature, redacted)| {
        Content::Thinking(Thought {
            text: if redacted { Text::default() } else { text },
            signature: Some(signature),
            redacted,
        })
    })
}

fn call() -> impl Strategy<Value = Content<'static>> {
    (word(), word(), json()).prop_map(|(id, name, arguments)| {
        Content::ToolCall(ToolCall {
            id,
            name,
            arguments,
            signature: None,
        })
    })
}

fn answered(own: bool) -> impl Strategy<Value = Content<'static>> {
    prop_oneof![
        text().prop_map(Content::Text),
        text().prop_map(Content::Refusal),
        thought(own),
        call(),
    ]
}

fn turns() -> impl Strategy<Value = Vec<Turn<'static>>> {
    vec(
        (vec(part(asked()), 1..4), vec(part(answered(true)), 1..4)),
        0..4,
    )
    .prop_map(|pairs| {
        pairs
            .into_iter()
            .flat_map(|(user, assistant)| [(Role::User, user), (Role::Assistant, assistant)])
            .map(|(role, parts)| Turn { role, parts })
            .collect()
    })
}

fn tool() -> impl Strategy<Value = Tool<'static>> {
    (
        word(),
        option::of(text()),
        option::of(json()),
        any::<bool>(),
    )
        .prop_map(|(name, description, parameters, strict)| Tool {
            name,
            description,
            parameters,
            strict: Some(strict),
        })
}

fn thinking() -> impl Strategy<Value = Thinking> {
    let effort = prop::sample::select(vec![
        Effort::Minimal,
        Effort::Low,
        Effort::Medium,
        Effort::High,
        Effort::XHigh,
        Effort::Max,
    ]);
    let shown = prop::sample::select(vec![None, Some(true)]);
    let amount = prop_oneof![effort.prop_map(Amount::Effort), Just(Amount::Off)];
    prop_oneof![
        (amount, shown).prop_map(|(amount, shown)| Thinking { amount, shown }),
        Just(Thinking {
            amount: Amount::Adaptive,
            shown: Some(true),
        }),
    ]
}

fn format() -> impl Strategy<Value = Format<'static>> {
    prop_oneof![
        Just(Format::Json),
        (
            word(),
            option::of(text()),
            json(),
            option::of(any::<bool>())
        )
            .prop_map(|(name, description, schema, strict)| Format::Schema {
                name: Some(name),
                description,
                schema,
                strict,
            }),
    ]
}

fn choice() -> impl Strategy<Value = ToolChoice<'static>> {
    prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Any),
        word().prop_map(ToolChoice::Named),
    ]
}

fn prompt() -> impl Strategy<Value = Prompt<'static>> {
    let said = (
        vec(part(text().prop_map(Content::Text)), 0..3),
        turns(),
        vec(tool(), 0..3),
    );
    let wishes = (
        option::of(choice()),
        option::of(any::<bool>()),
        option::of(1_u64..100_000),
        option::of(number()),
        option::of(number()),
        option::of(thinking()),
        option::of(format()),
        option::of(word()),
        any::<bool>(),
    );
    (said, wishes).prop_map(|((system, turns, tools), wishes)| {
        let (
            tool_choice,
            parallel_tool_calls,
            max_tokens,
            temperature,
            top_p,
            thinking,
            format,
            user,
            stream,
        ) = wishes;
        Prompt {
            system,
            turns,
            tools,
            tool_choice,
            parallel_tool_calls,
            max_tokens,
            temperature,
            top_p,
            thinking,
            format,
            user,
            stream,
            ..Prompt::default()
        }
    })
}

fn tokens() -> impl Strategy<Value = Tokens> {
    (0_u64..1000, 0_u64..1000, 0_u64..1000, 0_u64..1000).prop_map(
        |(input, cache_read, output, thinking)| Tokens {
            input,
            cache_read,
            cache_write: 0,
            output,
            thinking,
        },
    )
}

fn answer() -> impl Strategy<Value = Answer<'static>> {
    (vec(part(answered(false)), 0..5), any::<bool>(), tokens()).prop_map(|(parts, long, tokens)| {
        let called = parts
            .iter()
            .any(|part: &Part<'_>| matches!(part.content, Content::ToolCall(_)));
        Answer {
            id: Some("resp_1".into()),
            model: Some("gpt-5".into()),
            parts,
            stop: match (long, called) {
                (true, _) => Stop::MaxTokens,
                (false, true) => Stop::ToolUse,
                (false, false) => Stop::End,
            },
            tokens,
        }
    })
}

/// The answer as a stream, in pieces.
fn deltas<'a>(answer: &'a Answer<'_>) -> Vec<Delta<'a>> {
    fn grow<'a>(text: &'a str, out: &mut Vec<Delta<'a>>) {
        let middle = (0..=text.len() / 2)
            .rev()
            .find(|at| text.is_char_boundary(*at))
            .unwrap_or(0);
        for piece in [&text[..middle], &text[middle..]] {
            if !piece.is_empty() {
                out.push(Delta::More(piece.into()));
            }
        }
    }
    let mut out = vec![Delta::Begin {
        id: answer.id.clone(),
        model: answer.model.clone(),
        tokens: Tokens::default(),
    }];
    for part in &answer.parts {
        match &part.content {
            Content::Text(text) => {
                out.push(Delta::Open(Opening::Text));
                grow(text, &mut out);
            }
            Content::Refusal(text) => {
                out.push(Delta::Open(Opening::Refusal));
                grow(text, &mut out);
            }
            Content::Thinking(thought) => {
                out.push(Delta::Open(Opening::Thinking {
                    redacted: thought.redacted,
                }));
                grow(&thought.text, &mut out);
                out.extend(thought.signature.clone().map(Delta::Signed));
            }
            Content::ToolCall(call) => {
                out.push(Delta::Open(Opening::ToolCall {
                    id: call.id.by_ref(),
                    name: call.name.by_ref(),
                }));
                grow(call.arguments.get(), &mut out);
            }
            other => panic!("{other:?}"),
        }
        out.push(Delta::Close);
    }
    out.push(Delta::End {
        stop: answer.stop.clone(),
        tokens: answer.tokens,
    });
    out
}

proptest! {
    #[test]
    fn a_prompt_survives_being_written_and_read(prompt in prompt()) {
        let body = String::from_utf8(write_prompt(&prompt, TARGET).unwrap()).unwrap();
        let again = read_prompt(&body).map_err(|refused| TestCaseError::fail(format!("{refused:?}")))?;
        prop_assert_eq!(again, prompt);
    }

    #[test]
    fn an_answer_survives_being_written_and_read(answer in answer()) {
        let body = String::from_utf8(write_answer(&answer, &context())).unwrap();
        prop_assert_eq!(read_answer(&body).unwrap(), answer);
    }

    #[test]
    fn a_stream_survives_being_written_and_read(answer in answer()) {
        let deltas = deltas(&answer);
        let mut encoder = Encoder::new(context());
        let mut out = Vec::new();
        for delta in &deltas {
            encoder.delta(delta, &mut out);
        }
        let told = String::from_utf8(out).unwrap();
        let mut decoder = Decoder::default();
        let mut again = Vec::new();
        for frame in told.split_terminator("\n\n") {
            let (name, data) = frame.split_once('\n').unwrap();
            let name = name.strip_prefix("event: ").unwrap();
            decoder.event(name, data.strip_prefix("data: ").unwrap(), &mut again).unwrap();
        }
        prop_assert_eq!(again, deltas);
    }

    /// The last event and the whole answer are two ways to say one thing.
    #[test]
    fn a_stream_ends_with_the_answer_that_is_told_whole(answer in answer()) {
        let mut encoder = Encoder::new(context());
        let mut out = Vec::new();
        for delta in deltas(&answer) {
            encoder.delta(&delta, &mut out);
        }
        let whole = String::from_utf8(write_answer(&answer, &context())).unwrap();
        let told = String::from_utf8(out).unwrap();
        let response = format!("\"response\":{whole}}}\n\n");
        prop_assert!(told.ends_with(&response), "{told}\n{whole}");
    }

    #[test]
    fn nothing_that_is_sent_makes_it_panic(
        body in "\\PC{0,60}",
        deltas in vec(prop::sample::select(MESSY.to_vec()), 0..12),
        events in vec(prop::sample::select(EVENTS.to_vec()), 0..12),
    ) {
        let _ = read_prompt(&body);
        let _ = read_answer(&body);
        let mut encoder = Encoder::new(context());
        let mut out = Vec::new();
        for index in deltas {
            encoder.delta(&messy(index), &mut out);
        }
        let mut decoder = Decoder::default();
        let mut told = Vec::new();
        let _ = decoder.event("", &body, &mut told);
        for data in events {
            let _ = decoder.event("", data, &mut told);
        }
        let mut rest = Vec::new();
        let _ = decoder.finish(&mut rest);
        told.extend(rest);
        let opened = told.iter().filter(|delta| matches!(delta, Delta::Open(_))).count();
        let closed = told.iter().filter(|delta| matches!(delta, Delta::Close)).count();
        if matches!(told.last(), Some(Delta::End { .. })) {
            prop_assert_eq!(opened, closed);
        }
    }
}

const MESSY: [u8; 8] = [0, 1, 2, 3, 4, 5, 6, 7];

fn messy(index: u8) -> Delta<'static> {
    match index {
        0 => Delta::Open(Opening::Text),
        1 => Delta::Open(Opening::Thinking { redacted: false }),
        2 => Delta::Open(Opening::ToolCall {
            id: Text::default(),
            name: "f__custom".into(),
        }),
        3 => Delta::More("x".into()),
        4 => Delta::Signed(Signature {
            maker: Maker::Gemini,
            value: "s".into(),
        }),
        5 => Delta::Close,
        6 => Delta::Open(Opening::Refusal),
        _ => Delta::End {
            stop: Stop::MaxTokens,
            tokens: Tokens::default(),
        },
    }
}

const EVENTS: [&str; 12] = [
    r#"{"type":"response.created","response":{}}"#,
    r#"{"type":"response.output_item.added","item":{"type":"message"}}"#,
    r#"{"type":"response.output_item.added","output_index":1,"item":{"type":"function_call","name":"f"}}"#,
    r#"{"type":"response.output_item.added","item":{"type":"custom_tool_call","name":"f"}}"#,
    r#"{"type":"response.content_part.added","part":{"type":"refusal"}}"#,
    r#"{"type":"response.output_text.delta","delta":"a"}"#,
    r#"{"type":"response.output_text.done","text":"a"}"#,
    r#"{"type":"response.function_call_arguments.delta","delta":"a"}"#,
    r#"{"type":"response.reasoning_text.delta","output_index":2,"delta":"a"}"#,
    r#"{"type":"response.output_item.done","item":{"type":"reasoning","encrypted_content":"x"}}"#,
    r#"{"type":"response.output_item.done","output_index":3,"item":{"type":"message","content":[{"type":"output_text","text":"a"}]}}"#,
    r#"{"type":"response.completed","response":{}}"#,
];
