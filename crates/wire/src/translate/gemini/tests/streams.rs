//! Streams: read, written, and read again.

use super::*;

/// The data of every event.
fn events(sse: &str) -> Vec<&str> {
    sse.split("\r\n\r\n")
        .filter(|frame| !frame.is_empty())
        .map(|frame| frame.strip_prefix("data: ").unwrap())
        .collect()
}

fn decode<'d>(events: &[&'d str]) -> Vec<Delta<'d>> {
    let mut decoder = Decoder::default();
    let mut deltas = Vec::new();
    for event in events {
        decoder.event("", event, &mut deltas).unwrap();
    }
    let mut last = Vec::new();
    decoder.finish(&mut last).unwrap();
    decoder.finish(&mut last).unwrap();
    deltas.extend(last);
    deltas
}

fn encode(deltas: &[Delta<'_>], format: StreamFormat) -> String {
    let mut encoder = Encoder::new(context(), format);
    let mut out = Vec::new();
    for delta in deltas {
        encoder.delta(delta, &mut out);
    }
    String::from_utf8(out).unwrap()
}

/// Deltas say what the whole answer costs at their beginning and end; what is known at the beginning is
/// not said to Gemini's clients.
fn without_first_cost<'d>(mut deltas: Vec<Delta<'d>>) -> Vec<Delta<'d>> {
    if let Some(Delta::Begin { tokens, .. }) = deltas.first_mut() {
        *tokens = Tokens::default();
    }
    deltas
}

#[test]
fn streams_are_read_as_they_are_meant() {
    for (name, body) in fixtures("stream", "sse") {
        insta::assert_debug_snapshot!(format!("stream_{name}"), decode(&events(&body)));
    }
}

#[test]
fn a_stream_that_is_written_again_says_the_same() {
    for (name, body) in fixtures("stream", "sse") {
        let deltas = without_first_cost(decode(&events(&body)));
        let written = encode(&deltas, StreamFormat::GeminiSse);
        let again = without_first_cost(decode(&events(&written)));
        assert_eq!(deltas, again, "{name}");
    }
}

#[test]
fn an_array_holds_what_server_sent_events_hold() {
    let array = fixture("stream/text.json");
    let elements: Vec<Json<'_>> = serde_json::from_str(&array).unwrap();
    let elements: Vec<&str> = elements.iter().map(Json::get).collect();
    let sse = fixture("stream/text.sse");
    let deltas = decode(&events(&sse));
    assert_eq!(decode(&elements), deltas);

    let written = encode(&deltas, StreamFormat::GeminiArray);
    let elements: Vec<Json<'_>> = serde_json::from_str(&written).unwrap();
    let elements: Vec<&str> = elements.iter().map(Json::get).collect();
    assert_eq!(
        without_first_cost(decode(&elements)),
        without_first_cost(deltas)
    );
}

#[test]
fn a_stream_says_as_much_as_the_whole_answer() {
    let tools = fixture("stream/tools.sse");
    let deltas = decode(&events(&tools));
    let Some(Delta::End { stop, tokens }) = deltas.last() else {
        panic!("{deltas:?}");
    };
    assert_eq!(*stop, Stop::ToolUse);
    assert_eq!(
        *tokens,
        Tokens {
            input: 20,
            cache_read: 0,
            cache_write: 0,
            output: 32,
            thinking: 8
        }
    );
}

#[test]
fn a_stream_that_does_not_say_why_it_is_over_is_no_answer() {
    let mut decoder = Decoder::default();
    let mut deltas = Vec::new();
    let body = fixture("error/unended.json");
    decoder.event("", &body, &mut deltas).unwrap();
    assert!(decoder.finish(&mut Vec::new()).is_err());
    let failed = fixture("error/malformed.json");
    let error = decoder.event("", &failed, &mut deltas).unwrap_err();
    assert!(
        error == crate::translate::Unreadable::gave_up(error.why.clone())
            && error.why.contains("MALFORMED_FUNCTION_CALL")
    );
    assert!(Decoder::default().finish(&mut Vec::new()).is_err());
    assert!(decoder.event("", "nonsense", &mut deltas).is_err());
}

#[test]
fn what_another_provider_streams_is_whole_for_a_gemini_client() {
    let sealed = Signature {
        maker: Maker::Anthropic,
        value: "sealed".into(),
    };
    let deltas = vec![
        Delta::Begin {
            id: None,
            model: None,
            tokens: Tokens::default(),
        },
        Delta::Open(Opening::Thinking { redacted: true }),
        Delta::Signed(sealed.clone()),
        Delta::Close,
        Delta::Open(Opening::Thinking { redacted: false }),
        Delta::More("hm".into()),
        Delta::Signed(sealed),
        Delta::Close,
        Delta::Open(Opening::ToolCall {
            id: "toolu_1".into(),
            name: "f".into(),
        }),
        Delta::More("{\"a\":\n".into()),
        Delta::More("[1]}".into()),
        Delta::Close,
        Delta::Open(Opening::ToolCall {
            id: "".into(),
            name: "g".into(),
        }),
        Delta::Close,
        Delta::End {
            stop: Stop::Refused(Some("refusal".into())),
            tokens: Tokens {
                input: 1,
                cache_read: 2,
                cache_write: 4,
                output: 8,
                thinking: 0,
            },
        },
    ];
    let written = encode(&deltas, StreamFormat::GeminiSse);
    insta::assert_snapshot!("foreign_stream", written.replace("\r\n", "\n"));
    let read = decode(&events(&written));
    assert_eq!(read[1..8], deltas[1..8]);
    assert_eq!(
        read[8..13],
        [
            deltas[8].clone(),
            Delta::More("{\"a\": [1]}".into()),
            Delta::Close,
            deltas[12].clone(),
            Delta::More("{}".into()),
        ]
    );
}
