//! The headers a provider puts on every answer.

use http::{HeaderMap, HeaderValue, header::HeaderName};
use waybill_model::{protocol::Platform, time::UnixMillis};

use crate::{
    allowance::{Left, Level},
    seed::Seed,
};

/// The id a provider gives a request: unique per simulator and number.
pub fn request_id(platform: Platform, seed: u64, number: u64) -> String {
    let mut seed = Seed::new(seed ^ number.wrapping_mul(0x51_7c_c1_b7_27_22_0a_95));
    match platform {
        Platform::Anthropic => format!("req_011{}", seed.letters(21)),
        Platform::OpenAi => format!("req_{}", seed.hex(32)),
        Platform::Gemini | Platform::Antigravity => seed.hex(16),
    }
}

/// Headers of every answer, good or bad.
pub fn common(platform: Platform, request_id: &str) -> HeaderMap {
    let own: &[(&'static str, &'static str)] = match platform {
        Platform::Anthropic => &[(
            "anthropic-organization-id",
            "7d1e0b54-2f6c-4a35-9a0e-2c61f1a8b9d3",
        )],
        Platform::OpenAi => &[
            ("openai-organization", "simulated"),
            ("openai-processing-ms", "12"),
            ("openai-version", "2020-10-01"),
        ],
        Platform::Antigravity => &[
            ("vary", "Origin"),
            ("server", "ESF"),
            ("x-content-type-options", "nosniff"),
            ("server-timing", "gfet4t7; dur=12"),
        ],
        Platform::Gemini => &[
            ("vary", "Origin"),
            ("server", "scaffolding on HTTPServer2"),
            ("x-content-type-options", "nosniff"),
            ("server-timing", "gfet4t7; dur=12"),
        ],
    };
    let id_name = match platform {
        Platform::Anthropic => "request-id",
        Platform::OpenAi => "x-request-id",
        Platform::Gemini => "x-goog-request-id",
        Platform::Antigravity => "x-cloudaicompanion-trace-id",
    };
    let mut headers = HeaderMap::with_capacity(own.len() + 12);
    for (name, value) in own {
        headers.insert(
            HeaderName::from_static(name),
            HeaderValue::from_static(value),
        );
    }
    if let Ok(id) = HeaderValue::from_str(request_id) {
        headers.insert(HeaderName::from_static(id_name), id);
    }
    headers
}

/// What a good answer says about the limits of an account that has none to speak of.
pub fn limits(platform: Platform) -> &'static [(&'static str, &'static str)] {
    match platform {
        Platform::Anthropic => &[
            ("anthropic-ratelimit-requests-limit", "4000"),
            ("anthropic-ratelimit-requests-remaining", "3999"),
            ("anthropic-ratelimit-tokens-limit", "480000"),
            ("anthropic-ratelimit-tokens-remaining", "479000"),
        ],
        Platform::OpenAi => &[
            ("x-ratelimit-limit-requests", "5000"),
            ("x-ratelimit-remaining-requests", "4999"),
            ("x-ratelimit-reset-requests", "12ms"),
            ("x-ratelimit-limit-tokens", "2000000"),
            ("x-ratelimit-remaining-tokens", "1999600"),
            ("x-ratelimit-reset-tokens", "12ms"),
        ],
        Platform::Gemini | Platform::Antigravity => &[],
    }
}

/// What every answer says about the limits of an account that has some. Google's say nothing.
pub fn left(platform: Platform, left: Left, now: UnixMillis) -> Vec<(String, String)> {
    let of = |what: &str, level: Level| {
        let Level {
            limit,
            remaining,
            full_in_ms,
        } = level;
        let values = [limit.to_string(), remaining.to_string()];
        let [limit, remaining] = values;
        match platform {
            Platform::Anthropic => {
                let name = |part: &str| format!("anthropic-ratelimit-{what}-{part}");
                let reset = second_after(UnixMillis(now.0 + full_in_ms as i64));
                vec![
                    (name("limit"), limit),
                    (name("remaining"), remaining),
                    (name("reset"), reset),
                ]
            }
            Platform::OpenAi => {
                let name = |part: &str| format!("x-ratelimit-{part}-{what}");
                vec![
                    (name("limit"), limit),
                    (name("remaining"), remaining),
                    (name("reset"), span(full_in_ms)),
                ]
            }
            Platform::Gemini | Platform::Antigravity => Vec::new(),
        }
    };
    let requests = left.requests.map(|level| of("requests", level));
    let tokens = left.tokens.map(|level| of("tokens", level));
    requests.into_iter().chain(tokens).flatten().collect()
}

/// The first whole second not before an instant, as Anthropic writes it.
pub fn second_after(at: UnixMillis) -> String {
    let whole = UnixMillis((at.0 + 999).div_euclid(1000) * 1000);
    whole.to_string().replace(".000Z", "Z")
}

/// A time as OpenAI writes it: `120ms`, `1.5s`, `6m0s`.
pub fn span(ms: u64) -> String {
    let (hours, minutes) = (ms / 3_600_000, ms / 60_000 % 60);
    let seconds = (ms % 60_000) as f64 / 1000.0;
    match (hours, minutes) {
        (0, 0) if ms < 1000 => format!("{ms}ms"),
        (0, 0) => format!("{seconds}s"),
        (0, _) => format!("{minutes}m{seconds}s"),
        _ => format!("{hours}h{minutes}m{seconds}s"),
    }
}
