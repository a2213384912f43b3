//! How OpenAI words a refusal, for both of its APIs, and what both check the same way.

use serde_json::Value;

use super::{
    items,
    schema::{array_without_items, json_schema_fault},
    shape::{Finding, Naming, Shape, Step, What, findings},
    text,
};
use crate::ask::BadRequest;

/// The most letters of a tool's name.
const NAME_LENGTH: usize = 64;

/// A refusal with its `param` and `code`.
pub fn refuse<T>(
    param: impl Into<Option<String>>,
    code: &'static str,
    message: impl Into<String>,
) -> Result<T, BadRequest> {
    Err(BadRequest {
        param: param.into(),
        code: (!code.is_empty()).then_some(code),
        ..BadRequest::saying(message)
    })
}

/// The fields of a body.
pub fn fits(shape: &'static Shape, body: &Value) -> Result<(), BadRequest> {
    match findings(shape, body, Naming::Exact).first() {
        None => Ok(()),
        Some(finding) => say(finding),
    }
}

fn say(finding: &Finding) -> Result<(), BadRequest> {
    let at = path(&finding.at);
    let below = |key: &str| {
        if at.is_empty() {
            key.to_owned()
        } else {
            format!("{at}.{key}")
        }
    };
    match &finding.what {
        What::Unknown(key) => {
            let at = below(key);
            let message = format!("Unknown parameter: '{at}'.");
            refuse(at, "unknown_parameter", message)
        }
        What::Missing(key) | What::NoTag(key) => {
            let at = below(key);
            let message = format!("Missing required parameter: '{at}'.");
            refuse(at, "missing_required_parameter", message)
        }
        What::Kind(shape, found) => {
            let message = format!(
                "Invalid type for '{at}': expected {}, but got {} instead.",
                expected(shape),
                kind(found)
            );
            refuse(at, "invalid_type", message)
        }
        What::Word(allowed, found) => invalid_value(at, found, allowed),
        What::BadTag(key, found, known) => invalid_value(below(key), found, known),
    }
}

/// A value that is none of the supported ones.
pub fn invalid_value(at: String, found: &str, allowed: &[&str]) -> Result<(), BadRequest> {
    let quoted: Vec<String> = allowed.iter().map(|word| format!("'{word}'")).collect();
    let list = match quoted.split_last() {
        Some((last, [one])) => format!("{one} and {last}"),
        Some((last, rest)) if !rest.is_empty() => format!("{}, and {last}", rest.join(", ")),
        _ => quoted.concat(),
    };
    let message = format!("Invalid value: '{found}'. Supported values are: {list}.");
    refuse(at, "invalid_value", message)
}

fn expected(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text | Shape::Word(_) | Shape::Any => "a string",
        Shape::TextOr(_) => "one of a string or array of objects",
        Shape::Flag => "a boolean",
        Shape::Whole => "an integer",
        Shape::Number => "a decimal",
        Shape::List(_) => "an array",
        Shape::Map(_) | Shape::Of(_) | Shape::Object(_) | Shape::Tagged(..) => "an object",
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(number) if number.is_f64() => "a decimal",
        Value::Number(_) => "an integer",
        Value::String(_) => "a string",
        Value::Array(_) => "an array",
        Value::Object(_) => "an object",
    }
}

fn path(at: &[Step]) -> String {
    at.iter().fold(String::new(), |mut done, step| {
        match step {
            Step::Key(key) | Step::Entry(_, key) => {
                if !done.is_empty() {
                    done.push('.');
                }
                done.push_str(key);
            }
            Step::Index(index) => done.push_str(&format!("[{index}]")),
            Step::Tag(_) => {}
        }
        done
    })
}

/// A string that is longer than allowed.
pub fn at_most(at: String, value: &str, most: usize) -> Result<(), BadRequest> {
    let length = value.chars().count();
    if length <= most {
        return Ok(());
    }
    let message = format!(
        "Invalid '{at}': string too long. Expected a string with maximum length {most}, but got a string with length {length} instead."
    );
    refuse(at, "string_above_max_length", message)
}

/// A list that is shorter than one or longer than allowed.
pub fn length(at: &str, value: &Value, most: usize) -> Result<(), BadRequest> {
    let Some(list) = value.as_array() else {
        return Ok(());
    };
    if list.is_empty() {
        let message = format!(
            "Invalid '{at}': empty array. Expected an array with minimum length 1, but got an empty array instead."
        );
        return refuse(at.to_owned(), "empty_array", message);
    }
    if list.len() > most {
        let message = format!(
            "Invalid '{at}': array too long. Expected an array with maximum length {most}, but got an array with length {} instead.",
            list.len()
        );
        return refuse(at.to_owned(), "array_above_max_length", message);
    }
    Ok(())
}

/// A number outside its range.
pub fn within(body: &Value, name: &str, least: f64, most: f64) -> Result<(), BadRequest> {
    let Some(value) = body[name].as_f64() else {
        return Ok(());
    };
    let kind = if body[name].is_f64() {
        "decimal"
    } else {
        "integer"
    };
    if value < least {
        let message = format!(
            "Invalid '{name}': {kind} below minimum value. Expected a value >= {least}, but got {} instead.",
            body[name]
        );
        let code = if kind == "decimal" {
            "decimal_below_min_value"
        } else {
            "integer_below_min_value"
        };
        return refuse(name.to_owned(), code, message);
    }
    if value > most {
        let message = format!(
            "Invalid '{name}': {kind} above maximum value. Expected a value <= {most}, but got {} instead.",
            body[name]
        );
        let code = if kind == "decimal" {
            "decimal_above_max_value"
        } else {
            "integer_above_max_value"
        };
        return refuse(name.to_owned(), code, message);
    }
    Ok(())
}

/// A function's name, at its place.
pub fn function_name(at: String, name: &str) -> Result<(), BadRequest> {
    at_most(at.clone(), name, NAME_LENGTH)?;
    let fits = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
    if fits {
        return Ok(());
    }
    let message = format!(
        "Invalid '{at}': string does not match pattern. Expected a string that matches the pattern '^[a-zA-Z0-9_-]+$'."
    );
    refuse(at, "invalid_value", message)
}

/// A function's schema, at its place.
pub fn function_schema(at: String, function: &Value) -> Result<(), BadRequest> {
    let (name, schema) = (text(&function["name"]), &function["parameters"]);
    if schema.is_null() {
        return Ok(());
    }
    let refuse = |what: String| {
        let message = format!("Invalid schema for function '{name}': {what}");
        refuse(at.clone(), "invalid_function_parameters", message)
    };
    let kind = schema["type"].as_str();
    if kind != Some("object") && !schema.as_object().is_some_and(serde_json::Map::is_empty) {
        let kind = kind.unwrap_or("None");
        return refuse(format!(
            "schema must be a JSON Schema of 'type: \"object\"', got 'type: \"{kind}\"'."
        ));
    }
    if let Some(fault) = json_schema_fault(schema).or_else(|| array_without_items(schema)) {
        return refuse(fault);
    }
    if function["strict"] == true {
        let names = schema["properties"]
            .as_object()
            .into_iter()
            .flat_map(serde_json::Map::keys);
        let required = items(&schema["required"]);
        if schema["additionalProperties"] != false {
            return refuse(
                "In context=(), 'additionalProperties' is required to be supplied and to be false."
                    .to_owned(),
            );
        }
        for name in names {
            if !required.iter().any(|known| known == name) {
                return refuse(format!(
                    "In context=(), 'required' is required to be supplied and to be an array including every key in properties. Missing '{name}'."
                ));
            }
        }
    }
    Ok(())
}

/// What only comes with tools.
pub fn only_with_tools(body: &Value) -> Result<(), BadRequest> {
    if !items(&body["tools"]).is_empty() {
        return Ok(());
    }
    let none = &body["tool_choice"] == "none";
    let needs = match (&body["tool_choice"], &body["parallel_tool_calls"]) {
        (Value::Null, Value::Null) => None,
        (choice, _) if !choice.is_null() && !none => Some("tool_choice"),
        (_, Value::Null) => None,
        _ => Some("parallel_tool_calls"),
    };
    match needs {
        None => Ok(()),
        Some(name) => refuse(
            name.to_owned(),
            "",
            format!(
                "Invalid value for '{name}': '{name}' is only allowed when 'tools' are specified."
            ),
        ),
    }
}

/// `metadata`: at most 16 strings of at most 512 letters under keys of at most 64.
pub fn metadata(body: &Value) -> Result<(), BadRequest> {
    let entries = body["metadata"].as_object();
    for (key, value) in entries.into_iter().flatten() {
        at_most("metadata".to_owned(), key, 64)?;
        let Some(value) = value.as_str() else {
            let message = format!(
                "Invalid type for 'metadata.{key}': expected a string, but got {} instead.",
                kind(value)
            );
            return refuse(format!("metadata.{key}"), "invalid_type", message);
        };
        at_most(format!("metadata.{key}"), value, 512)?;
    }
    if entries.is_some_and(|entries| entries.len() > 16) {
        let message = "Invalid 'metadata': too many properties. Expected an object with at most 16 properties.";
        return refuse(
            "metadata".to_owned(),
            "object_above_max_properties",
            message,
        );
    }
    Ok(())
}

/// Whether a model of this name reasons, and so takes no sampling parameters.
pub fn reasons(model: &str) -> bool {
    let series = ["gpt-5", "o1", "o3", "o4"];
    series.iter().any(|name| model.starts_with(name)) && !model.contains("chat")
}

/// A parameter that this model does not take.
pub fn unsupported(name: &str, instead: &str) -> Result<(), BadRequest> {
    let message =
        format!("Unsupported parameter: '{name}' is not supported with this model.{instead}");
    refuse(name.to_owned(), "unsupported_parameter", message)
}
