//! The bridges that the first bytes of an input pick, shared by the targets that cross them.

use waybill_model::protocol::{Endpoint, OpenAiApi, Platform, Protocol};
use waybill_wire::translate::{
    Context,
    bridge::{Bridge, Way, way},
};

/// Bytes at the start of an input.
pub const HEADER: usize = 2;

/// The bridge between a client and a provider; `None` where the bytes pick a pair that has none.
pub fn pick(endpoint_byte: u8, platform: u8) -> Option<(Endpoint, Bridge)> {
    let endpoint = Endpoint::ALL[usize::from(endpoint_byte) % Endpoint::ALL.len()];
    let apis: &[OpenAiApi] = match platform >> 2 & 3 {
        0 => &[],
        1 => &[OpenAiApi::ChatCompletions],
        2 => &[OpenAiApi::Responses],
        _ => OpenAiApi::ALL,
    };
    let platform = Platform::ALL[usize::from(platform & 3) % Platform::ALL.len()];
    let protocol = Protocol::ALL[usize::from(endpoint_byte / 16) % Protocol::ALL.len()];
    match way(protocol, endpoint, platform, apis) {
        Way::Over(bridge) => Some((endpoint, bridge)),
        Way::Direct | Way::Closed => None,
    }
}

/// What an answer's writer is told.
#[allow(dead_code, reason = "not every target writes answers")]
pub fn context() -> Context {
    Context {
        request_id: "w7".to_owned(),
        model: "the-clients-model".to_owned(),
        created: 1_767_225_600,
        stream_usage: true,
    }
}

/// What is written is in proportion to what was read: a few bytes of it may be written several times, each
/// byte as an escape, and each event may be framed anew.
pub fn assert_in_proportion(read: usize, written: usize) {
    assert!(
        written <= 64 * read + 4096,
        "{written} bytes were made of {read}"
    );
}
