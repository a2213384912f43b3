//! A request as it is written.
//!
//! Promises: what is not stated is not there; text is borrowed from the prompt.
//!
//! Must not know: prompts.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::Number;

use crate::translate::{responses::media::MediaShape, text::Json};

#[derive(Serialize)]
pub(super) struct Request<'p> {
    pub model: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub instructions: Option<&'p str>,
    pub input: Vec<Item<'p>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<ToolShape<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Choice<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_output_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<&'p Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<&'p Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning: Option<Reasoning>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub text: Option<TextConfig<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub safety_identifier: Option<Cow<'p, str>>,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub include: &'static [&'static str],
    pub store: bool,
    pub stream: bool,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'p> {
    Message {
        role: &'static str,
        content: Vec<Piece<'p>>,
    },
    FunctionCall {
        call_id: &'p str,
        name: &'p str,
        arguments: &'p str,
    },
    CustomToolCall {
        call_id: &'p str,
        name: &'p str,
        input: Cow<'p, str>,
    },
    FunctionCallOutput {
        call_id: &'p str,
        output: Output<'p>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<&'static str>,
    },
    CustomToolCallOutput {
        call_id: &'p str,
        output: Output<'p>,
        #[serde(skip_serializing_if = "Option::is_none")]
        status: Option<&'static str>,
    },
    Reasoning {
        #[serde(skip_serializing_if = "Option::is_none")]
        id: Option<String>,
        summary: Vec<Summary<'p>>,
        encrypted_content: Cow<'p, str>,
    },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Piece<'p> {
    Words(Words<'p>),
    Media(MediaShape<'p>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Words<'p> {
    InputText { text: &'p str },
    OutputText { text: &'p str },
    Refusal { refusal: &'p str },
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Output<'p> {
    Text(&'p str),
    Pieces(Vec<Piece<'p>>),
}

#[derive(Serialize)]
#[serde(tag = "type", rename = "summary_text")]
pub(super) struct Summary<'p> {
    pub text: &'p str,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum ToolShape<'p> {
    Function {
        name: &'p str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'p str>,
        parameters: Option<&'p Json<'p>>,
        strict: bool,
    },
    Custom {
        name: &'p str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'p str>,
    },
}

pub(super) enum Choice<'p> {
    Word(&'static str),
    Named(Named<'p>),
}

#[derive(Serialize)]
pub(super) struct Named<'p> {
    pub r#type: &'static str,
    pub name: &'p str,
}

impl Serialize for Choice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Choice::Word(word) => serializer.serialize_str(word),
            Choice::Named(named) => named.serialize(serializer),
        }
    }
}

#[derive(Serialize)]
pub(super) struct Reasoning {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub summary: Option<&'static str>,
}

#[derive(Serialize)]
pub(super) struct TextConfig<'p> {
    pub format: FormatShape<'p>,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum FormatShape<'p> {
    JsonObject,
    JsonSchema {
        name: &'p str,
        #[serde(skip_serializing_if = "Option::is_none")]
        description: Option<&'p str>,
        schema: &'p Json<'p>,
        #[serde(skip_serializing_if = "Option::is_none")]
        strict: Option<bool>,
    },
}
