//! Translation: what a client says in one provider's language, said in another's, and the answer back.
//!
//! A dialect is read into [`talk`] and written from it; no dialect knows another. So four dialects make every
//! pair, and a golden of one side holds for all of its bridges.
//!
//! Promises: what the other side cannot say is refused by the client's own name for it, before anything is
//! sent; a stream is translated event by event. What is left out because it changes no answer (hints for
//! caches, labels) is listed in each dialect, with why.
//!
//! Must not know: accounts, sockets, the time.

use std::{borrow::Cow, fmt};

pub mod bridge;
pub mod chat;
pub mod codeassist;
mod crossing;
pub mod gemini;
mod members;
pub mod messages;
mod models;
mod reading;
pub mod responses;
pub mod schema;
pub mod talk;
pub mod text;
pub mod told;
pub mod tongue;
pub mod unsigned;

pub use crossing::Crossing;
pub use reading::Reading;

use talk::{At, Maker, Signature};
use text::Text;

/// A provider's language for conversations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Dialect {
    /// Anthropic Messages.
    Messages,
    /// OpenAI Chat Completions.
    Chat,
    /// OpenAI Responses.
    Responses,
    /// Gemini `generateContent`.
    Gemini,
}

/// What stands in the way of a translation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Untranslatable {
    /// What cannot be said.
    pub what: Spot,
    /// Why, as the end of a sentence whose subject is `what`: "is not something a Gemini account takes".
    pub why: Cow<'static, str>,
}

/// A place in the client's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Spot {
    /// By the client's own name, such as `messages.3.content.0.source`; empty for the body as a whole.
    /// Readers give this.
    Named(String),
    /// A setting. Writers give this and the following, not knowing the client's names.
    Setting(Setting),
    /// A part of the conversation.
    Part(At),
    /// A part of the system prompt, counted from 0.
    System(usize),
    /// A tool, counted from 0.
    Tool(usize),
}

/// Settings of a [`talk::Prompt`] that some dialect lacks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "each is the field of the same name")]
pub enum Setting {
    ToolChoice,
    ParallelToolCalls,
    MaxTokens,
    Temperature,
    TopP,
    TopK,
    Seed,
    PresencePenalty,
    FrequencyPenalty,
    Stop,
    Thinking,
    Format,
    User,
}

impl Untranslatable {
    /// Something the reader finds.
    pub fn named(name: impl Into<String>, why: impl Into<Cow<'static, str>>) -> Self {
        Untranslatable {
            what: Spot::Named(name.into()),
            why: why.into(),
        }
    }

    /// Something a writer finds.
    pub fn at(what: Spot, why: impl Into<Cow<'static, str>>) -> Self {
        Untranslatable {
            what,
            why: why.into(),
        }
    }
}

/// An answer that is not what its dialect promises, or says that it failed under a good status: an attempt
/// that served nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unreadable {
    /// What is wrong with it.
    pub why: Cow<'static, str>,
    /// How it fails.
    pub kind: UnreadableKind,
}

/// How an answer fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnreadableKind {
    /// It is not what its dialect promises.
    Form,
    /// It says that the model broke its answer off.
    GaveUp,
    /// One model was asked about, and is not among those that the provider lists.
    NoSuchModel,
}

impl Unreadable {
    /// It is not what its dialect promises.
    pub fn new(why: impl Into<Cow<'static, str>>) -> Unreadable {
        Unreadable {
            why: why.into(),
            kind: UnreadableKind::Form,
        }
    }

    /// It says that the model broke its answer off.
    pub fn gave_up(why: impl Into<Cow<'static, str>>) -> Unreadable {
        Unreadable {
            kind: UnreadableKind::GaveUp,
            ..Unreadable::new(why)
        }
    }
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.why)
    }
}

/// What a writer of answers has to know besides the answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The gateway's id of the request: ids that the client's dialect demands and the provider did not give
    /// are made from it.
    pub request_id: String,
    /// The model as the client named it, for answers that name none.
    pub model: String,
    /// Seconds since 1970, for dialects whose answers are dated.
    pub created: u64,
    /// A Chat client asked for `stream_options.include_usage`.
    pub stream_usage: bool,
}

/// What the writer of a request has to know besides the prompt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Target<'t> {
    /// The model as the provider names it. Gemini's writer leaves it to the path.
    pub model: &'t str,
    /// The longest answer of a dialect that demands a limit, where the client gave none.
    pub max_tokens: u64,
}

/// Signatures of one provider travel through clients of another in fields that the client hands back unread.
/// There they name their maker, so that they are never shown to the wrong one.
const TAGS: &[(Maker, &str)] = &[
    (Maker::Anthropic, "waybill.anthropic."),
    (Maker::OpenAi, "waybill.openai."),
    (Maker::Gemini, "waybill.gemini."),
];

impl<'a> Signature<'a> {
    /// Reads a signature out of a field of a dialect whose own ones are made by `native`.
    pub fn read(native: Maker, field: Text<'a>) -> Signature<'a> {
        for (maker, tag) in TAGS {
            if let Some(value) = field.strip_prefix(tag) {
                return Signature {
                    maker: *maker,
                    value: Text::from(value.to_owned()),
                };
            }
        }
        Signature {
            maker: native,
            value: field,
        }
    }

    /// What to put into a field of a dialect whose own signatures are made by `native`.
    pub fn written(&self, native: Maker) -> Cow<'_, str> {
        match TAGS.iter().find(|(maker, _)| *maker == self.maker) {
            Some((maker, tag)) if *maker != native => Cow::Owned(format!("{tag}{}", self.value)),
            _ => Cow::Borrowed(&self.value),
        }
    }
}
