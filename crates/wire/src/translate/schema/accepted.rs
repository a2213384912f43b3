//! What Google's `Schema` takes.
//!
//! Promises: an exact answer for the keywords that Google documents: a schema with any other, or with one
//! that holds what Google refuses, is not taken.
//!
//! Must not know: how a schema is brought into that form.

use super::tree::{Members, Node};

/// What a keyword holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Holds {
    Type,
    Text,
    Truth,
    /// A number of things: whole and not negative. Google writes it as text, and reads both.
    Count,
    Number,
    /// One text at least.
    Texts,
    /// Texts, each the name of a property.
    Names,
    Schema,
    Schemas,
    Properties,
    Anything,
}

/// The keywords of Google's `Schema`, all of them.
const KEYWORDS: &[(&str, Holds)] = &[
    ("type", Holds::Type),
    ("format", Holds::Text),
    ("title", Holds::Text),
    ("description", Holds::Text),
    ("nullable", Holds::Truth),
    ("enum", Holds::Texts),
    ("maxItems", Holds::Count),
    ("minItems", Holds::Count),
    ("properties", Holds::Properties),
    ("required", Holds::Names),
    ("minProperties", Holds::Count),
    ("maxProperties", Holds::Count),
    ("minLength", Holds::Count),
    ("maxLength", Holds::Count),
    ("pattern", Holds::Text),
    ("example", Holds::Anything),
    ("anyOf", Holds::Schemas),
    ("propertyOrdering", Holds::Names),
    ("default", Holds::Anything),
    ("items", Holds::Schema),
    ("minimum", Holds::Number),
    ("maximum", Holds::Number),
];

/// The names of types, as JSON Schema writes them. Google's own are the same in capitals.
pub(super) const TYPES: &[&str] = &[
    "string", "number", "integer", "boolean", "array", "object", "null",
];

/// Whether it may be the schema of a function's parameters, which are an object.
pub(super) fn root(node: &Node<'_>) -> bool {
    let named = node
        .as_object()
        .and_then(|members| members.get("type"))
        .and_then(Node::as_str);
    named.is_some_and(|name| name.eq_ignore_ascii_case("object")) && schema(node)
}

/// Whether Google takes it.
pub(super) fn schema(node: &Node<'_>) -> bool {
    let Node::Object(members) = node else {
        return false;
    };
    let fits = members
        .0
        .iter()
        .all(|(key, value)| keyword(key, value, members));
    let named = members.get("type").and_then(Node::as_str);
    let typed = named.is_some() || members.has("anyOf");
    let is_array = named.is_some_and(|name| name.eq_ignore_ascii_case("array"));
    fits && typed && (!is_array || members.has("items"))
}

/// Whether a keyword is one of Google's and holds what it must.
pub(super) fn keyword(key: &str, value: &Node<'_>, around: &Members<'_>) -> bool {
    let Some((_, holds)) = KEYWORDS.iter().find(|(name, _)| *name == key) else {
        return false;
    };
    match holds {
        Holds::Type => value.as_str().is_some_and(is_type),
        Holds::Text => value.as_str().is_some(),
        Holds::Truth => matches!(value, Node::Bool(_)),
        Holds::Count => is_count(value),
        Holds::Number => value.as_number().is_some(),
        Holds::Texts => value
            .as_array()
            .is_some_and(|all| !all.is_empty() && all.iter().all(|one| one.as_str().is_some())),
        Holds::Names => value.as_array().is_some_and(|all| {
            let properties = around.get("properties").and_then(Node::as_object);
            all.iter().all(|one| match (one.as_str(), properties) {
                (Some(name), Some(properties)) => properties.has(name),
                _ => false,
            })
        }),
        Holds::Schema => schema(value),
        Holds::Schemas => value
            .as_array()
            .is_some_and(|all| !all.is_empty() && all.iter().all(schema)),
        Holds::Properties => value
            .as_object()
            .is_some_and(|all| all.0.iter().all(|(_, one)| schema(one))),
        Holds::Anything => true,
    }
}

fn is_type(name: &str) -> bool {
    let in_capitals = !name.bytes().any(|byte| byte.is_ascii_lowercase());
    TYPES
        .iter()
        .any(|known| *known == name || (in_capitals && known.eq_ignore_ascii_case(name)))
}

fn is_count(value: &Node<'_>) -> bool {
    match value {
        Node::Number(number) => number.as_i64().is_some_and(|count| count >= 0),
        Node::String(text) => text.parse::<i64>().is_ok_and(|count| count >= 0),
        _ => false,
    }
}
