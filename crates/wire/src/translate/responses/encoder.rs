//! Tells a client of this dialect a stream, delta by delta.
//!
//! Promises: each delta becomes whole frames at once. Two things wait: the beginning of a call until its first
//! argument, since a signature of the call comes before it; and the text of a custom tool's call until its end,
//! since it comes wrapped in JSON. What closing events repeat is kept: the part that is open, and the items
//! that are whole.

use serde::Serialize;

mod close;

use super::{
    custom,
    output::{self, Item, Items, Piece, Prefix},
    response::{self, Head, Standing},
    sealed,
};
use crate::translate::{
    Context,
    talk::{Delta, Opening, Signature, Tokens},
    text::Text,
};

/// Writes a stream.
#[derive(Debug)]
pub struct Encoder {
    context: Context,
    head: Option<Head>,
    /// The number of the next event.
    sequence: u64,
    items: Items,
    open: Option<Open>,
    over: bool,
}

/// The part that is open.
#[derive(Debug)]
struct Open {
    what: What,
    /// Of its item; made when the item is told.
    id: String,
    /// What it has grown to.
    text: String,
    signature: Option<Signature<'static>>,
    /// The client knows of it.
    told: bool,
}

#[derive(Debug)]
enum What {
    Text,
    Refusal,
    Thinking { redacted: bool },
    Call { id: String, name: String },
}

/// An event. Those with a whole response are written by hand.
#[derive(Serialize, Default)]
struct Event<'e> {
    r#type: &'static str,
    sequence_number: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    item_id: Option<&'e str>,
    output_index: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_index: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary_index: Option<u8>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delta: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    text: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    refusal: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    name: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    arguments: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    input: Option<&'e str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    logprobs: Option<[(); 0]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    part: Option<Piece<'e>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    item: Option<Item<'e>>,
}

impl Encoder {
    /// A stream that has not begun.
    pub fn new(context: Context) -> Self {
        Encoder {
            context,
            head: None,
            sequence: 0,
            items: Items::default(),
            open: None,
            over: false,
        }
    }

    /// Appends the frames of a delta.
    pub fn delta(&mut self, delta: &Delta<'_>, out: &mut Vec<u8>) {
        if self.over {
            return;
        }
        match delta {
            Delta::Begin {
                id,
                model,
                tokens: _,
            } => self.begin(id.as_ref(), model.as_ref(), out),
            Delta::Open(opening) => {
                self.begin(None, None, out);
                self.close(out);
                self.open(opening, out);
            }
            Delta::More(text) => self.more(text, out),
            Delta::Signed(signature) => {
                if let Some(open) = &mut self.open {
                    open.signature = Some(Signature {
                        maker: signature.maker,
                        value: signature.value.clone().into_owned(),
                    });
                }
            }
            Delta::Close => self.close(out),
            Delta::End { stop, tokens } => {
                self.begin(None, None, out);
                self.close(out);
                let standing = response::standing(stop);
                let name = match standing {
                    Standing::Incomplete(_) => "response.incomplete",
                    Standing::Open | Standing::Whole => "response.completed",
                };
                self.response(name, standing, Some(*tokens), out);
                self.over = true;
            }
        }
    }

    fn begin(&mut self, id: Option<&Text<'_>>, model: Option<&Text<'_>>, out: &mut Vec<u8>) {
        if self.head.is_some() {
            return;
        }
        self.head = Some(Head::new(&self.context, id, model));
        self.response("response.created", Standing::Open, None, out);
        self.response("response.in_progress", Standing::Open, None, out);
    }

    fn open(&mut self, opening: &Opening<'_>, out: &mut Vec<u8>) {
        let what = match opening {
            Opening::Text => What::Text,
            Opening::Refusal => What::Refusal,
            Opening::Thinking { redacted } => What::Thinking {
                redacted: *redacted,
            },
            Opening::ToolCall { id, name } => What::Call {
                id: id.to_string(),
                name: name.to_string(),
            },
        };
        let waits = matches!(what, What::Call { .. });
        let mut open = Open {
            what,
            id: String::new(),
            text: String::new(),
            signature: None,
            told: false,
        };
        if !waits {
            self.tell(&mut open, out);
        }
        self.open = Some(open);
    }

    /// Tells the client that an item begins.
    fn tell(&mut self, open: &mut Open, out: &mut Vec<u8>) {
        if open.told {
            return;
        }
        open.told = true;
        if let (What::Call { .. }, Some(signature)) = (&open.what, open.signature.take()) {
            self.reasoning(&sealed::thought(&signature, false), out);
        }
        let index = self.items.count();
        let prefix = match &open.what {
            What::Text | What::Refusal => Prefix::Message,
            What::Thinking { .. } => Prefix::Reasoning,
            What::Call { name, .. } => match custom::unmarked(name) {
                Some(_) => Prefix::Custom,
                None => Prefix::Function,
            },
        };
        open.id = output::id(prefix, &self.context, index);
        if let What::Call { id, .. } = &mut open.what {
            *id = output::call_id(id, &self.context, index).into_owned();
        }
        let item = match &open.what {
            What::Text | What::Refusal => Item::Message {
                id: &open.id,
                status: "in_progress",
                role: "assistant",
                content: &[],
            },
            What::Thinking { .. } => Item::Reasoning {
                id: &open.id,
                summary: &[],
                encrypted_content: None,
            },
            What::Call { id, name } => match custom::unmarked(name) {
                Some(name) => Item::CustomToolCall {
                    id: &open.id,
                    status: "in_progress",
                    call_id: id,
                    name,
                    input: "",
                },
                None => Item::FunctionCall {
                    id: &open.id,
                    status: "in_progress",
                    call_id: id,
                    name,
                    arguments: "",
                },
            },
        };
        self.event(
            Event {
                r#type: "response.output_item.added",
                item: Some(item),
                ..Event::default()
            },
            out,
        );
        let part = match &open.what {
            What::Text => Piece::text(""),
            What::Refusal => Piece::Refusal { refusal: "" },
            What::Thinking { .. } | What::Call { .. } => return,
        };
        self.event(
            Event {
                r#type: "response.content_part.added",
                item_id: Some(&open.id),
                content_index: Some(0),
                part: Some(part),
                ..Event::default()
            },
            out,
        );
    }

    fn more(&mut self, text: &str, out: &mut Vec<u8>) {
        // An empty piece says nothing; without an open part there is nothing that could grow.
        let Some(mut open) = self.open.take().filter(|_| !self.over) else {
            return;
        };
        if !text.is_empty() {
            self.tell(&mut open, out);
            self.grow(&open, text, out);
            open.text.push_str(text);
        }
        self.open = Some(open);
    }

    /// Tells the client what an item grows by.
    fn grow(&mut self, open: &Open, text: &str, out: &mut Vec<u8>) {
        let event = Event {
            item_id: Some(&open.id),
            delta: Some(text),
            ..Event::default()
        };
        let event = match &open.what {
            What::Text => Event {
                r#type: "response.output_text.delta",
                content_index: Some(0),
                logprobs: Some([]),
                ..event
            },
            What::Refusal => Event {
                r#type: "response.refusal.delta",
                content_index: Some(0),
                ..event
            },
            What::Thinking { .. } => {
                if open.text.is_empty() {
                    self.event(
                        Event {
                            r#type: "response.reasoning_summary_part.added",
                            item_id: Some(&open.id),
                            summary_index: Some(0),
                            part: Some(Piece::SummaryText { text: "" }),
                            ..Event::default()
                        },
                        out,
                    );
                }
                Event {
                    r#type: "response.reasoning_summary_text.delta",
                    summary_index: Some(0),
                    ..event
                }
            }
            What::Call { name, .. } if custom::unmarked(name).is_some() => return,
            What::Call { .. } => Event {
                r#type: "response.function_call_arguments.delta",
                ..event
            },
        };
        self.event(event, out);
    }

    fn close(&mut self, out: &mut Vec<u8>) {
        let Some(mut open) = self.open.take() else {
            return;
        };
        self.tell(&mut open, out);
        match &open.what {
            What::Text => self.close_message(&open.id, &open.text, false, out),
            What::Refusal => self.close_message(&open.id, &open.text, true, out),
            What::Thinking { redacted } => self.close_thinking(&open, *redacted, out),
            What::Call { id, name } => match custom::unmarked(name) {
                Some(name) => self.close_custom(&open, id, name, out),
                None => self.close_call(&open, id, name, out),
            },
        }
        if let (What::Call { .. }, Some(signature)) = (&open.what, &open.signature) {
            self.reasoning(&sealed::after(signature), out);
        }
    }

    /// An item that holds nothing but a signature.
    fn reasoning(&mut self, sealed: &str, out: &mut Vec<u8>) {
        let id = output::id(Prefix::Reasoning, &self.context, self.items.count());
        let item = |sealed: Option<&str>| Item::Reasoning {
            id: &id,
            summary: &[],
            encrypted_content: sealed.map(|sealed| sealed.to_owned().into()),
        };
        self.event(
            Event {
                r#type: "response.output_item.added",
                item: Some(item(None)),
                ..Event::default()
            },
            out,
        );
        self.done(item(Some(sealed)), out);
    }

    /// An item is whole.
    fn done(&mut self, item: Item<'_>, out: &mut Vec<u8>) {
        let index = self.items.count();
        self.items.push(&item);
        let event = Event {
            r#type: "response.output_item.done",
            sequence_number: self.next(),
            output_index: index,
            item: Some(item),
            ..Event::default()
        };
        frame(event.r#type, out, |out| output::json(&event, out));
    }

    /// An event of the item that comes next in the output.
    fn event(&mut self, event: Event<'_>, out: &mut Vec<u8>) {
        let event = Event {
            sequence_number: self.next(),
            output_index: self.items.count(),
            ..event
        };
        frame(event.r#type, out, |out| output::json(&event, out));
    }

    fn response(
        &mut self,
        name: &'static str,
        standing: Standing,
        tokens: Option<Tokens>,
        out: &mut Vec<u8>,
    ) {
        let sequence = self.next();
        let Some(head) = &self.head else {
            return;
        };
        frame(name, out, |out| {
            let start =
                format!("{{\"type\":\"{name}\",\"sequence_number\":{sequence},\"response\":");
            out.extend_from_slice(start.as_bytes());
            head.write(standing, tokens, self.items.json(), out);
            out.push(b'}');
        });
    }

    const fn next(&mut self) -> u64 {
        let sequence = self.sequence;
        self.sequence += 1;
        sequence
    }
}

fn frame(name: &str, out: &mut Vec<u8>, data: impl FnOnce(&mut Vec<u8>)) {
    out.extend_from_slice(b"event: ");
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"\ndata: ");
    data(out);
    out.extend_from_slice(b"\n\n");
}
