//! A stream over a bridge is handed on as it comes: what is held does not grow with it.
//!
//! What is held is measured by what the reader's `Debug` prints: every byte of every field, without asking
//! the allocator.

use bytes::Bytes;
use waybill_model::protocol::{Endpoint, OpenAiApi, Platform, Protocol, StreamFormat};
use waybill_wire::{
    stream::Limits,
    translate::{
        Dialect, Reading,
        bridge::{Way, way},
    },
};

use crate::dialects::context;

/// More than a hundred times what may be held.
const STREAM_BYTES: usize = 4 << 20;
/// Cuts events anywhere.
const CHUNK_BYTES: usize = 4001;
const HELD_BYTES: usize = 32 << 10;
/// Of one event: an escape and a letter of several bytes are in it.
const TEXT: &str = "Line 4711 failed: \\\"permission denied\\\". \u{2713}\\n";

/// Whose it is, how its streams begin, and what comes before and after each text.
type Provider = (
    Platform,
    &'static [OpenAiApi],
    &'static str,
    &'static str,
    &'static str,
);

const PROVIDERS: &[Provider] = &[
    (
        Platform::Anthropic,
        &[],
        concat!(
            "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"type\":\"message\",\"role\":\"assistant\",\"model\":\"x\",\"content\":[],\"usage\":{\"input_tokens\":1,\"output_tokens\":1}}}\n\n",
            "event: content_block_start\ndata: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}}\n\n",
        ),
        "event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"",
        "\"}}\n\n",
    ),
    (
        Platform::OpenAi,
        &[OpenAiApi::ChatCompletions],
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n",
        "data: {\"id\":\"c\",\"object\":\"chat.completion.chunk\",\"created\":1,\"model\":\"x\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"",
        "\"},\"finish_reason\":null}]}\n\n",
    ),
    (
        Platform::OpenAi,
        &[OpenAiApi::Responses],
        concat!(
            "event: response.created\ndata: {\"type\":\"response.created\",\"sequence_number\":0,\"response\":{\"id\":\"r\",\"object\":\"response\",\"created_at\":1,\"status\":\"in_progress\",\"model\":\"x\",\"output\":[]}}\n\n",
            "event: response.output_item.added\ndata: {\"type\":\"response.output_item.added\",\"output_index\":0,\"item\":{\"id\":\"i\",\"type\":\"message\",\"status\":\"in_progress\",\"role\":\"assistant\",\"content\":[]}}\n\n",
        ),
        "event: response.output_text.delta\ndata: {\"type\":\"response.output_text.delta\",\"item_id\":\"i\",\"output_index\":0,\"content_index\":0,\"delta\":\"",
        "\"}\n\n",
    ),
    (
        Platform::Gemini,
        &[],
        "",
        "data: {\"candidates\":[{\"content\":{\"parts\":[{\"text\":\"",
        "\"}],\"role\":\"model\"},\"index\":0}],\"modelVersion\":\"x\",\"responseId\":\"g\"}\r\n\r\n",
    ),
];

/// Feeds a stream to a bridge; the most that was held and that one chunk gave, and how much text came.
fn most(
    endpoint: Endpoint,
    format: StreamFormat,
    provider: &Provider,
) -> Option<(usize, usize, usize)> {
    let (platform, apis, begin, before, after) = *provider;
    let Way::Over(bridge) = way(Protocol::Anthropic, endpoint, platform, apis) else {
        return None;
    };
    let crossing = bridge.crossing(format, context());
    let mut reading = Reading::over(bridge.provider_format(), Limits::default(), crossing);
    let event = format!("{before}{}{after}", TEXT.repeat(24));
    let events = STREAM_BYTES / event.len();
    let stream = Bytes::from(begin.to_owned() + &event.repeat(events));
    let (mut held, mut given, mut passed, mut out) = (0, 0, 0, Vec::new());
    for (n, at) in (0..stream.len()).step_by(CHUNK_BYTES).enumerate() {
        let chunk = stream.slice(at..(at + CHUNK_BYTES).min(stream.len()));
        reading.feed(chunk, &mut out);
        let bytes: usize = out.drain(..).map(|piece| piece.bytes.len()).sum();
        given = given.max(bytes);
        passed += bytes;
        // Printing what has grown is what takes long.
        if n % 64 == 0 || at + CHUNK_BYTES >= stream.len() {
            held = held.max(format!("{reading:?}").len());
        }
    }
    assert_eq!(reading.unreadable(), None, "{endpoint} from {platform}");
    assert!(
        passed > events * TEXT.len() * 24,
        "{endpoint} from {platform}: {passed}"
    );
    Some((held, given, events * TEXT.len() * 24))
}

#[test]
fn a_stream_of_any_length_is_handed_on_without_being_held() {
    let clients = [
        (
            Endpoint::Messages,
            StreamFormat::AnthropicSse,
            Dialect::Messages,
        ),
        (
            Endpoint::ChatCompletions,
            StreamFormat::ChatSse,
            Dialect::Chat,
        ),
        (
            Endpoint::StreamGenerateContent,
            StreamFormat::GeminiSse,
            Dialect::Gemini,
        ),
        (
            Endpoint::StreamGenerateContent,
            StreamFormat::GeminiArray,
            Dialect::Gemini,
        ),
    ];
    let mut pairs = 0;
    for (endpoint, format, client) in clients {
        for provider in PROVIDERS {
            let Some((held, given, _)) = most(endpoint, format, provider) else {
                continue;
            };
            pairs += 1;
            let pair = format!("{client:?} from {:?} {:?}", provider.0, provider.1);
            assert!(held <= HELD_BYTES, "{pair}: {held} bytes are held");
            assert!(given <= HELD_BYTES, "{pair}: {given} bytes came at once");
        }
    }
    assert_eq!(pairs, 12);
}

#[test]
fn a_responses_client_alone_is_told_the_text_again_and_it_is_held_once() {
    let (held, given, text) = most(
        Endpoint::Responses,
        StreamFormat::ResponsesSse,
        &PROVIDERS[0],
    )
    .unwrap_or_default();
    assert!(
        held > text / 2,
        "{held} of {text}: say so in the documentation if it is no longer held"
    );
    assert!(
        held <= text + HELD_BYTES,
        "{held} bytes are held of a text of {text}"
    );
    assert!(given <= HELD_BYTES, "{given} bytes came at once");
}
