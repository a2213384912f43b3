//! Reset times in headers.
//!
//! Follows RFC 9110 (`retry-after`), and the rate-limit header references of Anthropic, OpenAI,
//! Azure, Groq and Cerebras. Must not know: bodies.

use http::HeaderMap;
use waybill_model::{state::Reach, time::UnixMillis};

use super::{Stated, believed, span, until};

/// The answer's own wait: `retry-after-ms`, else `retry-after` as seconds or as an HTTP date.
pub(super) fn retry_after(headers: &HeaderMap, now: UnixMillis) -> Option<Stated> {
    let in_ms = || {
        believed(
            span::millis(text(headers, "retry-after-ms")?)?,
            "retry-after-ms",
        )
    };
    let plain = || {
        let value = text(headers, "retry-after")?;
        if let Some(wait) = span::seconds(value) {
            return believed(wait, "retry-after");
        }
        let at = httpdate::parse_http_date(value)
            .ok()?
            .duration_since(std::time::UNIX_EPOCH)
            .ok()?;
        until(
            UnixMillis(i64::try_from(at.as_millis()).ok()?),
            now,
            "retry-after",
        )
    };
    let mut stated = in_ms().or_else(plain)?;
    stated.scope = model_window_rejected(headers).then_some(Reach::Model);
    Some(stated)
}

const UNIFIED: &str = "anthropic-ratelimit-unified-";

/// Anthropic's subscription windows: the end of the window that rejected the request.
pub(super) fn unified(headers: &HeaderMap, now: UnixMillis) -> Option<Stated> {
    let rejected = rejected_windows(headers).filter_map(|window| {
        let name = format!("{UNIFIED}{window}-reset");
        let wait = span::instant(text(headers, &name)?, now)?;
        let mut stated = believed(wait, name)?;
        stated.scope = Some(if is_shared(window) {
            Reach::Account
        } else {
            Reach::Model
        });
        Some(stated)
    });
    let overall = || {
        let status = text(headers, "anthropic-ratelimit-unified-status");
        let rejected = status.is_none_or(|status| status.eq_ignore_ascii_case("rejected"));
        let value = text(headers, "anthropic-ratelimit-unified-reset").filter(|_| rejected)?;
        believed(
            span::instant(value, now)?,
            "anthropic-ratelimit-unified-reset",
        )
    };
    rejected
        .max_by_key(|stated| stated.after_ms)
        .or_else(overall)
}

/// Whether only a window of one model family rejected the request, and those of all models did not.
pub(super) fn model_window_rejected(headers: &HeaderMap) -> bool {
    let mut any = false;
    let all_of_models = rejected_windows(headers)
        .inspect(|_| any = true)
        .all(|window| !is_shared(window));
    all_of_models && any
}

fn rejected_windows(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.iter().filter_map(|(name, value)| {
        let window = name
            .as_str()
            .strip_prefix(UNIFIED)?
            .strip_suffix("-status")?;
        value
            .as_bytes()
            .eq_ignore_ascii_case(b"rejected")
            .then_some(window)
    })
}

/// `5h` and `7d` are shared by all models; `7d_opus` and the like are of one family.
fn is_shared(window: &str) -> bool {
    !window.contains('_')
}

/// A window of a rate limit: when it resets, and whether it is used up.
struct Window {
    stated: Stated,
    used_up: Option<bool>,
}

/// Other rate-limit headers. Windows with something left do not bind; among those that may, the ones
/// the message speaks of, and of these the last to reset.
pub(super) fn windows(headers: &HeaderMap, message: &str, now: UnixMillis) -> Option<Stated> {
    let windows = headers.keys().filter_map(|name| {
        let name = name.as_str();
        ratelimit(headers, name, now).or_else(|| codex(headers, name))
    });
    let mut open: Vec<Window> = windows
        .filter(|window| window.used_up != Some(false))
        .collect();
    if open.iter().any(|window| window.used_up == Some(true)) {
        open.retain(|window| window.used_up == Some(true));
    }
    let message = message.to_ascii_lowercase();
    for word in ["token", "request", "day", "minute"] {
        let speaks_of = |window: &Window| window.stated.source.contains(word);
        if message.contains(word) && open.iter().any(speaks_of) {
            open.retain(speaks_of);
        }
    }
    open.into_iter()
        .map(|window| window.stated)
        .max_by_key(|stated| stated.after_ms)
}

/// `anthropic-ratelimit-tokens-reset`, `x-ratelimit-reset-tokens`, `x-ratelimit-reset`, `ratelimit-reset`.
fn ratelimit(headers: &HeaderMap, name: &str, now: UnixMillis) -> Option<Window> {
    let is_reset = !name.starts_with(UNIFIED)
        && ["anthropic-ratelimit-", "x-ratelimit-", "ratelimit-"]
            .iter()
            .any(|prefix| name.starts_with(prefix))
        && (name.contains("-reset-") || name.ends_with("-reset"));
    if !is_reset {
        return None;
    }
    let wait = span::any(text(headers, name)?, now)?;
    let remaining = text(headers, &name.replacen("reset", "remaining", 1)).and_then(span::seconds);
    Some(Window {
        stated: believed(wait, name)?,
        used_up: remaining.map(|left| left == 0),
    })
}

/// `x-codex-primary-reset-after-seconds`; how much of it is used is in `…-used-percent`.
fn codex(headers: &HeaderMap, name: &str) -> Option<Window> {
    let window = name
        .strip_suffix("-reset-after-seconds")
        .filter(|window| window.starts_with("x-codex-"))?;
    let used_ms = text(headers, &format!("{window}-used-percent")).and_then(span::seconds);
    let wait = span::seconds(text(headers, name)?)?;
    Some(Window {
        stated: believed(wait, name)?,
        used_up: used_ms.map(|used| used >= 100_000),
    })
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
