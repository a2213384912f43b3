//! A stream is written for a client of Anthropic's, in the order that Anthropic documents.
//!
//! Promises: `message_start` comes with the first delta; each delta becomes whole frames at once, but for the
//! opening of a call, which waits for the call's first piece, because the proof of a call stands before it,
//! and that of a sealed thought, which waits for its seal.
//!
//! Must not know: the provider.

use serde::Serialize;

use super::{
    super::{
        Context,
        talk::{Delta, Opening, Signature, Stop, Tokens},
    },
    answer::{self, Message, WrittenStop},
    blocks,
    usage::Written,
};

/// Writes the events of one stream.
#[derive(Debug)]
pub struct Encoder {
    context: Context,
    begun: bool,
    ended: bool,
    open: Option<Open>,
    /// Of the block that is open or comes next.
    index: u32,
    calls: u32,
    /// A part was a refusal in the model's own words.
    declined: bool,
}

/// The part that is open.
#[derive(Debug)]
enum Open {
    Text,
    Thinking,
    /// A sealed thought, which is written when its seal comes; and whether it was.
    Sealed {
        written: bool,
    },
    /// A call whose beginning is not written yet.
    Announced {
        id: String,
        name: String,
    },
    /// A call whose beginning is written.
    Call,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Event<'a> {
    MessageStart {
        message: Message<'a>,
    },
    ContentBlockStart {
        index: u32,
        content_block: Beginning<'a>,
    },
    ContentBlockDelta {
        index: u32,
        delta: Step<'a>,
    },
    ContentBlockStop {
        index: u32,
    },
    MessageDelta {
        delta: WrittenStop<'a>,
        usage: Written,
    },
    MessageStop,
}

#[derive(Serialize)]
#[serde(tag = "type", rename_all = "snake_case")]
enum Beginning<'a> {
    Text {
        text: &'static str,
    },
    Thinking {
        thinking: &'static str,
        signature: &'static str,
    },
    RedactedThinking {
        data: &'a str,
    },
    ToolUse {
        id: &'a str,
        name: &'a str,
        input: Nothing,
    },
}

/// An empty object.
#[derive(Serialize)]
struct Nothing {}

#[derive(Serialize)]
#[serde(tag = "type")]
enum Step<'a> {
    #[serde(rename = "text_delta")]
    Text { text: &'a str },
    #[serde(rename = "thinking_delta")]
    Thinking { thinking: &'a str },
    #[serde(rename = "signature_delta")]
    Signature { signature: &'a str },
    #[serde(rename = "input_json_delta")]
    InputJson { partial_json: &'a str },
}

impl Encoder {
    /// At the beginning of a stream.
    pub fn new(context: Context) -> Self {
        Encoder {
            context,
            begun: false,
            ended: false,
            open: None,
            index: 0,
            calls: 0,
            declined: false,
        }
    }

    /// Appends the frames of a delta.
    pub fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        if self.ended {
            return;
        }
        match delta {
            Delta::Begin { id, model, tokens } => {
                self.begin(id.as_deref(), model.as_deref(), tokens, out)
            }
            Delta::Open(opening) => self.open(opening, out),
            Delta::More(text) if text.is_empty() => {}
            Delta::More(text) => self.more(text, out),
            Delta::Signed(signature) => self.sign(signature, out),
            Delta::Close => self.close(out),
            Delta::End { stop, tokens } => self.end(stop, tokens, out),
        }
    }

    fn begin(&mut self, id: Option<&str>, model: Option<&str>, tokens: &Tokens, out: &mut Vec<u8>) {
        if std::mem::replace(&mut self.begun, true) {
            return;
        }
        let message = Message {
            id: id.map_or_else(|| answer::message_id(&self.context).into(), Into::into),
            r#type: "message",
            role: "assistant",
            model: model.unwrap_or(&self.context.model),
            content: Vec::new(),
            stop: WrittenStop::default(),
            usage: Written::from(tokens),
        };
        write("message_start", &Event::MessageStart { message }, out);
    }

    fn open(&mut self, opening: &Opening<'_>, out: &mut Vec<u8>) {
        self.begin(None, None, &Tokens::default(), out);
        self.close(out);
        self.open = Some(match opening {
            Opening::Text | Opening::Refusal => {
                self.declined |= matches!(opening, Opening::Refusal);
                self.start(Beginning::Text { text: "" }, out);
                Open::Text
            }
            Opening::Thinking { redacted: false } => {
                let beginning = Beginning::Thinking {
                    thinking: "",
                    signature: "",
                };
                self.start(beginning, out);
                Open::Thinking
            }
            Opening::Thinking { redacted: true } => Open::Sealed { written: false },
            Opening::ToolCall { id, name } => {
                let id = if id.is_empty() {
                    answer::call_id(&self.context, self.calls)
                } else {
                    blocks::id(id).into_owned()
                };
                self.calls += 1;
                Open::Announced {
                    id,
                    name: name.to_string(),
                }
            }
        });
    }

    fn more(&mut self, text: &str, out: &mut Vec<u8>) {
        self.announce(out);
        match self.open {
            Some(Open::Text) => self.step(Step::Text { text }, out),
            Some(Open::Thinking) => self.step(Step::Thinking { thinking: text }, out),
            Some(Open::Call) => self.step(Step::InputJson { partial_json: text }, out),
            // A sealed thought shows nothing.
            None | Some(Open::Sealed { .. } | Open::Announced { .. }) => {}
        }
    }

    fn sign(&mut self, signature: &Signature<'_>, out: &mut Vec<u8>) {
        let proof = blocks::proof(signature);
        match &mut self.open {
            Some(Open::Thinking) => self.step(Step::Signature { signature: &proof }, out),
            Some(Open::Sealed {
                written: written @ false,
            }) => {
                *written = true;
                self.start(Beginning::RedactedThinking { data: &proof }, out);
            }
            Some(Open::Announced { .. }) => {
                self.start(Beginning::RedactedThinking { data: &proof }, out);
                self.stop(out);
            }
            // Texts have no proofs here, and a proof that comes after what it proves has no place.
            None | Some(Open::Text | Open::Call | Open::Sealed { written: true }) => {}
        }
    }

    /// Writes the beginning of a call that waited for it.
    fn announce(&mut self, out: &mut Vec<u8>) {
        match self.open.take() {
            Some(Open::Announced { id, name }) => {
                let beginning = Beginning::ToolUse {
                    id: &id,
                    name: &name,
                    input: Nothing {},
                };
                self.start(beginning, out);
                self.open = Some(Open::Call);
            }
            open => self.open = open,
        }
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        self.announce(out);
        match self.open.take() {
            None => return,
            Some(Open::Sealed { written: false }) => {
                self.start(Beginning::RedactedThinking { data: "" }, out)
            }
            Some(
                Open::Text
                | Open::Thinking
                | Open::Sealed { .. }
                | Open::Announced { .. }
                | Open::Call,
            ) => {}
        }
        self.stop(out);
    }

    fn end(&mut self, stop: &Stop<'_>, tokens: &Tokens, out: &mut Vec<u8>) {
        self.begin(None, None, tokens, out);
        self.close(out);
        self.ended = true;
        let event = Event::MessageDelta {
            delta: WrittenStop::of(stop, self.declined),
            usage: Written::from(tokens),
        };
        write("message_delta", &event, out);
        write("message_stop", &Event::MessageStop, out);
    }

    fn start(&self, content_block: Beginning<'_>, out: &mut Vec<u8>) {
        let event = Event::ContentBlockStart {
            index: self.index,
            content_block,
        };
        write("content_block_start", &event, out);
    }

    fn step(&self, delta: Step<'_>, out: &mut Vec<u8>) {
        let event = Event::ContentBlockDelta {
            index: self.index,
            delta,
        };
        write("content_block_delta", &event, out);
    }

    fn stop(&mut self, out: &mut Vec<u8>) {
        write(
            "content_block_stop",
            &Event::ContentBlockStop { index: self.index },
            out,
        );
        self.index += 1;
    }
}

/// Appends a frame.
fn write(name: &str, event: &Event<'_>, out: &mut Vec<u8>) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    // Writing such values to memory does not fail.
    let _ = serde_json::to_writer(&mut *out, event);
    out.extend_from_slice(b"\n\n");
}
