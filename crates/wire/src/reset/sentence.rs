//! Reset times in sentences.
//!
//! Promises: only a number with a unit, or a whole instant with its zone, counts: "try again", "in a
//! few minutes" and "a rolling 24-hour window" state nothing. Must not know: anything but the text.

use std::sync::LazyLock;

use regex::Regex;
use waybill_model::time::UnixMillis;

use super::{Stated, believed, span, until};

/// The wait that a message states.
pub(super) fn read(message: &str, now: UnixMillis) -> Option<Stated> {
    if !message.bytes().any(|byte| byte.is_ascii_digit()) {
        return None;
    }
    in_words(message)
        .or_else(|| on_a_day(message, now))
        .or_else(|| behind_a_bar(message, now))
}

/// What comes right before a wait.
static LEAD: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let verb = r"try(?:ing)? (?:again|your request again|the request again)|retry(?:ing)?(?: your request| the request|ing)?|resets?|reset|available(?: again)?|refresh(?:es|ed)?|renews?|come back|replenish(?:es|ed)?";
    let about = r"(?:about |approximately |around |another |at least )?";
    Regex::new(&format!(
        r"(?i)\b(?:(?:{verb})\s+(?:in|after)|wait(?:ing)?(?:\s+for)?)\s+{about}"
    ))
    .ok()
});

fn in_words(message: &str) -> Option<Stated> {
    let leads = LEAD.as_ref()?.find_iter(message).take(8);
    leads
        .filter_map(|lead| span::leading(&message[lead.end()..]))
        .find_map(|wait| believed(wait, "message"))
}

/// A date, a time and a zone behind a word that announces them.
static DAY: LazyLock<Option<Regex>> = LazyLock::new(|| {
    let lead = r"(?:regain access|resets?|reset|try again|retry|available|until|expires?|renews?)";
    let day = r"(\d{4}-\d{2}-\d{2})(?:[Tt ]| at )(\d{2}:\d{2})(:\d{2}(?:\.\d{1,9})?)?";
    Regex::new(&format!(
        r"(?i)\b{lead}\b[^\d\n]{{0,30}}{day}\s?(Z|UTC|GMT|[+-]\d{{2}}:\d{{2}})"
    ))
    .ok()
});

fn on_a_day(message: &str, now: UnixMillis) -> Option<Stated> {
    let found = DAY.as_ref()?.captures(message)?;
    let zone = if found[4].starts_with(['+', '-']) {
        &found[4]
    } else {
        "Z"
    };
    let seconds = found.get(3).map_or(":00", |seconds| seconds.as_str());
    let at: UnixMillis = format!("{}T{}{seconds}{zone}", &found[1], &found[2])
        .parse()
        .ok()?;
    until(at, now, "message")
}

/// `… limit reached|1760000000`: a subscription's end of window in epoch seconds.
fn behind_a_bar(message: &str, now: UnixMillis) -> Option<Stated> {
    let (before, after) = message.rsplit_once('|')?;
    let is_limit = before
        .trim_end()
        .to_ascii_lowercase()
        .ends_with("limit reached");
    let at = after.trim().parse::<i64>().ok().filter(|_| is_limit)?;
    until(UnixMillis(at.checked_mul(1000)?), now, "message")
}
