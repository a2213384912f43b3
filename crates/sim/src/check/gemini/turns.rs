//! Which turns may follow each other: roles, function calls and as many responses, parts that say nothing.

use serde_json::Value;

use super::{super::items, at, refuse, text};
use crate::ask::BadRequest;

/// Of these, a part has exactly one.
const DATA: &[&str] = &[
    "text",
    "inlineData",
    "fileData",
    "functionCall",
    "functionResponse",
    "executableCode",
    "codeExecutionResult",
    "toolCall",
    "toolResponse",
];

pub fn check(contents: &[Value]) -> Result<(), BadRequest> {
    for (index, content) in contents.iter().enumerate() {
        if !matches!(text(&content["role"]), "" | "user" | "model" | "function") {
            return refuse("Please use a valid role: user, model.");
        }
        parts(index, content)?;
    }
    if let [only] = contents
        && only["role"] == "model"
    {
        return refuse(
            "Please ensure that single turn requests end with a user role or the role field is empty.",
        );
    }
    pairs(contents)
}

fn parts(index: usize, content: &Value) -> Result<(), BadRequest> {
    let parts = items(&content["parts"]);
    if parts.is_empty() {
        return refuse(format!(
            "* GenerateContentRequest.contents[{index}].parts: contents.parts must not be empty.\n"
        ));
    }
    for (place, part) in parts.iter().enumerate() {
        let place = format!("contents[{index}].parts[{place}]");
        let mut data = DATA.iter().filter(|name| !at(part, &[name]).is_null());
        let (first, second) = (data.next(), data.next());
        // A signature may come alone, at the end of a stream.
        if first.is_none() && at(part, &["thoughtSignature"]).is_null() {
            return refuse(format!(
                "* GenerateContentRequest.{place}.data: required oneof field 'data' must have one initialized field\n"
            ));
        }
        if let Some(second) = second {
            return refuse(format!(
                "Invalid value at '{place}' (oneof), oneof field 'data' is already set. Cannot set '{second}'"
            ));
        }
        let model = content["role"] == "model";
        for (name, field, ours) in [
            ("functionCall", "function_call", model),
            ("functionResponse", "function_response", !model),
        ] {
            let call = at(part, &[name]);
            if call.is_object() && text(&call["name"]).is_empty() {
                return refuse(format!(
                    "* GenerateContentRequest.{place}.{field}.name: Name cannot be empty.\n"
                ));
            }
            if call.is_object() && !ours {
                return refuse(format!(
                    "Role '{}' is not supported for parts with {field}. Please use a valid role: user, model.",
                    text(&content["role"])
                ));
            }
        }
        let blob = at(part, &["inlineData"]);
        if blob.is_object()
            && (text(at(blob, &["mimeType"])).is_empty() || text(&blob["data"]).is_empty())
        {
            return refuse(format!(
                "* GenerateContentRequest.{place}.inline_data: mime_type and data must be set\n"
            ));
        }
    }
    Ok(())
}

/// As many responses as calls, right behind them; calls behind a user's turn or behind responses.
fn pairs(contents: &[Value]) -> Result<(), BadRequest> {
    let count = |content: &Value, name: &str| {
        let parts = items(&content["parts"]).iter();
        parts.filter(|part| at(part, &[name]).is_object()).count()
    };
    // Contents of one role in a row are one turn.
    let side = |content: &Value| content["role"] == "model";
    let turns: Vec<(bool, usize, usize)> = contents
        .chunk_by(|one, next| side(one) == side(next))
        .map(|turn| {
            let sum = |name| turn.iter().map(|content| count(content, name)).sum();
            (side(&turn[0]), sum("functionCall"), sum("functionResponse"))
        })
        .collect();
    for (index, (_, calls, responses)) in turns.iter().enumerate() {
        let before = index.checked_sub(1).map(|before| turns[before]);
        if *calls > 0 && before.is_none() {
            return refuse(
                "Please ensure that function call turn comes immediately after a user turn or after a function response turn.",
            );
        }
        let asked = before.map_or(0, |(_, calls, _)| calls);
        if *responses > 0 && asked == 0 {
            return refuse(
                "Please ensure that function response turn comes immediately after a function call turn.",
            );
        }
        if asked != *responses && (asked > 0 || *responses > 0) {
            return refuse(
                "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
            );
        }
    }
    match turns.last() {
        Some((true, calls, _)) if *calls > 0 => refuse(
            "Please ensure that the number of function response parts is equal to the number of function call parts of the function call turn.",
        ),
        _ => Ok(()),
    }
}
