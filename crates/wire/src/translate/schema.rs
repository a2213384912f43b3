//! Schemas between JSON Schema and the subset of it that Google's function declarations take.
//!
//! Promises: a schema that Google takes is never changed, not by a byte. Any other is changed by the steps
//! below and no further; cleaning what was cleaned changes nothing. Work and memory are bounded.
//!
//! Must not know: tools, requests.
//!
//! Google documents two fields for the parameters of a function. `parameters` takes the 22 keywords of its
//! `Schema`, one by one with what they hold, and refuses any other; `parametersJsonSchema` takes JSON
//! Schema, without saying what of it is heeded and what is refused, and not with every model that Google
//! serves. So [`clean`] writes the former: what holds for it can be known before anything is sent.
//!
//! The steps, in order:
//! 1. `$ref` becomes what it points to; what stands beside it is added.
//! 2. `allOf` becomes one schema; `oneOf` becomes `anyOf`, which allows more.
//! 3. `const` becomes an `enum` of one. An `enum` of texts stays; one of numbers becomes the bounds of
//!    them; `null` in it becomes `nullable`.
//! 4. A list of types becomes the one type, or an `anyOf`; `null` in it, and in an `anyOf`, becomes
//!    `nullable`.
//! 5. `exclusiveMinimum` and `exclusiveMaximum` become the bounds next to them.
//! 6. A type that is not said, but follows from the rest, is said. What may be anything may be of any type.
//! 7. Tuples become arrays of any of their elements; an array of anything says so.
//! 8. `required` names only what `properties` holds.
//! 9. Whatever else Google has no word for is left out: see [`LEFT_OUT`].

use std::borrow::Cow;

use serde::Deserialize as _;

use super::text::Json;

mod accepted;
mod combine;
mod google;
mod steps;
#[cfg(test)]
mod tests;
mod tree;

pub use google::read;

use tree::Node;

/// Keywords that are left out, and why. Keywords that are not known here are left out, too: JSON Schema says
/// that they allow and forbid nothing.
pub const LEFT_OUT: &[(&str, &str)] = &[
    ("$schema", "says which JSON Schema it is"),
    ("$id", "names the schema"),
    ("$anchor", "names a place in it"),
    ("$comment", "is for its authors"),
    (
        "$defs",
        "holds what `$ref` points to, which stands there now",
    ),
    ("definitions", "as `$defs`"),
    (
        "additionalProperties",
        "forbids; without it more is allowed",
    ),
    ("unevaluatedProperties", "as `additionalProperties`"),
    ("patternProperties", "as `additionalProperties`"),
    ("propertyNames", "as `additionalProperties`"),
    ("dependentRequired", "as `additionalProperties`"),
    ("dependentSchemas", "as `additionalProperties`"),
    ("not", "as `additionalProperties`"),
    ("if", "as `additionalProperties`"),
    ("then", "as `additionalProperties`"),
    ("else", "as `additionalProperties`"),
    ("contains", "as `additionalProperties`"),
    ("minContains", "as `additionalProperties`"),
    ("maxContains", "as `additionalProperties`"),
    ("uniqueItems", "as `additionalProperties`"),
    ("additionalItems", "as `additionalProperties`"),
    ("unevaluatedItems", "as `additionalProperties`"),
    ("multipleOf", "as `additionalProperties`"),
    ("contentEncoding", "describes"),
    ("contentMediaType", "describes"),
    ("contentSchema", "describes"),
    ("examples", "describes"),
    ("deprecated", "describes"),
    ("readOnly", "describes"),
    ("writeOnly", "describes"),
];

/// What cannot be said.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inexpressible {
    /// Where in the schema, such as `properties.path.items`; empty for the schema as a whole.
    pub path: String,
    /// Why, as the end of a sentence whose subject is the path.
    pub why: &'static str,
}

impl Inexpressible {
    /// The place, as seen from around the schema.
    pub fn under(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{name}.{}", self.path)
        }
    }
}

/// Brings the schema of a function's parameters into Google's subset.
///
/// # Errors
/// What no schema of that subset allows.
pub fn clean<'a>(schema: &Json<'a>) -> Result<Json<'a>, Inexpressible> {
    let root = parse(schema)?;
    if accepted::root(&root) {
        return Ok(schema.clone());
    }
    let cleaned = steps::root(&root)?;
    owned(&cleaned)
}

/// The same as JSON, for a declaration; `None` for an object without properties. Reads the schema once.
///
/// # Errors
/// As [`clean`].
pub fn parameters<'s>(schema: &'s Json<'_>) -> Result<Option<Cow<'s, str>>, Inexpressible> {
    let root = parse(schema)?;
    if accepted::root(&root) {
        return Ok((!is_empty(&root)).then(|| Cow::Borrowed(schema.get())));
    }
    let cleaned = steps::root(&root)?;
    match is_empty(&cleaned) {
        true => Ok(None),
        false => Ok(Some(Cow::Owned(written(&cleaned)?))),
    }
}

/// Whether a schema is that of an object without properties.
fn is_empty(node: &Node<'_>) -> bool {
    let Node::Object(members) = node else {
        return false;
    };
    let is_object = members
        .get("type")
        .and_then(Node::as_str)
        .is_some_and(|name| name.eq_ignore_ascii_case("object"));
    let properties = members.get("properties").and_then(Node::as_object);
    is_object && properties.is_none_or(|all| all.0.is_empty()) && !members.has("anyOf")
}

/// Whether a schema says what it is for.
pub fn is_described(schema: &Json<'_>) -> bool {
    matches!(parse(schema), Ok(Node::Object(members)) if members.has("description"))
}

fn parse<'n>(schema: &'n Json<'_>) -> Result<Node<'n>, Inexpressible> {
    let mut reader = serde_json::Deserializer::from_str(schema.get());
    Node::deserialize(&mut reader).map_err(|_| Inexpressible {
        path: String::new(),
        why: "is not JSON, or too deep",
    })
}

const UNWRITTEN: Inexpressible = Inexpressible {
    path: String::new(),
    why: "cannot be written",
};

fn written(node: &Node<'_>) -> Result<String, Inexpressible> {
    serde_json::to_string(node).map_err(|_| UNWRITTEN)
}

fn owned(node: &Node<'_>) -> Result<Json<'static>, Inexpressible> {
    Json::parse(written(node)?).map_err(|_| UNWRITTEN)
}
