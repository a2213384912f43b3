#![allow(clippy::unwrap_used, clippy::panic)]
//! Whatever bytes a provider sends, reading them ends, is bounded, and invents nothing.

use http::{HeaderMap, HeaderName, HeaderValue};
use proptest::prelude::*;
use waybill_model::{cause::Phase, protocol::Platform, time::UnixMillis};
use waybill_wire::error::{MESSAGE_BYTES, ProviderError, read};

const NOW: UnixMillis = UnixMillis(1_767_225_600_000);

fn holds(got: &ProviderError) {
    assert!(!got.message.is_empty());
    assert!(
        got.message.len() <= MESSAGE_BYTES,
        "{} bytes",
        got.message.len()
    );
    assert!(
        got.detail
            .as_ref()
            .is_none_or(|detail| detail.len() <= MESSAGE_BYTES)
    );
    assert!(got.name.as_ref().is_none_or(|name| name.len() <= 128));
    assert!(matches!(
        got.cause.info().phase,
        Phase::Upstream | Phase::Network
    ));
    assert!(
        got.reset
            .as_ref()
            .is_none_or(|reset| (1..=366 * 24 * 3_600_000).contains(&reset.after_ms))
    );
}

fn platforms() -> impl Strategy<Value = Platform> {
    proptest::sample::select(Platform::ALL)
}

/// Pieces that errors are made of, in any order: closer to the parsers' branches than random bytes.
fn pieces() -> impl Strategy<Value = String> {
    let words = [
        "{",
        "}",
        "[",
        "]",
        "\"",
        "'",
        ":",
        ",",
        "\\",
        "\\u",
        "d83d",
        "\n",
        "\n\n",
        "data: ",
        "event: error",
        "\"error\"",
        "\"message\"",
        "\"{\"",
        "\\\"",
        "<title>",
        "</title>",
        "<",
        ">",
        "| 524: ",
        "error code: ",
        "429",
        "code",
        "None",
        "try again in ",
        "7m12s",
        "é",
        "…",
        "Exception: ",
        "An error occurred (X) when calling the Y operation: ",
        "null",
        "\"retryDelay\":\"1s\"",
        "1e999",
        "-",
        " ",
        "99999999999999999999",
    ];
    proptest::collection::vec(proptest::sample::select(words.to_vec()), 0..60)
        .prop_map(|words| words.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_read(platform in platforms(), status in proptest::option::of(0u16..1000), body in proptest::collection::vec(any::<u8>(), 0..600)) {
        holds(&read(platform, status, &HeaderMap::new(), &body, NOW));
    }

    #[test]
    fn any_broken_error_is_read(platform in platforms(), status in proptest::option::of(200u16..600), body in pieces()) {
        holds(&read(platform, status, &HeaderMap::new(), body.as_bytes(), NOW));
    }

    #[test]
    fn any_header_value_is_read(value in "[ -~]{0,40}", at in 0usize..8) {
        let names = ["retry-after", "retry-after-ms", "x-ratelimit-reset", "x-ratelimit-reset-tokens", "anthropic-ratelimit-unified-reset",
            "anthropic-ratelimit-tokens-reset", "x-codex-primary-reset-after-seconds", "x-amzn-errortype"];
        let mut headers = HeaderMap::new();
        headers.insert(HeaderName::from_static(names[at]), HeaderValue::from_str(&value).unwrap());
        holds(&read(Platform::OpenAi, Some(429), &headers, b"{}", NOW));
    }
}

#[test]
fn a_body_of_a_mebibyte_costs_no_more_than_its_beginning() {
    let nested = |open: &str| open.repeat((1 << 20) / open.len());
    let bodies = [
        nested("a"),
        nested("{\"error\":"),
        nested("[{\"a\":["),
        nested("{\"error\":\"{\\\"error\\\":"),
        nested("{\"a\":\"{\""),
        nested("\" ,"),
        nested("{'"),
        nested("<"),
        nested("<title"),
        nested("data: {\"error\":{}}\n\n"),
        format!("{{\"error\":{{\"message\":\"{}\"}}}}", nested("é")),
    ];
    for body in bodies {
        holds(&read(
            Platform::Gemini,
            Some(500),
            &HeaderMap::new(),
            body.as_bytes(),
            NOW,
        ));
    }
}

#[test]
fn a_long_message_is_cut_on_a_character_boundary() {
    for padding in 0..4 {
        let body = format!(
            "{{\"error\":{{\"message\":\"{}{}\"}}}}",
            "x".repeat(padding),
            "é€😀".repeat(600)
        );
        let got = read(
            Platform::OpenAi,
            Some(400),
            &HeaderMap::new(),
            body.as_bytes(),
            NOW,
        );
        assert!(got.message.len() <= MESSAGE_BYTES && got.message.ends_with('…'));
    }
}

#[test]
fn broken_utf8_is_shown_as_far_as_it_is_text() {
    let got = read(
        Platform::OpenAi,
        Some(500),
        &HeaderMap::new(),
        b"{\"error\":{\"message\":\"bad \xff byte\"}}",
        NOW,
    );
    assert_eq!(got.message, "bad \u{fffd} byte");
}
