//! Any streamed answer over any bridge, in any split: the split changes neither whether it ended well
//! nor what the client then got, and what ended well is a good stream to the client's reader. The first byte picks the
//! endpoint, the second the platform and its APIs, the next two where it is cut.
#![no_main]

mod bridges;
mod mutate;

use bytes::Bytes;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use waybill_model::{
    protocol::{Endpoint, StreamFormat},
    waybill::Usage,
};
use waybill_wire::{
    stream::{Limits, Mark, StreamEnd, StreamReader},
    translate::{Reading, bridge::Bridge},
};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::documents(data, size, max_size, seed, bridges::HEADER + 2)
});

fuzz_target!(|data: &[u8]| {
    let [endpoint, platform, a, b, body @ ..] = data else {
        return;
    };
    let Some((endpoint, bridge)) = bridges::pick(*endpoint, *platform) else {
        return;
    };
    let format = match (endpoint, platform & 128) {
        (Endpoint::Messages, _) => StreamFormat::AnthropicSse,
        (Endpoint::ChatCompletions, _) => StreamFormat::ChatSse,
        (Endpoint::Responses, _) => StreamFormat::ResponsesSse,
        (Endpoint::StreamGenerateContent, 0) => StreamFormat::GeminiSse,
        (Endpoint::StreamGenerateContent, _) => StreamFormat::GeminiArray,
        _ => return,
    };
    let body = Bytes::copy_from_slice(body);
    let at = |share: u8| body.len() * usize::from(share) / 256;
    let (first, second) = (at(*a.min(b)), at(*a.max(b)));
    let whole = read(bridge, format, [body.clone()]);
    let pieces = [
        body.slice(..first),
        body.slice(first..second),
        body.slice(second..),
    ];
    let split = read(bridge, format, pieces);
    let bytes = body.iter().map(|byte| Bytes::copy_from_slice(&[*byte]));
    let single = read(bridge, format, bytes);
    for other in [&split, &single] {
        assert_eq!(other.end.is_complete(), whole.end.is_complete());
        assert!(other.usage == whole.usage || !whole.end.is_complete());
        // A stream that breaks off may lose what came in one chunk with the event that broke it.
        assert!(
            other.passed == whole.passed || !whole.end.is_complete(),
            "{}\n---\n{}",
            String::from_utf8_lossy(&other.passed),
            String::from_utf8_lossy(&whole.passed)
        );
    }
    bridges::assert_in_proportion(body.len(), whole.passed.len());
    if whole.end.is_complete() {
        let (mut reader, mut out) = (StreamReader::new(format, Limits::default()), Vec::new());
        reader.feed(Bytes::from(whole.passed.clone()), &mut out);
        assert_eq!(
            reader.finish(&mut out),
            StreamEnd::Complete,
            "{}",
            String::from_utf8_lossy(&whole.passed)
        );
    }
});

struct Read {
    /// What the client was given, but for the provider's errors.
    passed: Vec<u8>,
    end: StreamEnd,
    usage: Usage,
}

fn read(bridge: Bridge, format: StreamFormat, chunks: impl IntoIterator<Item = Bytes>) -> Read {
    let crossing = bridge.crossing(format, bridges::context());
    let mut reading = Reading::over(bridge.provider_format(), Limits::default(), crossing);
    let mut out = Vec::new();
    for chunk in chunks {
        reading.feed(chunk, &mut out);
    }
    let end = reading.finish(&mut out);
    let passed = out.iter().filter(|piece| piece.mark != Mark::Error);
    Read {
        passed: passed.flat_map(|piece| piece.bytes.to_vec()).collect(),
        end,
        usage: reading.usage(),
    }
}
