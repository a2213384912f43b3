//! Any streamed answer, in any split: the bytes pass unchanged and in order, and the split changes
//! neither the end nor the usage. The first byte picks the format, the next three where it is cut.
#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use waybill_model::{protocol::StreamFormat, waybill::Usage};
use waybill_wire::stream::{Limits, StreamEnd, StreamReader};

const FORMATS: [StreamFormat; 5] = [
    StreamFormat::AnthropicSse,
    StreamFormat::ChatSse,
    StreamFormat::ResponsesSse,
    StreamFormat::GeminiSse,
    StreamFormat::GeminiArray,
];

fuzz_target!(|data: &[u8]| {
    let [format, limit, a, b, body @ ..] = data else {
        return;
    };
    let format = FORMATS[usize::from(*format) % FORMATS.len()];
    let limits = match limit {
        0..128 => Limits::default(),
        small => Limits {
            max_frame_bytes: usize::from(*small) - 127,
        },
    };
    let body = Bytes::copy_from_slice(body);
    let at = |share: u8| body.len() * usize::from(share) / 256;
    let (first, second) = (at(*a.min(b)), at(*a.max(b)));
    let whole = read(format, limits, [body.clone()], &body);
    let pieces = [
        body.slice(..first),
        body.slice(first..second),
        body.slice(second..),
    ];
    assert_eq!(read(format, limits, pieces, &body), whole);
    let bytes = body.iter().map(|byte| Bytes::copy_from_slice(&[*byte]));
    assert_eq!(read(format, limits, bytes, &body), whole);
});

/// How it ended and what it cost, with the bytes checked on the way.
fn read(
    format: StreamFormat,
    limits: Limits,
    chunks: impl IntoIterator<Item = Bytes>,
    body: &Bytes,
) -> (StreamEnd, Usage) {
    let (mut reader, mut out) = (StreamReader::new(format, limits), Vec::new());
    for chunk in chunks {
        reader.feed(chunk, &mut out);
    }
    let end = reader.finish(&mut out);
    let mut passed: Vec<u8> = out.iter().flat_map(|piece| piece.bytes.to_vec()).collect();
    passed.extend_from_slice(&reader.held());
    assert_eq!(passed, &body[..]);
    (end, reader.usage())
}
