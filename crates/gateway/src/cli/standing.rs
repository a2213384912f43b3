//! How an account stands, for people: its state in a few words, what keeps it from serving, its events.

use std::io::Write;

use serde_json::Value;

use super::{
    configured::text,
    table::{self, Cell, Tone, maybe, plain, toned},
};

/// The word for a state. Of an account that is limited for some models only, what limits it longest.
pub fn state(state: &Value) -> Cell {
    let word = state["status"].as_str().unwrap_or("-");
    match (word, longest(state)) {
        ("active", None) => (word.to_owned(), Tone::Green),
        ("active", Some(mark)) => {
            let of = |field: &str| mark[field].as_str().unwrap_or("-");
            let kind = match mark["half_open"].as_bool() {
                Some(true) => "half_open",
                _ => of("kind"),
            };
            (format!("{kind} ({})", of("scope")), Tone::Yellow)
        }
        ("error", _) => (word.to_owned(), Tone::Red),
        _ => (word.to_owned(), Tone::Yellow),
    }
}

/// Until when that is so.
pub fn until(state: &Value) -> Cell {
    let of_model = longest(state).and_then(|mark| mark["until"].as_str());
    maybe(state["until"].as_str().or(of_model))
}

/// Times of RFC 3339 in UTC sort as text.
fn longest(state: &Value) -> Option<&Value> {
    items(&state["marks"]).max_by_key(|mark| mark["until"].as_str())
}

/// What keeps an account from serving, a line each.
pub fn write_marks(out: &mut impl Write, state: &Value, colours: bool) -> anyhow::Result<()> {
    let rows: Vec<_> = items(&state["marks"])
        .map(|mark| {
            vec![
                text(&mark["kind"]),
                text(&mark["scope"]),
                text(&mark["since"]),
                match mark["half_open"].as_bool() {
                    Some(true) => ("now: one request finds out".to_owned(), Tone::Yellow),
                    _ => text(&mark["until"]),
                },
                text(&mark["source"]),
                plain(&mark["event_id"]),
                text(&mark["request_id"]),
                text(&mark["reason"]),
            ]
        })
        .collect();
    if rows.is_empty() {
        return Ok(());
    }
    writeln!(
        out,
        "\n{}",
        toned("What keeps it from serving", Tone::Bold, colours)
    )?;
    let headings = [
        "KIND",
        "SCOPE",
        "SINCE",
        "UNTIL",
        "READ FROM",
        "EVENT",
        "REQUEST",
        "REASON",
    ];
    table::write(out, &headings, &rows, colours)?;
    Ok(())
}

/// What happened to an account, a line each.
pub fn write_events(out: &mut impl Write, events: &Value, colours: bool) -> anyhow::Result<()> {
    let rows: Vec<_> = items(&events["items"])
        .map(|event| {
            vec![
                plain(&event["id"]),
                text(&event["at"]),
                text(&event["kind"]),
                text(&event["scope"]),
                text(&event["until"]),
                maybe(event["request_id"].as_str().or(event["actor"].as_str())),
                text(&event["reason"]),
            ]
        })
        .collect();
    if rows.is_empty() {
        writeln!(out, "\nNo events.")?;
        return Ok(());
    }
    writeln!(
        out,
        "\n{}",
        toned("Events, newest first", Tone::Bold, colours)
    )?;
    let headings = ["ID", "TIME", "KIND", "SCOPE", "UNTIL", "BY", "REASON"];
    table::write(out, &headings, &rows, colours)?;
    Ok(())
}

/// The items of a list; none where there is no list.
pub fn items(values: &Value) -> impl Iterator<Item = &Value> {
    values.as_array().into_iter().flatten()
}
