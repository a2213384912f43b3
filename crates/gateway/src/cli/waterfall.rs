//! The way of a request as bars along its time: where it was when, and for how long.
//!
//! Promises: pure; no line is wider than it may be. Where an attempt began and when the first content went
//! out are on record; of auth, routing and the answer only the length is, so where their bars begin is worked
//! out, and marked as such. What no fact is on record of is said to be so. Must not know: the terminal.

mod way;

use super::{
    columns::{clip, columns, fit},
    table::{Tone, clean, toned},
};
use waybill_model::view::ErrorLogDetail;

use self::way::{Line, Phase, Way};

/// Least columns; on a narrower terminal lines wrap.
const MIN_WIDTH: usize = 50;

/// Widest label, as a share of the width.
const LABEL_SHARE: usize = 3;

/// The way of a request, drawn in so many columns.
pub fn waterfall(error: &ErrorLogDetail, width: usize, colours: bool) -> String {
    let way = Way::of(error);
    let width = width.max(MIN_WIDTH);
    let numbers = |text: fn(&Line) -> String, heading: &str| {
        let widest = way.lines.iter().map(|line| columns(&text(line))).max();
        widest.unwrap_or(0).max(heading.len())
    };
    let (from_width, took_width) = (numbers(from, FROM), numbers(took, TOOK));
    let label_width = way.lines.iter().map(|line| columns(&clean(&line.label)));
    let label_width = label_width.max().unwrap_or(0).min(width / LABEL_SHARE);
    let bar_width = width - label_width - from_width - took_width - 5;

    let log = &error.log;
    let title = format!(
        "The way of the request: {} {} after {} ms",
        log.status_code, log.cause, log.latency_ms
    );
    let mut out = toned(&clip(&clean(&title), width), Tone::Bold, colours);
    out.push('\n');
    let headings = format!(
        "{:label_width$} {:bar_width$}   {FROM:>from_width$} {TOOK:>took_width$}",
        "", ""
    );
    out += &toned(&headings, Tone::Dim, colours);
    out.push('\n');
    for line in &way.lines {
        let label = fit(&clean(&line.label), label_width);
        let bar = bar(line, way.length_ms, bar_width);
        let bar = toned(&bar, line.tone, colours);
        let (from, took) = (from(line), took(line));
        out += &format!("{label} │{bar}│ {from:>from_width$} {took:>took_width$}\n");
        for note in &line.notes {
            let note = clip(&format!("  {}", clean(note)), width);
            out += &toned(&note, Tone::Dim, colours);
            out.push('\n');
        }
    }
    for note in footnotes(&way) {
        out += &toned(&clip(&note, width), Tone::Dim, colours);
        out.push('\n');
    }
    out
}

const FROM: &str = "from ms";
const TOOK: &str = "took ms";

/// Where a bar begins; `~` where that is worked out.
fn from(line: &Line) -> String {
    let mark = if line.is_derived { "~" } else { "" };
    format!("{mark}{}", line.from_ms)
}

fn took(line: &Line) -> String {
    line.took_ms().to_string()
}

/// A line's bar in so many columns of `length_ms`. Whatever is there takes a column at least.
fn bar(line: &Line, length_ms: u64, width: usize) -> String {
    let length = length_ms.max(1);
    let column = |ms: u64| usize::try_from(ms * width as u64 / length).unwrap_or(width);
    let start = column(line.from_ms).min(width - 1);
    let end = usize::try_from((line.from_ms + line.took_ms()) * width as u64)
        .unwrap_or(usize::MAX)
        .div_ceil(usize::try_from(length).unwrap_or(usize::MAX))
        .clamp(start + 1, width);
    let mut bar = " ".repeat(start);
    let mut at = start;
    let mut ms = line.from_ms;
    let lasted = line.phases.iter().filter(|(_, took_ms)| *took_ms > 0);
    let mut parts: Vec<&(Phase, u64)> = lasted.collect();
    if parts.is_empty() {
        parts.extend(line.phases.last());
    }
    for (index, (phase, took_ms)) in parts.iter().enumerate() {
        ms += took_ms;
        let is_last = index + 1 == parts.len();
        let until = if is_last {
            end
        } else {
            column(ms).clamp(at, end)
        };
        bar.extend(std::iter::repeat_n(phase.letter(), until - at));
        at = until;
    }
    bar.extend(std::iter::repeat_n(' ', width - at));
    bar
}

/// What the letters mean that are there, and the mark.
fn footnotes(way: &Way) -> Vec<String> {
    let is_there = |phase: &&Phase| {
        let mut phases = way.lines.iter().flat_map(|line| &line.phases);
        phases.any(|(there, took_ms)| there == *phase && *took_ms > 0)
    };
    let letters: Vec<String> = Phase::ALL
        .iter()
        .filter(is_there)
        .map(|phase| format!("{} {}", phase.letter(), phase.meaning()))
        .collect();
    let mut notes = Vec::new();
    if !letters.is_empty() {
        notes.push(letters.join("   "));
    }
    if way.lines.iter().any(|line| line.is_derived) {
        notes.push(
            "~ its length is on record, where it begins follows from the other times".to_owned(),
        );
    }
    notes
}

#[cfg(test)]
mod tests;
