//! Replaces the model's name in a request without copying the rest of it.
//!
//! Promises: every other byte stays as it came, and is shared, not copied.
//!
//! Must not know: why the name changes.

use std::ops::Range;

use bytes::Bytes;

/// Replaces the JSON string at `span` (as [`crate::peek::Peek::model_span`] gives it) by `model`. The
/// three parts, written one after another, are the new body; the first and the last share `body`.
pub fn splice(body: &Bytes, span: &Range<usize>, model: &str) -> [Bytes; 3] {
    let name = serde_json::Value::from(model).to_string();
    [
        body.slice(..span.start),
        Bytes::from(name),
        body.slice(span.end..),
    ]
}

/// Replaces the model at `span` (as [`crate::endpoint::Recognised::path_model_span`] gives it) of a
/// path, percent-encoding what a path segment cannot hold. Works on a path with its query, too.
pub fn splice_path(path: &str, span: &Range<usize>, model: &str) -> String {
    let mut out = String::with_capacity(path.len() + model.len());
    out.push_str(&path[..span.start]);
    for byte in model.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' | b'@' | b'/' => {
                out.push(char::from(byte));
            }
            _ => {
                const HEX: &[u8; 16] = b"0123456789ABCDEF";
                out.push('%');
                out.push(char::from(HEX[usize::from(byte >> 4)]));
                out.push(char::from(HEX[usize::from(byte & 15)]));
            }
        }
    }
    out.push_str(&path[span.end..]);
    out
}
