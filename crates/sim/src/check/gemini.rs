//! The Gemini API: its fields in both spellings, its turns, its function declarations, its signatures.

mod shapes;
mod signatures;
mod turns;

use serde_json::Value;

use super::{
    items,
    schema::gemini_faults,
    shape::{Finding, Naming, Shape, Step, What, findings, snake_case},
    text,
};
use crate::ask::{BadRequest, at};

pub use shapes::ASSIST_REQUEST;
pub use signatures::Rules;

/// The names of functions are at most this long.
const NAME_LENGTH: usize = 64;

/// `…:generateContent` and `…:streamGenerateContent`.
pub fn generate(body: &Value, model: &str) -> Result<(), BadRequest> {
    fits(&shapes::GENERATE, body)?;
    sense(body, Rules::of_gemini(model))
}

/// `…:countTokens`.
pub fn count_tokens(body: &Value) -> Result<(), BadRequest> {
    fits(&shapes::COUNT_TOKENS, body)
}

/// What the fields mean together.
pub fn sense(body: &Value, rules: Rules<'_>) -> Result<(), BadRequest> {
    if items(&body["contents"]).is_empty() {
        return refuse("* GenerateContentRequest.contents: contents is not specified\n");
    }
    config(body, rules)?;
    tools(body)?;
    turns::check(items(&body["contents"]))?;
    signatures::check(items(&body["contents"]), rules)
}

fn refuse<T>(message: impl Into<String>) -> Result<T, BadRequest> {
    Err(BadRequest::saying(message))
}

/// The fields of a body; every one that does not fit is named.
pub fn fits(shape: &'static Shape, body: &Value) -> Result<(), BadRequest> {
    let found = findings(shape, body, Naming::Proto);
    if found.is_empty() {
        return Ok(());
    }
    let violations: Vec<(String, String)> = found
        .iter()
        .map(|finding| (path(&finding.at), say(finding)))
        .collect();
    let all: Vec<&str> = violations.iter().map(|(_, said)| said.as_str()).collect();
    Err(BadRequest {
        message: all.join("\n"),
        violations,
        ..BadRequest::default()
    })
}

fn say(finding: &Finding) -> String {
    let place = path(&finding.at);
    let unknown = |key: &str, place: &str, why: &str| {
        let place = if place.is_empty() {
            String::new()
        } else {
            format!(" at '{place}'")
        };
        format!("Invalid JSON payload received. Unknown name \"{key}\"{place}: {why}")
    };
    match &finding.what {
        What::Unknown(key) => unknown(key, &place, "Cannot find field."),
        What::Missing(key) | What::NoTag(key) | What::BadTag(key, ..) => {
            format!("* {}: must be set", path_below(&place, key))
        }
        What::Kind(shape, Value::Array(_)) if !matches!(shape, Shape::List(_)) => {
            let (last, before) = match finding.at.split_last() {
                Some((Step::Key(key), before)) => (key.as_str(), before),
                _ => ("", finding.at.as_slice()),
            };
            unknown(
                last,
                &path(before),
                "Proto field is not repeating, cannot start list.",
            )
        }
        What::Kind(shape, found) => {
            format!("Invalid value at '{place}' ({}), {found}", kind(shape))
        }
        What::Word(_, found) => {
            format!("Invalid value at '{place}' (TYPE_ENUM), \"{found}\"")
        }
    }
}

fn path_below(place: &str, key: &str) -> String {
    if place.is_empty() {
        snake_case(key)
    } else {
        format!("{place}.{}", snake_case(key))
    }
}

fn kind(shape: &Shape) -> &'static str {
    match shape {
        Shape::Flag => "TYPE_BOOL",
        Shape::Whole => "TYPE_INT32",
        Shape::Number => "TYPE_DOUBLE",
        Shape::Text | Shape::TextOr(_) | Shape::Any => "TYPE_STRING",
        Shape::Word(_) => "TYPE_ENUM",
        Shape::Map(_) => "type.googleapis.com/google.protobuf.Struct",
        Shape::List(_) | Shape::Of(_) | Shape::Object(_) | Shape::Tagged(..) => "TYPE_MESSAGE",
    }
}

/// A place in the names that the protocol buffer has; entries of maps are counted.
fn path(at: &[Step]) -> String {
    at.iter().fold(String::new(), |mut done, step| {
        match step {
            Step::Key(key) => {
                if !done.is_empty() {
                    done.push('.');
                }
                done.push_str(&snake_case(key));
            }
            Step::Index(index) => done.push_str(&format!("[{index}]")),
            Step::Entry(index, _) => done.push_str(&format!("[{index}].value")),
            Step::Tag(_) => {}
        }
        done
    })
}

fn config(body: &Value, rules: Rules<'_>) -> Result<(), BadRequest> {
    let config = at(body, &["generationConfig"]);
    for (name, least, most) in [
        ("temperature", 0.0, 2.0),
        ("topP", 0.0, 1.0),
        ("maxOutputTokens", 1.0, f64::MAX),
        ("candidateCount", 1.0, 8.0),
    ] {
        let out = at(config, &[name])
            .as_f64()
            .is_some_and(|number| number < least || number > most);
        if out {
            return refuse(format!(
                "* GenerateContentRequest.generation_config.{}: value is out of its range\n",
                snake_case(name)
            ));
        }
    }
    let sequences = items(at(config, &["stopSequences"]));
    if sequences.len() > 5 {
        return refuse(
            "* GenerateContentRequest.generation_config.stop_sequences: the number of stop sequences must not exceed 5.\n",
        );
    }
    if sequences.iter().any(|sequence| text(sequence).is_empty()) {
        return refuse(
            "* GenerateContentRequest.generation_config.stop_sequences: must not contain an empty string.\n",
        );
    }
    let thinking = at(config, &["thinkingConfig"]);
    let (budget, level) = (
        at(thinking, &["thinkingBudget"]),
        at(thinking, &["thinkingLevel"]),
    );
    if !budget.is_null() && !level.is_null() {
        return refuse("You can only set only one of thinking budget and thinking level.");
    }
    if !level.is_null() && rules.model.contains("gemini-2") {
        return refuse("Thinking level is not supported for this model.");
    }
    let schema = at(config, &["responseSchema"]);
    let json = *at(config, &["responseMimeType"]) == "application/json";
    let mut faults = Vec::new();
    gemini_faults(
        "GenerateContentRequest.generation_config.response_schema",
        schema,
        &mut faults,
    );
    all(&faults)?;
    let any_schema = !schema.is_null() || !at(config, &["responseJsonSchema"]).is_null();
    if any_schema && !json && *at(config, &["responseMimeType"]) != "text/x.enum" {
        return refuse(
            "* GenerateContentRequest.generation_config.response_mime_type: must be application/json or text/x.enum when a response schema is set\n",
        );
    }
    let calls = items(&body["tools"])
        .iter()
        .any(|tool| at(tool, &["functionDeclarations"]).is_array());
    if json && calls && rules.model.contains("gemini-2") {
        return refuse(
            "Function calling with a response mime type: 'application/json' is unsupported",
        );
    }
    Ok(())
}

fn all(faults: &[String]) -> Result<(), BadRequest> {
    if faults.is_empty() {
        return Ok(());
    }
    let lines: Vec<String> = faults.iter().map(|fault| format!("* {fault}\n")).collect();
    refuse(lines.concat())
}

fn tools(body: &Value) -> Result<(), BadRequest> {
    let (mut names, mut faults): (Vec<&str>, Vec<String>) = Default::default();
    for (index, tool) in items(&body["tools"]).iter().enumerate() {
        for (place, function) in items(at(tool, &["functionDeclarations"]))
            .iter()
            .enumerate()
        {
            let place =
                format!("GenerateContentRequest.tools[{index}].function_declarations[{place}]");
            let name = text(&function["name"]);
            if !is_name(name) {
                faults.push(format!(
                    "{place}.name: Invalid function name. Must start with a letter or an underscore. Must be alphanumeric (a-z, A-Z, 0-9), underscores (_), dots (.), colons (:), or dashes (-), with a maximum length of {NAME_LENGTH}."
                ));
            }
            if names.contains(&name) {
                return refuse(format!("Duplicate function declaration found: {name}"));
            }
            names.push(name);
            let other = at(function, &["parametersJsonSchema"]);
            if !function["parameters"].is_null() && !other.is_null() {
                return refuse(format!(
                    "* {place}: parameters and parameters_json_schema are mutually exclusive\n"
                ));
            }
            gemini_faults(
                &format!("{place}.parameters"),
                &function["parameters"],
                &mut faults,
            );
        }
    }
    all(&faults)?;
    let calling = at(body, &["toolConfig", "functionCallingConfig"]);
    let mode = text(&calling["mode"]).to_uppercase();
    let allowed = items(at(calling, &["allowedFunctionNames"]));
    if !allowed.is_empty() && !matches!(mode.as_str(), "ANY" | "VALIDATED") {
        return refuse(
            "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: only allowed when the mode is ANY or VALIDATED\n",
        );
    }
    if mode == "ANY" && names.is_empty() {
        return refuse("Function calling config is set without function_declarations.");
    }
    match allowed.iter().find(|name| !names.contains(&text(name))) {
        None => Ok(()),
        Some(name) => refuse(format!(
            "* GenerateContentRequest.tool_config.function_calling_config.allowed_function_names: {} is not declared\n",
            text(name)
        )),
    }
}

fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|letter: char| letter.is_ascii_alphabetic() || letter == '_');
    starts
        && name.len() <= NAME_LENGTH
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b':' | b'-'))
}
