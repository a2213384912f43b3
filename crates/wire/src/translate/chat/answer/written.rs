//! Writes whole answers, and what they share with streams: ids and names.
//!
//! Must not know: how answers are read.

use std::fmt::{self, Display};

use serde::{Serialize, Serializer};

use crate::translate::{
    Context,
    chat::{
        media::DataUrl,
        usage::{Usage, reason_of},
        write::{Call, Called, Extra},
    },
    talk::{Answer, Content, Media, MediaKind, Part, Source, ToolCall},
    text::Text,
};

/// Writes the body of an answer.
///
/// Pictures, which no model of OpenAI's answers with here, go into `images` as compatible servers have it.
/// Sound and video cannot be asked for by a Chat client and are left out.
pub fn write_answer(answer: &Answer<'_>, context: &Context) -> Vec<u8> {
    let Answer {
        id,
        model,
        parts,
        stop,
        tokens,
    } = answer;
    let mut message = WrittenMessage {
        role: "assistant",
        content: None,
        refusal: None,
        reasoning_content: None,
        tool_calls: Vec::new(),
        images: Vec::new(),
    };
    let ids = Ids::of(parts, context);
    for part in parts {
        match &part.content {
            Content::Text(text) => add(&mut message.content, text),
            Content::Refusal(text) => add(&mut message.refusal, text),
            Content::Thinking(thought) if thought.text.is_empty() => {}
            Content::Thinking(thought) => add(&mut message.reasoning_content, &thought.text),
            Content::ToolCall(call) => {
                let made = ids.0.get(message.tool_calls.len()).map_or("", |id| id);
                message.tool_calls.push(written_call(call, made));
            }
            Content::Media(Media {
                kind: MediaKind::Image,
                mime,
                source,
                name: _,
            }) => message
                .images
                .extend(image(mime.as_deref().unwrap_or("image/png"), source)),
            Content::Media(_) | Content::ToolResult(_) => {}
        }
    }
    let written = WrittenCompletion {
        id: AnswerId::of(id.as_ref(), context),
        object: "chat.completion",
        created: context.created,
        model: model_of(model.as_ref(), context),
        choices: [WrittenChoice {
            index: 0,
            message,
            logprobs: (),
            finish_reason: reason_of(stop),
        }],
        usage: Usage::from(tokens),
    };
    let mut body = Vec::with_capacity(1024);
    // Only keys that are no strings can fail, and there are none.
    let _ = serde_json::to_writer(&mut body, &written);
    body
}

fn add(field: &mut Option<String>, text: &str) {
    field.get_or_insert_default().push_str(text);
}

/// The ids of all calls, made up where there is none.
struct Ids(Vec<String>);

impl Ids {
    fn of(parts: &[Part<'_>], context: &Context) -> Ids {
        let calls = parts.iter().filter_map(|part| match &part.content {
            Content::ToolCall(call) => Some(call),
            _ => None,
        });
        Ids(calls
            .enumerate()
            .map(|(index, call)| call_id(&call.id, index, context))
            .collect())
    }
}

/// The id of a call, made from the request's where there is none.
pub(in crate::translate::chat) fn call_id(id: &str, index: usize, context: &Context) -> String {
    match id {
        "" => format!("call_{}_{index}", context.request_id),
        id => id.to_owned(),
    }
}

fn written_call<'p>(call: &'p ToolCall<'p>, id: &'p str) -> Call<'p> {
    let ToolCall {
        id: _,
        name,
        arguments,
        signature,
    } = call;
    Call {
        id,
        r#type: "function",
        function: Called {
            name,
            arguments: arguments.get(),
        },
        extra_content: signature.as_ref().map(Extra::from),
    }
}

fn image<'p>(mime: &'p str, source: &'p Source<'p>) -> Option<WrittenImage<'p>> {
    let url = match source {
        Source::Base64(data) => Address::Data(DataUrl { mime, data }),
        Source::Url(url) => Address::Url(url),
        Source::Plain(_) | Source::File(_) => return None,
    };
    Some(WrittenImage {
        r#type: "image_url",
        image_url: ImageUrl { url },
    })
}

/// An answer's id. The API's begin with `chatcmpl-`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in crate::translate::chat) struct AnswerId(String);

impl AnswerId {
    pub(in crate::translate::chat) fn of(id: Option<&Text<'_>>, context: &Context) -> AnswerId {
        const PREFIX: &str = "chatcmpl-";
        let id = id.map(|id| &**id).filter(|id| !id.is_empty());
        match id.unwrap_or(&context.request_id) {
            id if id.starts_with(PREFIX) => AnswerId(id.to_owned()),
            id => AnswerId(format!("{PREFIX}{id}")),
        }
    }
}

impl Display for AnswerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for AnswerId {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

/// The model that an answer names.
pub(in crate::translate::chat) fn model_of<'m>(
    model: Option<&'m Text<'_>>,
    context: &'m Context,
) -> &'m str {
    model
        .map(|model| &**model)
        .filter(|model| !model.is_empty())
        .unwrap_or(&context.model)
}

#[derive(Serialize)]
struct WrittenCompletion<'p> {
    id: AnswerId,
    object: &'static str,
    created: u64,
    model: &'p str,
    choices: [WrittenChoice<'p>; 1],
    usage: Usage,
}

#[derive(Serialize)]
struct WrittenChoice<'p> {
    index: u32,
    message: WrittenMessage<'p>,
    logprobs: (),
    finish_reason: &'static str,
}

#[derive(Serialize)]
struct WrittenMessage<'p> {
    role: &'static str,
    content: Option<String>,
    refusal: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tool_calls: Vec<Call<'p>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    images: Vec<WrittenImage<'p>>,
}

#[derive(Serialize)]
struct WrittenImage<'p> {
    r#type: &'static str,
    image_url: ImageUrl<'p>,
}

#[derive(Serialize)]
struct ImageUrl<'p> {
    url: Address<'p>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Address<'p> {
    Url(&'p str),
    Data(DataUrl<'p>),
}
