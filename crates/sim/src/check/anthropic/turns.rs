//! Which turns may follow each other: roles, tool calls and their results, empty content.

use serde_json::Value;

use super::{super::items, is_name, refuse, text};
use crate::ask::BadRequest;

/// Blocks that only one role may have.
const OWNERS: &[(&str, &str)] = &[
    ("tool_use", "assistant"),
    ("thinking", "assistant"),
    ("redacted_thinking", "assistant"),
    ("tool_result", "user"),
    ("image", "user"),
    ("document", "user"),
];

/// Blocks with `cache_control` that a request may have.
const MAX_CACHE_MARKS: usize = 4;

pub fn check(body: &Value) -> Result<(), BadRequest> {
    let messages = items(&body["messages"]);
    match messages.first() {
        None => return refuse("messages: at least one message is required"),
        Some(first) if first["role"] != "user" => {
            return refuse("messages: first message must use the \"user\" role");
        }
        Some(_) => {}
    }
    for (number, message) in messages.iter().enumerate() {
        content(number, message, number + 1 == messages.len())?;
    }
    calls(messages)?;
    let marks = cache_marks(body);
    if marks > MAX_CACHE_MARKS {
        return refuse(format!(
            "A maximum of {MAX_CACHE_MARKS} blocks with cache_control may be provided. Found {marks}."
        ));
    }
    Ok(())
}

fn content(number: usize, message: &Value, last: bool) -> Result<(), BadRequest> {
    let assistant = message["role"] == "assistant";
    let blocks = items(&message["content"]);
    let empty = blocks.is_empty() && text(&message["content"]).is_empty();
    if empty && !(last && assistant) {
        return refuse(format!(
            "messages.{number}: all messages must have non-empty content except for the optional final assistant message"
        ));
    }
    for block in blocks {
        let kind = text(&block["type"]);
        if let Some((_, owner)) = OWNERS.iter().find(|(known, _)| *known == kind)
            && message["role"] != **owner
        {
            return refuse(format!(
                "messages.{number}: `{kind}` blocks can only be in `{owner}` messages"
            ));
        }
        if kind == "text" && text(&block["text"]).is_empty() {
            let message = if block["cache_control"].is_object() {
                "messages: cache_control cannot be set for empty text blocks"
            } else {
                "messages: text content blocks must be non-empty"
            };
            return refuse(message);
        }
        if kind == "text" && text(&block["text"]).trim().is_empty() {
            return refuse("messages: text content blocks must contain non-whitespace text");
        }
    }
    let said = blocks
        .last()
        .map_or(text(&message["content"]), |block| text(&block["text"]));
    if last && assistant && said.ends_with(char::is_whitespace) {
        return refuse("messages: final assistant content cannot end with trailing whitespace");
    }
    Ok(())
}

/// Each call is answered in the next message, before anything else in it, and each answer has its call
/// in the message before. Messages of one role in a row are one turn.
fn calls(messages: &[Value]) -> Result<(), BadRequest> {
    let mut known: Vec<&str> = Vec::new();
    let mut open: Vec<&str> = Vec::new();
    let mut asked_in = 0;
    // A system message is part of whichever turn it stands in.
    let side = |message: &Value| message["role"] == "assistant";
    let turns = messages.chunk_by(|one, next| side(one) == side(next));
    let mut number = 0;
    for turn in turns {
        let first = number;
        number += turn.len();
        let blocks = turn.iter().enumerate().flat_map(|(index, message)| {
            let blocks = items(&message["content"]).iter().enumerate();
            blocks.map(move |(place, block)| (first + index, place, block))
        });
        let mut answered = Vec::new();
        let mut results_may_come = true;
        let (mut asked, mut asking) = (Vec::new(), first);
        for (index, place, block) in blocks {
            match text(&block["type"]) {
                "tool_use" => {
                    let id = text(&block["id"]);
                    if !is_name(id, usize::MAX) {
                        return refuse(format!(
                            "messages.{index}.content.{place}.tool_use.id: String should match pattern '^[a-zA-Z0-9_-]+$'"
                        ));
                    }
                    if !is_name(text(&block["name"]), 200) {
                        return refuse(format!(
                            "messages.{index}.content.{place}.tool_use.name: String should match pattern '^[a-zA-Z0-9_-]{{1,200}}$'"
                        ));
                    }
                    if known.contains(&id) {
                        return refuse("messages: `tool_use` ids must be unique");
                    }
                    known.push(id);
                    asked.push(id);
                    asking = index;
                }
                "tool_result" => {
                    let id = text(&block["tool_use_id"]);
                    if !open.contains(&id) {
                        return refuse(format!(
                            "messages.{index}.content.{place}: unexpected `tool_use_id` found in `tool_result` blocks: {id}. Each `tool_result` block must have a corresponding `tool_use` block in the previous message."
                        ));
                    }
                    if answered.contains(&id) {
                        return refuse(format!(
                            "messages.{index}.content.{place}: each tool_use must have a single result. Found multiple `tool_result` blocks with id: {id}"
                        ));
                    }
                    if results_may_come {
                        answered.push(id);
                    }
                }
                _ => results_may_come = false,
            }
        }
        open.retain(|id| !answered.contains(id));
        if !open.is_empty() {
            return unanswered(asked_in, &open);
        }
        (open, asked_in) = (asked, asking);
    }
    if open.is_empty() {
        Ok(())
    } else {
        unanswered(asked_in, &open)
    }
}

fn unanswered(message: usize, ids: &[&str]) -> Result<(), BadRequest> {
    refuse(format!(
        "messages.{message}: `tool_use` ids were found without `tool_result` blocks immediately after: {}. Each `tool_use` block must have a corresponding `tool_result` block in the next message.",
        ids.join(", ")
    ))
}

fn cache_marks(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(cache_marks).sum(),
        Value::Object(fields) => fields
            .iter()
            .map(|(key, inner)| match key.as_str() {
                "cache_control" => usize::from(inner.is_object()),
                // What a tool is called with, and its schema, are the client's own.
                "input" | "input_schema" => 0,
                _ => cache_marks(inner),
            })
            .sum(),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => 0,
    }
}
