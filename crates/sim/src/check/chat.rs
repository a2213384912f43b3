//! The OpenAI Chat Completions API: its fields, its messages, its tools.

mod shapes;

use serde_json::Value;

use super::{
    items,
    openai::{
        at_most, fits, function_name, function_schema, length, metadata, only_with_tools, reasons,
        refuse, unsupported, within,
    },
    shape::Shape,
    text,
};
use crate::ask::BadRequest;

/// `POST /v1/chat/completions`.
pub fn completions(body: &Value, model: &str) -> Result<(), BadRequest> {
    top_level(body)?;
    fits(&shapes::BODY, body)?;
    parameters(body, model)?;
    tools(body)?;
    messages(items(&body["messages"]))
}

/// An unknown name at the top is worded in its own way.
fn top_level(body: &Value) -> Result<(), BadRequest> {
    let Shape::Object(known) = &shapes::BODY else {
        return Ok(());
    };
    let mut names = body.as_object().into_iter().flat_map(serde_json::Map::keys);
    match names.find(|name| !known.iter().any(|(field, ..)| field == name)) {
        None => Ok(()),
        Some(name) => refuse(
            None,
            "",
            format!("Unrecognized request argument supplied: {name}"),
        ),
    }
}

fn parameters(body: &Value, model: &str) -> Result<(), BadRequest> {
    length("messages", &body["messages"], usize::MAX)?;
    length("stop", &body["stop"], 4)?;
    length("tools", &body["tools"], 128)?;
    for (name, least, most) in [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("presence_penalty", -2.0, 2.0),
        ("frequency_penalty", -2.0, 2.0),
        ("max_tokens", 1.0, f64::MAX),
        ("max_completion_tokens", 1.0, f64::MAX),
        ("n", 1.0, 128.0),
        ("top_logprobs", 0.0, 20.0),
    ] {
        within(body, name, least, most)?;
    }
    metadata(body)?;
    if !body["stream_options"].is_null() && body["stream"] != true {
        return refuse(
            "stream_options".to_owned(),
            "",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        );
    }
    if !body["max_tokens"].is_null() && !body["max_completion_tokens"].is_null() {
        return refuse(
            "max_tokens".to_owned(),
            "invalid_parameter_combination",
            "Setting 'max_tokens' and 'max_completion_tokens' at the same time is not supported.",
        );
    }
    let says_json = body["messages"].to_string().to_lowercase().contains("json");
    if body["response_format"]["type"] == "json_object" && !says_json {
        return refuse(
            "messages".to_owned(),
            "",
            "'messages' must contain the word 'json' in some form, to use 'response_format' of type 'json_object'.",
        );
    }
    if reasons(model) {
        of_reasoning(body)?;
    }
    Ok(())
}

fn of_reasoning(body: &Value) -> Result<(), BadRequest> {
    if !body["max_tokens"].is_null() {
        return unsupported("max_tokens", " Use 'max_completion_tokens' instead.");
    }
    if !body["stop"].is_null() {
        return unsupported("stop", "");
    }
    for name in ["temperature", "top_p"] {
        let value = &body[name];
        if value
            .as_f64()
            .is_some_and(|number| (number - 1.0).abs() > f64::EPSILON)
        {
            return refuse(
                name.to_owned(),
                "unsupported_value",
                format!(
                    "Unsupported value: '{name}' does not support {value} with this model. Only the default (1) value is supported."
                ),
            );
        }
    }
    Ok(())
}

fn tools(body: &Value) -> Result<(), BadRequest> {
    only_with_tools(body)?;
    let all = items(&body["tools"]);
    for (index, tool) in all
        .iter()
        .enumerate()
        .filter(|(_, tool)| tool["type"] == "function")
    {
        let function = &tool["function"];
        let at = format!("tools[{index}].function");
        function_name(format!("{at}.name"), text(&function["name"]))?;
        function_schema(format!("{at}.parameters"), function)?;
    }
    let choice = &body["tool_choice"];
    if let Some(word) = choice.as_str()
        && !matches!(word, "none" | "auto" | "required")
    {
        return super::openai::invalid_value(
            "tool_choice".to_owned(),
            word,
            &["none", "auto", "required"],
        );
    }
    let named = &choice["function"]["name"];
    if named.is_string() && !all.iter().any(|tool| tool["function"]["name"] == *named) {
        return refuse(
            "tool_choice".to_owned(),
            "",
            "Invalid value for 'tool_choice': the named function is not in 'tools'.",
        );
    }
    Ok(())
}

fn messages(all: &[Value]) -> Result<(), BadRequest> {
    const ID_LENGTH: usize = 40;
    let mut open: Vec<&str> = Vec::new();
    for (index, message) in all.iter().enumerate() {
        let role = text(&message["role"]);
        if role == "tool" {
            let id = text(&message["tool_call_id"]);
            at_most(format!("messages[{index}].tool_call_id"), id, ID_LENGTH)?;
            let Some(position) = open.iter().position(|known| *known == id) else {
                return refuse(
                    format!("messages.[{index}].role"),
                    "",
                    "Invalid parameter: messages with role 'tool' must be a response to a preceeding message with 'tool_calls'.",
                );
            };
            open.swap_remove(position);
            continue;
        }
        answered(&open, index)?;
        let calls = &message["tool_calls"];
        if role == "assistant" {
            length(&format!("messages[{index}].tool_calls"), calls, 128)?;
            let said = !message["content"].is_null() || !message["refusal"].is_null();
            if !said
                && calls.is_null()
                && message["function_call"].is_null()
                && message["audio"].is_null()
            {
                return refuse(
                    format!("messages.[{index}].content"),
                    "",
                    "Invalid value for 'content': expected a string, got null.",
                );
            }
        }
        length(
            &format!("messages[{index}].content"),
            &message["content"],
            usize::MAX,
        )?;
        images(index, &message["content"])?;
        open = items(calls).iter().map(|call| text(&call["id"])).collect();
        for (place, call) in items(calls).iter().enumerate() {
            let at = format!("messages[{index}].tool_calls[{place}]");
            at_most(format!("{at}.id"), text(&call["id"]), ID_LENGTH)?;
            if call["type"] == "function" {
                function_name(
                    format!("{at}.function.name"),
                    text(&call["function"]["name"]),
                )?;
            }
        }
    }
    answered(&open, all.len())
}

fn images(index: usize, content: &Value) -> Result<(), BadRequest> {
    for (place, part) in items(content).iter().enumerate() {
        let url = text(&part["image_url"]["url"]);
        let fits = ["http://", "https://", "data:image/"]
            .iter()
            .any(|start| url.starts_with(start));
        if part["type"] == "image_url" && !fits {
            let at = format!("messages[{index}].content[{place}].image_url.url");
            let message = format!(
                "Invalid '{at}'. Expected a valid URL, but got a value with an invalid format."
            );
            return refuse(at, "invalid_value", message);
        }
    }
    Ok(())
}

fn answered(open: &[&str], index: usize) -> Result<(), BadRequest> {
    if open.is_empty() {
        return Ok(());
    }
    refuse(
        format!("messages.[{index}].role"),
        "",
        format!(
            "An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: {}",
            open.join(", ")
        ),
    )
}
