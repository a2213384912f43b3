//! The same text with one level of escaping taken off, and the way back to where each byte stood.
//!
//! A secret in a JSON string inside a JSON string, or percent-encoded in a URL, is plain in one of the
//! views. Promises: a range of a view maps to whole escape sequences of the text it was made from.
//! Must not know what is looked for.

use std::ops::Range;

/// Whether some level of escaping in `text` stands for a letter, a digit, a blank or a sign, which may
/// be part of a word that is looked for. Escaped line ends, tabs, quotes, backslashes and what is not
/// ASCII are no part of any, unless `odd` secrets with such bytes in them are looked for.
pub(super) fn may_reveal(text: &[u8], odd: bool) -> bool {
    let mut next = 0;
    while let Some(offset) = memchr::memchr(b'\\', text.get(next..).unwrap_or_default()) {
        // Several backslashes are one, escaped more than once.
        let at = next + offset;
        let after = at + past_backslashes(&text[at..]);
        let reveals = match text.get(after..).unwrap_or_default() {
            [b'/' | b'b' | b'f', ..] => true,
            [b'u', b'0', b'0', b'0'..=b'7', ..] | [b'x', b'0'..=b'7', ..] => true,
            _ => odd,
        };
        if reveals {
            return true;
        }
        next = after + 1;
    }
    memchr::memchr_iter(b'%', text).any(|at| match text.get(at + 1..at + 3) {
        Some([high, low]) => {
            high.is_ascii_hexdigit() && low.is_ascii_hexdigit() && (odd || *high < b'8')
        }
        _ => false,
    })
}

/// How many backslashes `text` begins with.
pub(super) fn past_backslashes(text: &[u8]) -> usize {
    text.iter().take_while(|byte| **byte == b'\\').count()
}

/// Whether an escape sequence may begin in `text`, or end in it.
pub(super) fn has_escapes(text: &[u8]) -> bool {
    text.iter().any(|byte| matches!(byte, b'\\' | b'%'))
}

/// One level of escaping taken off.
pub(super) struct View {
    /// The bytes; not necessarily UTF-8, since a percent sign may have stood for any byte.
    pub(super) text: Vec<u8>,
    escapes: Vec<Escape>,
}

/// Where one escape sequence went.
struct Escape {
    decoded: Range<usize>,
    source: Range<usize>,
}

impl View {
    /// The view of `source`, or `None` when nothing in it is escaped. One sort of escaping at a time:
    /// percent signs are looked at only when no backslash is left to take off.
    pub(super) fn of(source: &[u8]) -> Option<View> {
        View::without(b'\\', source).or_else(|| View::without(b'%', source))
    }

    fn without(sign: u8, source: &[u8]) -> Option<View> {
        memchr::memchr(sign, source)?;
        let mut view = View {
            text: Vec::with_capacity(source.len()),
            escapes: Vec::with_capacity(source.len() / 64),
        };
        let mut copied = 0;
        let mut next = 0;
        while let Some(offset) = memchr::memchr(sign, source.get(next..).unwrap_or_default()) {
            let at = next + offset;
            let Some((len, bytes)) = sequence(&source[at..]) else {
                next = at + 1;
                continue;
            };
            view.text.extend_from_slice(&source[copied..at]);
            let start = view.text.len();
            view.text.extend_from_slice(bytes.as_slice());
            view.escapes.push(Escape {
                decoded: start..view.text.len(),
                source: at..at + len,
            });
            copied = at + len;
            next = copied;
        }
        if view.escapes.is_empty() {
            return None;
        }
        view.text.extend_from_slice(&source[copied..]);
        Some(view)
    }

    /// The bytes of the source that `range` of this view was made from.
    pub(super) fn source(&self, range: &Range<usize>) -> Range<usize> {
        if range.is_empty() {
            let at = self.byte(range.start).start;
            return at..at;
        }
        self.byte(range.start).start..self.byte(range.end - 1).end
    }

    /// The bytes of the source that one byte was made from.
    fn byte(&self, at: usize) -> Range<usize> {
        let after = self
            .escapes
            .partition_point(|escape| escape.decoded.start <= at);
        let Some(last) = after.checked_sub(1).and_then(|i| self.escapes.get(i)) else {
            return at..at + 1;
        };
        if at < last.decoded.end {
            return last.source.clone();
        }
        let at = last.source.end + (at - last.decoded.end);
        at..at + 1
    }
}

/// At most one character in UTF-8.
struct Decoded {
    bytes: [u8; 4],
    len: usize,
}

impl Decoded {
    fn byte(byte: u8) -> Self {
        Decoded {
            bytes: [byte, 0, 0, 0],
            len: 1,
        }
    }

    fn char(value: char) -> Self {
        let mut bytes = [0; 4];
        let len = value.encode_utf8(&mut bytes).len();
        Decoded { bytes, len }
    }

    fn as_slice(&self) -> &[u8] {
        &self.bytes[..self.len]
    }
}

/// The escape sequence at the start of `text`: its length and what it stands for.
fn sequence(text: &[u8]) -> Option<(usize, Decoded)> {
    if text.first() == Some(&b'%') {
        let value = hex(text.get(1..3)?)?;
        return Some((3, Decoded::byte(u8::try_from(value).ok()?)));
    }
    let plain = match text.get(1)? {
        b'"' => b'"',
        b'\'' => b'\'',
        b'\\' => b'\\',
        b'/' => b'/',
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'b' | b'f' => b' ',
        b'u' => {
            let value = hex(text.get(2..6)?)?;
            let value = char::from_u32(value).unwrap_or(char::REPLACEMENT_CHARACTER);
            return Some((6, Decoded::char(value)));
        }
        b'x' => {
            let value = hex(text.get(2..4)?)?;
            return Some((4, Decoded::byte(u8::try_from(value).ok()?)));
        }
        _ => return None,
    };
    Some((2, Decoded::byte(plain)))
}

fn hex(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |value, digit| {
        Some(value * 16 + char::from(*digit).to_digit(16)?)
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::View;

    #[test]
    fn every_escape_is_taken_off_and_leads_back() {
        let source = br#"a\u0073k\n\"z\q"#;
        let view = View::of(source).unwrap();
        assert_eq!(view.text, b"ask\n\"z\\q");
        assert_eq!(&source[view.source(&(1..3))], br"\u0073k");
        assert_eq!(&source[view.source(&(3..5))], br#"\n\""#);
        assert_eq!(&source[view.source(&(5..8))], br"z\q");
    }

    #[test]
    fn percent_signs_are_taken_off_after_backslashes() {
        let source = br"%41\u0042";
        let first = View::of(source).unwrap();
        assert_eq!(first.text, b"%41B");
        let second = View::of(&first.text).unwrap();
        assert_eq!(second.text, b"AB");
        assert_eq!(first.source(&second.source(&(0..2))), 0..source.len());
    }

    #[test]
    fn text_without_escapes_has_no_second_view() {
        assert!(View::of(b"100% of it").is_none());
    }
}
