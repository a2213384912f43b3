//! Says what each frame of a stream means, and from all of them how the stream ended.
//!
//! Promises: named events are judged by name, from a table; unnamed ones by a search for the few
//! words that matter, and by a look inside only until the first content or where such a word is found.
//!
//! Must not know: how frames were cut.

use std::sync::LazyLock;

use bytes::Bytes;
use memchr::memmem::Finder;
use waybill_model::{protocol::StreamFormat, waybill::Usage};

use super::{
    Mark, StreamEnd,
    probe::{self, Payload},
    sse::Fields,
};
use crate::usage::usage_in;

#[derive(Debug)]
pub(super) struct Judge {
    format: StreamFormat,
    content_seen: bool,
    /// Something of the protocol was seen.
    understood: bool,
    /// The array's opening bracket was seen.
    array_open: bool,
    /// Gemini said why its answer is over.
    finish_seen: bool,
    end: Option<StreamEnd>,
    usage: Usage,
    /// The newest frame that states usage: some providers state it in every one.
    newest_usage: Option<Bytes>,
    /// The first frame that was not of the protocol.
    foreign: Option<Bytes>,
}

/// What a frame is, before the state of the stream is considered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sense {
    Opening,
    Content,
    End,
    Error,
    /// Neither here nor there: a comment, an empty event.
    Nothing,
    Foreign,
}

/// Whether a named event states token usage.
type StatesUsage = bool;

/// Anthropic's events. One that is not here is content: it cannot be taken back.
const ANTHROPIC: &[(&str, Sense, StatesUsage)] = &[
    ("content_block_delta", Sense::Content, false),
    ("message_start", Sense::Opening, true),
    ("content_block_start", Sense::Opening, false),
    ("content_block_stop", Sense::Opening, false),
    ("ping", Sense::Opening, false),
    ("message_delta", Sense::Opening, true),
    ("message_stop", Sense::End, false),
    ("error", Sense::Error, false),
];

/// The Responses API's events. One that is not here is content.
const RESPONSES: &[(&str, Sense, StatesUsage)] = &[
    ("response.output_text.delta", Sense::Content, false),
    ("response.created", Sense::Opening, false),
    ("response.queued", Sense::Opening, false),
    ("response.in_progress", Sense::Opening, false),
    ("response.output_item.added", Sense::Opening, false),
    ("response.content_part.added", Sense::Opening, false),
    (
        "response.reasoning_summary_part.added",
        Sense::Opening,
        false,
    ),
    ("codex.rate_limits", Sense::Opening, false),
    ("keepalive", Sense::Opening, false),
    ("ping", Sense::Opening, false),
    ("response.completed", Sense::End, true),
    ("response.incomplete", Sense::End, true),
    ("response.failed", Sense::Error, true),
    ("error", Sense::Error, false),
];

/// Key words, quotes included: inside a JSON string their quotes would be escaped.
struct Words {
    error: Finder<'static>,
    usage: Finder<'static>,
    usage_metadata: Finder<'static>,
    finish_reason: Finder<'static>,
    block_reason: Finder<'static>,
}

static WORDS: LazyLock<Words> = LazyLock::new(|| Words {
    error: Finder::new("\"error\""),
    usage: Finder::new("\"usage\""),
    usage_metadata: Finder::new("\"usageMetadata\""),
    finish_reason: Finder::new("\"finishReason\""),
    block_reason: Finder::new("\"blockReason\""),
});

impl Judge {
    pub(super) fn new(format: StreamFormat) -> Self {
        Judge {
            format,
            content_seen: false,
            understood: false,
            array_open: false,
            finish_seen: false,
            end: None,
            usage: Usage::default(),
            newest_usage: None,
            foreign: None,
        }
    }

    /// Judges one whole frame. `owner` is the buffer it lies in.
    pub(super) fn frame(&mut self, frame: &[u8], owner: &Bytes) -> Mark {
        if self.format == StreamFormat::GeminiArray {
            return self.array_frame(frame, owner);
        }
        let fields = Fields::read(frame);
        let sense = self.event(&fields, frame, owner);
        // Without its line ends, the last of which may come later.
        let payload = if fields.data.is_empty() {
            frame.trim_ascii_end()
        } else {
            &fields.data
        };
        self.mark(sense, payload, owner)
    }

    /// Judges what was held when the stream ended. `None`: it is not worth giving to the client.
    pub(super) fn rest(&mut self, rest: &Bytes) -> Option<Mark> {
        if rest.is_empty() || self.end.is_some() {
            return None;
        }
        if self.format == StreamFormat::GeminiArray {
            if !self.understood
                && !rest.trim_ascii_start().starts_with(b"[")
                && !rest.trim_ascii().is_empty()
            {
                self.foreign.get_or_insert_with(|| rest.clone());
            }
            return None;
        }
        let fields = Fields::read(rest);
        let whole = if fields.data.is_empty() {
            fields.foreign
        } else {
            fields.data.trim_ascii() == b"[DONE]" || probe::is_json(&fields.data)
        };
        if !whole {
            return None;
        }
        let mark = self.frame(rest, rest);
        matches!(mark, Mark::Terminal | Mark::Error).then_some(mark)
    }

    /// A frame was too large to be read, and passes as content.
    pub(super) fn unread(&mut self) {
        self.content_seen = true;
        self.understood = true;
    }

    /// How the stream ended, now that nothing more comes.
    pub(super) fn end(&self) -> StreamEnd {
        match (&self.end, &self.foreign) {
            (Some(end), _) => end.clone(),
            (None, Some(foreign)) if !self.understood => StreamEnd::Garbage(foreign.clone()),
            (None, _) => StreamEnd::Truncated,
        }
    }

    pub(super) fn ended(&self) -> Option<&StreamEnd> {
        self.end.as_ref()
    }

    pub(super) fn usage(&self) -> Usage {
        let mut usage = self.usage;
        if let Some(newest) = &self.newest_usage {
            usage.merge(usage_in(newest));
        }
        usage
    }

    fn event(&mut self, fields: &Fields<'_>, frame: &[u8], owner: &Bytes) -> Sense {
        let data = &fields.data;
        if !fields.recognised {
            return match (fields.foreign, probe::is_error(frame)) {
                (false, _) => Sense::Nothing,
                (true, true) => Sense::Error,
                (true, false) => Sense::Foreign,
            };
        }
        match self.format {
            StreamFormat::AnthropicSse => self.named(ANTHROPIC, fields, owner),
            StreamFormat::ResponsesSse => self.named(RESPONSES, fields, owner),
            _ if fields.event == b"error" => Sense::Error,
            _ if data.is_empty() => Sense::Nothing,
            StreamFormat::ChatSse if data.trim_ascii() == b"[DONE]" => Sense::End,
            StreamFormat::ChatSse => self.chat(data, owner),
            StreamFormat::GeminiSse | StreamFormat::GeminiArray => {
                let sense = self.gemini(data, owner);
                if self.finish_seen && sense != Sense::Error && self.end.is_none() {
                    Sense::End
                } else {
                    sense
                }
            }
        }
    }

    fn named(
        &mut self,
        table: &[(&str, Sense, StatesUsage)],
        fields: &Fields<'_>,
        owner: &Bytes,
    ) -> Sense {
        let data = &fields.data;
        let type_in_data;
        let name = match fields.event {
            b"" | b"message" => {
                if data.is_empty() || data.trim_ascii() == b"[DONE]" {
                    return Sense::Nothing;
                }
                type_in_data = probe::type_of(data);
                match &type_in_data {
                    Some(name) => name.as_bytes(),
                    None if probe::is_error(data) => return Sense::Error,
                    None => return Sense::Foreign,
                }
            }
            name => name,
        };
        match table.iter().find(|(known, ..)| known.as_bytes() == name) {
            Some((_, sense, states_usage)) => {
                if *states_usage {
                    self.usage = self.usage();
                    self.newest_usage = Some(share(data, owner));
                }
                *sense
            }
            None if data.is_empty() => Sense::Nothing,
            None => Sense::Content,
        }
    }

    fn chat(&mut self, data: &[u8], owner: &Bytes) -> Sense {
        if WORDS.error.find(data).is_some() && probe::is_error(data) {
            return Sense::Error;
        }
        // Most providers send `"usage":null` until the last chunk.
        if let Some(at) = WORDS.usage.find(data) {
            let value = data[at + 7..].trim_ascii_start();
            if !value
                .strip_prefix(b":")
                .is_some_and(|value| value.trim_ascii_start().starts_with(b"n"))
            {
                self.newest_usage = Some(share(data, owner));
            }
        }
        if self.content_seen {
            return Sense::Content;
        }
        probe::chat(data).into()
    }

    fn gemini(&mut self, data: &[u8], owner: &Bytes) -> Sense {
        if WORDS.error.find(data).is_some() && probe::is_error(data) {
            return Sense::Error;
        }
        if WORDS.usage_metadata.find(data).is_some() {
            self.newest_usage = Some(share(data, owner));
        }
        let may_finish =
            WORDS.finish_reason.find(data).is_some() || WORDS.block_reason.find(data).is_some();
        if self.content_seen && !may_finish {
            return Sense::Content;
        }
        let chunk = probe::gemini(data);
        self.finish_seen |= chunk.finished;
        chunk.payload.into()
    }

    /// A frame of the array: separator and element, or the closing bracket.
    fn array_frame(&mut self, frame: &[u8], owner: &Bytes) -> Mark {
        let mut element = frame.trim_ascii();
        if let Some(opened) = element.strip_prefix(b"[")
            && !self.array_open
        {
            self.array_open = true;
            element = opened.trim_ascii_start();
        }
        let element = element
            .strip_prefix(b",")
            .unwrap_or(element)
            .trim_ascii_start();
        let sense = match element {
            [] => Sense::Nothing,
            [b']'] => {
                self.understood = true;
                if self.finish_seen {
                    Sense::End
                } else {
                    Sense::Nothing
                }
            }
            _ => match self.gemini(element, owner) {
                // One object alone is not the array the client was promised.
                Sense::Content | Sense::Opening if !self.array_open => Sense::Foreign,
                sense => sense,
            },
        };
        self.mark(sense, element, owner)
    }

    /// Draws the conclusion from one frame's sense.
    fn mark(&mut self, sense: Sense, payload: &[u8], owner: &Bytes) -> Mark {
        self.understood |= !matches!(sense, Sense::Nothing | Sense::Foreign);
        match sense {
            Sense::Error => {
                self.end
                    .get_or_insert_with(|| StreamEnd::Error(share(payload, owner)));
                Mark::Error
            }
            Sense::End => {
                self.end.get_or_insert(StreamEnd::Complete);
                Mark::Terminal
            }
            _ if self.end.is_some() => Mark::Lifecycle,
            Sense::Content => {
                self.content_seen = true;
                Mark::Content
            }
            _ if self.content_seen => Mark::Content,
            Sense::Foreign => {
                self.foreign.get_or_insert_with(|| share(payload, owner));
                Mark::Lifecycle
            }
            Sense::Opening | Sense::Nothing => Mark::Lifecycle,
        }
    }
}

impl From<Payload> for Sense {
    fn from(payload: Payload) -> Sense {
        match payload {
            Payload::Content => Sense::Content,
            Payload::Empty => Sense::Opening,
            Payload::Foreign => Sense::Foreign,
        }
    }
}

/// The part of a buffer as a handle of its own; copied only when it was put together from lines.
fn share(part: &[u8], owner: &Bytes) -> Bytes {
    let start = (part.as_ptr() as usize).wrapping_sub(owner.as_ptr() as usize);
    match start.checked_add(part.len()) {
        Some(end) if end <= owner.len() => owner.slice(start..end),
        _ => Bytes::copy_from_slice(part),
    }
}
