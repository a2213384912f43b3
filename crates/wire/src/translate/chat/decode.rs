//! A provider's stream of `chat.completion.chunk` objects, chunk by chunk.
//!
//! Promises: the end is told at `[DONE]` (or when the stream is over), so that usage that comes after the
//! `finish_reason` is in it. Chunks of compatible servers are understood that send whole calls at once,
//! repeat ids, leave out ids or indexes, or finish with an empty word. Calls whose pieces are mixed are
//! refused: no other dialect can say them one after the other without holding the stream back.
//!
//! Must not know: frames.

use std::mem;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{
    answer::{AnsweredCall, LEGACY_CALL, NO_FUNCTION, said, said_first, strange_reason, tokens_of},
    misread::wordless,
    usage::stop_of,
};
use crate::translate::{
    Unreadable,
    talk::{Delta, Opening, Stop, Tokens},
    text::Text,
};

/// Reads a stream.
#[derive(Debug, Default)]
pub struct Decoder {
    begun: bool,
    ended: bool,
    open: Open,
    /// A tool was called.
    called: bool,
    /// The highest index of a call so far.
    highest: Option<u64>,
    /// What the newest `finish_reason` says.
    stop: Option<Stop<'static>>,
    tokens: Tokens,
}

/// The part that is open.
#[derive(Debug, Default, PartialEq, Eq)]
enum Open {
    #[default]
    Nothing,
    Text,
    Thinking,
    Refusal,
    Call {
        index: Option<u64>,
        id: String,
        /// Some of its arguments were seen.
        given: bool,
    },
}

#[derive(Deserialize)]
struct Chunk<'a> {
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
    index: Option<u64>,
    #[serde(borrow)]
    delta: Option<Step<'a>>,
    #[serde(borrow)]
    finish_reason: Option<Text<'a>>,
}

#[derive(Deserialize)]
struct Step<'a> {
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

impl Decoder {
    /// Reads one event. Chat's have no name.
    ///
    /// # Errors
    /// What is not as the API promises; nothing more is to be read then.
    pub fn event<'d>(
        &mut self,
        _name: &str,
        data: &'d str,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<(), Unreadable> {
        let data = data.trim_ascii();
        if self.ended || data.is_empty() {
            return Ok(());
        }
        if data == "[DONE]" {
            return self.end(out);
        }
        let chunk: Chunk<'d> = serde_json::from_str(data).map_err(|error| {
            Unreadable::new(format!(
                "an event of the stream is no chunk of a chat completion: {}",
                wordless(&error)
            ))
        })?;
        let Chunk {
            id,
            model,
            choices,
            usage,
        } = chunk;
        if let Some(tokens) = usage.and_then(tokens_of) {
            self.tokens = tokens;
        }
        let choices = choices.unwrap_or_default();
        let id = said(id);
        // Some servers open with an empty chunk about their filters, which names nothing yet.
        if !self.begun && (id.is_some() || !choices.is_empty()) {
            self.begun = true;
            out.push(Delta::Begin {
                id,
                model: said(model),
                tokens: self.tokens,
            });
        }
        for choice in choices {
            self.choice(choice, out)?;
        }
        Ok(())
    }

    /// The stream is over and ended well: says the end, if `[DONE]` did not.
    ///
    /// # Errors
    /// When the stream said nothing at all.
    pub fn finish(&mut self, out: &mut Vec<Delta<'static>>) -> Result<(), Unreadable> {
        match self.ended {
            true => Ok(()),
            false => self.end(out),
        }
    }

    fn end<'d>(&mut self, out: &mut Vec<Delta<'d>>) -> Result<(), Unreadable> {
        if !self.begun {
            return Err(Unreadable::new("the stream ended before it said anything"));
        }
        self.close(out);
        self.ended = true;
        let stop = match self.stop.take() {
            Some(Stop::End) | None if self.called => Stop::ToolUse,
            Some(stop) => stop,
            None => Stop::End,
        };
        out.push(Delta::End {
            stop,
            tokens: self.tokens,
        });
        Ok(())
    }

    fn choice<'d>(
        &mut self,
        choice: Choice<'d>,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<(), Unreadable> {
        if choice.index.unwrap_or(0) != 0 {
            return Err(Unreadable::new("the answer holds more than one choice"));
        }
        if let Some(step) = choice.delta {
            let Step {
                content,
                refusal,
                reasoning_content,
                reasoning,
                tool_calls,
                function_call,
            } = step;
            if function_call.is_some() {
                return Err(LEGACY_CALL);
            }
            self.text(
                Open::Thinking,
                said_first(reasoning_content, reasoning),
                out,
            );
            self.text(Open::Text, said(content), out);
            self.text(Open::Refusal, said(refusal), out);
            for piece in tool_calls.unwrap_or_default() {
                self.call(piece, out)?;
            }
        }
        if let Some(reason) = said(choice.finish_reason) {
            self.close(out);
            self.stop = Some(stop_of(Some(&reason), self.called).map_err(strange_reason)?);
        }
        Ok(())
    }

    /// More of a text, a thought or a refusal.
    fn text<'d>(&mut self, kind: Open, text: Option<Text<'d>>, out: &mut Vec<Delta<'d>>) {
        let Some(text) = text else {
            return;
        };
        if self.open != kind {
            self.close(out);
            out.push(Delta::Open(match kind {
                Open::Thinking => Opening::Thinking { redacted: false },
                Open::Refusal => Opening::Refusal,
                Open::Text | Open::Nothing | Open::Call { .. } => Opening::Text,
            }));
            self.open = kind;
        }
        out.push(Delta::More(text));
    }

    /// A piece of a call: of the open one, or the first of another.
    fn call<'d>(
        &mut self,
        mut piece: AnsweredCall<'d>,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<(), Unreadable> {
        if !piece.is_function() {
            return Err(NO_FUNCTION);
        }
        let signature = piece.signature();
        let (name, arguments) = match piece.function {
            Some(function) => (said(function.name), function.arguments),
            None => (None, None),
        };
        let id = piece.id.unwrap_or_default();
        if !self.goes_on(piece.index, &id, name.is_some()) {
            let Some(name) = name else {
                return Err(Unreadable::new(
                    "the stream goes on with a tool call that is not the open one: \
                     pieces of several calls are mixed",
                ));
            };
            if let (Some(index), Some(highest)) = (piece.index, self.highest)
                && index < highest
            {
                return Err(Unreadable::new(
                    "the stream goes back to a tool call before the last one",
                ));
            }
            self.close(out);
            self.called = true;
            self.highest = piece.index.or(self.highest);
            self.open = Open::Call {
                index: piece.index,
                id: (*id).to_owned(),
                given: false,
            };
            out.push(Delta::Open(Opening::ToolCall { id, name }));
        }
        out.extend(signature.map(Delta::Signed));
        if let Some(arguments) = said(arguments) {
            if let Open::Call { given, .. } = &mut self.open {
                *given = true;
            }
            out.push(Delta::More(arguments));
        }
        Ok(())
    }

    /// Whether a piece belongs to the call that is open. Its index says so, unless its id says otherwise
    /// (servers that count every call as the first); without an index, that it names no tool.
    fn goes_on(&self, index: Option<u64>, id: &str, named: bool) -> bool {
        let Open::Call {
            index: open_index,
            id: open_id,
            ..
        } = &self.open
        else {
            return false;
        };
        let same_id = id.is_empty() || id == open_id;
        match (index, open_index) {
            (Some(index), Some(open)) => index == *open && (same_id || !named),
            (None, _) | (_, None) => same_id && !named,
        }
    }

    /// Closes the open part. A call without arguments has none, which in JSON is an empty object.
    fn close(&mut self, out: &mut Vec<Delta<'_>>) {
        match mem::take(&mut self.open) {
            Open::Nothing => return,
            Open::Call { given: false, .. } => out.push(Delta::More("{}".into())),
            Open::Text | Open::Thinking | Open::Refusal | Open::Call { given: true, .. } => {}
        }
        out.push(Delta::Close);
    }
}
