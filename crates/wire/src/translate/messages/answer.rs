//! Whole answers, read and written.
//!
//! Promises: every field that the official SDKs demand is written. Fields that Anthropic adds are passed over
//! when reading; blocks that are not asked for are not.
//!
//! Must not know: what was asked.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use super::{
    super::{
        Context, Unreadable,
        talk::{
            Answer, At, Content, Maker, Media, Part, Signature, Source, Stop, Thought, Tokens,
            ToolCall,
        },
        text::{Json, Text},
    },
    blocks::{self, Block},
    usage::{Usage, Written},
};

#[derive(Deserialize)]
struct Body<'a> {
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    #[serde(borrow)]
    content: Option<Vec<AnswerBlock<'a>>>,
    #[serde(borrow)]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow)]
    stop_sequence: Option<Text<'a>>,
    #[serde(borrow)]
    stop_details: Option<StopDetails<'a>>,
    usage: Option<Usage>,
    #[serde(borrow)]
    error: Option<ErrorBody<'a>>,
}

/// A block of an answer; also the beginning of one in a stream.
#[derive(Debug, Deserialize)]
pub(super) struct AnswerBlock<'a> {
    #[serde(borrow)]
    pub r#type: Option<Text<'a>>,
    #[serde(borrow)]
    pub text: Option<Text<'a>>,
    #[serde(borrow)]
    pub id: Option<Text<'a>>,
    #[serde(borrow)]
    pub name: Option<Text<'a>>,
    #[serde(borrow)]
    pub input: Option<Json<'a>>,
    #[serde(borrow)]
    pub thinking: Option<Text<'a>>,
    #[serde(borrow)]
    pub signature: Option<Text<'a>>,
    #[serde(borrow)]
    pub data: Option<Text<'a>>,
}

/// Why it stopped, as a whole answer and the last delta of a stream say it.
#[derive(Debug)]
pub(super) struct StopFields<'a> {
    pub stop_reason: Option<Text<'a>>,
    pub stop_sequence: Option<Text<'a>>,
    pub stop_details: Option<StopDetails<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct StopDetails<'a> {
    #[serde(borrow)]
    category: Option<Text<'a>>,
    #[serde(borrow)]
    explanation: Option<Text<'a>>,
}

#[derive(Debug, Deserialize)]
pub(super) struct ErrorBody<'a> {
    #[serde(borrow)]
    message: Option<Text<'a>>,
}

impl ErrorBody<'_> {
    pub(super) fn unreadable(error: Option<&Self>) -> Unreadable {
        let message = error.and_then(|error| error.message.as_deref());
        Unreadable::new(Cow::Owned(
            message
                .filter(|message| !message.is_empty())
                .unwrap_or("an error without a message")
                .to_owned(),
        ))
    }
}

/// Reads the answer of `/v1/messages`.
///
/// # Errors
/// It is no message.
pub fn read_answer(body: &str) -> Result<Answer<'_>, Unreadable> {
    let body = serde_json::from_str::<Body<'_>>(body)
        .map_err(|error| Unreadable::new(format!("is no message: {error}")))?;
    let Body {
        r#type,
        id,
        model,
        content,
        stop_reason,
        stop_sequence,
        stop_details,
        usage,
        error,
    } = body;
    if r#type.as_deref() == Some("error") || error.is_some() {
        return Err(ErrorBody::unreadable(error.as_ref()));
    }
    let content = content.ok_or(Unreadable::new("is no message: it has no content"))?;
    let mut tokens = Tokens::default();
    usage.unwrap_or_default().update(&mut tokens);
    Ok(Answer {
        id,
        model,
        parts: read_blocks(content)?,
        stop: read_stop(StopFields {
            stop_reason,
            stop_sequence,
            stop_details,
        }),
        tokens,
    })
}

fn read_blocks(blocks: Vec<AnswerBlock<'_>>) -> Result<Vec<Part<'_>>, Unreadable> {
    let mut parts = Vec::with_capacity(blocks.len());
    let mut sealed = None;
    let mut push = |content| {
        parts.push(Part {
            content,
            at: At::default(),
        })
    };
    for block in blocks {
        let content = match (read_block(block)?, sealed.take()) {
            (Content::ToolCall(call), signature @ Some(_)) => {
                Content::ToolCall(ToolCall { signature, ..call })
            }
            (content, None) => content,
            (content, Some(signature)) => {
                push(sealed_thought(signature));
                content
            }
        };
        match content {
            Content::Thinking(Thought {
                signature: Some(signature),
                redacted: true,
                ..
            }) if signature.maker == Maker::Gemini => sealed = Some(signature),
            content => push(content),
        }
    }
    if let Some(signature) = sealed {
        push(sealed_thought(signature));
    }
    Ok(parts)
}

fn sealed_thought(signature: Signature<'_>) -> Content<'_> {
    Content::Thinking(Thought {
        text: Text::default(),
        signature: Some(signature),
        redacted: true,
    })
}

fn read_block(block: AnswerBlock<'_>) -> Result<Content<'_>, Unreadable> {
    let AnswerBlock {
        r#type,
        text,
        id,
        name,
        input,
        thinking,
        signature,
        data,
    } = block;
    Ok(match r#type.as_deref().unwrap_or_default() {
        "text" => Content::Text(text.unwrap_or_default()),
        "tool_use" => Content::ToolCall(ToolCall {
            id: id.unwrap_or_default(),
            name: tool_name(name)?,
            arguments: match input {
                Some(input) if input.is_object() => input,
                Some(_) => {
                    return Err(Unreadable::new(
                        "the arguments of a call are no JSON object",
                    ));
                }
                None => empty_object()?,
            },
            signature: None,
        }),
        "thinking" => Content::Thinking(Thought {
            text: thinking.unwrap_or_default(),
            signature: read_signature(signature),
            redacted: false,
        }),
        "redacted_thinking" => Content::Thinking(Thought {
            text: Text::default(),
            signature: read_signature(data),
            redacted: true,
        }),
        kind => return Err(unknown_block(kind)),
    })
}

/// What a call calls: without it no client could answer.
pub(super) fn tool_name(name: Option<Text<'_>>) -> Result<Text<'_>, Unreadable> {
    name.filter(|name| !name.is_empty())
        .ok_or(Unreadable::new("a tool call does not name its tool"))
}

fn empty_object() -> Result<Json<'static>, Unreadable> {
    Json::parse("{}".to_owned()).map_err(|error| Unreadable::new(error.to_string()))
}

pub(super) fn unknown_block(kind: &str) -> Unreadable {
    Unreadable::new(format!(
        "holds a block of the kind `{kind}`, which was not asked for"
    ))
}

pub(super) fn read_signature(field: Option<Text<'_>>) -> Option<Signature<'_>> {
    let field = field.filter(|field| !field.is_empty())?;
    Some(Signature::read(Maker::Anthropic, field))
}

/// Anthropic may add reasons: one that is not known is an end like any other.
pub(super) fn read_stop(fields: StopFields<'_>) -> Stop<'_> {
    let StopFields {
        stop_reason,
        stop_sequence,
        stop_details,
    } = fields;
    match stop_reason.as_deref().unwrap_or_default() {
        "max_tokens" | "model_context_window_exceeded" => Stop::MaxTokens,
        "stop_sequence" => Stop::Sequence(stop_sequence),
        "tool_use" => Stop::ToolUse,
        "refusal" => {
            Stop::Refused(stop_details.and_then(|details| details.category.or(details.explanation)))
        }
        _ => Stop::End,
    }
}

/// A message as it is written; also the beginning of a stream, with nothing in it yet.
#[derive(Serialize)]
pub(super) struct Message<'a> {
    pub id: Cow<'a, str>,
    pub r#type: &'static str,
    pub role: &'static str,
    pub model: &'a str,
    pub content: Vec<Block<'a>>,
    #[serde(flatten)]
    pub stop: WrittenStop<'a>,
    pub usage: Written,
}

#[derive(Default, Serialize)]
pub(super) struct WrittenStop<'a> {
    stop_reason: Option<&'static str>,
    stop_sequence: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    stop_details: Option<WrittenDetails<'a>>,
}

#[derive(Serialize)]
struct WrittenDetails<'a> {
    r#type: &'static str,
    category: Option<&'a str>,
    explanation: Option<&'a str>,
}

impl<'a> WrittenStop<'a> {
    /// `declined`: a part of the answer was a refusal in the model's own words.
    pub(super) fn of(stop: &'a Stop<'a>, declined: bool) -> Self {
        let (reason, sequence, refused) = match stop {
            Stop::End if declined => ("refusal", None, None),
            Stop::End => ("end_turn", None, None),
            Stop::MaxTokens => ("max_tokens", None, None),
            Stop::Sequence(sequence) => ("stop_sequence", sequence.as_deref(), None),
            Stop::ToolUse => ("tool_use", None, None),
            Stop::Refused(why) => ("refusal", None, why.as_deref()),
        };
        WrittenStop {
            stop_reason: Some(reason),
            stop_sequence: sequence,
            // The categories are Anthropic's own: another provider's word for why explains.
            stop_details: refused.map(|why| WrittenDetails {
                r#type: "refusal",
                category: None,
                explanation: Some(why),
            }),
        }
    }
}

/// The id of an answer that has none.
pub(super) fn message_id(context: &Context) -> String {
    format!("msg_{}", context.request_id)
}

/// The id of a call that has none, counted from 0 within the answer.
pub(super) fn call_id(context: &Context, at: u32) -> String {
    format!("toolu_{}_{at}", context.request_id)
}

/// Writes the answer of `/v1/messages`.
pub fn write_answer(answer: &Answer<'_>, context: &Context) -> Vec<u8> {
    let Answer {
        id,
        model,
        parts,
        stop,
        tokens,
    } = answer;
    let mut writer = Writer {
        context,
        calls: 0,
        declined: false,
    };
    let content = parts
        .iter()
        .flat_map(|part| writer.blocks(part))
        .flatten()
        .collect();
    let id = id
        .as_deref()
        .map_or_else(|| Cow::Owned(message_id(context)), Cow::Borrowed);
    let message = Message {
        id,
        r#type: "message",
        role: "assistant",
        model: model.as_deref().unwrap_or(&context.model),
        content,
        stop: WrittenStop::of(stop, writer.declined),
        usage: Written::from(tokens),
    };
    serde_json::to_vec(&message).unwrap_or_default()
}

struct Writer<'c> {
    context: &'c Context,
    calls: u32,
    declined: bool,
}

impl Writer<'_> {
    /// At most two blocks: the proof of a call, and the call.
    fn blocks<'p>(&mut self, part: &'p Part<'p>) -> [Option<Block<'p>>; 2] {
        let Part { content, at: _ } = part;
        match content {
            Content::Text(text) => [None, Some(Block::Text { text })],
            Content::Refusal(text) => {
                self.declined = true;
                [None, Some(Block::Text { text })]
            }
            Content::Thinking(thought) => [None, Some(blocks::thought(thought))],
            Content::ToolCall(call) => {
                let ToolCall {
                    id,
                    name,
                    arguments,
                    signature,
                } = call;
                let id = if id.is_empty() {
                    Cow::Owned(call_id(self.context, self.calls))
                } else {
                    blocks::id(id)
                };
                self.calls += 1;
                let proof = signature.as_ref().map(|signature| Block::RedactedThinking {
                    data: blocks::proof(signature),
                });
                [
                    proof,
                    Some(Block::ToolUse {
                        id,
                        name,
                        input: arguments,
                    }),
                ]
            }
            Content::Media(media) => [None, Some(picture(media))],
            // No model answers for tools.
            Content::ToolResult(_) => [None, None],
        }
    }
}

/// Answers of Anthropic's hold no files: one is shown as Markdown, as clients of text show pictures.
fn picture<'p>(media: &'p Media<'p>) -> Block<'p> {
    let Media {
        kind: _,
        mime,
        source,
        name,
    } = media;
    let name = name.as_deref().unwrap_or_default();
    let text = match source {
        Source::Base64(data) => {
            let mime = mime.as_deref().unwrap_or("application/octet-stream");
            format!("![{name}](data:{mime};base64,{data})")
        }
        Source::Url(url) | Source::File(url) => format!("![{name}]({url})"),
        Source::Plain(text) => text.to_string(),
    };
    Block::Said { text }
}
