//! Writes streams for Gemini's clients, as server-sent events or as one JSON array.
//!
//! Promises: whole frames only; every event is a response object of its own. Arguments of a call are
//! gathered, for Gemini's calls come whole; nothing else is.
//!
//! Must not know: who answers.

use waybill_model::protocol::StreamFormat;

use super::super::{
    Context,
    talk::{Delta, Opening, Signature, Stop, Thought, Tokens},
    text::Text,
};
use super::{
    answer::{call_part, write_stop, write_tokens},
    out::Group,
    write::thought_part,
};

/// The writer of one stream.
#[derive(Debug)]
pub struct Encoder {
    context: Context,
    array: bool,
    /// A frame was written.
    begun: bool,
    id: Option<String>,
    model: Option<String>,
    open: Option<Open>,
}

/// The part under way.
#[derive(Debug)]
enum Open {
    Text,
    Thinking {
        redacted: bool,
        shown: bool,
    },
    Call {
        id: String,
        name: String,
        arguments: String,
        signature: Option<Signature<'static>>,
    },
}

impl Encoder {
    /// A writer at the start of a stream. Any format but the array is written as server-sent events.
    pub fn new(context: Context, format: StreamFormat) -> Self {
        Encoder {
            context,
            array: format == StreamFormat::GeminiArray,
            begun: false,
            id: None,
            model: None,
            open: None,
        }
    }

    /// Appends the frames that a step of the answer makes.
    pub fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        match delta {
            Delta::Begin {
                id,
                model,
                tokens: _,
            } => {
                self.id = id.as_ref().map(ToString::to_string);
                self.model = model.as_ref().map(ToString::to_string);
            }
            Delta::Open(opening) => self.open = Some(open(opening)),
            Delta::More(text) => self.more(text, out),
            Delta::Signed(signature) => self.signed(signature, out),
            Delta::Close => self.close(out),
            Delta::End { stop, tokens } => self.end(stop, tokens, out),
        }
    }

    fn more(&mut self, text: &Text<'_>, out: &mut Vec<u8>) {
        match &mut self.open {
            Some(Open::Call { arguments, .. }) => arguments.push_str(text),
            Some(Open::Thinking { shown, redacted: _ }) => {
                *shown = true;
                let thought = Thought {
                    text: text.by_ref(),
                    signature: None,
                    redacted: false,
                };
                self.said(out, |parts| thought_part(parts.element(), &thought));
            }
            Some(Open::Text) | None => self.said(out, |parts| {
                let mut part = Group::object(parts.element());
                part.text("text", text);
                part.close();
            }),
        }
    }

    fn signed(&mut self, proof: &Signature<'_>, out: &mut Vec<u8>) {
        let proof = Signature {
            maker: proof.maker,
            value: Text::from(proof.value.to_string()),
        };
        match &mut self.open {
            Some(Open::Call { signature, .. }) => *signature = Some(proof),
            Some(Open::Thinking { redacted, shown }) => {
                let thought = Thought {
                    text: Text::default(),
                    signature: Some(proof),
                    redacted: *redacted || *shown,
                };
                self.said(out, |parts| thought_part(parts.element(), &thought));
            }
            Some(Open::Text) | None => {}
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(Open::Call {
            id,
            name,
            arguments,
            signature,
        }) = self.open.take()
        else {
            return;
        };
        // What is no JSON would spoil the frame.
        let arguments = match serde_json::from_str::<serde::de::IgnoredAny>(&arguments) {
            Ok(_) if !arguments.is_empty() => &*arguments,
            _ => "{}",
        };
        // Arguments may be spread over lines, and events may not.
        let arguments = arguments.replace(['\n', '\r'], " ");
        self.said(out, |parts| {
            call_part(parts.element(), &id, &name, &arguments, signature.as_ref());
        });
    }

    /// The last frame. Google's holds an empty text.
    fn end(&mut self, stop: &Stop<'_>, tokens: &Tokens, out: &mut Vec<u8>) {
        self.frame(out, |body| {
            let mut list = body.list("candidates");
            let mut candidate = Group::object(list.element());
            let mut content = candidate.inner("content");
            let mut parts = content.list("parts");
            let mut part = Group::object(parts.element());
            part.text("text", "");
            part.close();
            parts.close();
            content.text("role", "model");
            content.close();
            write_stop(stop, &mut candidate);
            candidate.raw("index", 0);
            candidate.close();
            list.close();
            write_tokens(tokens, body);
        });
        if self.array {
            out.extend_from_slice(b"\r\n]");
        }
    }

    /// A frame with one part.
    fn said(&mut self, out: &mut Vec<u8>, part: impl FnOnce(&mut Group<'_>)) {
        self.frame(out, |body| {
            let mut list = body.list("candidates");
            let mut candidate = Group::object(list.element());
            let mut content = candidate.inner("content");
            let mut parts = content.list("parts");
            part(&mut parts);
            parts.close();
            content.text("role", "model");
            content.close();
            candidate.raw("index", 0);
            candidate.close();
            list.close();
        });
    }

    fn frame(&mut self, out: &mut Vec<u8>, inside: impl FnOnce(&mut Group<'_>)) {
        let first = !std::mem::replace(&mut self.begun, true);
        out.extend_from_slice(match (self.array, first) {
            (false, _) => b"data: ",
            (true, true) => b"[",
            (true, false) => b",\r\n",
        });
        let mut body = Group::object(out);
        inside(&mut body);
        let model = self.model.as_deref().unwrap_or(&self.context.model);
        let id = self.id.as_deref().unwrap_or(&self.context.request_id);
        body.text("modelVersion", model);
        body.text("responseId", id);
        body.close();
        if !self.array {
            out.extend_from_slice(b"\r\n\r\n");
        }
    }
}

fn open(opening: &Opening<'_>) -> Open {
    match opening {
        Opening::Text | Opening::Refusal => Open::Text,
        Opening::Thinking { redacted } => Open::Thinking {
            redacted: *redacted,
            shown: false,
        },
        Opening::ToolCall { id, name } => Open::Call {
            id: id.to_string(),
            name: name.to_string(),
            arguments: String::new(),
            signature: None,
        },
    }
}
