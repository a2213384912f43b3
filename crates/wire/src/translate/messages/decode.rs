//! A stream of Anthropic's is read, event by event.
//!
//! Promises: parts are opened, grow and are closed one after the other; `Begin` and `End` come once. Pings,
//! citations and kinds of events that Anthropic adds are passed over.
//!
//! Must not know: frames, the client.

use serde::Deserialize;

use super::{
    super::{
        Unreadable,
        talk::{Delta, Maker, Opening, Signature, Stop, Tokens},
        text::Text,
    },
    answer::{self, AnswerBlock, ErrorBody, StopFields},
    usage::Usage,
};

/// Reads the events of one stream.
#[derive(Debug, Default)]
pub struct Decoder {
    stage: Stage,
    open: Option<Open>,
    tokens: Tokens,
    stop: Option<Stop<'static>>,
    /// The proof of the call that comes next.
    sealed: Option<Signature<'static>>,
}

#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Stage {
    #[default]
    Before,
    Within,
    After,
}

/// The block that is open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Open {
    /// Text or a thought.
    Words,
    /// A call, and whether any of its arguments came.
    Call { argued: bool },
    /// The proof of the call that comes next: no part of its own.
    Proof,
}

#[derive(Deserialize)]
struct Event<'a> {
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    message: Option<Beginning<'a>>,
    #[serde(borrow)]
    content_block: Option<AnswerBlock<'a>>,
    #[serde(borrow)]
    delta: Option<Step<'a>>,
    usage: Option<Usage>,
    #[serde(borrow)]
    error: Option<ErrorBody<'a>>,
}

#[derive(Deserialize)]
struct Beginning<'a> {
    #[serde(borrow)]
    id: Option<Text<'a>>,
    #[serde(borrow)]
    model: Option<Text<'a>>,
    usage: Option<Usage>,
}

/// What a block, or the message, goes on with.
#[derive(Deserialize)]
struct Step<'a> {
    #[serde(borrow)]
    r#type: Option<Text<'a>>,
    #[serde(borrow)]
    text: Option<Text<'a>>,
    #[serde(borrow)]
    partial_json: Option<Text<'a>>,
    #[serde(borrow)]
    thinking: Option<Text<'a>>,
    #[serde(borrow)]
    signature: Option<Text<'a>>,
    #[serde(borrow)]
    stop_reason: Option<Text<'a>>,
    #[serde(borrow)]
    stop_sequence: Option<Text<'a>>,
    #[serde(borrow)]
    stop_details: Option<answer::StopDetails<'a>>,
}

impl Decoder {
    /// Reads an event and appends what it says.
    ///
    /// # Errors
    /// It is not what Anthropic documents.
    pub fn event<'d>(
        &mut self,
        name: &str,
        data: &'d str,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<(), Unreadable> {
        if self.stage == Stage::After || name == "ping" || data.is_empty() {
            return Ok(());
        }
        let event = serde_json::from_str::<Event<'_>>(data)
            .map_err(|error| Unreadable::new(format!("is no event of a message: {error}")))?;
        let Event {
            r#type,
            message,
            content_block,
            delta,
            usage,
            error,
        } = event;
        match r#type.as_deref().unwrap_or(name) {
            "message_start" => self.begin(message, out),
            "content_block_start" => {
                let block =
                    content_block.ok_or(Unreadable::new("begins a block that is not there"))?;
                self.start(block, out)?;
            }
            "content_block_delta" => {
                let step = delta.ok_or(Unreadable::new("goes on with nothing"))?;
                self.go_on(step, out)?;
            }
            "content_block_stop" => self.close(out),
            "message_delta" => {
                usage.unwrap_or_default().update(&mut self.tokens);
                if let Some(step) = delta
                    && step.stop_reason.is_some()
                {
                    let stop = answer::read_stop(StopFields {
                        stop_reason: step.stop_reason,
                        stop_sequence: step.stop_sequence,
                        stop_details: step.stop_details,
                    });
                    self.stop = Some(owned(stop));
                }
            }
            "message_stop" => self.end(out),
            "error" => return Err(ErrorBody::unreadable(error.as_ref())),
            _ => {}
        }
        Ok(())
    }

    /// The stream is over.
    ///
    /// # Errors
    /// Nothing of a message came.
    pub fn finish(&mut self, out: &mut Vec<Delta<'static>>) -> Result<(), Unreadable> {
        if self.stage == Stage::Before {
            return Err(Unreadable::new("the stream holds no message"));
        }
        self.end(out);
        Ok(())
    }

    fn begin<'d>(&mut self, message: Option<Beginning<'d>>, out: &mut Vec<Delta<'d>>) {
        if self.stage != Stage::Before {
            return;
        }
        self.stage = Stage::Within;
        let (id, model) = match message {
            Some(Beginning { id, model, usage }) => {
                usage.unwrap_or_default().update(&mut self.tokens);
                (id, model)
            }
            None => (None, None),
        };
        out.push(Delta::Begin {
            id,
            model,
            tokens: self.tokens,
        });
    }

    fn start<'d>(
        &mut self,
        block: AnswerBlock<'d>,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<(), Unreadable> {
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
        self.begin(None, out);
        self.close(out);
        match r#type.as_deref().unwrap_or_default() {
            "text" => {
                self.prove_nothing(out);
                out.push(Delta::Open(Opening::Text));
                self.open = Some(Open::Words);
                more(text, out);
            }
            "thinking" => {
                self.prove_nothing(out);
                out.push(Delta::Open(Opening::Thinking { redacted: false }));
                self.open = Some(Open::Words);
                more(thinking, out);
                out.extend(answer::read_signature(signature).map(Delta::Signed));
            }
            "redacted_thinking" => {
                self.prove_nothing(out);
                match answer::read_signature(data) {
                    Some(signature) if signature.maker == Maker::Gemini => {
                        self.sealed = Some(signature_owned(signature));
                        self.open = Some(Open::Proof);
                    }
                    signature => {
                        out.push(Delta::Open(Opening::Thinking { redacted: true }));
                        self.open = Some(Open::Words);
                        out.extend(signature.map(Delta::Signed));
                    }
                }
            }
            "tool_use" => {
                out.push(Delta::Open(Opening::ToolCall {
                    id: id.unwrap_or_default(),
                    name: answer::tool_name(name)?,
                }));
                out.extend(self.sealed.take().map(Delta::Signed));
                // Some that speak this protocol give all arguments here.
                let whole = input.filter(|input| !is_empty(input.get()));
                self.open = Some(Open::Call {
                    argued: whole.is_some(),
                });
                more(whole.map(|input| Text::from(input.get().to_owned())), out);
            }
            kind => return Err(answer::unknown_block(kind)),
        }
        Ok(())
    }

    /// A proof of Gemini's that no call follows is a thought of its own.
    fn prove_nothing(&mut self, out: &mut Vec<Delta<'_>>) {
        if let Some(signature) = self.sealed.take() {
            out.push(Delta::Open(Opening::Thinking { redacted: true }));
            out.push(Delta::Signed(signature));
            out.push(Delta::Close);
        }
    }

    fn go_on<'d>(&mut self, step: Step<'d>, out: &mut Vec<Delta<'d>>) -> Result<(), Unreadable> {
        match (step.r#type.as_deref().unwrap_or_default(), &mut self.open) {
            (_, None) => return Err(Unreadable::new("goes on with a block that is not open")),
            (_, Some(Open::Proof)) | ("citations_delta", _) => {}
            ("text_delta", Some(Open::Words)) => more(step.text, out),
            ("thinking_delta", Some(Open::Words)) => more(step.thinking, out),
            ("signature_delta", Some(Open::Words)) => {
                out.extend(answer::read_signature(step.signature).map(Delta::Signed));
            }
            ("input_json_delta", Some(Open::Call { argued })) => {
                *argued |= step
                    .partial_json
                    .as_ref()
                    .is_some_and(|piece| !piece.is_empty());
                more(step.partial_json, out);
            }
            (kind, Some(Open::Words | Open::Call { .. })) => {
                return Err(Unreadable::new(format!(
                    "goes on with a `{kind}`, which does not belong there"
                )));
            }
        }
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Delta<'_>>) {
        match self.open.take() {
            None | Some(Open::Proof) => {}
            Some(Open::Call { argued: false }) => {
                // A call without arguments may come without a piece of them.
                out.push(Delta::More(Text::from("{}")));
                out.push(Delta::Close);
            }
            Some(Open::Words | Open::Call { argued: true }) => out.push(Delta::Close),
        }
    }

    fn end(&mut self, out: &mut Vec<Delta<'_>>) {
        if self.stage == Stage::After {
            return;
        }
        self.begin(None, out);
        self.close(out);
        self.prove_nothing(out);
        self.stage = Stage::After;
        out.push(Delta::End {
            stop: self.stop.take().unwrap_or(Stop::End),
            tokens: self.tokens,
        });
    }
}

fn more<'d>(text: Option<Text<'d>>, out: &mut Vec<Delta<'d>>) {
    out.extend(text.filter(|text| !text.is_empty()).map(Delta::More));
}

fn is_empty(input: &str) -> bool {
    let inside = input
        .strip_prefix('{')
        .and_then(|rest| rest.strip_suffix('}'));
    input == "null" || inside.is_some_and(|inside| inside.trim().is_empty())
}

fn signature_owned(signature: Signature<'_>) -> Signature<'static> {
    Signature {
        maker: signature.maker,
        value: signature.value.into_owned(),
    }
}

fn owned(stop: Stop<'_>) -> Stop<'static> {
    match stop {
        Stop::End => Stop::End,
        Stop::MaxTokens => Stop::MaxTokens,
        Stop::Sequence(sequence) => Stop::Sequence(sequence.map(Text::into_owned)),
        Stop::ToolUse => Stop::ToolUse,
        Stop::Refused(why) => Stop::Refused(why.map(Text::into_owned)),
    }
}
