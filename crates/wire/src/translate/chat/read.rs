//! Reads a Chat request.
//!
//! Promises: every field is either carried, neutral (as the API behaves without it), in the table of what
//! is left out, or refused by its name.
//!
//! Must not know: who will answer.

mod message;
mod part;

pub(super) use message::arguments_of;

use super::{
    misread::{misread, short},
    request::{self, Either, Request},
};
use crate::translate::{
    Untranslatable,
    talk::{Amount, Effort, Format, Prompt, Thinking, Tool, ToolChoice},
    text::{Json, Text},
};

/// Efforts, in the API's words.
pub(super) const EFFORTS: &[(&str, Amount)] = &[
    ("none", Amount::Off),
    ("minimal", Amount::Effort(Effort::Minimal)),
    ("low", Amount::Effort(Effort::Low)),
    ("medium", Amount::Effort(Effort::Medium)),
    ("high", Amount::Effort(Effort::High)),
    ("xhigh", Amount::Effort(Effort::XHigh)),
    ("max", Amount::Effort(Effort::Max)),
];

type Read<T> = Result<T, Untranslatable>;

/// Reads the body of a request.
///
/// # Errors
/// What no other dialect can be told, by its name in the body; or what is wrong with the body.
pub fn read_prompt(body: &str) -> Result<Prompt<'_>, Untranslatable> {
    let request: Request<'_> = serde_json::from_str(body).map_err(|_| misread(body))?;
    only_neutral(&request)?;
    let max_tokens = longest(&request)?;
    let format = format(request.response_format)?;
    let thinking = thinking(request.reasoning_effort)?;
    let tools = tools(request.tools.unwrap_or_default())?;
    let tool_choice = request.tool_choice.map(tool_choice).transpose()?;
    let mut prompt = Prompt {
        system: Vec::new(),
        turns: Vec::new(),
        tools,
        tool_choice,
        parallel_tool_calls: request.parallel_tool_calls,
        max_tokens,
        temperature: request.temperature,
        top_p: request.top_p,
        top_k: None,
        seed: request.seed,
        presence_penalty: request.presence_penalty,
        frequency_penalty: request.frequency_penalty,
        stop: match request.stop {
            None => Vec::new(),
            Some(Either::Word(text)) => vec![text],
            Some(Either::Full(texts)) => texts,
        },
        thinking,
        format,
        user: request.safety_identifier.or(request.user),
        stream: request.stream.unwrap_or(false),
        stream_usage: request
            .stream_options
            .and_then(|options| options.include_usage)
            .unwrap_or(false),
    };
    for (index, message) in request.messages.into_iter().enumerate() {
        message::Speaker {
            prompt: &mut prompt,
            index,
        }
        .message(message)?;
    }
    Ok(prompt)
}

/// Refuses what asks for more than any other dialect can do.
fn only_neutral(request: &Request<'_>) -> Read<()> {
    const NOT_HERE: &str = "asks for something that only OpenAI's own API does";
    const LEGACY: &str = "is deprecated: tools are what is carried over";
    let neutral =
        |text: &Option<Text<'_>>, word: &str| text.as_ref().is_none_or(|text| *text == *word);
    let rows = [
        ("n", request.n.is_none_or(|n| n == 1), NOT_HERE),
        ("logprobs", request.logprobs != Some(true), NOT_HERE),
        (
            "top_logprobs",
            request.top_logprobs.unwrap_or(0) == 0,
            NOT_HERE,
        ),
        (
            "logit_bias",
            request.logit_bias.as_ref().is_none_or(is_empty),
            NOT_HERE,
        ),
        (
            "modalities",
            request
                .modalities
                .iter()
                .flatten()
                .all(|one| **one == *"text"),
            "asks for something other than text",
        ),
        ("verbosity", neutral(&request.verbosity, "medium"), NOT_HERE),
        ("audio", request.audio.is_none(), NOT_HERE),
        ("prediction", request.prediction.is_none(), NOT_HERE),
        (
            "web_search_options",
            request.web_search_options.is_none(),
            NOT_HERE,
        ),
        ("moderation", request.moderation.is_none(), NOT_HERE),
        ("functions", request.functions.is_none(), LEGACY),
        ("function_call", request.function_call.is_none(), LEGACY),
    ];
    match rows.into_iter().find(|(_, neutral, _)| !neutral) {
        Some((name, _, why)) => Err(Untranslatable::named(name, why)),
        None => Ok(()),
    }
}

/// Whether JSON is an object without members.
fn is_empty(json: &Json<'_>) -> bool {
    let inner = json.get().strip_prefix('{');
    inner.is_some_and(|inner| inner.trim_ascii_start() == "}")
}

/// The limit goes by two names.
fn longest(request: &Request<'_>) -> Read<Option<u64>> {
    match (request.max_tokens, request.max_completion_tokens) {
        (Some(old), Some(new)) if old != new => Err(Untranslatable::named(
            "max_tokens",
            "contradicts max_completion_tokens",
        )),
        (old, new) => Ok(new.or(old)),
    }
}

fn format(format: Option<request::Format<'_>>) -> Read<Option<Format<'_>>> {
    let Some(request::Format {
        r#type,
        json_schema,
    }) = format
    else {
        return Ok(None);
    };
    match (&*r#type, json_schema) {
        ("text", None) => Ok(None),
        ("json_object", None) => Ok(Some(Format::Json)),
        ("json_schema", Some(schema)) => {
            let request::Schema {
                name,
                description,
                schema,
                strict,
            } = schema;
            let schema = schema.ok_or_else(|| missing("response_format.json_schema.schema"))?;
            Ok(Some(Format::Schema {
                name,
                description,
                schema,
                strict,
            }))
        }
        ("json_schema", None) => Err(missing("response_format.json_schema")),
        ("text" | "json_object", Some(_)) => Err(Untranslatable::named(
            "response_format.json_schema",
            format!("has no place beside the type `{}`", short(&r#type)),
        )),
        _ => Err(unknown("response_format.type", &r#type)),
    }
}

fn thinking(effort: Option<Text<'_>>) -> Read<Option<Thinking>> {
    let Some(effort) = effort else {
        return Ok(None);
    };
    match EFFORTS.iter().find(|(word, _)| **word == *effort) {
        Some((_, amount)) => Ok(Some(Thinking {
            amount: *amount,
            shown: None,
        })),
        None => Err(unknown("reasoning_effort", &effort)),
    }
}

fn tools(tools: Vec<request::Tool<'_>>) -> Read<Vec<Tool<'_>>> {
    let mut read = Vec::with_capacity(tools.len());
    for (index, tool) in tools.into_iter().enumerate() {
        let name = || format!("tools.{index}");
        let request::Tool {
            r#type,
            function,
            custom,
        } = tool;
        if r#type != *"function" || custom.is_some() {
            return Err(not_a_function(name(), &r#type));
        }
        let request::Function {
            name,
            description,
            parameters,
            strict,
        } = function.ok_or_else(|| missing(format!("tools.{index}.function")))?;
        read.push(Tool {
            name,
            description,
            parameters,
            strict,
        });
    }
    Ok(read)
}

fn tool_choice<'a>(choice: Either<'a, request::ToolChoice<'a>>) -> Read<ToolChoice<'a>> {
    let choice = match choice {
        Either::Word(word) => {
            return match &*word {
                "auto" => Ok(ToolChoice::Auto),
                "none" => Ok(ToolChoice::None),
                "required" => Ok(ToolChoice::Any),
                _ => Err(unknown("tool_choice", &word)),
            };
        }
        Either::Full(choice) => choice,
    };
    let request::ToolChoice {
        r#type,
        function,
        custom,
        allowed_tools,
    } = choice;
    if r#type != *"function" || custom.is_some() || allowed_tools.is_some() {
        return Err(not_a_function("tool_choice".to_owned(), &r#type));
    }
    let chosen = function.ok_or_else(|| missing("tool_choice.function"))?;
    Ok(ToolChoice::Named(chosen.name))
}

fn missing(name: impl Into<String>) -> Untranslatable {
    Untranslatable::named(name, "is missing")
}

fn unknown(name: impl Into<String>, word: &str) -> Untranslatable {
    Untranslatable::named(
        name,
        format!("is `{}`, which Waybill does not know", short(word)),
    )
}

fn not_a_function(name: String, kind: &str) -> Untranslatable {
    Untranslatable::named(
        name,
        format!(
            "is of the type `{}`: only functions can be carried over",
            short(kind)
        ),
    )
}
