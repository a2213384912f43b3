//! Recognises the form of an error body by its bytes; content types lie.
//!
//! Promises: looks at [`super::BODY_BYTES`] at most. Must not know: providers and headers.

use std::borrow::Cow;

use super::{
    BODY_BYTES,
    dig::{self, Said},
    lenient, markup, prose,
};

/// The part of a body worth looking at, as text. Broken UTF-8 becomes replacement characters. Of a
/// stream that is too long the end is taken: the error is there.
pub(super) fn text_of(body: &[u8]) -> Cow<'_, str> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let part = if body.len() <= BODY_BYTES {
        body
    } else if is_event_stream(&String::from_utf8_lossy(&body[..64])) {
        &body[body.len() - BODY_BYTES..]
    } else {
        &body[..BODY_BYTES]
    };
    String::from_utf8_lossy(part)
}

/// Reads a body of any form.
pub(super) fn read(text: &str) -> Said {
    let text = text.trim();
    match text.as_bytes().first() {
        None => Said::default(),
        Some(b'{' | b'[') => document(text),
        Some(b'<') => markup::read(text),
        Some(_) if is_event_stream(text) => events(text),
        Some(_) => prose::read(text, 0),
    }
}

/// One JSON document, or what was meant to be one.
fn document(text: &str) -> Said {
    let said = match lenient::strict_or_lenient(text) {
        Some(value) => dig::read(value),
        None => Said::default(),
    };
    if said.speaks() {
        return said;
    }
    // Valid, but nothing in it is known to be an error: the text itself is all there is to show.
    let message = (text.len() > 2 && said.documents.iter().all(|document| !is_empty(document)))
        .then(|| text.to_owned());
    Said {
        message,
        loose: true,
        ..said
    }
}

fn is_empty(value: &serde_json::Value) -> bool {
    match value {
        serde_json::Value::Object(members) => members.is_empty(),
        serde_json::Value::Array(items) => items.is_empty(),
        _ => false,
    }
}

fn is_event_stream(text: &str) -> bool {
    let starts = |line: &str| {
        ["data:", "event:", "id:", "retry:", ": "]
            .iter()
            .any(|field| line.starts_with(field))
    };
    starts(text.trim_start())
}

/// The event that carries the error: one that is named so, else one that looks so, else the last.
fn events(text: &str) -> Said {
    let mut best: Option<(u8, Said)> = None;
    for event in text.replace("\r\n", "\n").split("\n\n") {
        let name = event
            .lines()
            .find_map(|line| line.strip_prefix("event:"))
            .unwrap_or_default()
            .trim();
        let data: Vec<&str> = event
            .lines()
            .filter_map(|line| line.strip_prefix("data:"))
            .map(str::trim)
            .collect();
        let data = data.join("\n");
        let said = match data.as_bytes().first() {
            None => continue,
            Some(_) if data == "[DONE]" => continue,
            Some(b'{' | b'[') => document(&data),
            Some(_) => prose::read(&data, 0),
        };
        let named = name.contains("error") || name.contains("failed");
        let rank =
            u8::from(named) * 2 + u8::from(data.contains("\"error\"") || data.contains("failed"));
        if said.speaks() && best.as_ref().is_none_or(|(before, _)| rank >= *before) {
            best = Some((rank, said));
        }
    }
    best.map(|(_, said)| said).unwrap_or_else(|| Said {
        message: Some(text.to_owned()),
        loose: true,
        ..Said::default()
    })
}
