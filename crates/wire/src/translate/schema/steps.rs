//! The steps that bring a schema into Google's subset.
//!
//! Promises: what comes out is what [`super::accepted`] takes; a part that is taken already stays as it is.
//! No step forbids what was allowed before, but one: where anything was allowed, an array in its place is
//! one of texts, for Google has no word for anything.
//!
//! Must not know: what a schema describes.

use serde_json::Number;

use super::{
    Inexpressible, accepted,
    combine::combine,
    tree::{Members, Node},
};

/// A schema that grows beyond so many values while what it refers to is put in is no longer one that a
/// model could read.
const MAX_SIZE: usize = 10_000;

/// Deeper, and what comes out could not be read again: serde_json stops at 128.
const MAX_DEPTH: usize = 96;

/// Cleans the schema of a function's parameters.
pub(super) fn root<'a>(root: &Node<'a>) -> Result<Node<'a>, Inexpressible> {
    let mut steps = Steps {
        root,
        following: Vec::new(),
        path: Vec::new(),
        left: MAX_SIZE.max(root.size()),
    };
    let cleaned = steps.schema(root.clone(), true)?;
    if accepted::root(&cleaned) {
        Ok(cleaned)
    } else {
        Err(steps.err("is not the schema of an object, and parameters are one"))
    }
}

struct Steps<'r, 'a> {
    root: &'r Node<'a>,
    /// What is being put in: a reference to one of these would never end.
    following: Vec<String>,
    path: Vec<String>,
    /// How many values may still come.
    left: usize,
}

type Result<T, E = Inexpressible> = std::result::Result<T, E>;

impl<'a> Steps<'_, 'a> {
    fn err(&self, why: &'static str) -> Inexpressible {
        Inexpressible {
            path: self.path.join("."),
            why,
        }
    }

    /// Does something inside a part of the schema.
    fn inside<T>(
        &mut self,
        names: &[&str],
        work: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let depth = self.path.len();
        self.path
            .extend(names.iter().map(|name| (*name).to_owned()));
        if self.path.len() > MAX_DEPTH {
            return Err(self.err("is too deep"));
        }
        let done = work(self)?;
        self.path.truncate(depth);
        Ok(done)
    }

    fn schema(&mut self, node: Node<'a>, is_root: bool) -> Result<Node<'a>> {
        let taken = if is_root {
            accepted::root(&node)
        } else {
            accepted::schema(&node)
        };
        if taken {
            return Ok(node);
        }
        let members = match node {
            Node::Bool(true) => Members::default(),
            Node::Bool(false) => return Err(self.err("allows nothing")),
            Node::Object(members) => members,
            _ => return Err(self.err("is no schema")),
        };
        let outside = self.following.len();
        let mut members = self.flat(members)?;
        self.branches(&mut members)?;
        let cleaned = self.typed(members, is_root)?;
        self.following.truncate(outside);
        Ok(Node::Object(cleaned))
    }

    /// Puts in what is referred to, and makes one of `allOf`.
    fn flat(&mut self, mut members: Members<'a>) -> Result<Members<'a>> {
        while let Some(reference) = members.take("$ref") {
            let Some(pointer) = reference.as_str() else {
                return Err(self.err("refers to something by no name"));
            };
            if self.following.iter().any(|known| known == pointer) {
                return Err(self.err("contains itself"));
            }
            let Some(found) = self.find(pointer) else {
                return Err(self.err("refers to something that is not there"));
            };
            self.spend(found.size())?;
            self.following.push(pointer.to_owned());
            match found {
                Node::Object(found) => combine(&mut members, found).map_err(|why| self.err(why))?,
                Node::Bool(true) => {}
                _ => return Err(self.err("refers to what is no schema, or allows nothing")),
            }
        }
        if let Some(Node::Array(all)) = members.take("allOf") {
            for (place, one) in all.into_iter().enumerate() {
                match one {
                    Node::Bool(true) => {}
                    Node::Object(one) => {
                        let one =
                            self.inside(&["allOf", &place.to_string()], |steps| steps.flat(one))?;
                        combine(&mut members, one).map_err(|why| self.err(why))?;
                    }
                    _ => return Err(self.err("allows nothing")),
                }
            }
        }
        Ok(members)
    }

    fn spend(&mut self, size: usize) -> Result<()> {
        match self.left.checked_sub(size) {
            Some(left) => {
                self.left = left;
                Ok(())
            }
            None => Err(self.err("grows too large once what it refers to is put in")),
        }
    }

    /// What a JSON pointer into the schema points to.
    fn find(&self, pointer: &str) -> Option<Node<'a>> {
        let mut at = self.root;
        let steps = pointer.strip_prefix('#')?;
        if steps.is_empty() {
            return Some(at.clone());
        }
        for step in steps.strip_prefix('/')?.split('/') {
            let name = step.replace("~1", "/").replace("~0", "~");
            at = match at {
                Node::Object(members) => members.get(&name)?,
                Node::Array(items) => items.get(name.parse::<usize>().ok()?)?,
                _ => return None,
            };
        }
        Some(at.clone())
    }

    /// `anyOf` and `oneOf`. A branch that is `null` becomes `nullable`; one branch alone is no choice.
    fn branches(&mut self, members: &mut Members<'a>) -> Result<()> {
        let one_of = members.take("oneOf");
        let Some(Node::Array(all)) = members.take("anyOf").or(one_of) else {
            return Ok(());
        };
        let mut nullable = false;
        let mut kept = Vec::with_capacity(all.len());
        for (place, branch) in all.into_iter().enumerate() {
            if is_null(&branch) {
                nullable = true;
            } else if is_anything(&branch) {
                // Whatever the others say, anything goes.
                return Ok(());
            } else if branch != Node::Bool(false) {
                let place = place.to_string();
                let cleaned =
                    self.inside(&["anyOf", &place], |steps| steps.schema(branch, false))?;
                kept.push(cleaned);
            }
        }
        match (kept.pop(), kept.is_empty()) {
            (None, _) if nullable => members.set("type", Node::text("null")),
            (None, _) => return Err(self.err("allows nothing")),
            (Some(Node::Object(only)), true) => {
                combine(members, only).map_err(|why| self.err(why))?;
            }
            (Some(last), _) => {
                kept.push(last);
                members.set("anyOf", Node::Array(kept));
            }
        }
        if nullable && members.get("type").and_then(Node::as_str) != Some("null") {
            members.set("nullable", Node::Bool(true));
        }
        Ok(())
    }

    /// Gives a schema one type, and what belongs to it.
    fn typed(&mut self, mut members: Members<'a>, is_root: bool) -> Result<Members<'a>> {
        self.spend(1)?;
        let mut types = self.types(&mut members)?;
        if let Some(value) = members.take("const") {
            members.set("enum", Node::Array(vec![value]));
        }
        self.choices(&mut members, &mut types)?;
        if types.is_empty() {
            types.extend(implied(&members));
        }
        if types.is_empty() && is_root {
            types.push("object");
        }
        match types.as_slice() {
            [] if members.has("anyOf") => {}
            [] => {
                members.set("anyOf", Node::Array(anything()));
                members.set("nullable", Node::Bool(true));
            }
            [one] => members.set("type", Node::text(one)),
            // Its branches say of which type each is.
            _ if members.has("anyOf") => {}
            several => {
                let split = several.iter().map(|name| split(&mut members, name));
                let split: Vec<Members<'a>> = split.collect();
                let mut branches = Vec::with_capacity(split.len());
                for branch in split {
                    branches.push(Node::Object(self.finished(branch)?));
                }
                members.set("anyOf", Node::Array(branches));
            }
        }
        self.finished(members)
    }

    /// The types that are named, without `null`, which becomes `nullable` beside another.
    fn types(&mut self, members: &mut Members<'a>) -> Result<Vec<&'static str>> {
        let named = match members.take("type") {
            None => return Ok(Vec::new()),
            Some(Node::Array(named)) => named,
            Some(one) => vec![one],
        };
        let mut types = Vec::with_capacity(named.len());
        for name in &named {
            let known = accepted::TYPES
                .iter()
                .find(|known| name.as_str().is_some_and(|s| s.eq_ignore_ascii_case(known)));
            match known {
                Some(known) if !types.contains(known) => types.push(*known),
                Some(_) => {}
                None => return Err(self.err("is of a type that JSON does not know")),
            }
        }
        if types.len() > 1 && types.contains(&"null") {
            types.retain(|name| *name != "null");
            members.set("nullable", Node::Bool(true));
        }
        if types.is_empty() {
            return Err(self.err("is of no type"));
        }
        Ok(types)
    }

    /// `enum`, of which Google takes texts.
    fn choices(&mut self, members: &mut Members<'a>, types: &mut Vec<&'static str>) -> Result<()> {
        let Some(Node::Array(mut all)) = members.take("enum") else {
            return Ok(());
        };
        if all.is_empty() {
            return Err(self.err("allows nothing"));
        }
        let before = all.len();
        all.retain(|one| *one != Node::Null);
        if all.is_empty() {
            *types = vec!["null"];
            return Ok(());
        }
        if all.len() < before {
            members.set("nullable", Node::Bool(true));
        }
        if types.is_empty() {
            for one in &all {
                let name = type_of(one);
                if !types.contains(&name) {
                    types.push(name);
                }
            }
            if types.contains(&"number") {
                types.retain(|name| *name != "integer");
            }
        }
        let numbers: Option<Vec<f64>> = all.iter().map(Node::as_number).collect();
        if all.iter().all(|one| one.as_str().is_some()) && types.contains(&"string") {
            *types = vec!["string"];
            members.set("enum", Node::Array(all));
        } else if let Some(numbers) = numbers {
            let least = numbers.iter().copied().fold(f64::INFINITY, f64::min);
            let most = numbers.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            types.retain(|name| matches!(*name, "number" | "integer"));
            if types.is_empty() {
                return Err(self.err("allows nothing"));
            }
            narrow(members, "minimum", least);
            narrow(members, "maximum", most);
        }
        Ok(())
    }

    /// What is inside, and what Google has no word for.
    fn finished(&mut self, mut members: Members<'a>) -> Result<Members<'a>> {
        let is = |members: &Members<'a>, name: &str| {
            members.get("type").and_then(Node::as_str) == Some(name)
        };
        let whole = is(&members, "integer");
        for (from, to, step) in [
            ("exclusiveMinimum", "minimum", 1.0),
            ("exclusiveMaximum", "maximum", -1.0),
        ] {
            let bound = members.take(from).and_then(|bound| bound.as_number());
            if let Some(bound) = bound {
                let next = if whole && bound.fract() == 0.0 {
                    bound + step
                } else {
                    bound
                };
                narrow(&mut members, to, next);
            }
        }
        if is(&members, "array") || members.has("items") {
            let items = self.items(&mut members)?;
            members.set("items", items);
        }
        if let Some(Node::Object(properties)) = members.take("properties") {
            let mut cleaned = Members::default();
            for (name, property) in properties.0 {
                // A property that must not be there need not be named: more is allowed without it.
                if property == Node::Bool(false) {
                    continue;
                }
                let inside = self.inside(&["properties", &name], |steps| {
                    steps.schema(property, false)
                })?;
                cleaned.0.push((name, inside));
            }
            members.0.push(("properties".into(), Node::Object(cleaned)));
        }
        for key in ["required", "propertyOrdering"] {
            if let Some(Node::Array(mut names)) = members.take(key) {
                let properties = members.get("properties").and_then(Node::as_object);
                names.retain(|name| match (name.as_str(), properties) {
                    (Some(name), Some(properties)) => properties.has(name),
                    _ => false,
                });
                if !names.is_empty() {
                    members.set(key, Node::Array(names));
                }
            }
        }
        let kept: Vec<bool> = members
            .0
            .iter()
            .map(|(key, value)| accepted::keyword(key, value, &members))
            .collect();
        let mut kept = kept.into_iter();
        members.0.retain(|_| kept.next() == Some(true));
        Ok(members)
    }

    /// The elements of an array. Those of a tuple may stand anywhere.
    fn items(&mut self, members: &mut Members<'a>) -> Result<Node<'a>> {
        let mut elements = Vec::new();
        let mut rest = members.take("items");
        let prefix = members.take("prefixItems");
        let more = members.take("additionalItems");
        if let Some(Node::Array(tuple)) = prefix {
            elements = tuple;
        } else if let Some(Node::Array(tuple)) = rest {
            elements = tuple;
            rest = more;
        }
        match rest {
            Some(Node::Bool(false)) if elements.is_empty() => {
                narrow(members, "maxItems", 0.0);
            }
            Some(Node::Bool(false)) => {}
            Some(Node::Bool(true)) | None => elements.clear(),
            Some(rest) => elements.push(rest),
        }
        if elements.iter().any(is_anything) {
            elements.clear();
        }
        self.inside(&["items"], |steps| {
            if elements.is_empty() {
                return steps.schema(Node::Bool(true), false);
            }
            let mut choice = Members::default();
            match (elements.pop(), elements.is_empty()) {
                (Some(only), true) => return steps.schema(only, false),
                (last, _) => elements.extend(last),
            }
            choice.set("anyOf", Node::Array(elements));
            steps.schema(Node::Object(choice), false)
        })
    }
}

fn is_null(schema: &Node<'_>) -> bool {
    let Some(members) = schema.as_object() else {
        return false;
    };
    let only_null = |value: &Node<'_>| value.as_array() == Some(&[Node::Null]);
    members.get("type").and_then(Node::as_str) == Some("null")
        || members.get("const") == Some(&Node::Null)
        || members.get("enum").is_some_and(only_null)
}

fn is_anything(schema: &Node<'_>) -> bool {
    match schema {
        Node::Bool(allowed) => *allowed,
        Node::Object(members) => members.0.is_empty(),
        _ => false,
    }
}

/// What may be anything may be of any type. Google refuses a schema without one.
fn anything<'a>() -> Vec<Node<'a>> {
    let of = |name: &'static str| {
        let mut members = Members::default();
        members.set("type", Node::text(name));
        members
    };
    let mut array = of("array");
    array.set("items", Node::Object(of("string")));
    ["string", "number", "boolean", "object"]
        .into_iter()
        .map(of)
        .chain([array])
        .map(Node::Object)
        .collect()
}

fn type_of(value: &Node<'_>) -> &'static str {
    match value {
        Node::Null => "null",
        Node::Bool(_) => "boolean",
        Node::Number(number) if number.is_f64() => "number",
        Node::Number(_) => "integer",
        Node::String(_) => "string",
        Node::Array(_) => "array",
        Node::Object(_) => "object",
    }
}

/// Keywords that belong to a type, so that they tell of it. `exclusiveMinimum` and the like are gone when
/// types are split, those of numbers excepted.
const BELONGS: &[(&str, &[&str])] = &[
    (
        "object",
        &[
            "properties",
            "required",
            "additionalProperties",
            "patternProperties",
            "minProperties",
            "maxProperties",
            "propertyOrdering",
        ],
    ),
    (
        "array",
        &[
            "items",
            "prefixItems",
            "additionalItems",
            "minItems",
            "maxItems",
            "uniqueItems",
            "contains",
        ],
    ),
    (
        "string",
        &["minLength", "maxLength", "pattern", "format", "enum"],
    ),
    (
        "number",
        &[
            "minimum",
            "maximum",
            "exclusiveMinimum",
            "exclusiveMaximum",
            "multipleOf",
        ],
    ),
];

/// The type that a schema tells of without naming it.
fn implied(members: &Members<'_>) -> Option<&'static str> {
    if members.has("anyOf") {
        return None;
    }
    BELONGS
        .iter()
        .find(|(_, keys)| keys.iter().any(|key| members.has(key)))
        .map(|(name, _)| *name)
}

/// Takes what belongs to one type out of a schema of several.
fn split<'a>(members: &mut Members<'a>, name: &'static str) -> Members<'a> {
    let mut branch = Members::default();
    branch.set("type", Node::text(name));
    let family = if name == "integer" { "number" } else { name };
    let keys = BELONGS.iter().find(|(known, _)| *known == family);
    for key in keys.map_or(&[][..], |(_, keys)| keys) {
        if let Some(value) = members.take(key) {
            branch.set(*key, value);
        }
    }
    branch
}

/// Sets a bound, or keeps one that is there and narrower.
fn narrow(members: &mut Members<'_>, key: &'static str, bound: f64) {
    let bound = match members.get(key).and_then(Node::as_number) {
        Some(old) if key.starts_with("min") => old.max(bound),
        Some(old) => old.min(bound),
        None => bound,
    };
    if let Some(number) = number(bound) {
        members.set(key, Node::Number(number));
    }
}

/// A number, written without a fraction where it has none.
fn number(value: f64) -> Option<Number> {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        format!("{value:.0}").parse::<i64>().ok().map(Number::from)
    } else {
        Number::from_f64(value)
    }
}
