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
    stated.scope = reach(headers);
    Some(stated)
}

const UNIFIED: &str = "anthropic-ratelimit-unified-";

/// Anthropic's subscription windows: the end of the window that rejected the request.
pub(crate) fn unified(headers: &HeaderMap, now: UnixMillis) -> Option<Stated> {
    let rejected = rejected_windows(headers).filter_map(|window| {
        let name = format!("{UNIFIED}{window}-reset");
        let wait = span::instant(text(headers, &name)?, now)?;
        let mut stated = believed(wait, name)?;
        stated.scope = Some(reach_of(window));
        Some(stated)
    });
    let overall = || {
        if says(headers, "anthropic-ratelimit-unified-status", "rejected") == Some(false) {
            return None;
        }
        let value = text(headers, "anthropic-ratelimit-unified-reset")?;
        let mut stated = believed(
            span::instant(value, now)?,
            "anthropic-ratelimit-unified-reset",
        )?;
        stated.scope = reach(headers);
        Some(stated)
    };
    rejected
        .max_by_key(|stated| stated.after_ms)
        .or_else(overall)
}

/// What Anthropic's subscription windows say is limited: that which all windows that rejected the
/// request have in common, or what the claim names that stands for them.
pub(super) fn reach(headers: &HeaderMap) -> Option<Reach> {
    let mut rejected = rejected_windows(headers).map(reach_of);
    let Some(first) = rejected.next() else {
        return claimed(headers);
    };
    Some(rejected.fold(first, |all, one| match (all, one) {
        (Reach::Account, _) | (_, Reach::Account) => Reach::Account,
        (Reach::Family(a), Reach::Family(b)) if a == b => one,
        (Reach::Model | Reach::Family(_), Reach::Model | Reach::Family(_)) => Reach::Model,
    }))
}

/// Claims of windows that all models share, and how the windows' headers call them.
const SHARED_CLAIMS: [(&str, &str); 2] = [("five_hour", "5h"), ("seven_day", "7d")];

/// What the representative claim names, where the request was rejected and no window says so itself. A
/// shared window that was not used up stands for one that has no headers: that of the model.
fn claimed(headers: &HeaderMap) -> Option<Reach> {
    if says(headers, "anthropic-ratelimit-unified-status", "rejected") != Some(true) {
        return None;
    }
    let claim = text(headers, "anthropic-ratelimit-unified-representative-claim")?;
    let Some((_, window)) = SHARED_CLAIMS.iter().find(|(name, _)| *name == claim) else {
        return Some(reach_of(claim.strip_prefix("seven_day").unwrap_or(claim)));
    };
    match says(headers, &format!("{UNIFIED}{window}-status"), "rejected") {
        Some(false) => Some(Reach::Model),
        Some(true) | None => Some(Reach::Account),
    }
}

/// Windows that rejected the request. The overage's is none of them: it tells whether usage beyond the
/// windows is bought, and is `rejected` in the good answers of every account that buys none.
fn rejected_windows(headers: &HeaderMap) -> impl Iterator<Item = &str> {
    headers.iter().filter_map(|(name, value)| {
        let window = name
            .as_str()
            .strip_prefix(UNIFIED)?
            .strip_suffix("-status")
            .filter(|window| !window.starts_with("overage"))?;
        value
            .as_bytes()
            .eq_ignore_ascii_case(b"rejected")
            .then_some(window)
    })
}

/// Families of models that have windows of their own, by the word in their models' names.
const FAMILIES: [&str; 3] = ["opus", "sonnet", "haiku"];

/// `5h` and `7d` are shared by all models; `7d_opus` is of one family, and so are others whose word is
/// not that of any model's name (`7d_oi`), so that nothing but the model that was asked for is known.
fn reach_of(window: &str) -> Reach {
    let Some((_, word)) = window.split_once('_') else {
        return Reach::Account;
    };
    FAMILIES
        .iter()
        .find(|family| **family == word)
        .map_or(Reach::Model, |family| Reach::Family(family))
}

/// Whether a header has this value, in any case; `None` when it is not there.
pub(crate) fn says(headers: &HeaderMap, name: &str, value: &str) -> Option<bool> {
    text(headers, name).map(|found| found.eq_ignore_ascii_case(value))
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

/// A header as text, trimmed.
pub(crate) fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok().map(str::trim)
}
