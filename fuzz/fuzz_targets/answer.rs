//! Any whole answer over any bridge: it is no answer, or becomes JSON that a client reads as one. The first
//! byte picks the endpoint, the second the platform and its APIs.
#![no_main]

mod bridges;
mod mutate;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde::de::IgnoredAny;
use waybill_wire::translate::{Dialect, bridge::dialect_of, chat, gemini, messages, responses};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::documents(data, size, max_size, seed, bridges::HEADER)
});

fuzz_target!(|data: &[u8]| {
    let [endpoint, platform, body @ ..] = data else {
        return;
    };
    let (Some((endpoint, bridge)), Ok(body)) = (
        bridges::pick(*endpoint, *platform),
        std::str::from_utf8(body),
    ) else {
        return;
    };
    match bridge.answer(body, &bridges::context()) {
        Err(unreadable) => assert!(!unreadable.why.is_empty()),
        // In the client's own language already: a count passes as it came.
        Ok(_) if dialect_of(endpoint).is_none() && bridge.provider() == Dialect::Gemini => {}
        Ok(written) => {
            let json = std::str::from_utf8(&written).expect("UTF-8");
            serde_json::from_str::<IgnoredAny>(json).expect(json);
            bridges::assert_in_proportion(body.len(), json.len());
            let client = dialect_of(endpoint).filter(|client| *client != bridge.provider());
            let again = match client {
                Some(Dialect::Messages) => messages::read_answer(json),
                Some(Dialect::Chat) => chat::read_answer(json),
                Some(Dialect::Responses) => responses::read_answer(json),
                Some(Dialect::Gemini) => gemini::read_answer(json),
                None => return,
            };
            again.map(drop).expect(json);
        }
    }
});
