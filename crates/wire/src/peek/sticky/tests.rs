//! Which requests get the same key: conversations as clients send them, turn by turn.
#![allow(clippy::unwrap_used, clippy::panic)]

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use serde_json::{Value, json};
use waybill_model::{
    protocol::Endpoint,
    waybill::{Sticky, StickySource},
};

use super::{SAID_BYTES, SESSION_HEADERS, SYSTEM_BYTES, sticky};
use crate::peek::peek;

fn key_of(endpoint: Endpoint, body: &Value) -> Option<Sticky> {
    let mut body = body.clone();
    body["model"] = json!("m");
    peek(endpoint, body.to_string().as_bytes()).unwrap().sticky
}

fn session(id: &str) -> Option<Sticky> {
    super::session(id)
}

/// Text that makes any body large enough.
fn long() -> String {
    "You are a careful assistant. ".repeat(300)
}

#[test]
fn the_id_that_counts_is_the_first_that_is_there() {
    let cases = [
        (
            json!({"metadata": {"user_id": "u"}, "session_id": "s", "prompt_cache_key": "p"}),
            Some("u"),
        ),
        (
            json!({"metadata": {"other": 1}, "session_id": "s", "prompt_cache_key": "p"}),
            Some("s"),
        ),
        (
            json!({"metadata": null, "session_id": " ", "prompt_cache_key": "p"}),
            Some("p"),
        ),
        (json!({"metadata": "text", "session_id": 5}), None),
    ];
    for (body, id) in cases {
        assert_eq!(
            key_of(Endpoint::Responses, &body),
            id.and_then(session),
            "{body}"
        );
    }
}

#[test]
fn a_key_is_the_same_in_every_process_and_version() {
    assert_eq!(session("a").unwrap().key, 12_791_363_827_359_206_526);
    let body = json!({"system": long(), "messages": [
        {"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}, {"role": "user", "content": "?"}]});
    assert_eq!(
        key_of(Endpoint::Messages, &body).unwrap().key,
        2_428_924_565_469_128_461
    );
}

#[test]
fn an_id_in_a_header_counts_where_the_body_has_none() {
    for name in SESSION_HEADERS {
        let headers =
            HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static("s"))]);
        let prefix = Some(Sticky {
            key: 7,
            from: StickySource::Prefix,
        });
        assert_eq!(sticky(None, &headers), session("s"), "{name}");
        assert_eq!(sticky(prefix, &headers), session("s"), "{name}");
        assert_eq!(sticky(session("b"), &headers), session("b"), "{name}");
        assert_eq!(sticky(prefix, &HeaderMap::new()), prefix, "{name}");
    }
}

/// A conversation as it grows, in the words of each API: the requests of its second and third turn.
fn conversations() -> Vec<(Endpoint, Value, Value)> {
    let system = long();
    let anthropic = |cached: Value, messages: Value| {
        json!({"max_tokens": 9, "system": [
            {"type": "text", "text": format!("x-anthropic-billing-header: cch={cached};")},
            {"type": "text", "text": system, "cache_control": {"type": "ephemeral"}}],
            "messages": messages})
    };
    let answer = json!({"role": "assistant", "content": [{"type": "text", "text": "Yes."}]});
    let chat = |rest: Value| {
        let mut messages = vec![
            json!({"role": "developer", "content": system}),
            json!({"role": "user", "content": "first"}),
        ];
        messages.extend(rest.as_array().unwrap().clone());
        json!({ "messages": messages })
    };
    let responses = |rest: Value| {
        let mut input = vec![
            json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "notes"}]}),
            json!({"type": "message", "role": "user", "content": [{"type": "input_text", "text": "first"}]}),
        ];
        input.extend(rest.as_array().unwrap().clone());
        json!({ "instructions": system, "input": input })
    };
    let call = json!({"type": "function_call", "call_id": "c", "name": "ls", "arguments": "{}"});
    let output = json!({"type": "function_call_output", "call_id": "c", "output": "src"});
    let gemini = |rest: Value| {
        let mut contents = vec![json!({"parts": [{"text": "first"}]})];
        contents.extend(rest.as_array().unwrap().clone());
        json!({"systemInstruction": {"parts": [{"text": system}]}, "contents": contents})
    };
    let model = json!({"role": "model", "parts": [{"text": "Yes."}]});
    let user = |text: &str| json!({"role": "user", "content": text});
    vec![
        (
            // The marker moves on, and what carried it comes back as a plain string.
            Endpoint::Messages,
            anthropic(
                json!(1),
                json!([{"role": "user", "content": [{"type": "text", "cache_control": {"type": "ephemeral"}, "text": "first"}]},
                answer, user("second")]),
            ),
            anthropic(
                json!(2),
                json!([user("first"), answer, user("second"), answer, user("third")]),
            ),
        ),
        (
            Endpoint::ChatCompletions,
            chat(json!([answer, user("second")])),
            chat(json!([answer, user("second"), answer, user("third")])),
        ),
        (
            Endpoint::Responses,
            responses(json!([call, output])),
            responses(json!([call, output, answer, user("second")])),
        ),
        (
            Endpoint::StreamGenerateContent,
            gemini(json!([model, {"role": "user", "parts": [{"text": "second"}]}])),
            gemini(
                json!([model, {"role": "user", "parts": [{"text": "second"}]}, model, {"parts": []}]),
            ),
        ),
    ]
}

#[test]
fn a_conversation_keeps_its_key_as_it_grows() {
    for (endpoint, second, third) in conversations() {
        let key = key_of(endpoint, &second);
        assert_eq!(
            key.map(|key| key.from),
            Some(StickySource::Prefix),
            "{endpoint:?}"
        );
        assert_eq!(key, key_of(endpoint, &third), "{endpoint:?}");
    }
}

#[test]
fn another_first_question_or_system_prompt_is_another_conversation() {
    for (endpoint, second, _) in conversations() {
        let key = key_of(endpoint, &second);
        for (of, other) in [("first", "hello"), ("careful", "careless")] {
            let text = second.to_string().replacen(of, other, 1);
            let other = serde_json::from_str(&text).unwrap();
            assert_ne!(key, key_of(endpoint, &other), "{endpoint:?} {of}");
        }
    }
}

#[test]
fn what_stands_at_the_end_of_a_system_prompt_does_not_count() {
    let body = |date: &str| {
        json!({"system": format!("{}{date}", "x".repeat(SYSTEM_BYTES)), "messages": [
            {"role": "user", "content": "hi"}, {"role": "assistant", "content": "ho"}, {"role": "user", "content": "?"}]})
    };
    let today = key_of(Endpoint::Messages, &body("Thursday"));
    assert!(today.is_some());
    assert_eq!(today, key_of(Endpoint::Messages, &body("Friday")));
}

#[test]
fn a_question_behind_long_notes_still_counts() {
    let body = |question: &str| {
        json!({"messages": [{"role": "user", "content": [
            {"type": "text", "text": "n".repeat(SAID_BYTES - 100)}, {"type": "text", "text": question}]},
            {"role": "assistant", "content": "ho"}, {"role": "user", "content": "?"}]})
    };
    assert_ne!(
        key_of(Endpoint::Messages, &body("one")),
        key_of(Endpoint::Messages, &body("two"))
    );
}

#[test]
fn single_requests_small_ones_and_those_without_words_have_no_key() {
    let (user, answer) = (
        json!({"role": "user", "content": "hi"}),
        json!({"role": "assistant", "content": "ho"}),
    );
    let image = json!({"role": "user", "content": [{"type": "image", "source": {"data": long()}}]});
    let cases = [
        (
            Endpoint::Messages,
            json!({"system": long(), "messages": [user]}),
        ),
        (
            Endpoint::Messages,
            json!({"messages": [user, answer, user]}),
        ),
        (
            Endpoint::Messages,
            json!({"messages": [image, answer, user]}),
        ),
        (
            Endpoint::Messages,
            json!({"system": long(), "messages": [answer, user]}),
        ),
        (
            Endpoint::Responses,
            json!({"instructions": long(), "input": "hi"}),
        ),
        (Endpoint::Embeddings, json!({"input": [long(), long()]})),
        (
            Endpoint::EmbedContent,
            json!({"contents": [{"parts": [{"text": long()}]}, {"role": "model", "parts": []}]}),
        ),
    ];
    for (endpoint, body) in cases {
        assert_eq!(key_of(endpoint, &body), None, "{endpoint:?} {body:.80}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, cases: 128, ..ProptestConfig::default() })]

    #[test]
    fn what_follows_the_first_answer_never_matters(
        first in ".{1,300}", later in prop::collection::vec((any::<bool>(), ".{0,40}"), 0..8), pretty in any::<bool>(),
    ) {
        let of = |later: &[(bool, String)]| {
            let mut messages = vec![json!({"role": "user", "content": first}), json!({"content": "ho", "role": "assistant"})];
            messages.extend(later.iter().map(|(user, text)| {
                json!({"role": if *user { "user" } else { "assistant" }, "content": [{"type": "text", "text": text}]})
            }));
            let body = json!({"model": "m", "system": long(), "messages": messages});
            let text = if pretty { serde_json::to_string_pretty(&body) } else { serde_json::to_string(&body) };
            peek(Endpoint::Messages, text.unwrap().as_bytes()).unwrap().sticky
        };
        prop_assert!(of(&[]).is_some());
        prop_assert_eq!(of(&[]), of(&later));
    }
}
