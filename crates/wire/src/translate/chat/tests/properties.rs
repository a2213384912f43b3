//! Whatever Chat can say comes back as it was said; and nothing, however strange, brings a reader down.

use proptest::{
    collection::vec,
    option,
    prelude::{Just, Strategy, any, prop_oneof, proptest},
    test_runner::Config,
};
use serde_json::{Number, Value};

use super::*;
use crate::translate::{
    talk::{
        Amount, Content, Effort, Format, Maker, Media, MediaKind, Part, Role, Signature, Source,
        Thinking, Tool, ToolCall, ToolChoice, ToolResult, Turn,
    },
    text::{Json, Text},
};

fn text() -> impl Strategy<Value = Text<'static>> {
    "[ -~\n\"\\\\äß€𝄞\u{0}-\u{1f}]{1,12}".prop_map(Text::from)
}

fn word() -> impl Strategy<Value = Text<'static>> {
    "[a-zA-Z0-9_-]{1,8}".prop_map(Text::from)
}

fn object() -> impl Strategy<Value = Json<'static>> {
    vec(("[a-z]{1,4}", text(), any::<i32>()), 0..3).prop_map(|members| {
        let members = members
            .into_iter()
            .map(|(name, text, number)| (name, serde_json::json!([text.to_string(), number, null])))
            .collect();
        Json::parse(Value::Object(members).to_string()).unwrap()
    })
}

fn number() -> impl Strategy<Value = Option<Number>> {
    option::of((-20i64..20).prop_map(|tenths| {
        #[allow(clippy::cast_precision_loss)]
        Number::from_f64(tenths as f64 / 10.0).unwrap()
    }))
}

fn base64() -> impl Strategy<Value = Source<'static>> {
    "[A-Za-z0-9+/]{0,12}".prop_map(|data| Source::Base64(data.into()))
}

fn media() -> impl Strategy<Value = Content<'static>> {
    let of = |kind, mime: &'static str, source, name| {
        Content::Media(Media {
            kind,
            mime: Some(mime.into()),
            source,
            name,
        })
    };
    prop_oneof![
        base64().prop_map(move |data| of(MediaKind::Image, "image/webp", data, None)),
        base64().prop_map(move |data| of(MediaKind::Audio, "audio/mp3", data, None)),
        (base64(), text()).prop_map(move |(data, name)| of(
            MediaKind::Document,
            "application/pdf",
            data,
            Some(name)
        )),
        "[a-z]{1,9}".prop_map(|path| Content::Media(Media {
            kind: MediaKind::Image,
            mime: None,
            source: Source::Url(format!("https://images.example/{path}").into()),
            name: None,
        })),
    ]
}

fn call() -> impl Strategy<Value = Content<'static>> {
    (word(), word(), object(), option::of(word())).prop_map(|(id, name, arguments, signature)| {
        Content::ToolCall(ToolCall {
            id,
            name,
            arguments,
            signature: signature.map(|value| Signature {
                maker: Maker::Gemini,
                value,
            }),
        })
    })
}

fn result() -> impl Strategy<Value = Content<'static>> {
    (word(), vec(text().prop_map(Content::Text), 1..3)).prop_map(|(id, parts)| {
        Content::ToolResult(ToolResult {
            id,
            name: None,
            parts: parts.into_iter().map(Part::from).collect(),
            is_error: false,
        })
    })
}

/// Contents in the order in which Chat says them.
fn turn(role: Role) -> impl Strategy<Value = Turn<'static>> {
    let said = text().prop_map(Content::Text);
    let parts = match role {
        Role::User => (vec(result(), 0..3), vec(prop_oneof![said, media()], 1..4)).boxed(),
        Role::Assistant => (
            vec(prop_oneof![said, text().prop_map(Content::Refusal)], 0..3),
            vec(call(), 1..3),
        )
            .boxed(),
    };
    parts.prop_map(move |(first, second)| Turn {
        role,
        parts: first.into_iter().chain(second).map(Part::from).collect(),
    })
}

fn turns() -> impl Strategy<Value = Vec<Turn<'static>>> {
    vec((turn(Role::User), turn(Role::Assistant)), 0..3).prop_map(|pairs| {
        pairs
            .into_iter()
            .flat_map(|(one, other)| [one, other])
            .collect()
    })
}

fn tool() -> impl Strategy<Value = Tool<'static>> {
    (
        word(),
        option::of(text()),
        option::of(object()),
        any::<Option<bool>>(),
    )
        .prop_map(|(name, description, parameters, strict)| Tool {
            name,
            description,
            parameters,
            strict,
        })
}

fn choice() -> impl Strategy<Value = ToolChoice<'static>> {
    prop_oneof![
        Just(ToolChoice::Auto),
        Just(ToolChoice::None),
        Just(ToolChoice::Any),
        word().prop_map(ToolChoice::Named),
    ]
}

fn thinking() -> impl Strategy<Value = Thinking> {
    prop_oneof![
        Just(Amount::Off),
        Just(Amount::Effort(Effort::Minimal)),
        Just(Amount::Effort(Effort::Medium)),
        Just(Amount::Effort(Effort::Max)),
    ]
    .prop_map(|amount| Thinking {
        amount,
        shown: None,
    })
}

fn format() -> impl Strategy<Value = Format<'static>> {
    let schema = (word(), option::of(text()), object(), any::<Option<bool>>());
    prop_oneof![
        Just(Format::Json),
        schema.prop_map(|(name, description, schema, strict)| Format::Schema {
            name: Some(name),
            description,
            schema,
            strict,
        }),
    ]
}

fn prompt() -> impl Strategy<Value = Prompt<'static>> {
    let spoken = (vec(text().prop_map(Content::Text), 0..3), turns());
    let tools = (
        vec(tool(), 1..3),
        option::of(choice()),
        any::<Option<bool>>(),
    );
    let sampling = (number(), number(), number(), number(), any::<Option<i64>>());
    let rest = (
        any::<Option<u64>>(),
        vec(text(), 0..3),
        option::of(thinking()),
        option::of(format()),
        option::of(text()),
        any::<bool>(),
    );
    (spoken, option::of(tools), sampling, rest).prop_map(|(spoken, tools, sampling, rest)| {
        let (system, turns) = spoken;
        let (tools, tool_choice, parallel_tool_calls) = tools.unwrap_or_default();
        let (temperature, top_p, presence_penalty, frequency_penalty, seed) = sampling;
        let (max_tokens, stop, thinking, format, user, stream) = rest;
        Prompt {
            system: system.into_iter().map(Part::from).collect(),
            turns,
            tools,
            tool_choice,
            parallel_tool_calls,
            max_tokens,
            temperature,
            top_p,
            top_k: None,
            seed,
            presence_penalty,
            frequency_penalty,
            stop,
            thinking,
            format,
            user,
            stream,
            stream_usage: stream,
        }
    })
}

/// JSON that is not far from a body, and text that is.
fn mangled() -> impl Strategy<Value = String> {
    let bodies = [
        include_str!("../../../../tests/fixtures/chat/request/tools.json"),
        include_str!("../../../../tests/fixtures/chat/request/image.json"),
        include_str!("../../../../tests/fixtures/chat/answer/thinking.json"),
        r#"{"id":"x","choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}}]}"#,
    ];
    let cut = (0..bodies.len(), any::<usize>(), any::<usize>(), ".{0,3}").prop_map(
        move |(which, from, length, text)| {
            let body: Vec<char> = bodies[which].chars().collect();
            let from = from % (body.len() + 1);
            let to = (from + length % 6).min(body.len());
            let pieces = [
                &body[..from],
                &text.chars().collect::<Vec<_>>(),
                &body[to..],
            ];
            pieces.concat().into_iter().collect()
        },
    );
    prop_oneof![cut, ".{0,40}"]
}

proptest! {
    #![proptest_config(Config { failure_persistence: None, ..Config::default() })]

    #[test]
    fn what_chat_can_say_comes_back_as_it_was_said(prompt in prompt()) {
        let written = written(&prompt);
        assert_eq!(read_prompt(&written).expect(&written), prompt, "{written}");
    }

    #[test]
    fn no_text_brings_a_reader_down(text in mangled(), more in mangled()) {
        if let Ok(prompt) = read_prompt(&text) {
            let _ = write_prompt(&prompt, TARGET);
        }
        if let Ok(answer) = read_answer(&text) {
            serde_json::from_slice::<Value>(&write_answer(&answer, &context())).unwrap();
        }
        let (mut decoder, mut deltas) = (Decoder::default(), Vec::new());
        let mut encoder = Encoder::new(context());
        for data in [&text, &more, &text] {
            let _ = decoder.event("", data, &mut deltas);
        }
        let mut out = Vec::new();
        for delta in &deltas {
            encoder.delta(delta, &mut out);
        }
    }
}
