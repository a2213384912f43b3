//! Words: what a value of a column, or a piece of text, is called among a block's words.

use std::{
    collections::{BTreeSet, HashSet},
    fmt::Write as _,
};

/// Characters of a piece of text. Shorter ones tell blocks apart badly, because ids hold them all.
const PIECE: usize = 4;

/// A value that a filter may ask for, as a hash of its name and itself. Two that share one cost the test of some
/// rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Word(u64);

impl Word {
    /// Of a value.
    pub(crate) fn of(name: &str, value: &[u8]) -> Word {
        // FNV-1a: the same in every release.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in name.bytes().chain([b'=']).chain(value.iter().copied()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Word(hash)
    }
}

/// As it is spelled among words.
impl std::fmt::Display for Word {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "f{:016x}", self.0)
    }
}

/// The words of a block while they are collected.
#[derive(Debug, Default)]
pub(super) struct Words {
    values: HashSet<Word>,
    /// As numbers: there are many, of which few are new.
    pieces: HashSet<u128>,
    /// Attempts say what their error says.
    texts: HashSet<Box<str>>,
}

impl Words {
    /// Adds a value.
    pub(super) fn value(&mut self, name: &str, value: &[u8]) {
        self.values.insert(Word::of(name, value));
    }

    /// Adds every piece of a text. ASCII letters are in lower case, as they are compared.
    pub(super) fn text(&mut self, text: &str) {
        if self.texts.contains(text) {
            return;
        }
        self.texts.insert(text.into());
        // At the end pieces are shorter: what begins with one is found as well as what is one.
        let ends = std::iter::repeat_n(NOTHING, PIECE - 1);
        let mut piece = 0;
        for (at, c) in text.chars().map(number).chain(ends).enumerate() {
            piece = piece << CHAR_BITS | c;
            if at + 1 >= PIECE {
                self.pieces.insert(piece);
            }
        }
    }

    /// All of them, as they are taken in.
    pub(super) fn joined(&self) -> String {
        let mut all = String::with_capacity(self.pieces.len() * 12);
        for value in &self.values {
            let _ = write!(all, "{value} ");
        }
        let mut short: HashSet<u128> = HashSet::new();
        for piece in &self.pieces {
            spell(&mut all, 'g', chars_of(*piece));
            all.push(' ');
            // A piece begins at every character: so do all shorter ones.
            short.insert(piece >> (3 * CHAR_BITS));
            short.insert(piece >> (2 * CHAR_BITS));
        }
        for piece in short {
            let few = chars_of(piece).count();
            // At the end of a text there is one that is shorter still.
            if piece & NUMBER_MASK != NOTHING {
                spell(&mut all, short_mark(few), chars_of(piece));
                all.push(' ');
            }
        }
        all
    }
}

const CHAR_BITS: u32 = 32;
const NUMBER_MASK: u128 = (1 << CHAR_BITS) - 1;

/// Where a text has ended.
const NOTHING: u128 = 0;

/// A character, in lower case if it is an ASCII letter, as a number that is not nothing.
fn number(c: char) -> u128 {
    u128::from(u32::from(c.to_ascii_lowercase())) + 1
}

/// The characters of a piece.
fn chars_of(piece: u128) -> impl Iterator<Item = char> {
    (0..PIECE).rev().filter_map(move |at| {
        let number = u32::try_from((piece >> (at as u32 * CHAR_BITS)) & NUMBER_MASK).ok()?;
        char::from_u32(number.checked_sub(1)?)
    })
}

fn short_mark(chars: usize) -> char {
    if chars == 1 { 'a' } else { 'b' }
}

/// Two letters per byte, so that the beginning of a piece is the beginning of its word.
fn spell(into: &mut String, mark: char, piece: impl Iterator<Item = char>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    into.push(mark);
    for c in piece {
        let mut bytes = [0; 4];
        for byte in c.encode_utf8(&mut bytes).bytes() {
            into.push(char::from(DIGITS[usize::from(byte >> 4)]));
            into.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}

/// Which pieces a text must have that holds `q`, as a question for words: all of them.
pub(crate) fn pieces_of_query(q: &str) -> BTreeSet<String> {
    let chars: Vec<char> = q.chars().map(|c| c.to_ascii_lowercase()).collect();
    let spelled = |mark, chars: &[char]| {
        let mut word = String::new();
        spell(&mut word, mark, chars.iter().copied());
        word
    };
    match chars.len() {
        0 => BTreeSet::new(),
        few @ (1 | 2) => BTreeSet::from([spelled(short_mark(few), &chars)]),
        few if few < PIECE => BTreeSet::from([spelled('g', &chars) + "*"]),
        _ => chars
            .windows(PIECE)
            .map(|window| spelled('g', window))
            .collect(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_part_of_a_text_is_found_by_its_pieces(text in "[a-cA-C%_é日 ]{0,12}", from in 0..12_usize, most in 1..8_usize) {
            let mut words = Words::default();
            words.text(&text);
            let joined = words.joined();
            let words: BTreeSet<&str> = joined.split_whitespace().collect();
            let part: String = text.chars().skip(from).take(most).collect();
            for piece in pieces_of_query(&part) {
                let found = match piece.strip_suffix('*') {
                    Some(beginning) => words.iter().any(|word| word.starts_with(beginning)),
                    None => words.contains(piece.as_str()),
                };
                prop_assert!(found, "{text:?} {part:?} {piece}");
            }
        }
    }

    #[test]
    fn values_of_different_columns_are_different_words() {
        assert_ne!(Word::of("user", b"1"), Word::of("group", b"1"));
        assert_eq!(
            Word::of("user", b"1").to_string(),
            Word::of("user", b"1").to_string()
        );
    }
}
