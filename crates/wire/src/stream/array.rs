//! One JSON array that arrives in parts: where its elements end.
//!
//! Promises: an element's frame is its separator, the white space before it, and the element; the
//! closing bracket is a frame of its own. Brackets are counted, strings skipped, nothing is parsed.
//!
//! Must not know: what elements mean.

use memchr::memchr2;

/// Finds the ends of elements. Keeps its place from chunk to chunk.
#[derive(Debug, Default)]
pub(super) struct ArrayScan {
    shape: Shape,
    depth: u32,
    in_string: bool,
    escaped: bool,
}

/// What the document turned out to be, by its first byte that is not white space.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Shape {
    #[default]
    Unknown,
    Array,
    /// A single object where an array was promised: most likely an error.
    Object,
    /// Not JSON: has no frames.
    Foreign,
    /// The document is over; what follows has no frames.
    Over,
}

impl ArrayScan {
    /// Where the frame under way ends in the chunk, reading on from `from`.
    pub(super) fn next_end(&mut self, chunk: &[u8], from: usize) -> Option<usize> {
        let mut at = from;
        while at < chunk.len() {
            match self.shape {
                Shape::Foreign | Shape::Over => return None,
                Shape::Unknown | Shape::Array | Shape::Object => {}
            }
            if self.in_string {
                at = self.skip_string(chunk, at);
                continue;
            }
            let byte = chunk[at];
            at += 1;
            if self.shape == Shape::Unknown {
                self.shape = match byte {
                    b' ' | b'\t' | b'\r' | b'\n' => continue,
                    b'[' => Shape::Array,
                    b'{' => Shape::Object,
                    _ => Shape::Foreign,
                };
            }
            match byte {
                b'"' => self.in_string = true,
                b'[' | b'{' => self.depth += 1,
                b']' | b'}' => {
                    self.depth = self.depth.saturating_sub(1);
                    if self.depth == 0 {
                        self.shape = Shape::Over;
                        return Some(at);
                    }
                    if self.depth == 1 && self.shape == Shape::Array {
                        return Some(at);
                    }
                }
                _ => {}
            }
        }
        None
    }

    /// Whether the document has ended.
    pub(super) fn is_over(&self) -> bool {
        self.shape == Shape::Over
    }

    /// Moves on to the end of the string, or of the chunk.
    fn skip_string(&mut self, chunk: &[u8], mut at: usize) -> usize {
        if std::mem::take(&mut self.escaped) {
            at += 1;
        }
        while let Some(found) = chunk.get(at..).and_then(|rest| memchr2(b'"', b'\\', rest)) {
            at += found + 1;
            if chunk[at - 1] == b'"' {
                self.in_string = false;
                return at;
            }
            if at == chunk.len() {
                self.escaped = true;
                return at;
            }
            at += 1;
        }
        chunk.len()
    }
}
