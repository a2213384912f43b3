//! The OpenAI Responses API: its fields, its items, its tools.

mod shapes;

use serde_json::Value;
use waybill_model::protocol::Platform;

use super::{
    items,
    openai::{
        at_most, fits, function_name, function_schema, invalid_value, length, metadata,
        only_with_tools, reasons, refuse, unsupported, within,
    },
    text,
};
use crate::{ask::BadRequest, signature};

const INCLUDES: &[&str] = &[
    "file_search_call.results",
    "web_search_call.results",
    "web_search_call.action.sources",
    "message.input_image.image_url",
    "computer_call_output.output.image_url",
    "code_interpreter_call.outputs",
    "reasoning.encrypted_content",
    "message.output_text.logprobs",
];

/// Kind of item → how its id begins.
const IDS: &[(&str, &str)] = &[
    ("message", "msg"),
    ("function_call", "fc"),
    ("function_call_output", "fc"),
    ("reasoning", "rs"),
];

/// `POST /v1/responses`.
pub fn responses(body: &Value, model: &str) -> Result<(), BadRequest> {
    fits(&shapes::BODY, body)?;
    parameters(body, model)?;
    tools(body)?;
    let list = items(&body["input"]);
    for (index, item) in list.iter().enumerate() {
        identity(index, item)?;
        parts(index, item)?;
    }
    reasoning(list, body["store"] != false)?;
    calls(list)
}

fn parameters(body: &Value, model: &str) -> Result<(), BadRequest> {
    for (name, least, most) in [
        ("temperature", 0.0, 2.0),
        ("top_p", 0.0, 1.0),
        ("max_output_tokens", 16.0, f64::MAX),
        ("max_tool_calls", 1.0, f64::MAX),
        ("top_logprobs", 0.0, 20.0),
    ] {
        within(body, name, least, most)?;
    }
    metadata(body)?;
    length("tools", &body["tools"], 128)?;
    for (index, included) in items(&body["include"]).iter().enumerate() {
        if !INCLUDES.contains(&text(included)) {
            return invalid_value(format!("include[{index}]"), text(included), INCLUDES);
        }
    }
    if !body["stream_options"].is_null() && body["stream"] != true {
        return refuse(
            "stream_options".to_owned(),
            "",
            "The 'stream_options' parameter is only allowed when 'stream' is enabled.",
        );
    }
    // Nothing is stored here, so that no earlier response is ever found.
    if let Some(id) = body["previous_response_id"].as_str() {
        return refuse(
            "previous_response_id".to_owned(),
            "previous_response_not_found",
            format!("Previous response with id '{id}' not found."),
        );
    }
    if reasons(model) {
        for name in ["temperature", "top_p"] {
            if !body[name].is_null() && body[name] != 1 && body[name] != 1.0 {
                return unsupported(name, "");
            }
        }
    } else if model.starts_with("gpt-4") && body["reasoning"]["effort"].is_string() {
        return unsupported("reasoning.effort", "");
    }
    Ok(())
}

fn tools(body: &Value) -> Result<(), BadRequest> {
    // `parallel_tool_calls` has a default of its own here and may stand alone.
    let mut without = body.clone();
    if let Some(fields) = without.as_object_mut() {
        fields.remove("parallel_tool_calls");
        if fields
            .get("tool_choice")
            .is_some_and(|choice| choice == "auto")
        {
            fields.remove("tool_choice");
        }
    }
    only_with_tools(&without)?;
    for (index, tool) in items(&body["tools"]).iter().enumerate() {
        if tool["type"] == "function" {
            function_name(format!("tools[{index}].name"), text(&tool["name"]))?;
            function_schema(format!("tools[{index}].parameters"), tool)?;
        }
    }
    match body["tool_choice"].as_str() {
        None | Some("none" | "auto" | "required") => Ok(()),
        Some(word) => invalid_value(
            "tool_choice".to_owned(),
            word,
            &["none", "auto", "required"],
        ),
    }
}

fn kind(item: &Value) -> &str {
    item["type"].as_str().unwrap_or("message")
}

fn identity(index: usize, item: &Value) -> Result<(), BadRequest> {
    const CALL_ID_LENGTH: usize = 64;
    let known = IDS.iter().find(|(name, _)| *name == kind(item));
    if let (Some((_, start)), Some(id)) = (known, item["id"].as_str())
        && !id.starts_with(start)
    {
        let at = format!("input[{index}].id");
        let message = format!("Invalid '{at}': '{id}'. Expected an ID that begins with '{start}'.");
        return refuse(at, "invalid_value", message);
    }
    at_most(
        format!("input[{index}].call_id"),
        text(&item["call_id"]),
        CALL_ID_LENGTH,
    )?;
    if kind(item) == "function_call" {
        function_name(format!("input[{index}].name"), text(&item["name"]))?;
    }
    Ok(())
}

/// What was said is `output_*`, what is asked is `input_*`.
fn parts(index: usize, item: &Value) -> Result<(), BadRequest> {
    let allowed: &[&str] = match (kind(item), text(&item["role"])) {
        ("message", "assistant") => &["output_text", "refusal"],
        ("message", _) => &["input_text", "input_image", "input_file", "input_audio"],
        ("function_call_output", _) => &["input_text", "input_image", "input_file"],
        _ => return Ok(()),
    };
    let key = if kind(item) == "message" {
        "content"
    } else {
        "output"
    };
    for (place, part) in items(&item[key]).iter().enumerate() {
        if !allowed.contains(&text(&part["type"])) {
            return invalid_value(
                format!("input[{index}].{key}[{place}]"),
                text(&part["type"]),
                allowed,
            );
        }
    }
    Ok(())
}

fn reasoning(list: &[Value], stored: bool) -> Result<(), BadRequest> {
    for (index, item) in list.iter().enumerate() {
        if kind(item) != "reasoning" {
            continue;
        }
        let id = text(&item["id"]);
        match item["encrypted_content"].as_str() {
            None if !stored => {
                return refuse(
                    "input".to_owned(),
                    "",
                    format!(
                        "Item with id '{id}' not found. Items are not persisted when `store` is set to false. Try again with `store` set to true, or remove this item from your input."
                    ),
                );
            }
            Some(sealed) if !signature::is_signed(Platform::OpenAi, "", sealed) => {
                return refuse(
                    None,
                    "invalid_encrypted_content",
                    format!(
                        "The encrypted content {} could not be verified. Reason: Encrypted content could not be decrypted or parsed.",
                        shortened(sealed)
                    ),
                );
            }
            _ => {}
        }
        let next = list.get(index + 1).map(kind);
        if matches!(next, None | Some("function_call_output" | "item_reference")) {
            return refuse(
                "input".to_owned(),
                "",
                format!(
                    "Item '{id}' of type 'reasoning' was provided without its required following item."
                ),
            );
        }
    }
    Ok(())
}

fn shortened(sealed: &str) -> String {
    let letters: Vec<char> = sealed.chars().collect();
    if letters.len() <= 12 {
        return sealed.to_owned();
    }
    let (start, end) = (&letters[..4], &letters[letters.len() - 4..]);
    format!(
        "{}...{}",
        start.iter().collect::<String>(),
        end.iter().collect::<String>()
    )
}

fn calls(list: &[Value]) -> Result<(), BadRequest> {
    let ids = |wanted: &str| -> Vec<&str> {
        let of_kind = list.iter().filter(|item| kind(item) == wanted);
        of_kind.map(|item| text(&item["call_id"])).collect()
    };
    let (asked, answered) = (ids("function_call"), ids("function_call_output"));
    if let Some(id) = asked.iter().find(|id| !answered.contains(id)) {
        return refuse(
            "input".to_owned(),
            "",
            format!("No tool output found for function call {id}."),
        );
    }
    match answered.iter().find(|id| !asked.contains(id)) {
        None => Ok(()),
        Some(id) => refuse(
            "input".to_owned(),
            "",
            format!("No tool call found for function call output with call_id {id}."),
        ),
    }
}
