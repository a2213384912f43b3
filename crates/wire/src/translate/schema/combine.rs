//! Makes one schema of two that both hold.
//!
//! Promises: the result allows at least what both allow; it forbids nothing that one of them does not.
//! What one schema cannot say of both (two `anyOf`, two `pattern`) is left to the first.
//!
//! Must not know: Google's subset.

use serde_json::Number;

use super::tree::{Members, Node};

/// Adds a second schema to the first.
pub(super) fn combine<'a>(
    first: &mut Members<'a>,
    second: Members<'a>,
) -> Result<(), &'static str> {
    for (key, value) in second.0 {
        let Some(old) = first.get(&key) else {
            first.0.push((key, value));
            continue;
        };
        if *old == value {
            continue;
        }
        let both = match (&*key, old, value) {
            ("properties", Node::Object(old), Node::Object(new)) => {
                Node::Object(properties(old.clone(), new))
            }
            ("required", Node::Array(old), Node::Array(new)) => {
                let mut names = old.clone();
                names.extend(new.into_iter().filter(|name| !old.contains(name)));
                Node::Array(names)
            }
            ("enum", Node::Array(old), Node::Array(new)) => {
                let common: Vec<Node<'a>> = old
                    .iter()
                    .filter(|one| new.contains(one))
                    .cloned()
                    .collect();
                if common.is_empty() {
                    return Err("combines choices that have nothing in common");
                }
                Node::Array(common)
            }
            ("type", old, new) => types(old, &new)?,
            ("items", old @ Node::Object(_), new @ Node::Object(_)) => {
                Node::Object(all_of(old.clone(), new))
            }
            ("allOf", Node::Array(old), Node::Array(new)) => {
                Node::Array(old.iter().cloned().chain(new).collect())
            }
            (key, Node::Number(old), Node::Number(new)) => match narrower(key, old, &new) {
                Some(narrower) => Node::Number(narrower),
                None => continue,
            },
            _ => continue,
        };
        first.set(key, both);
    }
    Ok(())
}

fn all_of<'a>(one: Node<'a>, other: Node<'a>) -> Members<'a> {
    let mut both = Members::default();
    both.set("allOf", Node::Array(vec![one, other]));
    both
}

fn properties<'a>(mut first: Members<'a>, second: Members<'a>) -> Members<'a> {
    for (name, new) in second.0 {
        match first.take(&name) {
            None => first.0.push((name, new)),
            Some(old) if old == new => first.0.push((name, old)),
            Some(old) => first.0.push((name, Node::Object(all_of(old, new)))),
        }
    }
    first
}

fn types<'a>(one: &Node<'a>, other: &Node<'a>) -> Result<Node<'a>, &'static str> {
    let list = |node: &Node<'a>| match node {
        Node::Array(names) => names.clone(),
        one => vec![one.clone()],
    };
    let (one, other) = (list(one), list(other));
    let allows = |all: &[Node<'a>], name: &Node<'a>| {
        all.contains(name)
            || (name.as_str() == Some("integer")
                && all.iter().any(|known| known.as_str() == Some("number")))
    };
    let mut common: Vec<Node<'a>> = Vec::new();
    for name in one.iter().chain(&other) {
        if allows(&one, name) && allows(&other, name) && !common.contains(name) {
            common.push(name.clone());
        }
    }
    match common.pop() {
        None => Err("combines types that exclude one another"),
        Some(only) if common.is_empty() => Ok(only),
        Some(last) => {
            common.push(last);
            Ok(Node::Array(common))
        }
    }
}

/// Of two bounds the narrower.
fn narrower(key: &str, old: &Number, new: &Number) -> Option<Number> {
    let (a, b) = (old.as_f64()?, new.as_f64()?);
    let least = matches!(
        key,
        "minimum" | "exclusiveMinimum" | "minLength" | "minItems" | "minProperties"
    );
    let most = matches!(
        key,
        "maximum" | "exclusiveMaximum" | "maxLength" | "maxItems" | "maxProperties"
    );
    match (least, most) {
        (true, _) => Some(if a >= b { old } else { new }.clone()),
        (_, true) => Some(if a <= b { old } else { new }.clone()),
        (false, false) => None,
    }
}
