//! From text and environment to [`RawConfig`]: what has the right shape, and every mistake of shape.
//!
//! Promises: an unknown key or a wrong type hides no other mistake; nothing of a value is quoted, for
//! the value of a misspelt key may be a secret. Must not know: what the values mean.

use std::collections::{HashMap, HashSet};

use serde_path_to_error::Segment;
use toml::{
    Table, Value,
    de::{DeTable, DeValue},
};

use super::{
    env,
    problem::{ConfigError, Place, Problem},
    raw::RawConfig,
};

/// What could be read.
pub(super) struct Read {
    /// Everything of the right shape.
    pub raw: RawConfig,
    /// Everything else.
    pub problems: Vec<Problem>,
    /// Which variable set a key.
    pub variables: HashMap<String, String>,
}

/// Reads the file's text and lays the environment over it.
pub(super) fn read(text: &str, var: &dyn Fn(&str) -> Option<String>) -> Result<Read, ConfigError> {
    let written = DeTable::parse(text).map_err(|error| syntax(text, &error))?;
    let mut table: Table = toml::from_str(text).map_err(|error| syntax(text, &error))?;
    let variables: HashMap<_, _> = env::overlay(&mut table, var).into_iter().collect();
    let mut table = Value::Table(table);
    let (mut problems, mut seen) = (Vec::new(), HashSet::new());
    // What is refused is taken out, and the rest is read again, until nothing is left to refuse.
    loop {
        let error = match serde_path_to_error::deserialize(table.clone()) {
            Ok(raw) => {
                return Ok(Read {
                    raw,
                    problems,
                    variables,
                });
            }
            Err(error) => error,
        };
        let mut path: Vec<Segment> = error.path().iter().cloned().collect();
        let message = error.into_inner().message().to_owned();
        let of_list = matches!(path.last(), Some(Segment::Seq { .. }));
        if of_list {
            path.pop();
        }
        let key = key(&table, &path);
        let place = match variables.get(&key) {
            Some(variable) => Some(Place::Variable(variable.clone())),
            None => byte(written.get_ref(), &path).map(|byte| Place::of(text, byte)),
        };
        let message = match (shape(&message), of_list) {
            (message, false) => message,
            (message, true) => format!("in every place of the list, {message}"),
        };
        if seen.insert(key.clone()) {
            problems.push(Problem {
                key,
                message,
                place,
            });
        }
        if !remove(&mut table, &path) {
            return Err(ConfigError::Problems(problems));
        }
    }
}

/// What TOML's parser says and where, without the line itself.
fn syntax(text: &str, error: &toml::de::Error) -> ConfigError {
    let place = error.span().map(|span| Place::of(text, span.start));
    ConfigError::Syntax(match place {
        Some(place) => format!("{place}: {}", error.message()),
        None => error.message().to_owned(),
    })
}

/// What serde expects, in words of TOML. What it found instead is left out.
const SHAPES: &[(&str, &str)] = &[
    ("a string", "text in quotes is needed"),
    ("a boolean", "true or false is needed"),
    ("i32", "a whole number is needed"),
    ("u16", "a whole number from 0 to 65535 is needed"),
    ("u32", "a whole number from 0 to 4294967295 is needed"),
    ("u64", "a whole number, 0 or more, is needed"),
    ("usize", "a whole number, 0 or more, is needed"),
    ("f64", "a number is needed"),
    ("a sequence", "a list is needed"),
    ("a map", "a table is needed"),
];

/// A refusal of serde's, without what it quotes.
fn shape(message: &str) -> String {
    if message.starts_with("unknown field") {
        return match message.rsplit_once("`, expected ") {
            Some((_, known)) => format!("there is no such key; expected {known}"),
            None => "there is no such key".to_owned(),
        };
    }
    let expected = message.rsplit_once(", expected ").map(|(_, last)| last);
    match SHAPES.iter().find(|(name, _)| Some(*name) == expected) {
        Some((_, sentence)) => (*sentence).to_owned(),
        None => "a table of its keys is needed".to_owned(),
    }
}

/// A path as operators write it: `limits.request_bytes`, `account "a": credential.api_key`.
fn key(table: &Value, path: &[Segment]) -> String {
    let (head, rest) = match path {
        [
            Segment::Map { key: list },
            Segment::Seq { index },
            rest @ ..,
        ] => {
            let name = table
                .get(list.as_str())
                .and_then(|list| list.get(*index))
                .and_then(|entity| entity.get("name").or_else(|| entity.get("model")))
                .and_then(Value::as_str);
            (Some(entity(list, *index, name.unwrap_or_default())), rest)
        }
        _ => (None, path),
    };
    let rest: Vec<_> = rest.iter().map(segment).collect();
    let rest_text = rest.join(".").replace(".[", "[");
    match (head, rest.is_empty()) {
        (Some(head), true) => head,
        (Some(head), false) => format!("{head}: {rest_text}"),
        (None, _) => rest_text,
    }
}

/// How one of a list is called: by its name, or by its place when it has none.
pub(super) fn entity(kind: &str, index: usize, name: &str) -> String {
    match name.is_empty() {
        true => format!("{kind}[{index}]"),
        false => format!("{kind} \"{name}\""),
    }
}

fn segment(segment: &Segment) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
    match segment {
        Segment::Map { key } if key.chars().all(bare) => key.clone(),
        Segment::Map { key } => format!("\"{key}\""),
        Segment::Seq { index } => format!("[{index}]"),
        Segment::Enum { variant } => variant.clone(),
        Segment::Unknown => "?".to_owned(),
    }
}

/// Where in the text a path's last key stands.
fn byte(written: &DeTable<'_>, path: &[Segment]) -> Option<usize> {
    let (first, rest) = path.split_first()?;
    let Segment::Map { key } = first else {
        return None;
    };
    let (name, mut value) = written.iter().find(|(name, _)| name.get_ref() == key)?;
    let mut start = name.span().start;
    for segment in rest {
        match (segment, value.get_ref()) {
            (Segment::Map { key }, DeValue::Table(table)) => {
                let (name, inner) = table.iter().find(|(name, _)| name.get_ref() == key)?;
                (start, value) = (name.span().start, inner);
            }
            (Segment::Seq { index }, DeValue::Array(list)) => {
                value = list.get(*index)?;
                start = value.span().start;
            }
            _ => return None,
        }
    }
    Some(start)
}

/// Takes out what a path leads to; `false` when it leads nowhere.
fn remove(table: &mut Value, path: &[Segment]) -> bool {
    let Some((Segment::Map { key }, parents)) = path.split_last() else {
        return false;
    };
    let mut at = table;
    for parent in parents {
        let inner = match parent {
            Segment::Map { key } => at.get_mut(key.as_str()),
            Segment::Seq { index } => at.get_mut(*index),
            Segment::Enum { .. } | Segment::Unknown => None,
        };
        let Some(inner) = inner else { return false };
        at = inner;
    }
    at.as_table_mut()
        .is_some_and(|table| table.remove(key).is_some())
}
