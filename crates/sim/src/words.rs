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
    fitting(schema, schema, name, seed, 0)
}

/// Schemas within schemas that are followed; one that holds itself ends here.
const DEPTH: usize = 16;

fn fitting(root: &Value, schema: &Value, name: &str, seed: &mut Seed, depth: usize) -> Value {
    if depth > DEPTH {
        return Value::Null;
    }
    let fitting =
        |schema: &Value, name: &str, seed: &mut Seed| fitting(root, schema, name, seed, depth + 1);
    if let Some(first) = schema["enum"].as_array().and_then(|values| values.first()) {
        return first.clone();
    }
    if let Some(only) = schema.get("const") {
        return only.clone();
    }
    if let Some(place) = schema["$ref"].as_str() {
        let named = place
            .strip_prefix('#')
            .and_then(|place| root.pointer(place));
        return named.map_or(Value::Null, |schema| fitting(schema, name, seed));
    }
    let choices = ["anyOf", "any_of", "oneOf"]
        .into_iter()
        .find_map(|key| schema[key].as_array());
    let real = |schema: &&Value| !schema["type"].as_str().is_some_and(is_null);
    if let Some(choice) = choices.and_then(|choices| choices.iter().find(real)) {
        return fitting(choice, name, seed);
    }
    let kind = match &schema["type"] {
        Value::Array(several) => several
            .iter()
            .filter_map(Value::as_str)
            .find(|kind| !is_null(kind))
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
                    .map(|(key, inner)| (key.clone(), fitting(inner, key, seed)))
                    .collect(),
            )
        }
        "array" => {
            let least = schema["minItems"].as_u64().unwrap_or(1).clamp(1, 8);
            let items = (0..least).map(|_| fitting(&schema["items"], name, seed));
            Value::Array(items.collect())
        }
        "integer" => Value::from(within(schema, (seed.below(40) + 1) as f64) as i64),
        "number" => Value::from(within(schema, (seed.below(400) + 1) as f64 / 10.0)),
        "boolean" => Value::Bool(true),
        "null" => Value::Null,
        "string" => Value::String(text_of(schema, name, seed)),
        _ if schema["properties"].is_object() => {
            let mut typed = schema.clone();
            typed["type"] = Value::from("object");
            fitting(&typed, name, seed)
        }
        _ => Value::Object(Map::from_iter([(
            "answer".to_owned(),
            Value::String(named_text(name, seed)),
        )])),
    }
}

fn is_null(kind: &str) -> bool {
    kind.eq_ignore_ascii_case("null")
}

/// A number brought between the schema's bounds.
fn within(schema: &Value, number: f64) -> f64 {
    let bound = |names: [&str; 2]| names.iter().find_map(|name| schema[*name].as_f64());
    let number =
        bound(["minimum", "exclusiveMinimum"]).map_or(number, |least| number.max(least + 1.0));
    match bound(["maximum", "exclusiveMaximum"]) {
        Some(most) if number > most => {
            bound(["minimum", "exclusiveMinimum"]).map_or(most - 1.0, |least| (least + most) / 2.0)
        }
        _ => number,
    }
}

/// A string of the schema's format and length.
fn text_of(schema: &Value, name: &str, seed: &mut Seed) -> String {
    let text = match schema["format"].as_str().unwrap_or_default() {
        "date" => "2026-05-14".to_owned(),
        "date-time" => "2026-05-14T09:30:00Z".to_owned(),
        "time" => "09:30:00Z".to_owned(),
        "email" => "reader@example.com".to_owned(),
        "uri" | "url" => "https://example.com/harbour".to_owned(),
        "uuid" => "7d1e0b54-2f6c-4a35-9a0e-2c61f1a8b9d3".to_owned(),
        _ => named_text(name, seed),
    };
    let length = |key: &str| schema[key].as_u64().map(|length| length as usize);
    let least = length("minLength").unwrap_or(0).min(4096);
    let missing = least.saturating_sub(text.chars().count());
    let text = text + &"x".repeat(missing);
    match length("maxLength") {
        Some(most) => text.chars().take(most).collect(),
        None => text,
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
