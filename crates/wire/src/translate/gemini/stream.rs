//! Reads Gemini's streams: every event is a response object of its own.
//!
//! Promises: pieces of one kind that follow one another are one part; nothing is kept but what was said
//! about the end.
//!
//! Must not know: how events are framed, or what an error looks like.

use super::super::{
    Unreadable,
    talk::{Delta, Opening, Stop, Thought, Tokens},
    text::Text,
};
use super::answer::{Call, Piece, conclude, read};

/// The reader of one stream.
#[derive(Debug, Default)]
pub struct Decoder {
    begun: bool,
    open: Option<Open>,
    stop: Option<Stop<'static>>,
    called: bool,
    /// Counts are of the whole answer so far: the last ones hold.
    tokens: Tokens,
    over: bool,
}

/// The part under way. Calls come whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Text,
    Thinking,
}

impl Decoder {
    /// Takes the data of one event; Gemini's have no names.
    ///
    /// # Errors
    /// It is no response of Gemini's, or says that the model failed.
    pub fn event<'d>(
        &mut self,
        _name: &str,
        data: &'d str,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<(), Unreadable> {
        let response = read(data)?;
        if let Some(tokens) = response.tokens() {
            self.tokens = tokens;
        }
        if !std::mem::replace(&mut self.begun, true) {
            out.push(Delta::Begin {
                id: response.response_id.clone(),
                model: response.model_version.clone(),
                tokens: self.tokens,
            });
        }
        if let Some(stop) = response.blocked() {
            self.stop = Some(owned(stop));
        }
        let candidates = response.candidates;
        let Some(candidate) = candidates.and_then(|all| all.into_iter().next()) else {
            return Ok(());
        };
        if let Some(stop) = candidate.stop()? {
            self.stop = Some(owned(stop));
        }
        for piece in candidate.pieces() {
            match piece? {
                Piece::Text(text) => {
                    self.turn_to(Open::Text, Opening::Text, out);
                    out.push(Delta::More(text));
                }
                Piece::Thought(thought) => self.thought(thought, out),
                Piece::Call(call) => self.call(call, out),
            }
        }
        Ok(())
    }

    /// The stream is over.
    ///
    /// # Errors
    /// It never said why.
    pub fn finish(&mut self, out: &mut Vec<Delta<'static>>) -> Result<(), Unreadable> {
        if std::mem::replace(&mut self.over, true) {
            return Ok(());
        }
        let stop = conclude(self.stop.take(), self.called)?;
        if self.open.take().is_some() {
            out.push(Delta::Close);
        }
        out.push(Delta::End {
            stop,
            tokens: self.tokens,
        });
        Ok(())
    }

    /// Goes on with a part of this kind, beginning one if none is under way.
    fn turn_to<'d>(&mut self, kind: Open, opening: Opening<'d>, out: &mut Vec<Delta<'d>>) {
        if self.open == Some(kind) {
            return;
        }
        self.close(out);
        self.open = Some(kind);
        out.push(Delta::Open(opening));
    }

    fn close(&mut self, out: &mut Vec<Delta<'_>>) {
        if self.open.take().is_some() {
            out.push(Delta::Close);
        }
    }

    fn thought<'d>(&mut self, thought: Thought<'d>, out: &mut Vec<Delta<'d>>) {
        let Thought {
            text,
            signature,
            redacted,
        } = thought;
        // A thought's proof may come after it, beside nothing.
        let goes_on = self.open == Some(Open::Thinking) && (redacted || !text.is_empty());
        if !goes_on {
            self.close(out);
            self.turn_to(Open::Thinking, Opening::Thinking { redacted }, out);
        }
        if !text.is_empty() {
            out.push(Delta::More(text));
        }
        if let Some(signature) = signature {
            out.push(Delta::Signed(signature));
            self.close(out);
        }
    }

    fn call<'d>(&mut self, call: Call<'d>, out: &mut Vec<Delta<'d>>) {
        let Call {
            id,
            name,
            arguments,
            signature,
        } = call;
        self.close(out);
        self.called = true;
        out.push(Delta::Open(Opening::ToolCall { id, name }));
        let arguments = arguments.map_or("{}", |raw| raw.get());
        // Dialects that tell of it before the call need it first.
        out.extend(signature.map(Delta::Signed));
        out.push(Delta::More(Text::from(arguments)));
        out.push(Delta::Close);
    }
}

fn owned(stop: Stop<'_>) -> Stop<'static> {
    match stop {
        Stop::End => Stop::End,
        Stop::MaxTokens => Stop::MaxTokens,
        Stop::ToolUse => Stop::ToolUse,
        Stop::Sequence(text) => Stop::Sequence(text.map(Text::into_owned)),
        Stop::Refused(word) => Stop::Refused(word.map(Text::into_owned)),
    }
}
