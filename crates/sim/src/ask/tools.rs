//! Which tool a request wants to have called now.

use serde_json::Value;

use super::{at, collect_text};

/// A tool the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// The schema of its arguments.
    pub schema: Value,
}

/// Tools in the shapes of all protocols: `{name, input_schema}`, `{function: {name, parameters}}`,
/// `{name, parameters}`, `{functionDeclarations: [{name, parameters}]}`.
pub fn offered(body: &Value) -> Vec<Tool> {
    let Some(list) = body["tools"].as_array() else {
        return Vec::new();
    };
    list.iter()
        .flat_map(|tool| match at(tool, &["functionDeclarations"]) {
            Value::Array(several) => several.iter().collect(),
            _ if tool["function"].is_object() => vec![&tool["function"]],
            _ => vec![tool],
        })
        .filter_map(|tool| {
            let schema = [
                "input_schema",
                "parameters",
                "parametersJsonSchema",
                "parameters_json_schema",
            ]
            .into_iter()
            .map(|key| at(tool, &[key]));
            let schema = schema
                .into_iter()
                .find(|schema| schema.is_object())
                .cloned();
            Some(Tool {
                name: tool["name"].as_str()?.to_owned(),
                schema: schema.unwrap_or_default(),
            })
        })
        .collect()
}

/// The tool to call, if one is forced, or the newest message is the user's and speaks of one.
pub fn to_call(body: &Value, mut tools: Vec<Tool>) -> Option<Tool> {
    let turns = [&body["messages"], &body["input"], &body["contents"]]
        .into_iter()
        .find(|turns| !turns.is_null())?;
    let last = match turns {
        Value::Array(items) => items.last()?,
        other => other,
    };
    if is_result(last) || tools.is_empty() {
        return None;
    }
    let position = match choice(body) {
        Choice::None => None,
        Choice::Any => Some(0),
        Choice::Named(name) => tools.iter().position(|tool| tool.name == name),
        Choice::Auto => {
            let mut said = String::new();
            collect_text(last, &mut said);
            let said = said.to_lowercase();
            tools.iter().position(|tool| is_asked_for(tool, &said))
        }
    };
    position.map(|position| tools.swap_remove(position))
}

/// The tools an agent calls when so many rounds are done: two at once (where several may be called at
/// once), then one, then none.
pub fn of_agent(body: &Value, tools: Vec<Tool>, done: usize) -> Vec<Tool> {
    const ROUNDS: usize = 2;
    let alone = body["parallel_tool_calls"] == false
        || body["tool_choice"]["disable_parallel_tool_use"] == true;
    let most = match done {
        0 if !alone => 2,
        0..ROUNDS => 1,
        _ => 0,
    };
    let named = match choice(body) {
        Choice::None => return Vec::new(),
        Choice::Named(name) => Some(name),
        Choice::Any | Choice::Auto => None,
    };
    tools
        .into_iter()
        .filter(|tool| named.is_none_or(|name| tool.name == name))
        .take(most)
        .collect()
}

/// The message speaks of tools, or has a longer word of the tool's name in it.
fn is_asked_for(tool: &Tool, said: &str) -> bool {
    let mut words = tool.name.split(['_', '-']).filter(|word| word.len() > 3);
    said.contains("tool") || words.any(|word| said.contains(&word.to_lowercase()))
}

fn is_result(turn: &Value) -> bool {
    let parts = [&turn["content"], &turn["parts"]]
        .into_iter()
        .find_map(Value::as_array);
    turn["role"] == "tool"
        || turn["type"] == "function_call_output"
        || parts.is_some_and(|parts| {
            parts.iter().any(|part| {
                part["type"] == "tool_result" || at(part, &["functionResponse"]).is_object()
            })
        })
}

enum Choice<'a> {
    None,
    Auto,
    Any,
    Named(&'a str),
}

fn choice(body: &Value) -> Choice<'_> {
    let openai = &body["tool_choice"];
    let gemini = at(body, &["toolConfig", "functionCallingConfig"]);
    let word = [openai, &openai["type"], &gemini["mode"]]
        .into_iter()
        .find_map(Value::as_str);
    let named = [
        &openai["name"],
        &openai["function"]["name"],
        &at(gemini, &["allowedFunctionNames"])[0],
    ]
    .into_iter()
    .find_map(Value::as_str);
    match (word, named) {
        (Some("none" | "NONE"), _) => Choice::None,
        (Some("tool" | "function" | "ANY"), Some(name)) => Choice::Named(name),
        (Some("any" | "required" | "ANY"), _) => Choice::Any,
        _ => Choice::Auto,
    }
}
