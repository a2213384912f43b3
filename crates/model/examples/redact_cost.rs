//! What redaction costs, printed: `cargo run --release -p waybill-model --example redact_cost`.
//!
//! Nothing is asserted about time here; that cost grows no faster than the text is a test.
#![allow(clippy::unwrap_used, clippy::panic, clippy::print_stdout)]

use std::time::Instant;

use waybill_model::{redact::Redactor, secret::Secret};

fn main() {
    what_a_failed_request_brings();
    texts_and_bodies();
}

/// Rounds of which the best counts.
const ROUNDS: usize = 20;

/// Prints the time of one call, and how many bytes that is a second: of several rounds the best, since
/// other programs run, too.
fn measure(what: &str, bytes: usize, mut call: impl FnMut() -> usize) {
    let calls = (200_000 / bytes.max(1)).clamp(1, 1000);
    let mut out = 0;
    let mut round = || {
        let start = Instant::now();
        for _ in 0..calls {
            out = call();
        }
        start.elapsed() / u32::try_from(calls).unwrap()
    };
    let each = (0..ROUNDS).map(|_| round()).min().unwrap();
    let rate = f64::from(u32::try_from(bytes).unwrap()) / each.as_secs_f64() / 1e6;
    println!("{what}: {each:?} each, {rate:.0} MB/s, {out} bytes out");
}

/// What a client sends: prose with line ends and quotes, in turns; `content` bytes in each.
fn chat(turns: usize, content: usize) -> String {
    let prose = "The quick brown fox said \"jump\" over the lazy dog.\nNobody knows why it would:\n- one reason\n- another, better one\n\n";
    let prose = prose.repeat(content / prose.len() + 1);
    let turns: Vec<_> = (0..turns)
        .map(|n| {
            let role = if n % 2 == 0 { "user" } else { "assistant" };
            serde_json::json!({ "role": role, "content": &prose[..content] })
        })
        .collect();
    serde_json::json!({ "model": "claude-sonnet-4-20250514", "max_tokens": 1024, "stream": true, "messages": turns })
        .to_string()
}

fn what_a_failed_request_brings() {
    let live = (0..20).map(|n| Secret::new(format!("sk-ant-api03-{n:04}Zq7Xw9Lm2Kd4Vt8Rb3Nc6Hf1")));
    let redactor = Redactor::new(live);
    let message = "Overloaded: the model is busy now, please try again later on";
    measure("60 bytes bounded", message.len(), || {
        redactor.text_bounded(message, 512).as_str().len()
    });
    let tempting = "the account's token count: a key point for the team's author";
    measure("60 tempting bytes bounded", tempting.len(), || {
        redactor.text_bounded(tempting, 512).as_str().len()
    });
    for (what, body) in [
        ("1 KiB chat", chat(2, 420)),
        ("16 KiB chat", chat(8, 1900)),
        ("100 KiB chat of 50 turns", chat(50, 1900)),
        ("100 KiB chat of 1 turn", chat(1, 95_000)),
        (
            "100 KiB chat with keys and tokens in it",
            chat(50, 1900).replace("lazy dog", "key token"),
        ),
    ] {
        measure(what, body.len(), || {
            redactor
                .request_body(body.as_bytes(), 16 << 10)
                .text
                .as_str()
                .len()
        });
    }
    let text = chat(500, 1900);
    measure("1 MiB of chat", text.len(), || {
        redactor.text(&text).as_str().len()
    });
}

fn texts_and_bodies() {
    let live =
        (0..200).map(|n| Secret::new(format!("sk-ant-api03-{n:04}Zq7Xw9Lm2Kd4Vt8Rb3Nc6Hf1")));
    let redactor = Redactor::new(live);
    let prose =
        "The quick brown fox jumps over the lazy dog, and nobody knows why it would. ".repeat(14);
    let error = r#"{"type":"error","error":{"type":"rate_limit_error","message":"This request would exceed the rate limit for your organization of 20,000 input tokens per minute. Please reduce the maximum tokens requested."},"request_id":"req_011C6ngQxdWDUTCEgPNDgMC6"}"#.repeat(4);
    let secret = format!("{prose} sk-proj-{}", "Zq7Xw9Lm2Kd4Vt8Rb3Nc6Hf1");
    let code =
        "fn main() {\\n    let token = auth.token(key);\\n    println!(\\\"{}\\\", token);\\n}\\n"
            .repeat(200);
    for (what, text) in [
        ("1 KiB of prose", &prose),
        ("1 KiB of errors", &error),
        ("1 KiB with a secret", &secret),
        ("16 KiB of escaped code", &code),
        ("1 MiB of prose", &prose.repeat(1000)),
    ] {
        measure(what, text.len(), || redactor.text(text).as_str().len());
    }
    let turn = |n: usize| serde_json::json!({ "role": "user", "content": format!("{n} {prose}") });
    for (what, turns, image) in [
        ("256 KiB of turns", 240, 0),
        ("8 MiB of turns", 7500, 0),
        ("32 MiB with an image", 10, 32 << 20),
    ] {
        let mut messages: Vec<_> = (0..turns).map(turn).collect();
        messages.push(serde_json::json!({ "role": "user", "content": [{ "data": "iVBORw0K".repeat(image / 8) }] }));
        let body =
            serde_json::json!({ "model": "m", "messages": messages, "max_tokens": 1 }).to_string();
        measure(what, body.len(), || {
            redactor
                .request_body(body.as_bytes(), 16 << 10)
                .text
                .as_str()
                .len()
        });
    }
}
