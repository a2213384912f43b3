//! Blocks as they are written, in requests and answers.
//!
//! Promises: no empty text; ids of calls that Anthropic takes; a proof of a call stands directly before it,
//! sealed, for clients hand that back unread.
//!
//! Must not know: whether a request or an answer is written, but for what its callers leave out before.

use std::borrow::Cow;

use serde::Serialize;

use super::super::{
    talk::{Maker, Signature, Thought},
    text::{Json, Text},
};

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Block<'p> {
    Text {
        text: &'p str,
    },
    /// Text that was made here.
    #[serde(rename = "text")]
    Said {
        text: String,
    },
    Image {
        source: Source<'p>,
    },
    Document {
        source: Source<'p>,
        #[serde(skip_serializing_if = "Option::is_none")]
        title: Option<&'p Text<'p>>,
    },
    ToolUse {
        id: Cow<'p, str>,
        name: &'p str,
        input: &'p Json<'p>,
    },
    ToolResult {
        tool_use_id: Cow<'p, str>,
        #[serde(skip_serializing_if = "Vec::is_empty")]
        content: Vec<Block<'p>>,
        #[serde(skip_serializing_if = "std::ops::Not::not")]
        is_error: bool,
    },
    Thinking {
        thinking: &'p str,
        signature: Cow<'p, str>,
    },
    RedactedThinking {
        data: Cow<'p, str>,
    },
}

#[derive(Debug, Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub(super) enum Source<'p> {
    Base64 {
        media_type: &'p str,
        data: &'p str,
    },
    Text {
        media_type: &'static str,
        data: &'p str,
    },
    Url {
        url: &'p str,
    },
}

/// A thought, with its proof in the field where clients hand it back.
pub(super) fn thought<'p>(thought: &'p Thought<'p>) -> Block<'p> {
    let Thought {
        text,
        signature,
        redacted,
    } = thought;
    let signature = signature.as_ref().map_or(Cow::Borrowed(""), proof);
    if *redacted {
        Block::RedactedThinking { data: signature }
    } else {
        Block::Thinking {
            thinking: text,
            signature,
        }
    }
}

/// A proof, naming its maker where that is not Anthropic.
pub(super) fn proof<'p>(signature: &'p Signature<'p>) -> Cow<'p, str> {
    signature.written(Maker::Anthropic)
}

/// An id of a call as Anthropic takes them: of letters, digits, `_` and `-`. The same id gives the same.
pub(super) fn id(id: &str) -> Cow<'_, str> {
    let takes = |letter: char| letter.is_ascii_alphanumeric() || matches!(letter, '_' | '-');
    if id.chars().all(takes) {
        Cow::Borrowed(id)
    } else {
        Cow::Owned(id.replace(|letter| !takes(letter), "_"))
    }
}

/// Anthropic refuses texts with nothing to read in them.
pub(super) fn is_blank(text: &str) -> bool {
    text.trim_start().is_empty()
}
