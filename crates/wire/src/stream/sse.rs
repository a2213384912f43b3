//! Server-sent events: where an event ends, and which fields it has.
//!
//! Promises: follows the WHATWG rules: lines end in CRLF, LF or CR, an event ends with an empty line,
//! a byte order mark may come first, one space after the colon is not part of a value, several `data`
//! lines are joined by a line feed, a line that starts with a colon is a comment.
//!
//! Must not know: what events mean.

use std::borrow::Cow;

use memchr::{memchr, memchr2};

/// Finds the empty lines. Keeps its place from chunk to chunk.
#[derive(Debug)]
pub(crate) struct SseScan {
    /// The line under way has no byte yet.
    line_is_empty: bool,
    /// The last byte was a CR: a LF now would be the other half of the same line end.
    after_cr: bool,
}

impl Default for SseScan {
    fn default() -> Self {
        SseScan {
            line_is_empty: true,
            after_cr: false,
        }
    }
}

impl SseScan {
    /// Whether the chunk starts with the LF of a CRLF that an earlier chunk began; asked once for
    /// every chunk. An event ends at its CR already: waiting for a LF that may never come would hold
    /// the event back.
    pub(crate) fn take_line_feed(&mut self, chunk: &[u8]) -> bool {
        let Some(first) = chunk.first() else {
            return false;
        };
        std::mem::take(&mut self.after_cr) && *first == b'\n'
    }

    /// Where the event under way ends in the chunk, reading on from `from`.
    pub(crate) fn next_end(&mut self, chunk: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while let Some(found) = memchr2(b'\n', b'\r', &chunk[at..]) {
            let empty = self.line_is_empty && found == 0;
            let end = at + found;
            at = end + 1;
            if chunk[end] == b'\r' {
                match chunk.get(at) {
                    Some(b'\n') => at += 1,
                    Some(_) => {}
                    None => self.after_cr = true,
                }
            }
            self.line_is_empty = true;
            if empty {
                return Some(at);
            }
        }
        self.line_is_empty &= at == chunk.len();
        None
    }
}

/// The fields of one event.
#[derive(Debug, Default)]
pub(crate) struct Fields<'f> {
    /// The last `event`; empty when there is none.
    pub event: &'f [u8],
    /// All `data`; empty when there is none. Borrowed unless it stands on several lines.
    pub data: Cow<'f, [u8]>,
    /// A line was a field or a comment: what came was server-sent events.
    pub recognised: bool,
    /// A line was neither.
    pub foreign: bool,
}

impl<'f> Fields<'f> {
    /// Reads one event. The last line need not be ended.
    pub(crate) fn read(frame: &'f [u8]) -> Fields<'f> {
        let mut fields = Fields::default();
        let mut has_data = false;
        let mut rest = frame.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(frame);
        while !rest.is_empty() {
            let end = memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
            let line = &rest[..end];
            rest = rest.get(end + 1..).unwrap_or_default();
            // The LF of a CRLF is read as one more empty line: it changes nothing inside a frame.
            if line.is_empty() {
                continue;
            }
            let (name, value) = match memchr(b':', line) {
                Some(colon) => (&line[..colon], &line[colon + 1..]),
                None => (line, &[][..]),
            };
            let value = value.strip_prefix(b" ").unwrap_or(value);
            match name {
                b"data" => fields.add_data(value, std::mem::replace(&mut has_data, true)),
                b"event" => fields.event = value,
                b"" | b"id" | b"retry" => {}
                _ => {
                    fields.foreign = true;
                    continue;
                }
            }
            fields.recognised = true;
        }
        fields
    }

    fn add_data(&mut self, value: &'f [u8], not_first: bool) {
        if not_first {
            let joined = self.data.to_mut();
            joined.push(b'\n');
            joined.extend_from_slice(value);
        } else {
            self.data = Cow::Borrowed(value);
        }
    }
}
