//! A streamed answer on its way over: event by event, nothing of it held but what an event lacks.
//!
//! Two dialects make their clients' writers hold more. Responses ends each part, and the whole, by telling
//! its text again: a stream to such a client holds the text it told, once. Gemini has no pieces of a call's
//! arguments: they are held until the call is whole. To clients of Messages and Chat nothing is held.

use bytes::Bytes;
use waybill_model::protocol::StreamFormat;

use super::{
    Context, Dialect, Unreadable, chat, codeassist, gemini, messages, responses, talk::Delta,
};
use crate::stream::{Fields, Mark, Piece, SseScan};

/// Most bytes of one event.
const MAX_EVENT_BYTES: usize = 16 << 20;

/// Translates the frames of a provider's stream into a client's.
#[derive(Debug)]
pub struct Crossing {
    reads: Option<Reads>,
    writes: Writes,
    wrapped: bool,
    /// An event that came in parts: one too large for the reader of frames.
    partial: Vec<u8>,
    scan: SseScan,
    /// What ends the client's stream was written.
    over: bool,
}

#[derive(Debug)]
enum Reads {
    Messages(messages::Decoder),
    Chat(chat::Decoder),
    Responses(responses::Decoder),
    Gemini(gemini::Decoder),
}

#[derive(Debug)]
enum Writes {
    Messages(messages::Encoder),
    Chat(chat::Encoder),
    Responses(responses::Encoder),
    Gemini(gemini::Encoder),
    /// The client's language is the provider's: only the envelope goes.
    Unwraps(Unwraps),
}

/// Frames events anew that are otherwise left as they are.
#[derive(Debug)]
struct Unwraps {
    format: StreamFormat,
    begun: bool,
}

impl Crossing {
    pub(super) fn new(
        client: Dialect,
        provider: Dialect,
        wrapped: bool,
        format: StreamFormat,
        context: Context,
    ) -> Crossing {
        let reads = match provider {
            _ if client == provider => None,
            Dialect::Messages => Some(Reads::Messages(messages::Decoder::default())),
            Dialect::Chat => Some(Reads::Chat(chat::Decoder::default())),
            Dialect::Responses => Some(Reads::Responses(responses::Decoder::default())),
            Dialect::Gemini => Some(Reads::Gemini(gemini::Decoder::default())),
        };
        let writes = match client {
            _ if client == provider => Writes::Unwraps(Unwraps {
                format,
                begun: false,
            }),
            Dialect::Messages => Writes::Messages(messages::Encoder::new(context)),
            Dialect::Chat => Writes::Chat(chat::Encoder::new(context)),
            Dialect::Responses => Writes::Responses(responses::Encoder::new(context)),
            Dialect::Gemini => Writes::Gemini(gemini::Encoder::new(context, format)),
        };
        Crossing {
            reads,
            writes,
            wrapped,
            partial: Vec::new(),
            scan: SseScan::default(),
            over: false,
        }
    }

    /// Translates frames of one mark. What comes out has the same mark, if the client sees anything of it; only
    /// what holds the end of the client's stream is terminal.
    ///
    /// # Errors
    /// An event that is not what the provider's protocol promises. The crossing is over then.
    pub fn piece(&mut self, piece: Piece) -> Result<Piece, Unreadable> {
        let mut out = Vec::new();
        let bytes = &piece.bytes[..];
        let mut at = usize::from(self.scan.take_line_feed(bytes));
        let mut start = at;
        while let Some(end) = self.scan.next_end(bytes, at) {
            if self.partial.is_empty() {
                self.frame(&bytes[start..end], &mut out)?;
            } else {
                let mut whole = std::mem::take(&mut self.partial);
                whole.extend_from_slice(&bytes[start..end]);
                self.frame(&whole, &mut out)?;
            }
            start = end;
            at = end;
        }
        self.partial.extend_from_slice(&bytes[start..]);
        if self.partial.len() > MAX_EVENT_BYTES {
            return Err(Unreadable::new(
                "the provider sent an event that is too large",
            ));
        }
        let mark = match piece.mark {
            Mark::Terminal if self.over || (self.writes.ends_with_events() && !out.is_empty()) => {
                self.over = true;
                Mark::Terminal
            }
            // What the client sees nothing of commits nothing.
            Mark::Content | Mark::Terminal if out.is_empty() => Mark::Lifecycle,
            // The provider has said its last word; the client's is still to come.
            Mark::Terminal => Mark::Content,
            mark @ (Mark::Lifecycle | Mark::Content | Mark::Error) => mark,
        };
        Ok(Piece {
            bytes: Bytes::from(out),
            mark,
        })
    }

    /// Whether what ends the client's stream was written.
    pub const fn is_over(&self) -> bool {
        self.over
    }

    /// The stream ended well: what the client's protocol says at the end.
    ///
    /// # Errors
    /// It did not end well after all.
    pub fn finish(&mut self) -> Result<Piece, Unreadable> {
        let mut out = Vec::new();
        if !self.partial.is_empty() {
            // A last event may lack its empty line.
            let rest = std::mem::take(&mut self.partial);
            self.frame(&rest, &mut out)?;
        }
        let mut deltas = Vec::new();
        match &mut self.reads {
            Some(Reads::Messages(decoder)) => decoder.finish(&mut deltas)?,
            Some(Reads::Chat(decoder)) => decoder.finish(&mut deltas)?,
            Some(Reads::Responses(decoder)) => decoder.finish(&mut deltas)?,
            Some(Reads::Gemini(decoder)) => decoder.finish(&mut deltas)?,
            None => {}
        }
        self.writes.all(&deltas, &mut out);
        if let Writes::Unwraps(unwraps) = &mut self.writes {
            unwraps.finish(&mut out);
        }
        if self.writes.ends_with_events() && !self.over && out.is_empty() {
            // What sounded like an end was outside of what the client sees.
            return Err(Unreadable::new("the answer has no end"));
        }
        self.over = true;
        Ok(Piece {
            bytes: Bytes::from(out),
            mark: Mark::Terminal,
        })
    }

    fn frame(&mut self, frame: &[u8], out: &mut Vec<u8>) -> Result<(), Unreadable> {
        let fields = Fields::read(frame);
        let text = |bytes| {
            std::str::from_utf8(bytes)
                .map_err(|_| Unreadable::new("the provider sent an event that is not UTF-8"))
        };
        let (name, mut data) = (text(fields.event)?, text(&fields.data)?);
        if data.is_empty() {
            return Ok(());
        }
        if self.wrapped {
            match codeassist::unwrap_event(data)? {
                Some(inside) => data = inside,
                None => return Ok(()),
            }
        }
        let mut deltas = Vec::new();
        match &mut self.reads {
            Some(Reads::Messages(decoder)) => decoder.event(name, data, &mut deltas)?,
            Some(Reads::Chat(decoder)) => decoder.event(name, data, &mut deltas)?,
            Some(Reads::Responses(decoder)) => decoder.event(name, data, &mut deltas)?,
            Some(Reads::Gemini(decoder)) => decoder.event(name, data, &mut deltas)?,
            None => {}
        }
        self.writes.all(&deltas, out);
        self.over |= deltas
            .iter()
            .any(|delta| matches!(delta, Delta::End { .. }));
        if let Writes::Unwraps(unwraps) = &mut self.writes {
            unwraps.event(data, out);
        }
        Ok(())
    }
}

impl Writes {
    /// Whether the provider's last event is also the client's: nothing comes behind it.
    fn ends_with_events(&self) -> bool {
        match self {
            Writes::Unwraps(unwraps) => unwraps.format != StreamFormat::GeminiArray,
            Writes::Messages(_) | Writes::Chat(_) | Writes::Responses(_) | Writes::Gemini(_) => {
                false
            }
        }
    }

    fn all(&mut self, deltas: &[Delta<'_>], out: &mut Vec<u8>) {
        for delta in deltas {
            match self {
                Writes::Messages(encoder) => encoder.delta(delta, out),
                Writes::Chat(encoder) => encoder.delta(delta, out),
                Writes::Responses(encoder) => encoder.delta(delta, out),
                Writes::Gemini(encoder) => encoder.delta(delta, out),
                Writes::Unwraps(_) => {}
            }
        }
    }
}

impl Unwraps {
    fn event(&mut self, data: &str, out: &mut Vec<u8>) {
        let (before, after) = match (self.format, self.begun) {
            (StreamFormat::GeminiArray, false) => ("[", ""),
            (StreamFormat::GeminiArray, true) => (",\r\n", ""),
            _ => ("data: ", "\r\n\r\n"),
        };
        self.begun = true;
        out.extend_from_slice(before.as_bytes());
        // Between the members of JSON a line end is as good as a space, and it would end the event's line.
        out.extend(data.bytes().map(|byte| match byte {
            b'\n' | b'\r' => b' ',
            byte => byte,
        }));
        out.extend_from_slice(after.as_bytes());
    }

    fn finish(&mut self, out: &mut Vec<u8>) {
        if self.format == StreamFormat::GeminiArray {
            out.extend_from_slice(if self.begun { b"]" } else { b"[]" });
        }
    }
}
