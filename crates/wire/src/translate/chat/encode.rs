//! A Chat client's stream: `chat.completion.chunk` objects, then `[DONE]`.
//!
//! Promises: each delta becomes at most one chunk, at once; only what every chunk repeats is kept. The
//! role, and a call's id and name, are said once: the SDKs put the pieces of a field together.
//!
//! Must not know: who answers.

use serde::Serialize;

use super::{
    answer::{AnswerId, call_id, model_of},
    usage::{Usage, reason_of},
    write::Extra,
};
use crate::translate::{
    Context,
    talk::{Delta, Opening, Signature, Stop, Tokens},
    text::Text,
};

/// Writes a stream.
#[derive(Debug)]
pub struct Encoder {
    context: Context,
    /// The beginning of every chunk, up to its choices.
    head: Vec<u8>,
    open: Open,
    /// Calls so far.
    calls: usize,
    ended: bool,
}

/// The part that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    Nothing,
    Text,
    Thinking,
    Refusal,
    Call {
        index: usize,
        /// Some of its arguments were written.
        given: bool,
    },
}

/// What a chunk adds to the message.
#[derive(Debug, Default, Serialize)]
struct Step<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    role: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reasoning_content: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'s str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tool_calls: Option<[CallStep<'s>; 1]>,
}

#[derive(Debug, Default, Serialize)]
struct CallStep<'s> {
    index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    r#type: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    function: Option<FunctionStep<'s>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    extra_content: Option<Extra<'s>>,
}

#[derive(Debug, Serialize)]
struct FunctionStep<'s> {
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'s str>,
    arguments: &'s str,
}

/// The beginning of a chunk.
#[derive(Serialize)]
struct Head<'h> {
    id: AnswerId,
    object: &'static str,
    created: u64,
    model: &'h str,
}

impl Encoder {
    /// A stream that has not begun.
    pub fn new(context: Context) -> Self {
        Encoder {
            context,
            head: Vec::new(),
            open: Open::Nothing,
            calls: 0,
            ended: false,
        }
    }

    /// Adds what a step of the answer says, in whole frames.
    pub fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match delta {
            Delta::Begin {
                id,
                model,
                // Said at the end, when all are known.
                tokens: _,
            } => self.begin(id.as_ref(), model.as_ref(), out),
            Delta::Open(opening) => self.opened(opening, out),
            Delta::More(text) => self.more(text, out),
            Delta::Signed(signature) => self.signed(signature, out),
            Delta::Close => self.close(out),
            Delta::End { stop, tokens } => self.end(stop, tokens, out),
        }
    }

    fn begin(&mut self, id: Option<&Text<'_>>, model: Option<&Text<'_>>, out: &mut Vec<u8>) {
        let head = Head {
            id: AnswerId::of(id, &self.context),
            object: "chat.completion.chunk",
            created: self.context.created,
            model: model_of(model, &self.context),
        };
        self.head = json(&head);
        // Without the closing brace: more follows.
        self.head.pop();
        let step = Step {
            role: Some("assistant"),
            content: Some(""),
            ..Step::default()
        };
        self.chunk(&step, None, out);
    }

    fn opened(&mut self, opening: &Opening<'_>, out: &mut Vec<u8>) {
        self.close(out);
        self.open = match opening {
            Opening::Text => Open::Text,
            Opening::Thinking { redacted: _ } => Open::Thinking,
            Opening::Refusal => Open::Refusal,
            Opening::ToolCall { id, name } => {
                let index = self.calls;
                self.calls += 1;
                let step = CallStep {
                    index,
                    id: Some(call_id(id, index, &self.context)),
                    r#type: Some("function"),
                    function: Some(FunctionStep {
                        name: Some(name),
                        arguments: "",
                    }),
                    extra_content: None,
                };
                self.call_chunk(step, out);
                Open::Call {
                    index,
                    given: false,
                }
            }
        };
    }

    fn more(&mut self, text: &str, out: &mut Vec<u8>) {
        if text.is_empty() {
            return;
        }
        let mut step = Step::default();
        let field = match self.open {
            Open::Text => &mut step.content,
            Open::Thinking => &mut step.reasoning_content,
            Open::Refusal => &mut step.refusal,
            Open::Call { index, .. } => {
                self.open = Open::Call { index, given: true };
                return self.arguments(index, text, out);
            }
            Open::Nothing => return,
        };
        *field = Some(text);
        self.chunk(&step, None, out);
    }

    /// Chat has a field for a call's proof, and none for a thought's.
    fn signed(&self, signature: &Signature<'_>, out: &mut Vec<u8>) {
        if let Open::Call { index, .. } = self.open {
            let step = CallStep {
                index,
                // OpenAI's SDK takes no piece of a call without it.
                function: Some(FunctionStep {
                    name: None,
                    arguments: "",
                }),
                extra_content: Some(Extra::from(signature)),
                ..CallStep::default()
            };
            self.call_chunk(step, out);
        }
    }

    /// Clients parse a call's arguments, so there must be some.
    fn close(&mut self, out: &mut Vec<u8>) {
        if let Open::Call {
            index,
            given: false,
        } = self.open
        {
            self.arguments(index, "{}", out);
        }
        self.open = Open::Nothing;
    }

    fn end(&mut self, stop: &Stop<'_>, tokens: &Tokens, out: &mut Vec<u8>) {
        self.close(out);
        self.chunk(&Step::default(), Some(reason_of(stop)), out);
        if self.context.stream_usage {
            out.extend_from_slice(b"data: ");
            out.extend_from_slice(&self.head);
            out.extend_from_slice(b",\"choices\":[],\"usage\":");
            write_json(&Usage::from(tokens), out);
            out.extend_from_slice(b"}\n\n");
        }
        out.extend_from_slice(b"data: [DONE]\n\n");
        self.ended = true;
    }

    fn arguments(&self, index: usize, arguments: &str, out: &mut Vec<u8>) {
        let step = CallStep {
            index,
            function: Some(FunctionStep {
                name: None,
                arguments,
            }),
            ..CallStep::default()
        };
        self.call_chunk(step, out);
    }

    fn call_chunk(&self, step: CallStep<'_>, out: &mut Vec<u8>) {
        let step = Step {
            tool_calls: Some([step]),
            ..Step::default()
        };
        self.chunk(&step, None, out);
    }

    /// Where usage is wanted, the API says in every chunk that it is still to come.
    fn chunk(&self, step: &Step<'_>, finish_reason: Option<&'static str>, out: &mut Vec<u8>) {
        out.extend_from_slice(b"data: ");
        out.extend_from_slice(&self.head);
        out.extend_from_slice(b",\"choices\":[{\"index\":0,\"delta\":");
        write_json(step, out);
        out.extend_from_slice(b",\"logprobs\":null,\"finish_reason\":");
        write_json(&finish_reason, out);
        out.extend_from_slice(match self.context.stream_usage {
            true => b"}],\"usage\":null}\n\n".as_slice(),
            false => b"}]}\n\n".as_slice(),
        });
    }
}

fn json(value: &impl Serialize) -> Vec<u8> {
    let mut out = Vec::with_capacity(160);
    write_json(value, &mut out);
    out
}

fn write_json(value: &impl Serialize, out: &mut Vec<u8>) {
    // Only keys that are no strings can fail, and there are none.
    let _ = serde_json::to_writer(out, value);
}
