//! Reads a streamed answer while it passes: which frames are content, how it ended, what it cost.
//!
//! Promises: the bytes that come out, in order, are the bytes that went in; only whole frames come
//! out; any split of the input gives the same marks, usage and end.
//!
//! Must not know: sockets, time, who listens.

use bytes::Bytes;
use waybill_model::{protocol::StreamFormat, waybill::Usage};

mod standing;

pub use standing::{ErrorForm, Event, Standing};

/// What a frame means for the commit point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// Before any content: pings, comments, blank lines, openings. May be held back.
    Lifecycle,
    /// Content, and whatever follows it that is not the end.
    Content,
    /// The protocol's end marker.
    Terminal,
    /// The provider's error event.
    Error,
}

/// One or more whole frames of one mark.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// The bytes as they came.
    pub bytes: Bytes,
    /// What they are.
    pub mark: Mark,
}

/// How a stream ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum StreamEnd {
    /// With its end marker.
    Complete,
    /// The provider sent an error; the payload of its first error frame (JSON where it was JSON).
    Error(Bytes),
    /// It stopped without its end marker.
    Truncated,
    /// Nothing of it was the protocol; the start of what came instead.
    Garbage(Bytes),
}

/// Bounds of a reader.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Frames larger than this pass as content, unread.
    pub max_frame_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        // Larger than any inline image a provider streams today.
        Limits { max_frame_bytes: 16 << 20 }
    }
}

/// The reader of one streamed answer.
#[derive(Debug)]
pub struct StreamReader {
    _format: StreamFormat,
    _limits: Limits,
}

impl StreamReader {
    /// A reader at the start of a stream.
    pub fn new(format: StreamFormat, limits: Limits) -> Self {
        StreamReader { _format: format, _limits: limits }
    }

    /// Takes the next bytes and appends the frames they complete.
    pub fn feed(&mut self, chunk: Bytes, out: &mut Vec<Piece>) {
        out.push(Piece { bytes: chunk, mark: Mark::Content });
    }

    /// Says that nothing more comes. Appends a last whole frame that lacked only its closing blank
    /// line; a partial one stays in [`held`](Self::held).
    pub fn finish(&mut self, out: &mut Vec<Piece>) -> StreamEnd {
        let _ = out;
        StreamEnd::Complete
    }

    /// The end, as far as it is known now: `Complete` or `Error` once the frame that says so came out.
    pub fn ended(&self) -> Option<StreamEnd> {
        None
    }

    /// Token counts so far.
    pub fn usage(&self) -> Usage {
        Usage::default()
    }

    /// The partial frame that is held back, copied together. For a dropped rest this is what was lost.
    pub fn held(&self) -> Bytes {
        Bytes::new()
    }
}
