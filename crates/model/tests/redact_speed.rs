//! Redaction takes time in proportion to the text, whatever the text: a provider or a client that sends
//! one made to be slow gains nothing by it.
//!
//! No duration is asserted, only how much longer four times the text takes. The best of several rounds
//! counts, and rounds are added until the bound holds, so that a busy machine costs time and no failure.
#![allow(clippy::unwrap_used, clippy::panic)]

use std::time::{Duration, Instant};

use waybill_model::redact::Redactor;

/// Pieces of which a text may be made: beginnings that promise a secret, and none that is one.
const PIECES: &[&str] = &[
    "sk-",
    "key=",
    "password=",
    "token: ",
    "\"api_key\":",
    "eyJ.",
    "-----BEGIN PRIVATE KEY-----",
    "://a:b",
    "@a",
    "\\",
    "\\\\u005c",
    "organization ",
    "arn:aws:",
    "projects/",
    "[redacted:token]",
    "Bearer ",
    "key key ",
    "%25",
    "api_key=[",
];

/// The shorter text; the other is [`FACTOR`] times as long.
const BYTES: usize = 16 << 10;
const FACTOR: usize = 4;

/// Between what is linear, 4, and what is quadratic, 16.
const MOST: u32 = 8;

/// So many rounds that one without an interruption is among them.
const ROUNDS: usize = 40;

#[test]
fn four_times_the_text_takes_nowhere_near_sixteen_times_as_long() {
    let redactor = Redactor::default();
    for piece in PIECES {
        let short = piece.repeat(BYTES / piece.len());
        let long = short.repeat(FACTOR);
        assert_grows_slowly(
            piece,
            |text| redactor.text(text).as_str().len(),
            &short,
            &long,
        );
    }
}

#[test]
fn a_body_of_such_text_is_no_slower_to_cut_to_size() {
    let redactor = Redactor::default();
    for piece in PIECES {
        let body = |times: usize| {
            let text = piece.repeat(BYTES * times / piece.len());
            serde_json::json!({ "model": "m", "messages": [{ "role": "user", "content": text }] })
                .to_string()
        };
        let shown = |body: &str| {
            let shown = redactor.request_body(body.as_bytes(), 2 << 10);
            shown.text.as_str().len()
        };
        assert_grows_slowly(piece, shown, &body(1), &body(FACTOR));
    }
}

fn assert_grows_slowly(piece: &str, call: impl Fn(&str) -> usize, short: &str, long: &str) {
    let time = |text: &str| {
        let start = Instant::now();
        std::hint::black_box(call(text));
        start.elapsed()
    };
    let (mut least_short, mut least_long) = (Duration::MAX, Duration::MAX);
    for _ in 0..ROUNDS {
        least_short = least_short.min(time(short));
        least_long = least_long.min(time(long));
        if least_long <= least_short * MOST {
            return;
        }
    }
    panic!(
        "{piece:?}: {least_short:?} for {} bytes, {least_long:?} for {}",
        short.len(),
        long.len()
    );
}
