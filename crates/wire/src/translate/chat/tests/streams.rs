//! Streams.

use super::*;
use crate::translate::{
    Unreadable,
    talk::{Delta, Maker, Opening, Signature, Stop, Tokens},
};

const STREAMS: &[(&str, &str)] = fixtures!("stream", ".sse":
    "text" "tools" "thinking" "google" "refused" "long");

/// The data of every event.
fn events(stream: &str) -> impl Iterator<Item = &str> {
    stream
        .lines()
        .filter_map(|line| line.strip_prefix("data: "))
}

fn decode<'d>(events: impl IntoIterator<Item = &'d str>) -> Result<Vec<Delta<'d>>, Unreadable> {
    let mut decoder = Decoder::default();
    let mut deltas = Vec::new();
    for data in events {
        decoder.event("", data, &mut deltas)?;
    }
    let mut rest = Vec::new();
    decoder.finish(&mut rest)?;
    deltas.extend(rest);
    Ok(deltas)
}

fn encode(deltas: &[Delta<'_>], context: Context) -> String {
    let mut encoder = Encoder::new(context);
    let mut out = Vec::new();
    for delta in deltas {
        encoder.delta(delta, &mut out);
    }
    String::from_utf8(out).unwrap()
}

#[test]
fn streams_are_read_as_what_they_say() {
    for (name, stream) in STREAMS {
        insta::assert_debug_snapshot!(format!("stream_{name}"), decode(events(stream)).unwrap());
    }
}

#[test]
fn streams_that_are_written_and_read_are_the_same() {
    for (name, stream) in STREAMS {
        let mut deltas = decode(events(stream)).unwrap();
        let written = encode(&deltas, context());
        insta::assert_snapshot!(format!("stream_{name}_written"), written);
        // What only the end knows is not said at the beginning; what Chat demands is made up.
        for delta in &mut deltas {
            match delta {
                Delta::Begin {
                    id: Some(id),
                    tokens,
                    ..
                } => {
                    if !id.starts_with("chatcmpl-") {
                        *id = format!("chatcmpl-{id}").into();
                    }
                    *tokens = Tokens::default();
                }
                Delta::Open(Opening::ToolCall { id, .. }) if id.is_empty() => {
                    *id = "call_req1_1".into();
                }
                _ => {}
            }
        }
        assert_eq!(decode(events(&written)).unwrap(), deltas, "{name}");
    }
}

#[test]
fn usage_is_only_told_to_who_asked_for_it() {
    let deltas = decode(events(STREAMS[0].1)).unwrap();
    let quiet = Context {
        stream_usage: false,
        ..context()
    };
    let written = encode(&deltas, quiet);
    assert!(!written.contains("usage"), "{written}");
    assert!(written.ends_with("\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n"));
}

/// Chunks with these deltas, ended by this reason.
fn chunks(steps: &[&str], reason: &str) -> Vec<String> {
    let mut chunks: Vec<String> = steps
        .iter()
        .map(|step| format!(r#"{{"id":"x","model":"m","choices":[{{"index":0,"delta":{step}}}]}}"#))
        .collect();
    chunks.push(format!(
        r#"{{"id":"x","model":"m","choices":[{{"delta":{{}},"finish_reason":{reason}}}]}}"#
    ));
    chunks
}

/// What is said in between: `open name id`, its text, `close`.
fn said(steps: &[&str]) -> Result<Vec<String>, Unreadable> {
    let chunks = chunks(steps, "\"stop\"");
    let deltas = decode(chunks.iter().map(String::as_str))?;
    Ok(deltas
        .iter()
        .map(|delta| match delta {
            Delta::Begin { .. } => "begin".to_owned(),
            Delta::Open(Opening::ToolCall { id, name }) => format!("open {name} {id}"),
            Delta::Open(opening) => format!("open {opening:?}"),
            Delta::More(text) => text.to_string(),
            Delta::Signed(signature) => format!("signed {}", &*signature.value),
            Delta::Close => "close".to_owned(),
            Delta::End { stop, .. } => format!("end {stop:?}"),
        })
        .collect())
}

#[test]
fn compatible_servers_ways_of_calling_tools_are_understood() {
    let both = [
        "begin",
        "open f a",
        "{}",
        "close",
        "open g b",
        "{\"x\":1}",
        "close",
        "end ToolUse",
    ];
    let cases: &[(&str, &[&str])] = &[
        (
            "both in one chunk",
            &[
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}},{"index":1,"id":"b","function":{"name":"g","arguments":"{\"x\":1}"}}]}"#,
            ],
        ),
        (
            "no index",
            &[
                r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
                r#"{"tool_calls":[{"id":"b","function":{"name":"g","arguments":"{\"x\":1}"}}]}"#,
            ],
        ),
        (
            "each is the first",
            &[
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
                r#"{"tool_calls":[{"index":0,"id":"b","function":{"name":"g","arguments":"{\"x\":1}"}}]}"#,
            ],
        ),
        (
            "no arguments, and indexes from one",
            &[
                r#"{"tool_calls":[{"index":1,"id":"a","type":"function","function":{"name":"f"}}]}"#,
                r#"{"tool_calls":[{"index":2,"id":"b","type":"","function":{"name":"g","arguments":"{\"x\":1}"}}]}"#,
            ],
        ),
    ];
    for (name, steps) in cases {
        assert_eq!(said(steps).unwrap(), both, "{name}");
    }
    let pieces: &[(&str, &[&str])] = &[
        (
            "the id again",
            &[
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}"#,
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"","arguments":"}"}}]}"#,
            ],
        ),
        (
            "the name again, and an empty id",
            &[
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}"#,
                r#"{"content":"","tool_calls":[{"index":0,"id":"","function":{"name":"f","arguments":"}"}}]}"#,
            ],
        ),
        (
            "neither index nor id",
            &[
                r#"{"tool_calls":[{"id":"a","function":{"name":"f","arguments":"{"}}]}"#,
                r#"{"tool_calls":[{"function":{"arguments":"}"}}]}"#,
            ],
        ),
        (
            "a new id for each piece",
            &[
                r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}"#,
                r#"{"tool_calls":[{"index":0,"id":"z","function":{"name":null,"arguments":"}"}}]}"#,
            ],
        ),
    ];
    for (name, steps) in pieces {
        assert_eq!(
            said(steps).unwrap(),
            ["begin", "open f a", "{", "}", "close", "end ToolUse"],
            "{name}"
        );
    }
}

#[test]
fn a_proof_that_comes_by_itself_belongs_to_the_open_call() {
    let steps = [
        r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{}"}}]}"#,
        r#"{"tool_calls":[{"index":0,"extra_content":{"google":{"thought_signature":"s"}}}]}"#,
    ];
    assert_eq!(
        said(&steps).unwrap(),
        [
            "begin",
            "open f a",
            "{}",
            "signed s",
            "close",
            "end ToolUse"
        ]
    );
}

#[test]
fn parts_that_change_places_are_closed_and_opened() {
    let steps = [
        r#"{"reasoning_content":"hm","content":"a"}"#,
        r#"{"reasoning":"hm"}"#,
        r#"{"content":"b"}"#,
    ];
    let thinking = "open Thinking { redacted: false }";
    assert_eq!(
        said(&steps).unwrap(),
        [
            "begin",
            thinking,
            "hm",
            "close",
            "open Text",
            "a",
            "close",
            thinking,
            "hm",
            "close",
            "open Text",
            "b",
            "close",
            "end End"
        ]
    );
}

#[test]
fn calls_that_are_mixed_are_unreadable_and_say_why() {
    let a = r#"{"tool_calls":[{"index":0,"id":"a","function":{"name":"f","arguments":"{"}}]}"#;
    let b = r#"{"tool_calls":[{"index":1,"id":"b","function":{"name":"g","arguments":"{"}}]}"#;
    let cases: &[(&[&str], &str)] = &[
        (
            &[
                a,
                b,
                r#"{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}"#,
            ],
            "mixed",
        ),
        (
            &[
                a,
                r#"{"content":"x"}"#,
                r#"{"tool_calls":[{"index":0,"function":{"arguments":"}"}}]}"#,
            ],
            "mixed",
        ),
        (&[a, b, a], "goes back"),
        (
            &[r#"{"tool_calls":[{"index":0,"type":"custom","custom":{"name":"f"}}]}"#],
            "no function",
        ),
        (&[r#"{"function_call":{"name":"f"}}"#], "deprecated"),
    ];
    for (steps, why) in cases {
        let Unreadable { why: found, .. } = said(steps).unwrap_err();
        assert!(found.contains(why), "{steps:?}: {found}");
    }
}

#[test]
fn the_end_is_told_once_and_whatever_the_server_says_of_it() {
    let cases = [
        ("\"\"", Stop::End),
        ("null", Stop::End),
        ("\"stop\"", Stop::End),
        ("\"STOP\"", Stop::End),
        ("\"length\"", Stop::MaxTokens),
        ("\"tool_calls\"", Stop::ToolUse),
        ("\"function_call\"", Stop::ToolUse),
        (
            "\"content_filter\"",
            Stop::Refused(Some("content_filter".into())),
        ),
    ];
    for (reason, stop) in cases {
        let mut chunks = chunks(&[r#"{"content":"a"}"#], reason);
        for done in [false, true] {
            if done {
                chunks.push("[DONE]".to_owned());
            }
            let deltas = decode(chunks.iter().map(String::as_str)).unwrap();
            let ends: Vec<_> = deltas
                .iter()
                .filter_map(|delta| match delta {
                    Delta::End { stop, .. } => Some(stop.clone()),
                    _ => None,
                })
                .collect();
            assert_eq!(ends, std::slice::from_ref(&stop), "{reason}");
        }
    }
    let strange = chunks(&[], "\"exploded\"");
    let Unreadable { why, .. } = decode(strange.iter().map(String::as_str)).unwrap_err();
    assert!(why.contains("`exploded`"), "{why}");
}

#[test]
fn a_stream_that_says_nothing_or_nonsense_is_unreadable() {
    let cases: &[(&[&str], &str)] = &[
        (&[], "before it said anything"),
        (&["[DONE]"], "before it said anything"),
        (&["hello"], "no chunk"),
        (
            &[r#"{"id":"x","choices":[{"index":1,"delta":{}}]}"#],
            "more than one choice",
        ),
    ];
    for (events, why) in cases {
        let Unreadable { why: found, .. } = decode(events.iter().copied()).unwrap_err();
        assert!(found.contains(why), "{events:?}: {found}");
    }
}

#[test]
fn a_stream_of_another_language_gets_what_chat_demands() {
    let sealed = || Signature {
        maker: Maker::Anthropic,
        value: "s".into(),
    };
    let deltas = [
        Delta::Begin {
            id: None,
            model: None,
            tokens: Tokens::default(),
        },
        Delta::Open(Opening::Thinking { redacted: true }),
        Delta::Signed(sealed()),
        Delta::Close,
        Delta::Open(Opening::ToolCall {
            id: "".into(),
            name: "t".into(),
        }),
        Delta::Signed(sealed()),
        Delta::More("".into()),
        Delta::Close,
        Delta::End {
            stop: Stop::ToolUse,
            tokens: Tokens::default(),
        },
        Delta::More("too late".into()),
    ];
    insta::assert_snapshot!("stream_of_another_language", encode(&deltas, context()));
}
