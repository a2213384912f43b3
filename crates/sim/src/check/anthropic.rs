//! The Anthropic Messages API: its fields, its turns, its thinking.

mod shapes;
mod thinking;
mod turns;

use serde_json::Value;

use super::{
    Facts, items,
    shape::{Finding, Naming, Shape, Step, What, findings},
    text,
};
use crate::ask::BadRequest;

/// `POST /v1/messages`.
pub fn messages(body: &Value, facts: Facts<'_>) -> Result<(), BadRequest> {
    let shape = if facts.beta {
        &shapes::MESSAGES_BETA
    } else {
        &shapes::MESSAGES
    };
    fits(shape, body)?;
    sampling(body, facts.model)?;
    conversation(body)
}

/// `POST /v1/messages/count_tokens`.
pub fn count_tokens(body: &Value) -> Result<(), BadRequest> {
    fits(&shapes::COUNT_TOKENS, body)?;
    conversation(body)
}

fn conversation(body: &Value) -> Result<(), BadRequest> {
    tools(body)?;
    turns::check(body)?;
    thinking::check(body)
}

fn refuse<T>(message: impl Into<String>) -> Result<T, BadRequest> {
    Err(BadRequest::saying(message))
}

fn fits(shape: &'static Shape, body: &Value) -> Result<(), BadRequest> {
    match findings(shape, body, Naming::Exact).first() {
        None => Ok(()),
        Some(finding) => refuse(say(finding)),
    }
}

fn say(finding: &Finding) -> String {
    let at = path(&finding.at);
    let below = |key: &str| {
        if at.is_empty() {
            key.to_owned()
        } else {
            format!("{at}.{key}")
        }
    };
    match &finding.what {
        What::Unknown(key) => format!("{}: Extra inputs are not permitted", below(key)),
        What::Missing(key) => format!("{}: Field required", below(key)),
        What::Kind(shape, _) => format!("{at}: Input should be {}", kind(shape)),
        What::Word(allowed, _) => {
            let quoted: Vec<String> = allowed.iter().map(|word| format!("'{word}'")).collect();
            let list = match quoted.split_last() {
                Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
                _ => quoted.concat(),
            };
            format!("{at}: Input should be {list}")
        }
        What::NoTag(key) => format!("{at}: Unable to extract tag using discriminator '{key}'"),
        What::BadTag(key, found, known) => {
            let known: Vec<String> = known.iter().map(|tag| format!("'{tag}'")).collect();
            format!(
                "{at}: Input tag '{found}' found using '{key}' does not match any of the expected tags: {}",
                known.join(", ")
            )
        }
    }
}

fn kind(shape: &Shape) -> &'static str {
    match shape {
        Shape::Text | Shape::TextOr(_) | Shape::Word(_) | Shape::Any => "a valid string",
        Shape::Flag => "a valid boolean",
        Shape::Whole => "a valid integer",
        Shape::Number => "a valid number",
        Shape::List(_) => "a valid list",
        Shape::Map(_) => "a valid dictionary",
        Shape::Of(_) | Shape::Object(_) | Shape::Tagged(..) => "an object",
    }
}

fn path(at: &[Step]) -> String {
    let steps: Vec<String> = at
        .iter()
        .map(|step| match step {
            Step::Key(key) | Step::Entry(_, key) => key.clone(),
            Step::Index(index) => index.to_string(),
            Step::Tag(tag) => (*tag).to_owned(),
        })
        .collect();
    steps.join(".")
}

fn sampling(body: &Value, model: &str) -> Result<(), BadRequest> {
    if body["max_tokens"].as_i64().is_some_and(|tokens| tokens < 1) {
        return refuse("max_tokens: Input should be greater than or equal to 1");
    }
    for name in ["temperature", "top_p"] {
        let Some(value) = body[name].as_f64() else {
            continue;
        };
        if value > 1.0 {
            return refuse(format!("{name}: Input should be less than or equal to 1"));
        }
        if value < 0.0 {
            return refuse(format!(
                "{name}: Input should be greater than or equal to 0"
            ));
        }
    }
    // Since Claude Opus 4.1 only one of the two is taken.
    let one_only = ["-4-1", "-4-5"]
        .iter()
        .any(|version| model.contains(version));
    if one_only && body["temperature"].is_number() && body["top_p"].is_number() {
        return refuse(
            "`temperature` and `top_p` cannot both be specified for this model. Please use only one.",
        );
    }
    for (index, sequence) in items(&body["stop_sequences"]).iter().enumerate() {
        if text(sequence).trim().is_empty() {
            return refuse(format!(
                "stop_sequences.{index}: each stop sequence must contain non-whitespace"
            ));
        }
    }
    Ok(())
}

fn tools(body: &Value) -> Result<(), BadRequest> {
    let all = items(&body["tools"]);
    let mut names: Vec<&str> = Vec::new();
    for (index, tool) in all.iter().enumerate() {
        let (name, own) = (
            text(&tool["name"]),
            matches!(tool["type"].as_str(), None | Some("custom")),
        );
        if names.contains(&name) {
            return refuse("tools: Tool names must be unique.");
        }
        names.push(name);
        if !own {
            continue;
        }
        if !is_name(name, 128) {
            return refuse(format!(
                "tools.{index}.custom.name: String should match pattern '^[a-zA-Z0-9_-]{{1,128}}$'"
            ));
        }
        let schema = &tool["input_schema"];
        match schema["type"].as_str() {
            Some("object") => {}
            Some(_) => {
                return refuse(format!(
                    "tools.{index}.custom.input_schema.type: Input should be 'object'"
                ));
            }
            None => {
                return refuse(format!(
                    "tools.{index}.custom.input_schema.type: Field required"
                ));
            }
        }
        if super::schema::json_schema_fault(schema).is_some() {
            return refuse(format!(
                "tools.{index}.custom.input_schema: JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12). Learn more about tool use at https://docs.claude.com/en/docs/tool-use."
            ));
        }
    }
    let choice = &body["tool_choice"];
    if choice.is_object() && all.is_empty() {
        return refuse("tool_choice: may only be specified while providing tools.");
    }
    if choice["type"] == "tool" && !names.contains(&text(&choice["name"])) {
        return refuse(format!(
            "Tool '{}' not found in provided tools",
            text(&choice["name"])
        ));
    }
    Ok(())
}

/// Letters, digits, underscores and hyphens, at least one and at most `longest`.
fn is_name(name: &str, longest: usize) -> bool {
    (1..=longest).contains(&name.len())
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
}
