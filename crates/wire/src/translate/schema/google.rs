//! Reads a schema of Google's as JSON Schema.
//!
//! Promises: one that is JSON Schema already stays as it is. `clean` brings what comes out back into what
//! went in.
//!
//! Must not know: what a schema describes.

use serde_json::Number;

use super::{
    Inexpressible, owned, parse,
    tree::{Members, Node},
};
use crate::translate::text::Json;

/// Types in small letters, `nullable` as a type beside the other, counts as numbers, `example` as one of
/// `examples`; the format `enum` goes without saying.
///
/// # Errors
/// It is not JSON, or too deep.
pub fn read<'a>(schema: &Json<'a>) -> Result<Json<'a>, Inexpressible> {
    let mut root = parse(schema)?;
    let mut changed = false;
    convert(&mut root, &mut changed);
    if changed {
        owned(&root)
    } else {
        Ok(schema.clone())
    }
}

fn convert(node: &mut Node<'_>, changed: &mut bool) {
    let Node::Object(members) = node else {
        return;
    };
    for (key, value) in &mut members.0 {
        match (&**key, value) {
            ("properties" | "$defs" | "definitions", Node::Object(inside)) => {
                for (_, property) in &mut inside.0 {
                    convert(property, changed);
                }
            }
            ("anyOf" | "oneOf" | "allOf" | "prefixItems", Node::Array(inside)) => {
                for branch in inside {
                    convert(branch, changed);
                }
            }
            ("items" | "additionalProperties", inside @ Node::Object(_)) => {
                convert(inside, changed);
            }
            ("type", Node::String(name)) if name.chars().any(|c| c.is_ascii_uppercase()) => {
                *name = name.to_ascii_lowercase().into();
                *changed = true;
            }
            (
                "minItems" | "maxItems" | "minLength" | "maxLength" | "minProperties"
                | "maxProperties",
                value @ Node::String(_),
            ) => {
                let count = value.as_str().and_then(|text| text.parse::<u64>().ok());
                if let Some(count) = count {
                    *value = Node::Number(Number::from(count));
                    *changed = true;
                }
            }
            _ => {}
        }
    }
    if members.get("type").and_then(Node::as_str) == Some("type_unspecified") {
        members.take("type");
    }
    if members.get("format").and_then(Node::as_str) == Some("enum") {
        members.take("format");
        *changed = true;
    }
    if let Some(example) = members.take("example") {
        members.set("examples", Node::Array(vec![example]));
        *changed = true;
    }
    if let Some(nullable) = members.take("nullable") {
        *changed = true;
        if nullable == Node::Bool(true) {
            allow_null(members);
        }
    }
}

fn allow_null(members: &mut Members<'_>) {
    for (key, value) in &mut members.0 {
        match (&**key, value) {
            ("type", value @ Node::String(_)) => {
                let name = std::mem::replace(value, Node::Null);
                *value = Node::Array(vec![name, Node::text("null")]);
            }
            ("enum", Node::Array(all)) => all.push(Node::Null),
            ("anyOf", Node::Array(all)) => {
                let mut null = Members::default();
                null.set("type", Node::text("null"));
                all.push(Node::Object(null));
            }
            _ => {}
        }
    }
}
