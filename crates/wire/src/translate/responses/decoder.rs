//! Reads a provider's stream, event by event.
//!
//! Promises: deltas are passed on as they come. Some servers leave out events, or tell an item only when it is
//! whole: what closing events repeat is told where it was not told before. Items come one after the other: one
//! that begins ends the one before, and an event of one that is over makes the stream unreadable, since two
//! parts cannot be told apart once they are mixed. Events of other names are passed over: OpenAI adds them at
//! any time, and the closing event repeats what matters.
//!
//! Must not know: how frames were cut, how errors look.

use std::borrow::Cow;

use serde::Deserialize;

mod open;

use open::{Open, Side, Told};

use super::{
    answer::{self, Kind, Output, Piece, Response, Usage},
    custom,
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
    over: bool,
    /// A tool was called.
    called: bool,
    /// An item was told.
    told: bool,
    open: Option<Open>,
    /// The highest number of an item that is over.
    last: Option<u64>,
}

#[derive(Deserialize)]
struct Event<'d> {
    #[serde(borrow)]
    r#type: Option<Text<'d>>,
    output_index: Option<u64>,
    #[serde(borrow)]
    response: Option<Response<'d>>,
    #[serde(borrow)]
    item: Option<Output<'d>>,
    #[serde(borrow)]
    part: Option<Piece<'d>>,
    #[serde(borrow)]
    delta: Option<Text<'d>>,
    #[serde(borrow)]
    text: Option<Text<'d>>,
    #[serde(borrow)]
    refusal: Option<Text<'d>>,
    #[serde(borrow)]
    arguments: Option<Text<'d>>,
}

/// An event's name alone.
#[derive(Deserialize)]
struct Name<'d> {
    #[serde(borrow)]
    r#type: Option<Text<'d>>,
}

/// What the events that are read say.
#[derive(Clone, Copy)]
enum Says {
    Begins,
    ItemBegins,
    /// A part of a message begins.
    PartBegins,
    Grows(Told),
    ThoughtGrows(Side),
    /// A paragraph of a thought begins.
    Paragraph,
    /// A text is repeated, now that it is whole.
    Whole(Told),
    ItemIsWhole,
    ResponseIsWhole,
    Fails,
}

const INCOMPLETE: &str = "response.incomplete";

const EVENTS: &[(&str, Says)] = &[
    ("response.output_text.delta", Says::Grows(Told::Text)),
    (
        "response.function_call_arguments.delta",
        Says::Grows(Told::Arguments),
    ),
    (
        "response.reasoning_summary_text.delta",
        Says::ThoughtGrows(Side::Summary),
    ),
    (
        "response.reasoning_text.delta",
        Says::ThoughtGrows(Side::Whole),
    ),
    ("response.refusal.delta", Says::Grows(Told::Refusal)),
    ("response.output_text.done", Says::Whole(Told::Text)),
    ("response.refusal.done", Says::Whole(Told::Refusal)),
    (
        "response.function_call_arguments.done",
        Says::Whole(Told::Arguments),
    ),
    ("response.reasoning_summary_part.added", Says::Paragraph),
    ("response.output_item.added", Says::ItemBegins),
    ("response.output_item.done", Says::ItemIsWhole),
    ("response.content_part.added", Says::PartBegins),
    ("response.created", Says::Begins),
    ("response.in_progress", Says::Begins),
    ("response.queued", Says::Begins),
    ("response.completed", Says::ResponseIsWhole),
    (INCOMPLETE, Says::ResponseIsWhole),
    ("response.failed", Says::Fails),
    ("error", Says::Fails),
];

impl Decoder {
    /// Reads an event. `name`: its SSE name, empty if it has none.
    ///
    /// # Errors
    /// It is not what this dialect promises.
    pub fn event<'d>(
        &mut self,
        name: &str,
        data: &'d str,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<(), Unreadable> {
        let says = |name: &str| {
            EVENTS
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, says)| *says)
        };
        if self.over || data.trim().is_empty() || data.trim() == "[DONE]" {
            return Ok(());
        }
        if !name.is_empty() && name != "message" && says(name).is_none() {
            return Ok(());
        }
        let event: Event<'d> = match serde_json::from_str(data) {
            Ok(event) => event,
            Err(error) => {
                let found = serde_json::from_str::<Name<'_>>(data)
                    .ok()
                    .and_then(|name| name.r#type);
                return match found {
                    Some(found) if says(&found).is_none() => Ok(()),
                    _ => Err(unreadable(format!("an event cannot be read: {error}"))),
                };
            }
        };
        let name = event
            .r#type
            .clone()
            .unwrap_or_else(|| Text::from(name.to_owned()));
        let Some(says) = says(&name) else {
            return Ok(());
        };
        let number = event.output_index;
        match says {
            Says::Begins => self.begin(event.response.as_ref(), out),
            Says::ItemBegins => {
                let item = event.item.ok_or_else(|| lacks(&name, "item"))?;
                self.enter(&item, number, out)?;
            }
            Says::PartBegins => {
                let part = event.part.ok_or_else(|| lacks(&name, "part"))?;
                let told = match part.r#type.as_deref() {
                    Some("output_text") => Told::Text,
                    Some("refusal") => Told::Refusal,
                    // A thought's text; its first piece opens it.
                    Some("reasoning_text") => return Ok(()),
                    other => {
                        let kind = other.unwrap_or("part without a type");
                        return Err(unreadable(format!(
                            "a message holds a `{kind}`, which was not asked for"
                        )));
                    }
                };
                self.at(Kind::Message, number, out)?.open_part(told, out);
            }
            Says::Grows(told) => {
                let delta = event.delta.ok_or_else(|| lacks(&name, "delta"))?;
                self.at(told.kind(), number, out)?.grow(told, delta, out);
            }
            Says::ThoughtGrows(side) => {
                let delta = event.delta.ok_or_else(|| lacks(&name, "delta"))?;
                let open = self.at(Kind::Reasoning, number, out)?;
                if *open.thought.get_or_insert(side) == side {
                    if std::mem::take(&mut open.paragraph) && open.grown {
                        open.grow(Told::Thought, Text::from("\n\n"), out);
                    }
                    open.grow(Told::Thought, delta, out);
                }
            }
            Says::Paragraph => self.at(Kind::Reasoning, number, out)?.paragraph = true,
            Says::Whole(told) => {
                let text = match told {
                    Told::Text | Told::Thought => event.text,
                    Told::Refusal => event.refusal,
                    Told::Arguments => event.arguments,
                };
                let open = self.at(told.kind(), number, out)?;
                if !(open.part == Some(told) && open.grown) {
                    open.grow(told, text.unwrap_or_default(), out);
                }
            }
            Says::ItemIsWhole => {
                let item = event.item.ok_or_else(|| lacks(&name, "item"))?;
                self.whole_item(item, number, out)?;
            }
            Says::ResponseIsWhole => {
                let mut response = event.response.ok_or_else(|| lacks(&name, "response"))?;
                let status = if *name == *INCOMPLETE {
                    "incomplete"
                } else {
                    "completed"
                };
                response.status.get_or_insert_with(|| Text::from(status));
                self.end(response, out)?;
            }
            Says::Fails => return Err(unreadable(format!("the stream says `{name}`"))),
        }
        Ok(())
    }

    /// The stream is over and ended well.
    ///
    /// # Errors
    /// It held nothing of this dialect.
    pub fn finish(&mut self, out: &mut Vec<Delta<'static>>) -> Result<(), Unreadable> {
        if self.over {
            return Ok(());
        }
        if !self.begun {
            return Err(Unreadable::new("the stream held no event of a response"));
        }
        self.close(out);
        self.over = true;
        out.push(Delta::End {
            stop: self.natural_stop(),
            tokens: Tokens::default(),
        });
        Ok(())
    }

    fn natural_stop(&self) -> Stop<'static> {
        if self.called {
            Stop::ToolUse
        } else {
            Stop::End
        }
    }

    fn begin<'d>(&mut self, response: Option<&Response<'d>>, out: &mut Vec<Delta<'d>>) {
        if self.begun {
            return;
        }
        self.begun = true;
        out.push(Delta::Begin {
            id: response.and_then(|response| response.id.clone()),
            model: response.and_then(|response| response.model.clone()),
            tokens: response
                .and_then(|response| response.usage)
                .map(Usage::tokens)
                .unwrap_or_default(),
        });
    }

    /// An item begins.
    fn enter<'d>(
        &mut self,
        item: &Output<'d>,
        number: Option<u64>,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<(), Unreadable> {
        let kind = answer::kind(item)?;
        self.is_new(number)?;
        self.start(kind, number, out);
        let name = match kind {
            Kind::Message | Kind::Reasoning => return Ok(()),
            Kind::Function => item.name.clone(),
            Kind::Custom => item.name.as_deref().map(custom::marked),
        };
        let name = name
            .filter(|name| !name.is_empty())
            .ok_or(Unreadable::new("a call names no function"))?;
        self.called = true;
        if let Some(open) = &mut self.open {
            open.part = Some(Told::Arguments);
            open.parts = 1;
        }
        out.push(Delta::Open(Opening::ToolCall {
            id: item.call_id.clone().unwrap_or_default(),
            name,
        }));
        Ok(())
    }

    fn start<'d>(&mut self, kind: Kind, number: Option<u64>, out: &mut Vec<Delta<'d>>) {
        self.begin(None, out);
        self.close(out);
        self.told = true;
        self.open = Some(Open {
            kind,
            number,
            parts: 0,
            part: None,
            grown: false,
            thought: None,
            paragraph: false,
        });
    }

    /// The item that an event speaks of, which begins with it if it has not been told.
    fn at<'d>(
        &mut self,
        kind: Kind,
        number: Option<u64>,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<&mut Open, Unreadable> {
        let is_open = self.open.as_ref().is_some_and(|open| open.is(number));
        if !is_open {
            self.is_new(number)?;
            if matches!(kind, Kind::Function | Kind::Custom) {
                return Err(Unreadable::new("a call goes on that has not begun"));
            }
            self.start(kind, number, out);
        }
        match &mut self.open {
            Some(open) if open.kind == kind => {
                open.number = open.number.or(number);
                Ok(open)
            }
            _ => Err(Unreadable::new("an item changes what it is")),
        }
    }

    fn is_new(&self, number: Option<u64>) -> Result<(), Unreadable> {
        let newest = self
            .open
            .as_ref()
            .and_then(|open| open.number)
            .max(self.last);
        match (number, newest) {
            (Some(number), Some(newest)) if number <= newest => {
                Err(Unreadable::new("an item goes on that was over"))
            }
            _ => Ok(()),
        }
    }

    /// Tells what was not told of an item, and closes it.
    fn whole_item<'d>(
        &mut self,
        item: Output<'d>,
        number: Option<u64>,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<(), Unreadable> {
        let over = self.last;
        if number.is_some_and(|number| over.is_some_and(|over| number <= over)) {
            return Ok(());
        }
        let kind = answer::kind(&item)?;
        if !self
            .open
            .as_ref()
            .is_some_and(|open| open.kind == kind && open.is(number))
        {
            self.enter(&item, number, out)?;
        }
        if let Some(open) = &mut self.open {
            open.number = open.number.or(number);
            open.complete(item, out)?;
        }
        self.close(out);
        Ok(())
    }

    fn close(&mut self, out: &mut Vec<Delta<'_>>) {
        if let Some(open) = self.open.take() {
            if open.part.is_some() {
                out.push(Delta::Close);
            }
            self.last = self.last.max(open.number);
        }
    }

    fn end<'d>(
        &mut self,
        mut response: Response<'d>,
        out: &mut Vec<Delta<'d>>,
    ) -> Result<(), Unreadable> {
        self.begin(Some(&response), out);
        let stop = answer::stop(&response)?;
        if !self.told {
            for item in response.output.take().into_iter().flatten() {
                self.whole_item(item, None, out)?;
            }
        }
        self.close(out);
        self.over = true;
        out.push(Delta::End {
            stop: stop.unwrap_or_else(|| self.natural_stop()),
            tokens: response.usage.map(Usage::tokens).unwrap_or_default(),
        });
        Ok(())
    }
}

fn unreadable(why: String) -> Unreadable {
    Unreadable::new(Cow::Owned(why))
}

fn lacks(name: &str, field: &str) -> Unreadable {
    unreadable(format!("`{name}` lacks its `{field}`"))
}
