//! Only what holds the end of the client's stream is terminal, wherever the provider's stream is cut or breaks.

use bytes::Bytes;
use waybill_model::protocol::{Endpoint, OpenAiApi, Platform, Protocol, StreamFormat};
use waybill_wire::{
    stream::{Limits, Mark, Piece},
    translate::{
        Reading,
        bridge::{Way, way},
    },
};

use crate::dialects::{all, context};

/// Clients, and how the end of their streams is spelled.
const CLIENTS: [(Endpoint, StreamFormat, &[&str]); 5] = [
    (
        Endpoint::Messages,
        StreamFormat::AnthropicSse,
        &["event: message_stop"],
    ),
    (
        Endpoint::ChatCompletions,
        StreamFormat::ChatSse,
        &["data: [DONE]"],
    ),
    (
        Endpoint::Responses,
        StreamFormat::ResponsesSse,
        &["event: response.completed", "event: response.incomplete"],
    ),
    (
        Endpoint::StreamGenerateContent,
        StreamFormat::GeminiSse,
        &["\"finishReason\"", "\"blockReason\""],
    ),
    (
        Endpoint::StreamGenerateContent,
        StreamFormat::GeminiArray,
        &["]"],
    ),
];

/// Providers, and the folder of their fixtures.
const PROVIDERS: [(Platform, &[OpenAiApi], &str); 5] = [
    (Platform::Anthropic, &[], "messages"),
    (Platform::OpenAi, &[OpenAiApi::ChatCompletions], "chat"),
    (Platform::OpenAi, &[OpenAiApi::Responses], "responses"),
    (Platform::Gemini, &[], "gemini"),
    (Platform::Antigravity, &[], "gemini"),
];

fn ends(format: StreamFormat, marks: &[&str], given: &str) -> bool {
    match format {
        // The only format whose end may stand inside of it.
        StreamFormat::GeminiArray => {
            serde_json::from_str::<Vec<serde::de::IgnoredAny>>(given).is_ok()
        }
        StreamFormat::AnthropicSse
        | StreamFormat::ChatSse
        | StreamFormat::ResponsesSse
        | StreamFormat::GeminiSse => marks.iter().any(|mark| given.contains(mark)),
    }
}

/// Code Assist's envelope around each event, and events that hold nothing between them.
fn enveloped(stream: &str) -> String {
    let events = stream.split("\r\n\r\n").filter(|event| !event.is_empty());
    let empty = "data: {\"traceId\":\"t\"}\r\n\r\ndata: {\"response\":{}}\r\n\r\n";
    let wrapped = events.map(|event| {
        let data = event.strip_prefix("data: ").unwrap();
        format!("{empty}data: {{\"response\":{data},\"traceId\":\"t\"}}\r\n\r\n{empty}")
    });
    wrapped.collect()
}

#[test]
fn nothing_is_terminal_before_the_clients_end_and_that_comes_once() {
    let dialects = all();
    let mut streams = 0;
    for (endpoint, format, marks) in CLIENTS {
        for (platform, apis, folder) in PROVIDERS {
            let Way::Over(bridge) = way(Protocol::Anthropic, endpoint, platform, apis) else {
                continue;
            };
            let dialect = dialects.iter().find(|one| one.name == folder).unwrap();
            for (name, stream) in dialect.fixtures("stream") {
                if name.ends_with(".json") {
                    continue;
                }
                let stream = match platform {
                    Platform::Antigravity => enveloped(&stream),
                    Platform::Anthropic | Platform::OpenAi | Platform::Gemini => stream,
                };
                let place = format!("{name} of {platform} {folder} to {endpoint} {format:?}");
                let crossing = bridge.crossing(format, context());
                let mut reading =
                    Reading::over(bridge.provider_format(), Limits::default(), crossing);
                let (mut given, mut is_over, mut failed) = (String::new(), false, false);
                let mut take = |reading: &Reading, out: &mut Vec<Piece>| {
                    for piece in out.drain(..) {
                        failed |= piece.mark == Mark::Error;
                        if failed {
                            return true;
                        }
                        is_over |= piece.mark == Mark::Terminal;
                        given += std::str::from_utf8(&piece.bytes).unwrap();
                        assert_eq!(is_over, ends(format, marks, &given), "{place}: {given}");
                    }
                    assert_eq!(reading.is_over(), is_over, "{place}");
                    false
                };
                let mut out = Vec::new();
                // A break after each byte is a stream of its own.
                let broke = stream.bytes().any(|byte| {
                    reading.feed(Bytes::from(vec![byte]), &mut out);
                    take(&reading, &mut out)
                });
                if broke {
                    continue;
                }
                let end = reading.finish(&mut out);
                if take(&reading, &mut out) || !end.is_complete() {
                    continue;
                }
                streams += 1;
                assert!(reading.is_over(), "{place}");
                let times: usize = marks.iter().map(|mark| given.matches(mark).count()).sum();
                if !matches!(format, StreamFormat::GeminiSse | StreamFormat::GeminiArray) {
                    assert_eq!(times, 1, "{place}: {given}");
                }
            }
        }
    }
    assert!(streams > 60, "{streams}");
}
