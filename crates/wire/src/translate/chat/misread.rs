//! Says what is wrong with JSON that is not what it should be.
//!
//! Promises: short, and without the texts that stand in the JSON: they are somebody's own.

use std::fmt::Display;

use serde_path_to_error::Segment;

use super::request::Request;
use crate::translate::Untranslatable;

/// The longest word of a client or a provider that is repeated.
const LONGEST_WORD: usize = 64;

/// Says where the body of a request is not what it should be.
pub(super) fn misread(body: &str) -> Untranslatable {
    let mut json = serde_json::Deserializer::from_str(body);
    let error = match serde_path_to_error::deserialize::<_, Request<'_>>(&mut json) {
        Err(error) => error,
        // What follows the body, then.
        Ok(_) => return Untranslatable::named("", "is followed by something that is not JSON"),
    };
    let mut name = String::new();
    for segment in error.path() {
        let piece = match segment {
            Segment::Seq { index } => index.to_string(),
            Segment::Map { key } => short(key),
            Segment::Enum { variant } => short(variant),
            Segment::Unknown => continue,
        };
        if !name.is_empty() {
            name.push('.');
        }
        name.push_str(&piece);
    }
    let inner = error.inner().to_string();
    let why = match inner.starts_with("unknown field") {
        true => "is not a field that Waybill knows of Chat Completions".to_owned(),
        false => format!("cannot be read: {}", wordless(&inner)),
    };
    Untranslatable::named(name, why)
}

/// A parser's complaint without the text it complains of, which it puts in quotes.
pub(super) fn wordless(error: &impl Display) -> String {
    let error = error.to_string();
    match (error.find(" \""), error.rfind('"')) {
        (Some(from), Some(to)) if from < to => {
            let (before, after) = (error.get(..from), error.get(to + 1..));
            [before.unwrap_or_default(), after.unwrap_or_default()].concat()
        }
        _ => error,
    }
}

/// A word, cut where it is too long to be one.
pub(super) fn short(word: &str) -> String {
    match word.char_indices().nth(LONGEST_WORD) {
        Some((end, _)) => format!("{}…", word.get(..end).unwrap_or_default()),
        None => word.to_owned(),
    }
}
