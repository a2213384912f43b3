//! Writes JSON into one buffer, member by member.
//!
//! Promises: whatever is put in as text is escaped; whatever is put in raw stands as it is.
//!
//! Must not know: what the members mean.

use std::fmt::Display;

/// A JSON string, spelled as serde_json spells it. Eight bytes are looked at at a time, for most of what is
/// written is text of the client's, and this is what writing it costs.
pub(in super::super) fn string(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    let mut rest = text.as_bytes();
    while let Some(at) = first_special(rest) {
        let (plain, special) = rest.split_at(at);
        out.extend_from_slice(plain);
        let Some((byte, after)) = special.split_first() else {
            break;
        };
        escape(out, *byte);
        rest = after;
    }
    out.extend_from_slice(rest);
    out.push(b'"');
}

/// Where the first byte is that cannot stand in a JSON string as it is.
fn first_special(bytes: &[u8]) -> Option<usize> {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    let is_special = |byte: &u8| *byte < b' ' || matches!(byte, b'"' | b'\\');
    let (words, tail) = bytes.as_chunks::<8>();
    for (index, word) in words.iter().enumerate() {
        let word = u64::from_le_bytes(*word);
        let zero = |word: u64| word.wrapping_sub(ONES) & !word;
        let quote = zero(word ^ (ONES * u64::from(b'"')));
        let backslash = zero(word ^ (ONES * u64::from(b'\\')));
        let control = word.wrapping_sub(ONES * u64::from(b' ')) & !word;
        // A borrow can make a byte behind a special one look special, never one before it.
        let found = (quote | backslash | control) & HIGHS;
        if found != 0 {
            return Some(index * 8 + (found.trailing_zeros() / 8) as usize);
        }
    }
    let at = tail.iter().position(is_special)?;
    Some(words.len() * 8 + at)
}

fn escape(out: &mut Vec<u8>, byte: u8) {
    const HEX: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            let digits = [HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]];
            out.extend_from_slice(b"\\u00");
            return out.extend_from_slice(&digits);
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}

/// An object or an array under way.
pub(in super::super) struct Group<'o> {
    out: &'o mut Vec<u8>,
    first: bool,
    end: u8,
}

impl<'o> Group<'o> {
    /// Begins an object.
    pub(in super::super) fn object(out: &'o mut Vec<u8>) -> Self {
        out.push(b'{');
        Group {
            out,
            first: true,
            end: b'}',
        }
    }

    /// Begins an array.
    pub(in super::super) fn array(out: &'o mut Vec<u8>) -> Self {
        out.push(b'[');
        Group {
            out,
            first: true,
            end: b']',
        }
    }

    /// The buffer, ready for the next element of an array.
    pub(in super::super) fn element(&mut self) -> &mut Vec<u8> {
        if !std::mem::take(&mut self.first) {
            self.out.push(b',');
        }
        self.out
    }

    /// The buffer, ready for the value of the next member of an object.
    pub(in super::super) fn member(&mut self, key: &str) -> &mut Vec<u8> {
        let out = self.element();
        string(out, key);
        out.push(b':');
        out
    }

    /// A member that is text.
    pub(in super::super) fn text(&mut self, key: &str, text: &str) {
        string(self.member(key), text);
    }

    /// A member whose value is JSON already: raw JSON, a number, a truth.
    pub(in super::super) fn raw(&mut self, key: &str, value: impl Display) {
        use std::io::Write as _;
        // Writing into memory cannot fail.
        let _ = write!(self.member(key), "{value}");
    }

    /// A member that is an object.
    pub(in super::super) fn inner(&mut self, key: &str) -> Group<'_> {
        Group::object(self.member(key))
    }

    /// A member that is an array.
    pub(in super::super) fn list(&mut self, key: &str) -> Group<'_> {
        Group::array(self.member(key))
    }

    /// Whether nothing was put in yet.
    pub(in super::super) fn is_empty(&self) -> bool {
        self.first
    }

    /// Ends it.
    pub(in super::super) fn close(self) {
        self.out.push(self.end);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use proptest::prelude::*;

    use super::*;

    fn written(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        string(&mut out, text);
        out
    }

    #[test]
    fn every_character_is_spelled_as_serde_json_spells_it_wherever_it_stands() {
        for code in 0..0x180_u32 {
            let character = char::from_u32(code).unwrap();
            for before in 0..17 {
                for after in [0, 3, 9] {
                    let text = format!("{}{character}{}", "a".repeat(before), "z".repeat(after));
                    assert_eq!(
                        written(&text),
                        serde_json::to_vec(&text).unwrap(),
                        "{text:?}"
                    );
                }
            }
        }
    }

    proptest! {
        #[test]
        fn any_text_is_spelled_as_serde_json_spells_it(text in r#"([ -~]|[\x00-\x1f"\\]|\PC){0,80}"#) {
            prop_assert_eq!(written(&text), serde_json::to_vec(&text).unwrap());
        }
    }
}
