//! Words: what a value of a column, or a piece of text, is called among a block's words.

use std::collections::BTreeSet;

/// Characters of a piece of text. Shorter ones tell blocks apart badly, because ids hold them all.
const PIECE: usize = 4;

/// A value that a filter may ask for, as a word: `f`, and a hash of its name and itself. Two that share one
/// cost the test of some rows.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Word(String);

impl Word {
    /// Of a value.
    pub(crate) fn of(name: &str, value: &[u8]) -> Word {
        // FNV-1a: the same in every release.
        let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
        for byte in name.bytes().chain([b'=']).chain(value.iter().copied()) {
            hash = (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3);
        }
        Word(format!("f{hash:016x}"))
    }

    /// As it is spelled in a question.
    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

/// The words of a block while they are collected.
#[derive(Debug, Default)]
pub(super) struct Words(BTreeSet<Box<str>>);

impl Words {
    /// Adds a value.
    pub(super) fn value(&mut self, name: &str, value: &[u8]) {
        self.0.insert(Word::of(name, value).0.into());
    }

    /// Adds every piece of a text. ASCII letters are in lower case, as they are compared.
    pub(super) fn text(&mut self, text: &str) {
        let text = text.to_ascii_lowercase();
        let mut piece = String::new();
        for (at, _) in text.char_indices() {
            // At the end pieces are shorter. What begins with one is found as well as what is one.
            spell(&mut piece, 'g', text[at..].chars().take(PIECE));
            self.add(&piece);
            for few in 1..=2 {
                spell(&mut piece, short(few), text[at..].chars().take(few));
                self.add(&piece);
            }
        }
    }

    fn add(&mut self, word: &str) {
        if !self.0.contains(word) {
            self.0.insert(word.into());
        }
    }

    /// All of them, as they are taken in.
    pub(super) fn joined(&self) -> String {
        let mut all = String::with_capacity(self.0.iter().map(|word| word.len() + 1).sum());
        for word in &self.0 {
            all.push_str(word);
            all.push(' ');
        }
        all
    }
}

fn short(chars: usize) -> char {
    if chars == 1 { 'a' } else { 'b' }
}

/// Two letters per byte, so that the beginning of a piece is the beginning of its word.
fn spell(into: &mut String, mark: char, piece: impl Iterator<Item = char>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    into.clear();
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
pub(crate) fn pieces_of_query(q: &str) -> Vec<String> {
    let q = q.to_ascii_lowercase();
    let chars: Vec<char> = q.chars().collect();
    let mut piece = String::new();
    match chars.len() {
        0 => Vec::new(),
        few @ (1 | 2) => {
            spell(&mut piece, short(few), chars.into_iter());
            vec![piece]
        }
        few if few < PIECE => {
            spell(&mut piece, 'g', chars.into_iter());
            piece.push('*');
            vec![piece]
        }
        _ => {
            let all: BTreeSet<String> = chars
                .windows(PIECE)
                .map(|window| {
                    spell(&mut piece, 'g', window.iter().copied());
                    piece.clone()
                })
                .collect();
            all.into_iter().collect()
        }
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
            let part: String = text.chars().skip(from).take(most).collect();
            for piece in pieces_of_query(&part) {
                let found = match piece.strip_suffix('*') {
                    Some(beginning) => words.0.iter().any(|word| word.starts_with(beginning)),
                    None => words.0.contains(piece.as_str()),
                };
                prop_assert!(found, "{text:?} {part:?} {piece}");
            }
        }
    }

    #[test]
    fn values_of_different_columns_are_different_words() {
        assert_ne!(Word::of("user", b"1"), Word::of("group", b"1"));
        assert_eq!(
            Word::of("user", b"1").as_str(),
            Word::of("user", b"1").as_str()
        );
    }
}
