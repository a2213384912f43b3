//! Cuts a stream into frames, whatever its framing, and holds back the last partial one.
//!
//! Promises: a frame inside one chunk is never copied; one that spans chunks is copied together once,
//! when it is whole; a frame beyond the limit is let through as it comes.
//!
//! Must not know: what a frame means.

use std::ops::Range;

use bytes::{Bytes, BytesMut};
use waybill_model::protocol::StreamFormat;

use super::{Limits, Mark, Piece, array::ArrayScan, judge::Judge, sse::SseScan};

/// Where frames end in one framing. Keeps its place from chunk to chunk.
#[derive(Debug)]
enum Scan {
    Sse(SseScan),
    Array(ArrayScan),
}

impl Scan {
    fn next_end(&mut self, chunk: &[u8], from: usize) -> Option<usize> {
        match self {
            Scan::Sse(scan) => scan.next_end(chunk, from),
            Scan::Array(scan) => scan.next_end(chunk, from),
        }
    }

    /// What follows belongs to no frame any more, and passes unread.
    fn is_over(&self) -> bool {
        match self {
            Scan::Sse(_) => false,
            Scan::Array(scan) => scan.is_over(),
        }
    }
}

#[derive(Debug)]
pub(super) struct Frames {
    scan: Scan,
    limits: Limits,
    /// The parts of the frame under way that came in earlier chunks.
    held: Vec<Bytes>,
    held_bytes: usize,
    /// The frame under way is too large and passes unread.
    passing: bool,
    last_mark: Mark,
}

impl Frames {
    pub(super) fn new(format: StreamFormat, limits: Limits) -> Self {
        let scan = match format {
            StreamFormat::AnthropicSse
            | StreamFormat::ChatSse
            | StreamFormat::ResponsesSse
            | StreamFormat::GeminiSse => Scan::Sse(SseScan::default()),
            StreamFormat::GeminiArray => Scan::Array(ArrayScan::default()),
        };
        Frames {
            scan,
            limits,
            held: Vec::new(),
            held_bytes: 0,
            passing: false,
            last_mark: Mark::Lifecycle,
        }
    }

    pub(super) fn feed(&mut self, chunk: Bytes, judge: &mut Judge, out: &mut Vec<Piece>) {
        let mut run = Run {
            chunk: &chunk,
            range: 0..0,
            mark: self.last_mark,
        };
        let mut at = usize::from(match &mut self.scan {
            Scan::Sse(scan) => scan.take_line_feed(&chunk),
            Scan::Array(_) => false,
        });
        let mut start = 0;
        if at == 1 && self.held.is_empty() && !self.passing {
            // The other half of a CRLF whose CR already ended a frame: it belongs to that frame.
            start = 1;
            run.extend(start, self.last_mark, out);
        }
        while !self.scan.is_over()
            && let Some(end) = self.scan.next_end(&chunk, at)
        {
            self.last_mark = self.complete(&chunk, start..end, judge, &mut run, out);
            start = end;
            at = end;
        }
        if self.scan.is_over() && start < chunk.len() {
            start = chunk.len();
            run.extend(start, Mark::Lifecycle, out);
        }
        if self.passing {
            run.extend(chunk.len(), Mark::Content, out);
            run.flush(out);
        } else {
            run.flush(out);
            if start < chunk.len() {
                self.hold(chunk.slice(start..), judge, out);
            }
        }
    }

    /// A frame is whole: says what it is and puts it out.
    fn complete(
        &mut self,
        chunk: &Bytes,
        part: Range<usize>,
        judge: &mut Judge,
        run: &mut Run<'_>,
        out: &mut Vec<Piece>,
    ) -> Mark {
        let end = part.end;
        if std::mem::take(&mut self.passing) {
            run.extend(end, Mark::Content, out);
            return Mark::Content;
        }
        // The LF of a last CRLF may come later and must not tip the scale.
        let late_line_feed = usize::from(chunk[..end].ends_with(b"\r\n"));
        if self.held_bytes + part.len() - late_line_feed > self.limits.max_frame_bytes {
            judge.unread();
            out.extend(self.held.drain(..).map(|bytes| Piece {
                bytes,
                mark: Mark::Content,
            }));
            self.held_bytes = 0;
            run.extend(end, Mark::Content, out);
            return Mark::Content;
        }
        if self.held.is_empty() {
            let mark = judge.frame(&chunk[part], chunk);
            run.extend(end, mark, out);
            return mark;
        }
        self.held.push(chunk.slice(part));
        let bytes = self.held();
        self.clear();
        let mark = judge.frame(&bytes, &bytes);
        out.push(Piece { bytes, mark });
        run.skip_to(end);
        mark
    }

    fn hold(&mut self, part: Bytes, judge: &mut Judge, out: &mut Vec<Piece>) {
        self.held_bytes += part.len();
        self.held.push(part);
        if self.held_bytes > self.limits.max_frame_bytes {
            judge.unread();
            self.passing = true;
            self.held_bytes = 0;
            self.last_mark = Mark::Content;
            out.extend(self.held.drain(..).map(|bytes| Piece {
                bytes,
                mark: Mark::Content,
            }));
        }
    }

    /// What is held, as one; not copied when it is one slice.
    pub(super) fn held(&self) -> Bytes {
        match &self.held[..] {
            [] => Bytes::new(),
            [one] => one.clone(),
            parts => {
                let mut joined = BytesMut::with_capacity(self.held_bytes);
                for part in parts {
                    joined.extend_from_slice(part);
                }
                joined.freeze()
            }
        }
    }

    pub(super) fn clear(&mut self) {
        self.held.clear();
        self.held_bytes = 0;
    }
}

/// Neighbouring frames of one mark in one chunk, not yet put out.
struct Run<'c> {
    chunk: &'c Bytes,
    range: Range<usize>,
    mark: Mark,
}

impl Run<'_> {
    fn extend(&mut self, end: usize, mark: Mark, out: &mut Vec<Piece>) {
        if self.mark != mark {
            self.flush(out);
            self.mark = mark;
        }
        self.range.end = end;
    }

    fn flush(&mut self, out: &mut Vec<Piece>) {
        if !self.range.is_empty() {
            out.push(Piece {
                bytes: self.chunk.slice(self.range.clone()),
                mark: self.mark,
            });
        }
        self.range.start = self.range.end;
    }

    /// Leaves out the start of the chunk, which went out with the frame it completed.
    fn skip_to(&mut self, end: usize) {
        self.range = end..end;
    }
}
