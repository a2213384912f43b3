//! Any request over any bridge: it is refused with a reason, or becomes JSON that the provider's own reader
//! takes. The first byte picks the endpoint, the second the platform, its APIs, and how it is asked.
#![no_main]

mod bridges;
mod mutate;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde::de::IgnoredAny;
use waybill_model::protocol::Endpoint;
use waybill_wire::translate::{
    Dialect, bridge::Ask, chat, gemini, messages, responses, unsigned::Stage,
};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::documents(data, size, max_size, seed, bridges::HEADER)
});

fuzz_target!(|data: &[u8]| {
    let [endpoint, how, body @ ..] = data else {
        return;
    };
    let (Some((endpoint, bridge)), Ok(body)) =
        (bridges::pick(*endpoint, *how), std::str::from_utf8(body))
    else {
        return;
    };
    let stage = [Stage::AsSent, Stage::Thoughts, Stage::Tools][usize::from(how >> 5 & 3) % 3];
    let ask = Ask {
        model: if how & 16 == 0 {
            "gemini-3-pro-preview"
        } else {
            "gemini-2.5-flash"
        },
        project: Some("p"),
        stream: how & 128 != 0,
        stage,
    };
    match bridge.request(body, ask) {
        Err(refused) => assert!(!refused.0.is_empty() && refused.0.len() <= 2 * body.len() + 512),
        Ok(written) => {
            let json = std::str::from_utf8(&written.body).expect("UTF-8");
            serde_json::from_str::<IgnoredAny>(json).expect(json);
            bridges::assert_in_proportion(body.len(), json.len());
            assert!(written.path.starts_with("/v1"));
            let counts = matches!(
                endpoint,
                Endpoint::CountTokens | Endpoint::GeminiCountTokens
            );
            let wrapped = written.path.starts_with("/v1internal");
            // What was told as plain text may be more than one system prompt's worth; only what is written
            // as it was meant is read again.
            if !counts && !wrapped && stage == Stage::AsSent {
                let again = match bridge.provider() {
                    Dialect::Messages => messages::read_prompt(json),
                    Dialect::Chat => chat::read_prompt(json),
                    Dialect::Responses => responses::read_prompt(json),
                    Dialect::Gemini => gemini::read_prompt(json),
                };
                again.map(drop).expect(json);
            }
        }
    }
});
