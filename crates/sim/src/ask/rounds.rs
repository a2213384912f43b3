//! How far a tool loop has come: the results that came back since the user last spoke.

use serde_json::Value;
use waybill_model::protocol::Endpoint;

use super::{at, collect_text};

/// Rounds of tool calls that were answered, and what the tools said.
#[derive(Debug, Default)]
pub struct Rounds {
    /// Rounds with their results.
    pub done: usize,
    /// The results in order.
    pub outcomes: Vec<Outcome>,
}

/// What one call brought back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The tool, if its call is there too.
    pub tool: String,
    /// What it said.
    pub text: String,
}

/// One turn of a conversation, as far as a tool loop goes.
enum Turn<'a> {
    Spoken,
    Calls(Vec<(&'a str, &'a str)>),
    Results(Vec<(&'a str, &'a str, String)>),
    Other,
}

impl Rounds {
    /// Reads a body of this endpoint.
    pub fn read(endpoint: Endpoint, body: &Value) -> Rounds {
        let turns: Vec<Turn<'_>> = match endpoint {
            Endpoint::Messages => list(&body["messages"]).map(anthropic).collect(),
            Endpoint::ChatCompletions => list(&body["messages"]).map(chat).collect(),
            Endpoint::Responses => list(&body["input"]).map(responses).collect(),
            Endpoint::GenerateContent | Endpoint::StreamGenerateContent => {
                list(&body["contents"]).map(gemini).collect()
            }
            Endpoint::CountTokens
            | Endpoint::Embeddings
            | Endpoint::GeminiCountTokens
            | Endpoint::EmbedContent
            | Endpoint::Models => Vec::new(),
        };
        let (mut rounds, mut names, mut answering) = (Rounds::default(), Vec::new(), false);
        for turn in turns {
            match turn {
                Turn::Spoken => (rounds, answering) = (Rounds::default(), false),
                Turn::Other => answering = false,
                Turn::Calls(calls) => {
                    answering = false;
                    names.extend(calls);
                }
                Turn::Results(results) => {
                    rounds.done += usize::from(!answering);
                    answering = true;
                    for (id, name, text) in results {
                        let known = names
                            .iter()
                            .find(|(known, _)| *known == id && !id.is_empty());
                        let tool = known.map_or(name, |(_, name)| name).to_owned();
                        rounds.outcomes.push(Outcome { tool, text });
                    }
                }
            }
        }
        rounds
    }
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_default()
}

fn said(value: &Value) -> String {
    let mut said = String::new();
    collect_text(value, &mut said);
    said
}

fn anthropic(message: &Value) -> Turn<'_> {
    let of =
        |kind: &'static str| list(&message["content"]).filter(move |block| block["type"] == kind);
    let calls: Vec<_> = of("tool_use")
        .map(|call| (text(&call["id"]), text(&call["name"])))
        .collect();
    let results: Vec<_> = of("tool_result")
        .map(|result| (text(&result["tool_use_id"]), "", said(&result["content"])))
        .collect();
    turn(calls, results, message["role"] == "user")
}

fn chat(message: &Value) -> Turn<'_> {
    let calls = list(&message["tool_calls"])
        .map(|call| (text(&call["id"]), text(&call["function"]["name"])))
        .collect();
    let result = (message["role"] == "tool").then(|| {
        (
            text(&message["tool_call_id"]),
            "",
            said(&message["content"]),
        )
    });
    turn(
        calls,
        result.into_iter().collect(),
        message["role"] == "user",
    )
}

fn responses(item: &Value) -> Turn<'_> {
    let id = text(&item["call_id"]);
    let call = (item["type"] == "function_call").then(|| (id, text(&item["name"])));
    let result = (item["type"] == "function_call_output").then(|| (id, "", said(&item["output"])));
    turn(
        call.into_iter().collect(),
        result.into_iter().collect(),
        item["role"] == "user",
    )
}

fn gemini(content: &Value) -> Turn<'_> {
    let of = |name: &'static str| {
        list(&content["parts"])
            .map(move |part| at(part, &[name]))
            .filter(|call| call.is_object())
    };
    let calls = of("functionCall")
        .map(|call| (text(&call["id"]), text(&call["name"])))
        .collect();
    let results = of("functionResponse")
        .map(|result| {
            (
                text(&result["id"]),
                text(&result["name"]),
                outcome(&result["response"]),
            )
        })
        .collect();
    turn(calls, results, content["role"] != "model")
}

/// A response object: its only string, or all of it.
fn outcome(response: &Value) -> String {
    let only = response.as_object().filter(|fields| fields.len() == 1);
    match only.and_then(|fields| fields.values().next()?.as_str()) {
        Some(text) => text.to_owned(),
        None => response.to_string(),
    }
}

fn turn<'a>(
    calls: Vec<(&'a str, &'a str)>,
    results: Vec<(&'a str, &'a str, String)>,
    users: bool,
) -> Turn<'a> {
    match (calls.is_empty(), results.is_empty()) {
        (_, false) => Turn::Results(results),
        (false, true) => Turn::Calls(calls),
        (true, true) if users => Turn::Spoken,
        (true, true) => Turn::Other,
    }
}
