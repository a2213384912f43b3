//! Plausible text, and how many tokens a text has.

use serde_json::{Map, Value};

use crate::seed::Seed;

const OPENINGS: &[&str] = &[
    "In short,",
    "As a rule,",
    "Seen from the outside,",
    "To begin with,",
    "In practice,",
    "More precisely,",
    "By contrast,",
    "For that reason,",
];
const SUBJECTS: &[&str] = &[
    "the harbour",
    "a careful reader",
    "the night train",
    "every careful measurement",
    "the old archive",
    "a small workshop",
    "the second draft",
    "the river crossing",
    "an honest ledger",
    "the lighthouse",
];
const VERBS: &[&str] = &[
    "keeps",
    "explains",
    "outlasts",
    "depends on",
    "returns to",
    "makes room for",
    "is built around",
    "quietly changes",
];
const OBJECTS: &[&str] = &[
    "the simplest answer",
    "what was agreed before",
    "a longer tradition",
    "the weather of the coast",
    "one well-chosen example",
    "the people who use it",
    "a list of small repairs",
    "the question behind the question",
];

/// Sentences of about `words` words.
pub fn prose(seed: &mut Seed, words: usize) -> String {
    let mut text = String::new();
    let mut written = 0;
    while written < words {
        let mut pick = |list: &[&'static str]| list[seed.below(list.len())];
        let sentence = format!(
            "{} {} {} {}.",
            pick(OPENINGS),
            pick(SUBJECTS),
            pick(VERBS),
            pick(OBJECTS)
        );
        written += sentence.split(' ').count();
        if !text.is_empty() {
            text.push(' ');
        }
        text.push_str(&sentence);
    }
    text
}

/// Tokens of a text: about one per four bytes, and at least one per word.
pub fn tokens(text: &str) -> u64 {
    text.split_whitespace()
        .map(|word| word.len().div_ceil(6) as u64)
        .sum()
}

/// The longest beginning of `text` with at most `limit` tokens, cut between words.
pub fn first_tokens(text: &str, limit: u64) -> &str {
    let mut left = limit;
    for (at, word) in pieces(text) {
        let cost = tokens(word);
        if cost > left {
            return &text[..at];
        }
        left -= cost;
    }
    text
}

/// A text cut into chunks of `words` words, as a stream sends it; joined they are the text.
pub fn chunks(text: &str, words: usize) -> Vec<&str> {
    let pieces: Vec<(usize, &str)> = pieces(text).collect();
    pieces
        .chunks(words.max(1))
        .map(|group| {
            let (start, end) = (group[0].0, group[group.len() - 1]);
            &text[start..end.0 + end.1.len()]
        })
        .collect()
}

/// A text in two, near its middle.
pub fn halves(text: &str) -> [&str; 2] {
    let middle = (text.len() / 2..=text.len()).find(|at| text.is_char_boundary(*at));
    let (first, second) = text.split_at(middle.unwrap_or(text.len()));
    [first, second]
}

/// Words with the space before them, and where they begin.
fn pieces(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut starts: Vec<usize> = text
        .match_indices(' ')
        .map(|(at, _)| at)
        .filter(|at| *at > 0)
        .collect();
    starts.insert(0, 0);
    starts.push(text.len());
    (0..starts.len() - 1)
        .map(move |i| (starts[i], &text[starts[i]..starts[i + 1]]))
        .collect::<Vec<_>>()
        .into_iter()
}

/// A value that fits a JSON schema (JSON Schema's or Gemini's upper-case type names).
pub fn value_of(schema: &Value, name: &str, seed: &mut Seed) -> Value {
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    let kind = match &schema["type"] {
        Value::Array(several) => several
            .first()
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_lowercase(),
        one => one.as_str().unwrap_or_default().to_lowercase(),
    };
    match kind.as_str() {
        "object" => {
            let properties = schema["properties"].as_object();
            let fields = properties.into_iter().flatten();
            Value::Object(
                fields
                    .map(|(key, inner)| (key.clone(), value_of(inner, key, seed)))
                    .collect(),
            )
        }
        "array" => Value::Array(vec![value_of(&schema["items"], name, seed)]),
        "integer" => Value::from(seed.below(40) + 1),
        "number" => Value::from((seed.below(400) + 1) as f64 / 10.0),
        "boolean" => Value::Bool(true),
        "string" => Value::String(named_text(name, seed)),
        _ if schema["properties"].is_object() => {
            let mut typed = schema.clone();
            typed["type"] = Value::from("object");
            value_of(&typed, name, seed)
        }
        _ => Value::Object(Map::from_iter([(
            "answer".to_owned(),
            Value::String(named_text(name, seed)),
        )])),
    }
}

fn named_text(name: &str, seed: &mut Seed) -> String {
    const PLACES: &[&str] = &["Paris", "Lisbon", "Osaka", "Tartu", "Valparaíso"];
    let name = name.to_lowercase();
    if ["city", "location", "place", "town"]
        .iter()
        .any(|word| name.contains(word))
    {
        PLACES[seed.below(PLACES.len())].to_owned()
    } else if name.contains("date") {
        "2026-05-14".to_owned()
    } else {
        SUBJECTS[seed.below(SUBJECTS.len())].to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::{chunks, first_tokens, prose, tokens};
    use crate::seed::Seed;

    #[test]
    fn chunks_joined_are_the_text() {
        let text = prose(&mut Seed::new(7), 50);
        for words in 1..9 {
            assert_eq!(chunks(&text, words).concat(), text);
        }
    }

    #[test]
    fn a_text_is_cut_to_no_more_than_the_tokens_allowed() {
        let text = prose(&mut Seed::new(7), 50);
        for limit in 0..40 {
            assert!(tokens(first_tokens(&text, limit)) <= limit);
        }
        assert_eq!(first_tokens(&text, 10_000), text);
    }
}
