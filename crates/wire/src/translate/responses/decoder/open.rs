//! The item of a stream that is open, and what was told of it.
//!
//! Promises: a part is opened once, before it grows, and nothing is told twice.

use super::unreadable;
use crate::translate::{
    Unreadable,
    responses::{
        answer::{self, Kind, Output},
        custom,
    },
    talk::{Content, Delta, Opening, Thought},
    text::Text,
};

/// The item that is open.
#[derive(Debug)]
pub(super) struct Open {
    pub kind: Kind,
    pub number: Option<u64>,
    /// Parts of it that were opened: a message may have several, all others have one.
    pub parts: usize,
    /// What the last of them is; `None`: there is none yet.
    pub part: Option<Told>,
    /// It has grown.
    pub grown: bool,
    /// Which of a thought's two texts is told: the one that came first.
    pub thought: Option<Side>,
    /// A new paragraph of a thought begins.
    pub paragraph: bool,
}

/// What an open part tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Told {
    Text,
    Refusal,
    Arguments,
    Thought,
}

impl Told {
    pub(super) const fn kind(self) -> Kind {
        match self {
            Told::Text | Told::Refusal => Kind::Message,
            Told::Arguments => Kind::Function,
            Told::Thought => Kind::Reasoning,
        }
    }
}

/// A thought's texts: what is shown of it, and all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Summary,
    Whole,
}

impl Open {
    /// Whether it is the item of this number, as far as that is known.
    pub(super) fn is(&self, number: Option<u64>) -> bool {
        match (self.number, number) {
            (Some(own), Some(number)) => own == number,
            _ => true,
        }
    }

    pub(super) fn open_part(&mut self, told: Told, out: &mut Vec<Delta<'_>>) {
        self.open_as(
            told,
            match told {
                Told::Text => Opening::Text,
                Told::Refusal => Opening::Refusal,
                Told::Thought => Opening::Thinking { redacted: false },
                // Opened with its name, when the item began.
                Told::Arguments => return,
            },
            out,
        );
    }

    fn open_as<'d>(&mut self, told: Told, opening: Opening<'d>, out: &mut Vec<Delta<'d>>) {
        if self.part.is_some() {
            out.push(Delta::Close);
        }
        self.part = Some(told);
        self.parts += 1;
        self.grown = false;
        out.push(Delta::Open(opening));
    }

    pub(super) fn grow<'d>(&mut self, told: Told, text: Text<'d>, out: &mut Vec<Delta<'d>>) {
        if text.is_empty() {
            return;
        }
        if self.part != Some(told) {
            self.open_part(told, out);
        }
        self.grown = true;
        out.push(Delta::More(text));
    }

    /// Tells what was not told.
    pub(super) fn complete<'d>(
        &mut self,
        item: Output<'d>,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<(), Unreadable> {
        match self.kind {
            Kind::Message => {
                for (index, piece) in item.content.into_iter().flatten().enumerate() {
                    let is_open = index + 1 == self.parts && !self.grown;
                    if index < self.parts && !is_open {
                        continue;
                    }
                    let (told, text) = match answer::read_piece(piece)? {
                        Content::Text(text) => (Told::Text, text),
                        Content::Refusal(text) => (Told::Refusal, text),
                        _ => continue,
                    };
                    if !is_open {
                        self.open_part(told, out);
                    }
                    self.grow(told, text, out);
                }
            }
            Kind::Function if self.grown => {}
            Kind::Function => self.grow(Told::Arguments, item.arguments.unwrap_or_default(), out),
            Kind::Custom => {
                let arguments = custom::wrapped(&item.input.unwrap_or_default())
                    .map_err(|error| unreadable(error.to_string()))?;
                self.grow(Told::Arguments, Text::from(arguments.get().to_owned()), out);
            }
            Kind::Reasoning => {
                if let Some(thought) = answer::read_thought(item) {
                    self.complete_thought(thought, out);
                }
            }
        }
        Ok(())
    }

    fn complete_thought<'d>(&mut self, thought: Thought<'d>, out: &mut Vec<Delta<'d>>) {
        let Thought {
            text,
            signature,
            redacted,
        } = thought;
        if self.part.is_none() {
            self.open_as(Told::Thought, Opening::Thinking { redacted }, out);
        }
        if !self.grown {
            self.grow(Told::Thought, text, out);
        }
        out.extend(signature.map(Delta::Signed));
    }
}
