//! Schemas of tools: what is no JSON Schema, and what of one Gemini takes.

use serde_json::Value;

use super::{items, text};

const TYPES: &[&str] = &[
    "array", "boolean", "integer", "null", "number", "object", "string",
];

/// Keys that hold one schema, a map of schemas, and a list of schemas.
const ONE: &[&str] = &["items", "additionalProperties", "not"];
const NAMED: &[&str] = &["properties", "$defs", "definitions", "patternProperties"];
const SEVERAL: &[&str] = &["anyOf", "oneOf", "allOf", "prefixItems"];

/// Why this is no JSON Schema, as OpenAI words it.
pub fn json_schema_fault(schema: &Value) -> Option<String> {
    fault_at(schema, &mut Vec::new())
}

fn fault_at(schema: &Value, context: &mut Vec<String>) -> Option<String> {
    let object = match schema {
        Value::Bool(_) => return None,
        Value::Object(object) => object,
        other => {
            return Some(format!(
                "In context={}, {other} is not of type 'object', 'boolean'.",
                shown(context)
            ));
        }
    };
    let kinds = match object.get("type") {
        Some(Value::Array(several)) => several.as_slice(),
        Some(one) => std::slice::from_ref(one),
        None => &[],
    };
    if let Some(kind) = kinds.iter().find(|kind| !TYPES.contains(&text(kind))) {
        return Some(format!(
            "In context={}, '{}' is not valid under any of the given schemas.",
            shown(context),
            text(kind)
        ));
    }
    if object
        .get("required")
        .is_some_and(|required| !required.is_array())
    {
        return Some(format!(
            "In context={}, 'required' is not of type 'array'.",
            shown(context)
        ));
    }
    for (key, inner) in object {
        let key = key.as_str();
        let children: Vec<(Option<&String>, &Value)> = if ONE.contains(&key) {
            vec![(None, inner)]
        } else if NAMED.contains(&key) {
            let Some(named) = inner.as_object() else {
                return Some(format!(
                    "In context={}, '{key}' is not of type 'object'.",
                    shown(context)
                ));
            };
            named
                .iter()
                .map(|(name, inner)| (Some(name), inner))
                .collect()
        } else if SEVERAL.contains(&key) {
            items(inner).iter().map(|inner| (None, inner)).collect()
        } else {
            continue;
        };
        let depth = context.len();
        for (name, inner) in children {
            context.push(key.to_owned());
            context.extend(name.cloned());
            if let Some(fault) = fault_at(inner, context) {
                return Some(fault);
            }
            context.truncate(depth);
        }
    }
    None
}

/// An array whose elements are not described, which OpenAI does not take.
pub fn array_without_items(schema: &Value) -> Option<String> {
    array_at(schema, &mut Vec::new())
}

fn array_at(schema: &Value, context: &mut Vec<String>) -> Option<String> {
    if schema["type"] == "array"
        && schema.get("items").is_none()
        && schema.get("prefixItems").is_none()
    {
        return Some(format!(
            "In context={}, array schema missing items.",
            shown(context)
        ));
    }
    let depth = context.len();
    let properties = schema["properties"].as_object().into_iter().flatten();
    for (name, inner) in properties {
        context.extend(["properties".to_owned(), name.clone()]);
        if let Some(fault) = array_at(inner, context) {
            return Some(fault);
        }
        context.truncate(depth);
    }
    context.push("items".to_owned());
    let found = schema
        .get("items")
        .and_then(|inner| array_at(inner, context));
    context.truncate(depth);
    found
}

/// A place in a schema as OpenAI writes it: a Python tuple.
fn shown(context: &[String]) -> String {
    let quoted: Vec<String> = context.iter().map(|step| format!("'{step}'")).collect();
    match quoted.as_slice() {
        [one] => format!("({one},)"),
        several => format!("({})", several.join(", ")),
    }
}

/// What of a schema Gemini takes by its fields but not by its sense: place (from `at`) and complaint.
pub fn gemini_faults(at: &str, schema: &Value, faults: &mut Vec<String>) {
    let Some(object) = schema.as_object() else {
        return;
    };
    let get = |name: &str| {
        object
            .get(name)
            .or_else(|| object.get(&super::shape::snake_case(name)))
            .unwrap_or(&Value::Null)
    };
    let kind = text(get("type")).to_uppercase();
    let mut fault = |field: &str, what: &str| faults.push(format!("{at}.{field}: {what}"));
    let properties = get("properties").as_object();
    let has_properties = properties.is_some_and(|properties| !properties.is_empty());
    let alternatives = items(get("anyOf"));
    match kind.as_str() {
        "OBJECT" if !has_properties && alternatives.is_empty() => {
            fault("properties", "should be non-empty for OBJECT type");
        }
        "OBJECT" => {}
        _ => {
            for name in ["properties", "required"] {
                if !get(name).is_null() {
                    fault(name, "only allowed for OBJECT type");
                }
            }
        }
    }
    match (kind.as_str(), get("items")) {
        ("ARRAY", Value::Null) => fault("items", "missing field."),
        ("ARRAY", _) | (_, Value::Null) => {}
        _ => fault("items", "only allowed for ARRAY type"),
    }
    if kind != "STRING" && !get("enum").is_null() {
        fault("enum", "only allowed for STRING type");
    }
    if items(get("enum"))
        .iter()
        .any(|value| text(value).is_empty())
    {
        fault("enum", "cannot be empty");
    }
    let format = text(get("format"));
    match kind.as_str() {
        "STRING" if !matches!(format, "" | "enum" | "date-time") => fault(
            "format",
            "only 'enum' and 'date-time' are supported for STRING type",
        ),
        "INTEGER" if !matches!(format, "" | "int32" | "int64") => fault(
            "format",
            "only 'int32' and 'int64' are supported for INTEGER type",
        ),
        "NUMBER" if !matches!(format, "" | "float" | "double") => fault(
            "format",
            "only 'float' and 'double' are supported for NUMBER type",
        ),
        _ => {}
    }
    for (index, name) in items(get("required")).iter().enumerate() {
        let known = properties.is_some_and(|properties| properties.contains_key(text(name)));
        if kind == "OBJECT" && !known {
            fault(&format!("required[{index}]"), "property is not defined");
        }
    }
    for (name, inner) in properties.into_iter().flatten() {
        gemini_faults(&format!("{at}.properties[{name}]"), inner, faults);
    }
    gemini_faults(&format!("{at}.items"), get("items"), faults);
    for (index, inner) in alternatives.iter().enumerate() {
        gemini_faults(&format!("{at}.any_of[{index}]"), inner, faults);
    }
}

#[cfg(test)]
mod tests {
    use super::{array_without_items, gemini_faults, json_schema_fault};
    use serde_json::json;

    #[test]
    fn what_is_no_json_schema_is_named_with_its_place() {
        let upper = json!({ "type": "object", "properties": { "city": { "type": "STRING" } } });
        assert_eq!(
            json_schema_fault(&upper).as_deref(),
            Some(
                "In context=('properties', 'city'), 'STRING' is not valid under any of the given schemas."
            )
        );
        let list = json!({ "type": "object", "properties": { "tags": { "type": "array" } } });
        assert_eq!(json_schema_fault(&list), None);
        assert_eq!(
            array_without_items(&list).as_deref(),
            Some("In context=('properties', 'tags'), array schema missing items.")
        );
    }

    #[test]
    fn gemini_names_each_part_of_a_schema_that_it_does_not_take() {
        for (schema, complaint) in [
            (
                json!({ "type": "OBJECT" }),
                "p.properties: should be non-empty for OBJECT type",
            ),
            (json!({ "type": "ARRAY" }), "p.items: missing field."),
            (
                json!({ "type": "STRING", "format": "uri" }),
                "p.format: only 'enum' and 'date-time' are supported for STRING type",
            ),
            (
                json!({ "type": "INTEGER", "enum": ["1"] }),
                "p.enum: only allowed for STRING type",
            ),
            (
                json!({ "type": "OBJECT", "properties": { "a": { "type": "STRING" } }, "required": ["b"] }),
                "p.required[0]: property is not defined",
            ),
            (
                json!({ "type": "OBJECT", "properties": { "a": { "type": "STRING", "required": ["b"] } } }),
                "p.properties[a].required: only allowed for OBJECT type",
            ),
        ] {
            let mut faults = Vec::new();
            gemini_faults("p", &schema, &mut faults);
            assert_eq!(faults, [complaint], "{schema}");
        }
    }
}
