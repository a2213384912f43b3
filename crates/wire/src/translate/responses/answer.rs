//! Reads what a provider answers: a whole response, and its parts as streams repeat them.
//!
//! Promises: fields that are not known are passed over, since OpenAI adds them at any time; parts that are not
//! known are not: nothing was asked for that could bring one.

use std::borrow::Cow;

use serde::Deserialize;

use super::{
    custom,
    items::{object, paragraphs},
    sealed::{self, Sealed},
};
use crate::translate::{
    Unreadable,
    talk::{Answer, Content, Part, Stop, Thought, Tokens, ToolCall},
    text::Text,
};

#[derive(Deserialize)]
pub(super) struct Response<'a> {
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub model: Option<Text<'a>>,
    #[serde(borrow)]
    pub status: Option<Text<'a>>,
    #[serde(borrow)]
    pub error: Option<Failure<'a>>,
    #[serde(borrow)]
    pub incomplete_details: Option<Incomplete<'a>>,
    #[serde(borrow)]
    pub output: Option<Vec<Output<'a>>>,
    pub usage: Option<Usage>,
}

#[derive(Deserialize)]
pub(super) struct Failure<'a> {
    #[serde(borrow)]
    pub code: Option<Text<'a>>,
    #[serde(borrow)]
    pub message: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Incomplete<'a> {
    #[serde(borrow)]
    pub reason: Option<Text<'a>>,
}

/// An item of the output.
#[derive(Deserialize)]
pub(super) struct Output<'a> {
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub content: Option<Vec<Piece<'a>>>,
    #[serde(borrow)]
    pub call_id: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub arguments: Option<Text<'a>>,
    #[serde(borrow)]
    pub input: Option<Text<'a>>,
    #[serde(borrow)]
    pub summary: Option<Vec<Piece<'a>>>,
    #[serde(borrow)]
    pub encrypted_content: Option<Text<'a>>,
}

#[derive(Deserialize)]
pub(super) struct Piece<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub text: Option<Text<'a>>,
    #[serde(borrow)]
    pub refusal: Option<Text<'a>>,
}

#[derive(Deserialize, Clone, Copy)]
pub(super) struct Usage {
    input_tokens: Option<u64>,
    input_tokens_details: Option<Details>,
    output_tokens: Option<u64>,
    output_tokens_details: Option<Details>,
}

#[derive(Deserialize, Clone, Copy)]
struct Details {
    cached_tokens: Option<u64>,
    reasoning_tokens: Option<u64>,
}

impl Usage {
    /// Each token once: OpenAI counts cached ones among those that were read.
    pub(super) fn tokens(self) -> Tokens {
        let details = |details: Option<Details>| {
            details.map_or((0, 0), |details| {
                (
                    details.cached_tokens.unwrap_or(0),
                    details.reasoning_tokens.unwrap_or(0),
                )
            })
        };
        let (cached, _) = details(self.input_tokens_details);
        let (_, thought) = details(self.output_tokens_details);
        Tokens {
            input: self.input_tokens.unwrap_or(0).saturating_sub(cached),
            cache_read: cached,
            cache_write: 0,
            output: self.output_tokens.unwrap_or(0),
            thinking: thought,
        }
    }
}

/// Reads a whole answer.
///
/// # Errors
/// It is no response, or one that says it failed.
pub fn read_answer(body: &str) -> Result<Answer<'_>, Unreadable> {
    let response: Response<'_> = serde_json::from_str(body).map_err(|error| {
        Unreadable::new(Cow::Owned(format!("the answer is no response: {error}")))
    })?;
    let mut parts = Vec::new();
    let stop = stop(&response)?;
    for item in response.output.into_iter().flatten() {
        read_output(item, stop.is_none(), &mut parts)?;
    }
    let called = parts
        .iter()
        .any(|part: &Part<'_>| matches!(part.content, Content::ToolCall(_)));
    Ok(Answer {
        id: response.id,
        model: response.model,
        parts,
        stop: stop.unwrap_or(if called { Stop::ToolUse } else { Stop::End }),
        tokens: response.usage.map(Usage::tokens).unwrap_or_default(),
    })
}

/// Why the answer is over; `None`: all was said, or tools are waited for.
pub(super) fn stop<'a>(response: &Response<'a>) -> Result<Option<Stop<'a>>, Unreadable> {
    let failed = |what: &str| {
        let error = response.error.as_ref();
        let code = error
            .and_then(|error| error.code.as_deref())
            .unwrap_or_default();
        let message = error
            .and_then(|error| error.message.as_deref())
            .unwrap_or("no reason given");
        Unreadable::new(Cow::Owned(
            format!("the response {what}: {message} {code}")
                .trim_end()
                .to_owned(),
        ))
    };
    match response.status.as_deref() {
        None if response.output.is_none() => {
            Err(Unreadable::new("the answer has neither status nor output"))
        }
        None | Some("completed") => Ok(None),
        Some("incomplete") => {
            let reason = response
                .incomplete_details
                .as_ref()
                .and_then(|details| details.reason.as_ref());
            Ok(Some(match reason {
                None => Stop::MaxTokens,
                Some(reason) if **reason == *"max_output_tokens" => Stop::MaxTokens,
                Some(reason) => Stop::Refused(Some(reason.clone())),
            }))
        }
        Some("failed") => Err(failed("failed")),
        Some("cancelled") => Err(failed("was cancelled")),
        Some(other) => Err(Unreadable::new(Cow::Owned(format!(
            "the response is `{other}`, not whole"
        )))),
    }
}

/// `whole`: nothing was cut off. A call that was is none: it cannot be run.
fn read_output<'a>(
    item: Output<'a>,
    whole: bool,
    parts: &mut Vec<Part<'a>>,
) -> Result<(), Unreadable> {
    match kind(&item)? {
        Kind::Message => {
            for piece in item.content.into_iter().flatten() {
                parts.push(Part::from(read_piece(piece)?));
            }
        }
        Kind::Function | Kind::Custom => {
            let is_custom = item.input.is_some();
            let name = item
                .name
                .filter(|name| !name.is_empty())
                .ok_or(Unreadable::new("a call names no function"))?;
            let (name, arguments) = if is_custom {
                let wrapped = custom::wrapped(&item.input.unwrap_or_default())
                    .map_err(|error| Unreadable::new(error.to_string()))?;
                (custom::marked(&name), wrapped)
            } else {
                let text = item.arguments.unwrap_or_default();
                match object(&text) {
                    Some(arguments) => (name, arguments),
                    None if !whole => return Ok(()),
                    None => {
                        return Err(Unreadable::new(
                            "the arguments of a call are no JSON object",
                        ));
                    }
                }
            };
            let call = ToolCall {
                id: item.call_id.unwrap_or_default(),
                name,
                arguments,
                signature: None,
            };
            parts.push(Part::from(Content::ToolCall(call)));
        }
        Kind::Reasoning => {
            if let Some(thought) = read_thought(item) {
                parts.push(Part::from(Content::Thinking(thought)));
            }
        }
    }
    Ok(())
}

/// Kinds of items that may come unasked.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Message,
    Function,
    Custom,
    Reasoning,
}

pub(super) fn kind(item: &Output<'_>) -> Result<Kind, Unreadable> {
    match item.r#type.as_deref() {
        Some("message") => Ok(Kind::Message),
        Some("function_call") => Ok(Kind::Function),
        Some("custom_tool_call") => Ok(Kind::Custom),
        Some("reasoning") => Ok(Kind::Reasoning),
        Some(other) => Err(Unreadable::new(Cow::Owned(format!(
            "the output holds a `{other}`, which was not asked for"
        )))),
        None => Err(Unreadable::new("the output holds an item without a type")),
    }
}

/// Reads a part of a message.
pub(super) fn read_piece(piece: Piece<'_>) -> Result<Content<'_>, Unreadable> {
    match piece.r#type.as_deref() {
        Some("output_text" | "text") => Ok(Content::Text(piece.text.unwrap_or_default())),
        Some("refusal") => Ok(Content::Refusal(piece.refusal.unwrap_or_default())),
        other => Err(Unreadable::new(Cow::Owned(format!(
            "a message holds a `{}`, which was not asked for",
            other.unwrap_or("part without a type")
        )))),
    }
}

/// Reads a thought; `None`: there is nothing in it.
pub(super) fn read_thought(item: Output<'_>) -> Option<Thought<'_>> {
    let summary = texts(item.summary);
    let text = if summary.is_empty() {
        texts(item.content)
    } else {
        summary
    };
    let sealed = sealed::with_id(item.id, item.encrypted_content);
    match sealed::read(text, sealed) {
        Sealed::Thought(thought) if thought.text.is_empty() && thought.signature.is_none() => None,
        Sealed::Thought(thought) => Some(thought),
        // Only this gateway writes such items, and not to a provider.
        Sealed::After(signature) => Some(Thought {
            text: Text::default(),
            signature: Some(signature),
            redacted: false,
        }),
    }
}

fn texts(pieces: Option<Vec<Piece<'_>>>) -> Text<'_> {
    paragraphs(pieces.into_iter().flatten().filter_map(|piece| piece.text))
}
