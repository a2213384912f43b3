//! A Chat request as it is written.
//!
//! Promises: nothing is copied from the prompt but words put together here.
//!
//! Must not know: what may be said where.

use std::borrow::Cow;

use serde::{Serialize, Serializer};
use serde_json::Number;

use crate::translate::{
    chat::media::DataUrl,
    talk::{Format, Maker, Signature, Tool, ToolChoice},
    text::Json,
};

/// The body.
#[derive(Serialize)]
pub(super) struct Request<'p> {
    pub model: &'p str,
    pub messages: Vec<Message<'p>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tools: Vec<WrittenTool<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Choice<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parallel_tool_calls: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_completion_tokens: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub temperature: Option<&'p Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub top_p: Option<&'p Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub seed: Option<i64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub presence_penalty: Option<&'p Number>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub frequency_penalty: Option<&'p Number>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub stop: Vec<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reasoning_effort: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<WrittenFormat<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<bool>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream_options: Option<StreamOptions>,
}

#[derive(Serialize)]
pub(super) struct StreamOptions {
    pub include_usage: bool,
}

#[derive(Serialize)]
pub(super) struct Message<'p> {
    pub role: &'static str,
    /// `null` where an assistant says nothing: servers want to see that.
    pub content: Option<Body<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Cow<'p, str>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tool_calls: Vec<Call<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_call_id: Option<&'p str>,
}

impl Message<'_> {
    pub(super) fn of(role: &'static str) -> Self {
        Message {
            role,
            content: None,
            refusal: None,
            tool_calls: Vec::new(),
            tool_call_id: None,
        }
    }
}

/// A message's `content`: a string where that is all there is, which every server reads.
#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Body<'p> {
    Text(Cow<'p, str>),
    Pieces(Vec<Piece<'p>>),
}

impl<'p> Body<'p> {
    pub(super) fn of(mut pieces: Vec<Piece<'p>>) -> Option<Body<'p>> {
        match (pieces.pop(), pieces.is_empty()) {
            (None, _) => None,
            (Some(Piece::Text { text }), true) => Some(Body::Text(text)),
            (Some(last), _) => {
                pieces.push(last);
                Some(Body::Pieces(pieces))
            }
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Piece<'p> {
    Text { text: Cow<'p, str> },
    Refusal { refusal: Cow<'p, str> },
    ImageUrl { image_url: ImageUrl<'p> },
    InputAudio { input_audio: InputAudio<'p> },
    File { file: File<'p> },
}

impl<'p> Piece<'p> {
    pub(super) fn text(text: impl Into<Cow<'p, str>>) -> Self {
        Piece::Text { text: text.into() }
    }

    pub(super) fn image(url: Address<'p>) -> Self {
        Piece::ImageUrl {
            image_url: ImageUrl { url },
        }
    }
}

#[derive(Serialize)]
pub(super) struct ImageUrl<'p> {
    pub url: Address<'p>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Address<'p> {
    Url(&'p str),
    Data(DataUrl<'p>),
}

#[derive(Serialize)]
pub(super) struct InputAudio<'p> {
    pub data: &'p str,
    pub format: &'static str,
}

#[derive(Serialize)]
pub(super) struct File<'p> {
    pub filename: &'p str,
    pub file_data: DataUrl<'p>,
}

/// One of `tool_calls`, in requests and in answers.
#[derive(Serialize)]
pub(in crate::translate::chat) struct Call<'p> {
    pub id: &'p str,
    pub r#type: &'static str,
    pub function: Called<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra_content: Option<Extra<'p>>,
}

#[derive(Serialize)]
pub(in crate::translate::chat) struct Called<'p> {
    pub name: &'p str,
    pub arguments: &'p str,
}

/// A call's proof, where Google puts it.
#[derive(Debug, Serialize)]
pub(in crate::translate::chat) struct Extra<'p> {
    google: Google<'p>,
}

#[derive(Debug, Serialize)]
pub(super) struct Google<'p> {
    pub thought_signature: Cow<'p, str>,
}

impl<'p> From<&'p Signature<'p>> for Extra<'p> {
    fn from(signature: &'p Signature<'p>) -> Self {
        Extra {
            google: Google {
                thought_signature: signature.written(Maker::Gemini),
            },
        }
    }
}

#[derive(Serialize)]
pub(super) struct WrittenTool<'p> {
    pub r#type: &'static str,
    pub function: Function<'p>,
}

#[derive(Serialize)]
pub(super) struct Function<'p> {
    pub name: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'p str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parameters: Option<&'p Json<'p>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

impl<'p> From<&'p Tool<'p>> for WrittenTool<'p> {
    fn from(tool: &'p Tool<'p>) -> Self {
        let Tool {
            name,
            description,
            parameters,
            strict,
        } = tool;
        WrittenTool {
            r#type: "function",
            function: Function {
                name,
                description: description.as_deref(),
                parameters: parameters.as_ref(),
                strict: *strict,
            },
        }
    }
}

/// `tool_choice`.
pub(super) enum Choice<'p> {
    Word(&'static str),
    Named(&'p str),
}

impl<'p> From<&'p ToolChoice<'p>> for Choice<'p> {
    fn from(choice: &'p ToolChoice<'p>) -> Self {
        match choice {
            ToolChoice::Auto => Choice::Word("auto"),
            ToolChoice::None => Choice::Word("none"),
            ToolChoice::Any => Choice::Word("required"),
            ToolChoice::Named(name) => Choice::Named(name),
        }
    }
}

impl Serialize for Choice<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Named<'p> {
            r#type: &'static str,
            function: Chosen<'p>,
        }
        #[derive(Serialize)]
        struct Chosen<'p> {
            name: &'p str,
        }
        match self {
            Choice::Word(word) => serializer.serialize_str(word),
            Choice::Named(name) => Named {
                r#type: "function",
                function: Chosen { name },
            }
            .serialize(serializer),
        }
    }
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum WrittenFormat<'p> {
    JsonObject,
    JsonSchema { json_schema: Schema<'p> },
}

#[derive(Serialize)]
pub(super) struct Schema<'p> {
    pub name: &'p str,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<&'p str>,
    pub schema: &'p Json<'p>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub strict: Option<bool>,
}

impl<'p> From<&'p Format<'p>> for WrittenFormat<'p> {
    fn from(format: &'p Format<'p>) -> Self {
        match format {
            Format::Json => WrittenFormat::JsonObject,
            Format::Schema {
                name,
                description,
                schema,
                strict,
            } => WrittenFormat::JsonSchema {
                json_schema: Schema {
                    // The API demands a name; where the client's has none, any will do.
                    name: name.as_deref().unwrap_or("answer"),
                    description: description.as_deref(),
                    schema,
                    strict: *strict,
                },
            },
        }
    }
}
