//! Whole answers: `chat.completion` objects, read and written.
//!
//! Promises: fields that nobody documents are no reason to refuse an answer; what no client can be told is
//! (a call whose arguments are no JSON object, a legacy `function_call`). One exception: a call that the
//! limit of tokens cut off is not one, and `length` says so.
//!
//! Must not know: streams.

use std::fmt::{self, Display};

use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;

use super::{
    media::DataUrl,
    read::arguments_of,
    usage::{Stated, Usage, reason_of, stop_of},
    write::{Call, Called, Extra},
};
use crate::translate::{
    Context, Unreadable,
    talk::{
        Answer, Content, Maker, Media, MediaKind, Part, Signature, Source, Stop, Thought, Tokens,
        ToolCall,
    },
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
    let reason: String = reason.chars().take(64).collect();
    Unreadable(format!("the answer ended for a reason that is none: `{reason}`").into())
}

/// What cannot be told to a client of any other dialect.
pub(super) const LEGACY_CALL: Unreadable = Unreadable(std::borrow::Cow::Borrowed(
    "the answer calls a function in a way that is deprecated, and was not offered one",
));
/// As above.
pub(super) const NO_FUNCTION: Unreadable = Unreadable(std::borrow::Cow::Borrowed(
    "the answer calls a tool that is no function",
));

/// Reads the body of an answer.
///
/// # Errors
/// What is not as the API promises.
pub fn read_answer(body: &str) -> Result<Answer<'_>, Unreadable> {
    let completion: Completion<'_> = serde_json::from_str(body)
        .map_err(|error| Unreadable(format!("the answer is no chat completion: {error}").into()))?;
    let Completion {
        id,
        model,
        choices,
        usage,
    } = completion;
    let mut choices = choices.unwrap_or_default().into_iter();
    let (Some(choice), None) = (choices.next(), choices.next()) else {
        return Err(Unreadable("the answer does not hold one choice".into()));
    };
    let message = choice
        .message
        .ok_or(Unreadable("the answer's choice holds no message".into()))?;
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
                return Err(Unreadable(
                    "the arguments of a tool call are no JSON object".into(),
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
        .ok_or(Unreadable("a tool call does not name its tool".into()))?;
    let arguments = arguments_of(function.arguments.unwrap_or_default());
    Ok(arguments.map(|arguments| ToolCall {
        id: call.id.unwrap_or_default(),
        name,
        arguments,
        signature,
    }))
}

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
pub(super) fn call_id(id: &str, index: usize, context: &Context) -> String {
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
pub(super) struct AnswerId(String);

impl AnswerId {
    pub(super) fn of(id: Option<&Text<'_>>, context: &Context) -> AnswerId {
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
pub(super) fn model_of<'m>(model: Option<&'m Text<'_>>, context: &'m Context) -> &'m str {
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
