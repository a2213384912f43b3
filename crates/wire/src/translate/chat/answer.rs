//! Whole answers: `chat.completion` objects, read and written.
//!
//! Promises: fields that nobody documents are no reason to refuse an answer; what no client can be told is
//! (a call whose arguments are no JSON object, a legacy `function_call`). One exception: a call that the
//! limit of tokens cut off is not one, and `length` says so.
//!
//! Must not know: streams.

mod written;

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

pub use written::write_answer;
pub(super) use written::{AnswerId, call_id, model_of};

use super::{
    misread::{short, wordless},
    read::arguments_of,
    usage::{Stated, stop_of},
};
use crate::translate::{
    Unreadable, UnreadableKind,
    talk::{Answer, Content, Maker, Part, Signature, Stop, Thought, Tokens, ToolCall},
    text::Text,
};

#[derive(Deserialize)]
struct Completion<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    choices: Option<Vec<Choice<'a>>>,
    #[serde(borrow)]
    usage: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Choice<'a> {
    #[serde(borrow)]
    message: Option<Message<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    content: Option<Text<'a>>,
    #[serde(borrow)]
    refusal: Option<Text<'a>>,
    #[serde(borrow)]
    reasoning_content: Option<Text<'a>>,
    #[serde(borrow)]
    reasoning: Option<Text<'a>>,
    #[serde(borrow)]
    tool_calls: Option<Vec<AnsweredCall<'a>>>,
    #[serde(borrow)]
    function_call: Option<&'a RawValue>,
}

/// One of `tool_calls`, whole or (in a stream) a piece of it.
#[derive(Deserialize)]
pub(super) struct AnsweredCall<'a> {
    pub index: Option<u64>,
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub function: Option<AnsweredFunction<'a>>,
    #[serde(borrow)]
    extra_content: Option<AnsweredExtra<'a>>,
}

#[derive(Deserialize)]
pub(super) struct AnsweredFunction<'a> {
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub arguments: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct AnsweredExtra<'a> {
    #[serde(borrow)]
    google: Option<AnsweredGoogle<'a>>,
}

#[derive(Deserialize)]
struct AnsweredGoogle<'a> {
    #[serde(borrow)]
    thought_signature: Option<Text<'a>>,
}

impl<'a> AnsweredCall<'a> {
    /// The proof that came with it, taken out.
    pub(super) fn signature(&mut self) -> Option<Signature<'a>> {
        let signature = self.extra_content.take()?.google?.thought_signature?;
        Some(Signature::read(Maker::Gemini, signature))
    }

    /// Whether it is a call of a function, which is all that is ever offered.
    pub(super) fn is_function(&self) -> bool {
        self.r#type
            .as_ref()
            .is_none_or(|kind| matches!(&**kind, "" | "function"))
    }
}

/// Usage, as far as it can be read: that it cannot is no reason to refuse an answer.
pub(super) fn tokens_of(usage: &RawValue) -> Option<Tokens> {
    serde_json::from_str::<Option<Stated>>(usage.get())
        .ok()
        .flatten()
        .map(Tokens::from)
}

/// A finish reason that is none of the API's.
pub(super) fn strange_reason(reason: &str) -> Unreadable {
    let reason = short(reason);
    Unreadable::new(format!(
        "the answer ended for a reason that is none: `{reason}`"
    ))
}

/// What cannot be told to a client of any other dialect.
pub(super) const LEGACY_CALL: Unreadable = Unreadable {
    why: Cow::Borrowed(
        "the answer calls a function in a way that is deprecated, and was not offered one",
    ),
    kind: UnreadableKind::Form,
};
/// As above.
pub(super) const NO_FUNCTION: Unreadable = Unreadable {
    why: Cow::Borrowed("the answer calls a tool that is no function"),
    kind: UnreadableKind::Form,
};

/// Reads the body of an answer.
///
/// # Errors
/// What is not as the API promises.
pub fn read_answer(body: &str) -> Result<Answer<'_>, Unreadable> {
    let completion: Completion<'_> = serde_json::from_str(body).map_err(|error| {
        Unreadable::new(format!(
            "the answer is no chat completion: {}",
            wordless(&error)
        ))
    })?;
    let Completion {
        id,
        model,
        choices,
        usage,
    } = completion;
    let mut choices = choices.unwrap_or_default().into_iter();
    let (Some(choice), None) = (choices.next(), choices.next()) else {
        return Err(Unreadable::new("the answer does not hold one choice"));
    };
    let message = choice
        .message
        .ok_or(Unreadable::new("the answer's choice holds no message"))?;
    let Message {
        content,
        refusal,
        reasoning_content,
        reasoning,
        tool_calls,
        function_call,
    } = message;
    if function_call.is_some() {
        return Err(LEGACY_CALL);
    }
    let calls = tool_calls.unwrap_or_default();
    let stop =
        stop_of(choice.finish_reason.as_deref(), !calls.is_empty()).map_err(strange_reason)?;

    let mut contents = Vec::with_capacity(3 + calls.len());
    contents.extend(said_first(reasoning_content, reasoning).map(|text| {
        Content::Thinking(Thought {
            text,
            signature: None,
            redacted: false,
        })
    }));
    contents.extend(said(content).map(Content::Text));
    contents.extend(said(refusal).map(Content::Refusal));
    for call in calls {
        match read_call(call)? {
            Some(call) => contents.push(Content::ToolCall(call)),
            None if stop == Stop::MaxTokens => {}
            None => {
                return Err(Unreadable::new(
                    "the arguments of a tool call are no JSON object",
                ));
            }
        }
    }
    Ok(Answer {
        id: said(id),
        model: said(model),
        parts: contents.into_iter().map(Part::from).collect(),
        stop,
        tokens: usage.and_then(tokens_of).unwrap_or_default(),
    })
}

/// A text that says something.
pub(super) fn said(text: Option<Text<'_>>) -> Option<Text<'_>> {
    text.filter(|text| !text.is_empty())
}

/// The first of two that does.
pub(super) fn said_first<'a>(one: Option<Text<'a>>, other: Option<Text<'a>>) -> Option<Text<'a>> {
    said(one).or(said(other))
}

/// A whole call; `None` if its arguments are no JSON object.
fn read_call(mut call: AnsweredCall<'_>) -> Result<Option<ToolCall<'_>>, Unreadable> {
    if !call.is_function() {
        return Err(NO_FUNCTION);
    }
    let signature = call.signature();
    let function = call.function.ok_or(NO_FUNCTION)?;
    let name = function
        .name
        .filter(|name| !name.is_empty())
        .ok_or(Unreadable::new("a tool call does not name its tool"))?;
    let arguments = arguments_of(function.arguments.unwrap_or_default());
    Ok(arguments.map(|arguments| ToolCall {
        id: call.id.unwrap_or_default(),
        name,
        arguments,
        signature,
    }))
}
