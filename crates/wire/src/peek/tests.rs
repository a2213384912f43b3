//! Bodies good and bad, and agreement with a full parser.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::sync::LazyLock;

use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

const BODY_ENDPOINTS: [Endpoint; 5] = [
    Endpoint::Messages,
    Endpoint::CountTokens,
    Endpoint::ChatCompletions,
    Endpoint::Responses,
    Endpoint::Embeddings,
];

fn refusal(body: &[u8]) -> PeekError {
    peek(Endpoint::Messages, body).unwrap_err()
}

#[test]
fn a_body_tells_its_model_and_where_it_stands() {
    let body =
        br#" { "messages": [{"model":"inner"}], "model" : "claude-\u0078", "stream": true } "#;
    let peek = peek(Endpoint::Messages, body).unwrap();
    assert_eq!(peek.model.as_deref(), Some("claude-x"));
    assert_eq!(&body[peek.model_span.unwrap()], br#""claude-\u0078""#);
    assert!(peek.stream);
}

#[test]
fn a_key_may_be_escaped() {
    let body = br#"{"\u006dodel":"m"}"#;
    assert_eq!(
        peek(Endpoint::ChatCompletions, body)
            .unwrap()
            .model
            .as_deref(),
        Some("m")
    );
}

#[test]
fn an_endpoint_with_its_model_in_the_path_needs_none_in_the_body() {
    let found = peek(Endpoint::GenerateContent, br#"{"contents":[],"model":7}"#).unwrap();
    assert_eq!(found, Peek::default());
}

#[test]
fn a_bad_body_is_refused_with_its_field_and_place() {
    // body, field, offset, part of the message
    let cases: &[(&[u8], Option<&str>, usize, &str)] = &[
        (b"", None, 0, "is empty"),
        (b" \n ", None, 0, "is empty"),
        (b" [1]", None, 1, "must be a JSON object"),
        (b"\"model\"", None, 0, "must be a JSON object"),
        (b"{\"model\":\"a\xff\"}", None, 11, "not valid UTF-8"),
        (b"{}", Some("model"), 0, "`model` is missing"),
        (b"{\"stream\":true}", Some("model"), 0, "`model` is missing"),
        (
            b"{\"model\":\"\\ud800\"}",
            Some("model"),
            9,
            "half of a surrogate pair",
        ),
        (
            b"{\"model\":5}",
            Some("model"),
            9,
            "must be a string, not a number",
        ),
        (
            b"{\"model\":null}",
            Some("model"),
            9,
            "must be a string, not null",
        ),
        (
            b"{\"model\":[\"a\"]}",
            Some("model"),
            9,
            "must be a string, not an array",
        ),
        (b"{\"model\":\" \"}", Some("model"), 9, "must not be empty"),
        (
            b"{\"model\":\"a\",\n\"stream\":\"yes\"}",
            Some("stream"),
            23,
            "true or false, not a string (byte 23, line 2, column 10)",
        ),
        (
            b"{\"model\":\"a\",\"stream\":1}",
            Some("stream"),
            22,
            "true or false, not a number",
        ),
        (
            b"{\"model\":\"a\",\"model\":\"b\"}",
            Some("model"),
            21,
            "`model` appears twice",
        ),
        (
            b"{\"model\":\"a\",\"stream\":true,\"stream\":true}",
            Some("stream"),
            36,
            "`stream` appears twice",
        ),
        (
            b"{\"model\":\"a\"",
            None,
            12,
            "not valid JSON: `,` or `}` was expected",
        ),
        (
            b"{\"model\":\"a\"}}",
            None,
            13,
            "not valid JSON: nothing was expected after the object",
        ),
        (
            b"{\"model\":\"a\",}",
            None,
            13,
            "not valid JSON: a quoted key was expected",
        ),
        (b"{\n\"model\":\n\"a\" x}", None, 15, "line 3, column 5"),
        (
            b"{model:\"a\"}",
            None,
            1,
            "not valid JSON: a quoted key was expected",
        ),
    ];
    for (body, field, offset, message) in cases {
        let error = refusal(body);
        let shown = body.escape_ascii();
        assert_eq!(
            (error.field, error.offset),
            (*field, *offset),
            "{shown}: {error}"
        );
        assert!(error.message.contains(message), "{shown}: {error}");
    }
}

#[test]
fn deep_nesting_is_refused_exactly_where_a_full_parser_gives_up() {
    let max = usize::try_from(scan::MAX_NESTING).unwrap();
    let nested = |depth: usize| {
        format!(
            "{{\"model\":\"]\",\"x\":{}{}}}",
            "[".repeat(depth - 1),
            "]".repeat(depth - 1)
        )
    };
    let deepest = nested(max);
    assert!(serde_json::from_str::<Value>(&deepest).is_ok());
    assert!(peek(Endpoint::Messages, deepest.as_bytes()).is_ok());
    let deeper = nested(max + 1);
    assert!(serde_json::from_str::<Value>(&deeper).is_err());
    assert!(refusal(deeper.as_bytes()).message.contains("127 deep"));
    // The same where the scanner looks into what it passes.
    for (before, depth) in [
        (r#""messages":[{"role":"user","content":"#, 3),
        (r#""messages":["#, 2),
        (r#""system":[{"text":"#, 3),
        (r#""messages":[{"role":"assistant","content":"#, 3),
    ] {
        let fill = "x".repeat(5_000);
        let nested = |most: usize| {
            let inner = most - depth;
            let after: String = before
                .chars()
                .rev()
                .filter_map(|open| match open {
                    '[' => Some(']'),
                    '{' => Some('}'),
                    _ => None,
                })
                .collect();
            let (open, close) = ("[".repeat(inner), "]".repeat(inner));
            format!(r#"{{"model":"m","fill":"{fill}",{before}{open}{close}{after}}}"#)
        };
        let deepest = nested(max);
        assert!(serde_json::from_str::<Value>(&deepest).is_ok());
        assert!(peek(Endpoint::Messages, deepest.as_bytes()).is_ok());
        let deeper = nested(max + 1);
        assert!(serde_json::from_str::<Value>(&deeper).is_err());
        assert!(refusal(deeper.as_bytes()).message.contains("127 deep"));
    }
}

/// Whatever a full parse says of the same body.
fn full_parse(body: &[u8]) -> Option<(String, bool)> {
    let value: Value = serde_json::from_slice(body).ok()?;
    let object = value.as_object()?;
    let model = object
        .get("model")?
        .as_str()
        .filter(|model| !model.trim().is_empty())?;
    let stream = match object.get("stream") {
        None | Some(Value::Null) => false,
        Some(Value::Bool(stream)) => *stream,
        Some(_) => return None,
    };
    Some((model.to_owned(), stream))
}

/// White space that makes a body so large that its conversation is looked into.
static LARGE: LazyLock<String> = LazyLock::new(|| " ".repeat(5_000));

fn any_json() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        ".{0,12}".prop_map(Value::from),
    ];
    let key = prop_oneof![
        "[a-z\"\\\\é]{0,4}",
        Just("model".to_owned()),
        Just("stream".to_owned()),
        Just("metadata".to_owned()),
        prop::sample::select(vec![
            "messages",
            "input",
            "contents",
            "system",
            "instructions",
            "role",
            "content",
            "parts",
            "text",
        ])
        .prop_map(str::to_owned),
    ];
    leaf.prop_recursive(4, 40, 6, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..6).prop_map(Value::from),
            prop::collection::btree_map(key.clone(), inner, 0..6)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn peeking_agrees_with_a_full_parse(
        endpoint in prop::sample::select(&BODY_ENDPOINTS[..]),
        json in any_json(),
        model in prop::option::of(prop_oneof![".{0,12}".prop_map(Value::from), Just(json!(3))]),
        pretty in any::<bool>(), large in any::<bool>(),
    ) {
        let mut json = json;
        if let (Some(model), Some(object)) = (model, json.as_object_mut()) {
            object.insert("model".into(), model);
        }
        let mut body = if pretty { serde_json::to_string_pretty(&json) } else { serde_json::to_string(&json) }.unwrap();
        if large { body.push_str(&LARGE) }
        let found = peek(endpoint, body.as_bytes());
        prop_assert_eq!(found.as_ref().ok().map(|peek| (peek.model.clone().unwrap(), peek.stream)), full_parse(body.as_bytes()));
        if let Ok(Peek { model, model_span: Some(span), .. }) = found {
            prop_assert_eq!(serde_json::from_str::<String>(&body[span]).ok(), model);
        }
    }

    #[test]
    fn a_body_that_was_cut_or_damaged_is_judged_like_a_full_parse_would(
        json in any_json(), at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
        (name, large) in (prop::sample::select(vec!["x", "messages", "system"]), any::<bool>()),
    ) {
        let mut body = json!({"model": "m", name: json}).to_string().into_bytes();
        let at = 1 + at.index(body.len() - 1);
        if cut { body.truncate(at) } else { body[at] = byte }
        if large { body.extend_from_slice(LARGE.as_bytes()) }
        let found = peek(Endpoint::Messages, &body);
        let is_json = std::str::from_utf8(&body).is_ok_and(|text| serde_json::from_str::<serde::de::IgnoredAny>(text).is_ok());
        let refused_as_json = found.as_ref().is_err_and(|error| error.message.contains("not valid"));
        prop_assert!(is_json != refused_as_json, "{:?}", found);
        // A full parse takes the last of two equal keys; here that is an error of its own.
        let twice = found.as_ref().is_err_and(|error| error.message.contains("twice"));
        if let Some(expected) = full_parse(&body).filter(|_| !twice) {
            let found = found.unwrap();
            prop_assert_eq!((found.model.unwrap(), found.stream), expected);
        }
    }

    #[test]
    fn arbitrary_bytes_get_an_answer(body in prop::collection::vec(any::<u8>(), 0..200)) {
        for endpoint in Endpoint::ALL {
            if let Err(error) = peek(*endpoint, &body) {
                prop_assert!(error.offset <= body.len());
            }
        }
    }
}

/// Prints what peeking costs; asserts nothing, for a shared machine proves nothing.
#[test]
fn peeking_is_measured() {
    for size in [1usize << 10, 1 << 20] {
        let turn = json!({"role": "user", "content": [{"type": "text", "text": "The quick \"brown\" fox\n".repeat(20)}]});
        let mut turns = vec![turn.clone(); size / turn.to_string().len()];
        turns.insert(1, json!({"role": "assistant", "content": "I see."}));
        let body =
            json!({"model": "claude-x", "max_tokens": 1000, "stream": true, "messages": turns})
                .to_string();
        let rounds = u32::try_from((4 << 20) / body.len()).unwrap();
        let started = std::time::Instant::now();
        for _ in 0..rounds {
            std::hint::black_box(peek(Endpoint::Messages, body.as_bytes()).unwrap());
        }
        println!(
            "a body of {} bytes: {:?}",
            body.len(),
            started.elapsed() / rounds
        );
    }
}
