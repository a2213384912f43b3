//! Any request body: what is accepted is JSON, what a full parser reads is not called invalid, and a
//! refusal points into the body. The first byte picks the endpoint and makes the body large or not.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde::de::IgnoredAny;
use serde_json::Value;
use waybill_model::protocol::Endpoint;
use waybill_wire::{peek, splice};

fuzz_target!(|data: &[u8]| {
    let Some((first, body)) = data.split_first() else {
        return;
    };
    let endpoint = Endpoint::ALL[usize::from(first >> 1) % Endpoint::ALL.len()];
    let mut body = body.to_vec();
    if first & 1 == 1 {
        // Only a large body's conversation is looked into.
        body.resize(body.len() + 4096, b' ');
    }
    match peek::peek(endpoint, &body) {
        Ok(found) => {
            assert!(serde_json::from_slice::<IgnoredAny>(&body).is_ok());
            if let Some(span) = found.model_span {
                let joined = splice::splice(&body.clone().into(), &span, "other").concat();
                let again = peek::peek(endpoint, &joined).expect("still the same request");
                assert_eq!(again.model.as_deref(), Some("other"));
                // A shorter name may make a body too small to be looked into.
                if body.len().min(joined.len()) >= 4096 {
                    assert_eq!(again.sticky, found.sticky);
                }
            }
        }
        Err(error) => {
            assert!(error.offset <= body.len());
            let is_object = serde_json::from_slice::<Value>(&body).is_ok_and(|v| v.is_object());
            assert!(!is_object || error.field.is_some(), "{error}");
        }
    }
});
