//! Reads a streamed answer while it passes: which frames are content, how it ended, what it cost.
//!
//! Promises: the bytes that come out, in order, and then what is still held are the bytes that went
//! in; only whole frames come out; any split of the input gives the same bytes per mark, the same
//! usage and the same end. What does not matter is scanned, not parsed, and not copied.
//!
//! Must not know: sockets, time, who listens.
//!
//! Frames are cut by `frames` (with `sse` and `array`), understood by `judge` (with `probe`);
//! [`Standing`] draws the conclusion for the client.

use bytes::Bytes;
use waybill_model::{protocol::StreamFormat, waybill::Usage};

mod array;
mod frames;
mod judge;
mod probe;
mod sse;
mod standing;

pub(crate) use sse::{Fields, SseScan};
pub use standing::{ErrorForm, Event, Standing};

use frames::Frames;
use judge::Judge;

/// What a frame means for the commit point.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Mark {
    /// Before any content: pings, comments, blank lines, openings, empty deltas. May be held back.
    /// After the end: whatever still trickles in.
    Lifecycle,
    /// The first content, and everything after it that is neither the end nor an error.
    Content,
    /// The protocol's end marker.
    Terminal,
    /// The provider's error event.
    Error,
}

/// One or more whole frames of one mark. The frames of one mark that lie side by side in one chunk
/// are one piece, and share the chunk's memory.
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
    /// The provider sent an error: the payload of its first error frame, without the framing (the
    /// value of `data:`, the element of an array); the frame itself, without its line ends, when it had
    /// no payload.
    Error(Bytes),
    /// It stopped without its end marker.
    Truncated,
    /// Nothing of it was the protocol: the first frame, or all, of what came instead.
    Garbage(Bytes),
}

impl StreamEnd {
    /// Whether the stream is a good answer.
    pub const fn is_complete(&self) -> bool {
        matches!(self, StreamEnd::Complete)
    }
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
        Limits {
            max_frame_bytes: 16 << 20,
        }
    }
}

/// The reader of one streamed answer.
#[derive(Debug)]
pub struct StreamReader {
    frames: Frames,
    judge: Judge,
}

impl StreamReader {
    /// A reader at the start of a stream.
    pub fn new(format: StreamFormat, limits: Limits) -> Self {
        StreamReader {
            frames: Frames::new(format, limits),
            judge: Judge::new(format),
        }
    }

    /// Takes the next bytes and appends the frames they complete.
    pub fn feed(&mut self, chunk: Bytes, out: &mut Vec<Piece>) {
        self.frames.feed(chunk, &mut self.judge, out);
    }

    /// Says that nothing more comes. Appends a last end marker or error that lacked only its closing
    /// blank line; any other partial frame stays [`held`](Self::held), for no client would read it.
    pub fn finish(&mut self, out: &mut Vec<Piece>) -> StreamEnd {
        let rest = self.frames.held();
        if let Some(mark) = self.judge.rest(&rest) {
            self.frames.clear();
            out.push(Piece { bytes: rest, mark });
        }
        self.judge.end()
    }

    /// The end, once the frame that says so came out. Bytes may still follow it and belong to the
    /// answer (Gemini has no end marker but its last chunk), but they do not change how it ended.
    pub fn ended(&self) -> Option<&StreamEnd> {
        self.judge.ended()
    }

    /// Token counts so far.
    pub fn usage(&self) -> Usage {
        self.judge.usage()
    }

    /// The partial frame that is held back; empty between frames. Copied together.
    pub fn held(&self) -> Bytes {
        self.frames.held()
    }
}
