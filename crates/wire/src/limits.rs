//! What the headers of a good answer say about the account's limits.
//!
//! Promises: calls a limit used up only where the provider says both that nothing is left and until
//! when; cheap where it says nothing (two or three header look-ups).
//!
//! Two kinds of limits are told apart. A subscription's window is used up until it ends. A limit of
//! requests per minute or day refills steadily, and its `reset` is the time until it is full again: with
//! nothing left, one more request is possible after that time divided by the limit. Were the account to
//! rest until the whole of it is back, requests would be refused that the provider would serve. Limits of
//! tokens never count: how many the next request needs is not known, and what is left is rounded.
//!
//! Must not know: what is done about it.

use http::HeaderMap;
use waybill_model::{protocol::Platform, state::Reach, time::UnixMillis};

use crate::reset::{
    Reset, Stated, believed,
    header::{says, text, unified},
    span,
};

/// A shorter rest is not worth remembering: it is over before another request has found its way.
const WORTH_MS: u64 = 1_000;

/// The names of a limit of requests: what is left, of how many, and until when.
struct Refilling {
    remaining: &'static str,
    limit: &'static str,
    reset: &'static str,
}

const ANTHROPIC_REQUESTS: Refilling = Refilling {
    remaining: "anthropic-ratelimit-requests-remaining",
    limit: "anthropic-ratelimit-requests-limit",
    reset: "anthropic-ratelimit-requests-reset",
};

const OPENAI_REQUESTS: Refilling = Refilling {
    remaining: "x-ratelimit-remaining-requests",
    limit: "x-ratelimit-limit-requests",
    reset: "x-ratelimit-reset-requests",
};

/// The windows of a ChatGPT plan: how much is used, in percent, and when it ends.
const CODEX_WINDOWS: [(&str, &str); 2] = [
    (
        "x-codex-primary-used-percent",
        "x-codex-primary-reset-after-seconds",
    ),
    (
        "x-codex-secondary-used-percent",
        "x-codex-secondary-reset-after-seconds",
    ),
];

/// When the limit that this good answer has used up lets another request pass; `None` while there is
/// something left, and where that is not said in a way that can be believed.
pub fn used_up(platform: Platform, headers: &HeaderMap, now: UnixMillis) -> Option<Reset> {
    let (stated, reach) = match platform {
        Platform::Anthropic => subscription(headers, now)
            .map(|stated| (stated, Reach::Account))
            .or_else(|| Some((refilling(&ANTHROPIC_REQUESTS, headers, now)?, Reach::Model)))?,
        Platform::OpenAi => plan(headers)
            .map(|stated| (stated, Reach::Account))
            .or_else(|| Some((refilling(&OPENAI_REQUESTS, headers, now)?, Reach::Model)))?,
        // They say nothing of the kind.
        Platform::Gemini | Platform::Antigravity => return None,
    };
    (stated.after_ms >= WORTH_MS).then(|| Reset {
        after_ms: stated.after_ms,
        scope: stated.scope.unwrap_or(reach),
        source: stated.source,
    })
}

/// Anthropic's windows. One of them may be used up while the answers go on, on credit.
fn subscription(headers: &HeaderMap, now: UnixMillis) -> Option<Stated> {
    let rejected = says(headers, "anthropic-ratelimit-unified-status", "rejected")?;
    let on_credit = || {
        says(
            headers,
            "anthropic-ratelimit-unified-overage-in-use",
            "true",
        )
    };
    (rejected && on_credit() != Some(true))
        .then(|| unified(headers, now))
        .flatten()
}

/// The later end of a ChatGPT plan's windows that are used up, unless credits go on behind them.
fn plan(headers: &HeaderMap) -> Option<Stated> {
    let ends = CODEX_WINDOWS.iter().filter_map(|(used, reset)| {
        // A hundred percent, read as seconds in milliseconds.
        let used_up = text(headers, used).and_then(span::seconds)? >= 100_000;
        let wait = span::seconds(text(headers, reset).filter(|_| used_up)?)?;
        believed(wait, *reset)
    });
    ends.max_by_key(|stated| stated.after_ms)
        .filter(|_| says(headers, "x-codex-credits-has-credits", "true") != Some(true))
}

/// A limit of requests with none left: when there will be one.
fn refilling(of: &Refilling, headers: &HeaderMap, now: UnixMillis) -> Option<Stated> {
    if text(headers, of.remaining)? != "0" {
        return None;
    }
    let limit: i64 = text(headers, of.limit)?.parse().ok()?;
    let full = believed(span::any(text(headers, of.reset)?, now)?, of.reset)?;
    believed(
        i64::try_from(full.after_ms).ok()?.checked_div(limit)?,
        of.reset,
    )
}
