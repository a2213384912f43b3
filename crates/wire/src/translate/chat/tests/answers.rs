//! Whole answers.

use super::*;
use crate::translate::{
    Unreadable,
    talk::{
        Answer, Content, Maker, Media, MediaKind, Part, Signature, Source, Stop, Thought, Tokens,
        ToolCall,
    },
    text::Json,
};

const ANSWERS: &[(&str, &str)] = fixtures!("answer", ".json":
    "text" "tools" "thinking" "refused" "filtered" "long");

#[test]
fn answers_are_read_as_what_they_say() {
    for (name, body) in ANSWERS {
        insta::assert_debug_snapshot!(format!("answer_{name}"), read_answer(body).unwrap());
    }
}

#[test]
fn what_is_read_written_and_read_is_the_same() {
    for (name, body) in ANSWERS {
        let answer = read_answer(body).unwrap();
        let written = String::from_utf8(write_answer(&answer, &context())).unwrap();
        assert_eq!(read_answer(&written).unwrap(), answer, "{name}");
        let written: serde_json::Value = serde_json::from_str(&written).unwrap();
        insta::assert_json_snapshot!(format!("answer_{name}_written"), written);
    }
}

#[test]
fn an_answer_of_another_language_gets_what_chat_demands() {
    let call = |signature| {
        Content::ToolCall(ToolCall {
            id: "".into(),
            name: "t".into(),
            arguments: Json::parse("{}".to_owned()).unwrap(),
            signature,
        })
    };
    let sealed = Signature {
        maker: Maker::Anthropic,
        value: "s".into(),
    };
    let parts = [
        Content::Thinking(Thought {
            text: "hm".into(),
            signature: Some(sealed.clone()),
            redacted: false,
        }),
        Content::Thinking(Thought {
            text: "".into(),
            signature: Some(sealed.clone()),
            redacted: true,
        }),
        Content::Text("One".into()),
        call(None),
        Content::Text(", two.".into()),
        call(Some(sealed)),
        Content::Media(Media {
            kind: MediaKind::Image,
            mime: Some("image/webp".into()),
            source: Source::Base64("AAAA".into()),
            name: None,
        }),
    ];
    let answer = Answer {
        id: None,
        model: None,
        parts: parts.map(Part::from).into(),
        stop: Stop::Sequence(Some("END".into())),
        tokens: Tokens {
            input: 1,
            cache_read: 2,
            cache_write: 4,
            output: 8,
            thinking: 5,
        },
    };
    let written: serde_json::Value =
        serde_json::from_slice(&write_answer(&answer, &context())).unwrap();
    insta::assert_json_snapshot!("answer_of_another_language", written);
}

#[test]
fn an_id_of_another_kind_is_told_as_one_of_chat() {
    let answer = Answer {
        id: Some("msg_01".into()),
        model: Some("claude".into()),
        parts: Vec::new(),
        stop: Stop::End,
        tokens: Tokens::default(),
    };
    let written: serde_json::Value =
        serde_json::from_slice(&write_answer(&answer, &context())).unwrap();
    assert_eq!(written["id"], "chatcmpl-msg_01");
    assert_eq!(written["model"], "claude");
}

#[test]
fn an_answer_that_is_none_is_unreadable_and_says_why() {
    let message =
        |inner: &str| format!(r#"{{"choices":[{{"message":{inner},"finish_reason":"stop"}}]}}"#);
    let cases = [
        ("<html>".to_owned(), "no chat completion"),
        ("{}".to_owned(), "does not hold one choice"),
        (r#"{"choices":[]}"#.to_owned(), "does not hold one choice"),
        (
            r#"{"choices":[{"message":{}},{"message":{}}]}"#.to_owned(),
            "does not hold one choice",
        ),
        (r#"{"choices":[{}]}"#.to_owned(), "holds no message"),
        (
            r#"{"choices":[{"message":{},"finish_reason":"insufficient_system_resource"}]}"#
                .to_owned(),
            "`insufficient_system_resource`",
        ),
        (
            message(r#"{"function_call":{"name":"f","arguments":"{}"}}"#),
            "deprecated",
        ),
        (
            message(r#"{"tool_calls":[{"type":"custom","custom":{"name":"f"}}]}"#),
            "no function",
        ),
        (
            message(r#"{"tool_calls":[{"id":"c","function":{"arguments":"{}"}}]}"#),
            "does not name its tool",
        ),
        (
            message(r#"{"tool_calls":[{"id":"c","function":{"name":"f","arguments":"{"}}]}"#),
            "no JSON object",
        ),
    ];
    for (body, why) in cases {
        let Unreadable { why: found, .. } = read_answer(&body).expect_err(&body);
        assert!(found.contains(why), "{body}: {found}");
    }
}

#[test]
fn usage_that_cannot_be_read_is_no_reason_to_refuse_an_answer() {
    let body = r#"{"choices":[{"message":{"content":"a"},"finish_reason":""}],"usage":{"prompt_tokens":-1}}"#;
    let answer = read_answer(body).unwrap();
    assert_eq!(answer.tokens, Tokens::default());
    assert_eq!(answer.stop, Stop::End);
}
