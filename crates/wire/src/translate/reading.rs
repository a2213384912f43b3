//! A provider's stream as its client reads it: judged in the provider's language, handed on in the client's.
//!
//! Promises: the same as [`StreamReader`], whose face this has, for a stream that is translated; one that is
//! not passes as it comes.
//!
//! Must not know: which account answers.

use bytes::Bytes;
use waybill_model::{protocol::StreamFormat, waybill::Usage};

use super::{Crossing, Unreadable};
use crate::stream::{Limits, Mark, Piece, StreamEnd, StreamReader};

/// The reader of one streamed answer, and its translator where it needs one.
#[derive(Debug)]
pub struct Reading {
    reader: StreamReader,
    crossing: Option<Box<Crossing>>,
    /// Pieces in the provider's language, on their way.
    native: Vec<Piece>,
    /// Why it could not be read on, with the frames where that showed.
    unreadable: Option<(Unreadable, StreamEnd)>,
}

impl Reading {
    /// A stream that passes as it comes.
    pub fn direct(format: StreamFormat, limits: Limits) -> Reading {
        Reading {
            reader: StreamReader::new(format, limits),
            crossing: None,
            native: Vec::new(),
            unreadable: None,
        }
    }

    /// A stream that the provider frames as `format`, translated.
    pub fn over(format: StreamFormat, limits: Limits, crossing: Crossing) -> Reading {
        Reading {
            crossing: Some(Box::new(crossing)),
            ..Reading::direct(format, limits)
        }
    }

    /// Takes the next bytes and appends what the client can be given of them.
    pub fn feed(&mut self, chunk: Bytes, out: &mut Vec<Piece>) {
        if self.crossing.is_none() {
            return self.reader.feed(chunk, out);
        }
        let mut native = std::mem::take(&mut self.native);
        self.reader.feed(chunk, &mut native);
        self.cross(&mut native, out);
        self.native = native;
    }

    /// Says that nothing more comes.
    pub fn finish(&mut self, out: &mut Vec<Piece>) -> StreamEnd {
        let mut native = Vec::new();
        let end = self.reader.finish(&mut native);
        if self.crossing.is_none() {
            out.append(&mut native);
            return end;
        }
        self.cross(&mut native, out);
        if end.is_complete()
            && self.unreadable.is_none()
            && let Some(crossing) = &mut self.crossing
        {
            match crossing.finish() {
                Ok(piece) => out.push(piece),
                Err(why) => self.give_up(why, Bytes::new(), out),
            }
        }
        match &self.unreadable {
            Some((_, end)) => end.clone(),
            None => end,
        }
    }

    fn cross(&mut self, native: &mut Vec<Piece>, out: &mut Vec<Piece>) {
        for piece in native.drain(..) {
            let Some(crossing) = &mut self.crossing else {
                continue;
            };
            if self.unreadable.is_some() {
                return;
            }
            // What failed is told in the client's language by whoever ends the stream.
            if piece.mark == Mark::Error {
                out.push(piece);
                continue;
            }
            let frame = piece.bytes.clone();
            match crossing.piece(piece) {
                Ok(piece) => out.push(piece),
                Err(why) => self.give_up(why, frame, out),
            }
        }
    }

    fn give_up(&mut self, why: Unreadable, frame: Bytes, out: &mut Vec<Piece>) {
        out.push(Piece {
            bytes: frame.clone(),
            mark: Mark::Error,
        });
        self.unreadable = Some((why, StreamEnd::Garbage(frame)));
    }

    /// The end, once the frame that says so came out.
    pub fn ended(&self) -> Option<&StreamEnd> {
        match &self.unreadable {
            Some((_, end)) => Some(end),
            None => self.reader.ended(),
        }
    }

    /// Whether the client was given the end of its stream. A translated one may lack it after the provider's.
    pub fn is_over(&self) -> bool {
        match &self.crossing {
            None => self.reader.ended() == Some(&StreamEnd::Complete),
            Some(crossing) => self.unreadable.is_none() && crossing.is_over(),
        }
    }

    /// Why the stream could not be translated further.
    pub fn unreadable(&self) -> Option<&Unreadable> {
        self.unreadable.as_ref().map(|(why, _)| why)
    }

    /// Token counts so far.
    pub fn usage(&self) -> Usage {
        self.reader.usage()
    }

    /// The partial frame that is held back; empty between frames.
    pub fn held(&self) -> Bytes {
        self.reader.held()
    }
}
