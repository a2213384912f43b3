//! What a client is told: a whole response, and the pieces it is made of, which streams tell one by one.
//!
//! Promises: each part of the answer is an item of its own, with every field that the SDKs' types demand.

use std::borrow::Cow;

use serde::Serialize;

use super::{
    custom,
    response::{Head, standing},
    sealed,
};
use crate::translate::{
    Context,
    talk::{Answer, Content, Media, MediaKind, Part, Source, Thought, ToolCall},
};

/// An item of the output.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Item<'p> {
    Message {
        id: &'p str,
        status: &'static str,
        role: &'static str,
        content: &'p [Piece<'p>],
    },
    FunctionCall {
        id: &'p str,
        status: &'static str,
        call_id: &'p str,
        name: &'p str,
        arguments: &'p str,
    },
    CustomToolCall {
        id: &'p str,
        status: &'static str,
        call_id: &'p str,
        name: &'p str,
        input: &'p str,
    },
    Reasoning {
        id: &'p str,
        summary: &'p [Piece<'p>],
        encrypted_content: Option<Cow<'p, str>>,
    },
    ImageGenerationCall {
        id: &'p str,
        status: &'static str,
        result: &'p str,
    },
}

/// A part of an item.
#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Piece<'p> {
    OutputText {
        text: &'p str,
        annotations: [(); 0],
        logprobs: [(); 0],
    },
    Refusal {
        refusal: &'p str,
    },
    SummaryText {
        text: &'p str,
    },
}

impl<'p> Piece<'p> {
    pub(super) const fn text(text: &'p str) -> Self {
        Piece::OutputText {
            text,
            annotations: [],
            logprobs: [],
        }
    }
}

/// Kinds of items, by the beginning of their ids.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Prefix {
    Message,
    Function,
    Custom,
    Reasoning,
    Image,
    Call,
}

/// An id that is not given by anyone: the request's, and the item's number.
pub(super) fn id(prefix: Prefix, context: &Context, index: usize) -> String {
    let prefix = match prefix {
        Prefix::Message => "msg",
        Prefix::Function => "fc",
        Prefix::Custom => "ctc",
        Prefix::Reasoning => "rs",
        Prefix::Image => "ig",
        Prefix::Call => "call",
    };
    format!("{prefix}_{}_{index}", context.request_id)
}

/// Appends JSON. Strings and numbers into memory: there is nothing that could fail.
pub(super) fn json(value: &impl Serialize, out: &mut Vec<u8>) {
    let written = serde_json::to_writer(out, value);
    debug_assert!(written.is_ok());
}

/// Items, in JSON, separated by commas.
#[derive(Debug, Default)]
pub(super) struct Items {
    json: Vec<u8>,
    count: usize,
}

impl Items {
    pub(super) fn push(&mut self, item: &Item<'_>) {
        if self.count > 0 {
            self.json.push(b',');
        }
        json(item, &mut self.json);
        self.count += 1;
    }

    /// How many there are: the index of the next one.
    pub(super) const fn count(&self) -> usize {
        self.count
    }

    pub(super) fn json(&self) -> &[u8] {
        &self.json
    }
}

/// Writes a whole answer.
pub fn write_answer(answer: &Answer<'_>, context: &Context) -> Vec<u8> {
    let Answer {
        id,
        model,
        parts,
        stop,
        tokens,
    } = answer;
    let mut items = Items::default();
    for part in parts {
        write_part(part, context, &mut items);
    }
    let mut out = Vec::with_capacity(items.json.len() + 1024);
    let head = Head::new(context, id.as_ref(), model.as_ref());
    head.write(standing(stop), Some(*tokens), &items.json, &mut out);
    out
}

fn write_part(part: &Part<'_>, context: &Context, items: &mut Items) {
    let index = items.count();
    let id = |prefix| id(prefix, context, index);
    let message = |piece: Piece<'_>, items: &mut Items| {
        items.push(&Item::Message {
            id: &id(Prefix::Message),
            status: "completed",
            role: "assistant",
            content: &[piece],
        });
    };
    match &part.content {
        Content::Text(text) => message(Piece::text(text), items),
        Content::Refusal(refusal) => message(Piece::Refusal { refusal }, items),
        Content::Thinking(Thought {
            text,
            signature,
            redacted,
        }) => {
            let summary = [Piece::SummaryText { text }];
            items.push(&Item::Reasoning {
                id: &id(Prefix::Reasoning),
                summary: if text.is_empty() { &[] } else { &summary },
                encrypted_content: signature
                    .as_ref()
                    .map(|signature| sealed::thought(signature, *redacted)),
            });
        }
        Content::ToolCall(ToolCall {
            id: call,
            name,
            arguments,
            signature,
        }) => {
            if let Some(signature) = signature {
                items.push(&Item::Reasoning {
                    id: &id(Prefix::Reasoning),
                    summary: &[],
                    encrypted_content: Some(sealed::thought(signature, false)),
                });
            }
            push_call(items, context, call, name, arguments.get());
        }
        Content::Media(media) => write_media(media, &id(Prefix::Image), items, message),
        // No model answers with what tools answer.
        Content::ToolResult(_) => {}
    }
}

/// Adds a call that is whole.
pub(super) fn push_call(
    items: &mut Items,
    context: &Context,
    call: &str,
    name: &str,
    arguments: &str,
) {
    let index = items.count();
    let call_id = call_id(call, context, index);
    match custom::unmarked(name) {
        Some(name) => items.push(&Item::CustomToolCall {
            id: &id(Prefix::Custom, context, index),
            status: "completed",
            call_id: &call_id,
            name,
            input: &custom::unwrapped(arguments),
        }),
        None => items.push(&Item::FunctionCall {
            id: &id(Prefix::Function, context, index),
            status: "completed",
            call_id: &call_id,
            name,
            arguments,
        }),
    }
}

/// The id of a call, made where the provider has none.
pub(super) fn call_id<'c>(given: &'c str, context: &Context, index: usize) -> Cow<'c, str> {
    if given.is_empty() {
        Cow::Owned(id(Prefix::Call, context, index))
    } else {
        Cow::Borrowed(given)
    }
}

/// Pictures are what OpenAI's own tool for them gives back. For other files there are no words: the client is
/// told so.
fn write_media(
    media: &Media<'_>,
    id: &str,
    items: &mut Items,
    message: impl Fn(Piece<'_>, &mut Items),
) {
    match (media.kind, &media.source) {
        (MediaKind::Image, Source::Base64(result)) => items.push(&Item::ImageGenerationCall {
            id,
            status: "completed",
            result,
        }),
        (_, Source::Url(url)) => message(Piece::text(url), items),
        (_, Source::Plain(text)) => message(Piece::text(text), items),
        (_, Source::Base64(_) | Source::File(_)) => {
            let kind = media.mime.as_deref().unwrap_or("a file");
            let note =
                format!("[The model answered with {kind}, which this protocol has no field for.]");
            message(Piece::text(&note), items);
        }
    }
}
