//! Any request whose proofs were refused: what is told anew is JSON and is not told anew again; and Code
//! Assist's envelope around it. The first byte picks the dialect and the stage.
#![no_main]

mod mutate;

use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use serde::de::IgnoredAny;
use waybill_wire::translate::{
    Dialect, codeassist,
    unsigned::{Stage, unsigned},
};

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate::documents(data, size, max_size, seed, 1)
});

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else {
        return;
    };
    let Ok(body) = std::str::from_utf8(body) else {
        return;
    };
    let dialect = [
        Dialect::Messages,
        Dialect::Chat,
        Dialect::Responses,
        Dialect::Gemini,
    ][usize::from(first & 3)];
    let stage = [Stage::AsSent, Stage::Thoughts, Stage::Tools][usize::from(first >> 2) % 3];
    if let Some(told) = unsigned(dialect, body, stage) {
        json(told.as_bytes());
        assert_eq!(unsigned(dialect, &told, stage), None, "{told}");
    }
    if let Ok(wrapped) = codeassist::wrap(body.as_bytes(), "p", "models/m") {
        json(&wrapped);
    }
    if let Ok(wrapped) = codeassist::wrap_count(body.as_bytes(), "models/m") {
        json(&wrapped);
    }
    if let Ok(inside) = codeassist::unwrap(body) {
        json(inside.as_bytes());
    }
    drop(codeassist::project_of(body));
    drop(codeassist::models_of(body));
});

fn json(bytes: &[u8]) {
    let text = std::str::from_utf8(bytes).expect("UTF-8");
    serde_json::from_str::<IgnoredAny>(text).expect(text);
}
