//! A search for many short words at once, whatever their case.
//!
//! Every word is known by its rarest three letters. Whether three letters belong to any word is asked
//! of a small table, for each place of the text on its own, so that nothing waits for the place before;
//! only where the table says yes is the word compared.
//!
//! Promises: every place of every word, overlapping or not, by where it ends. Must not know what the
//! words mean.

use std::ops::Range;

/// How many letters a word is known by; words are at least as long.
const GRAM: usize = 3;

/// Bits of the hash of three letters. The table fits the fastest cache and is nearly empty.
const HASH_BITS: u32 = 13;

/// Lower case for letters, in four bytes at once. It also makes some signs alike; words are compared.
const FOLD: u32 = 0x2020_2020;

/// Letters and the space, the most frequent in prose first.
const FREQUENT: &[u8] = b" etaoinsrhldcumfpgwybvkxjqz";

/// Words to search for.
pub(super) struct Words {
    words: Vec<&'static str>,
    /// By hash of three letters: no word, or one more than the place in `groups`.
    table: Box<[u8; 1 << HASH_BITS]>,
    groups: Vec<Vec<Anchor>>,
}

/// The three letters that a word is known by.
struct Anchor {
    word: usize,
    /// Where in the word they stand.
    offset: usize,
}

/// A word that was found.
pub(super) struct Hit {
    /// Its place in the list.
    pub(super) word: usize,
    /// Where in the text.
    pub(super) range: Range<usize>,
}

impl Words {
    /// Of words that have at least three letters each; there is room for 255 different beginnings.
    pub(super) fn new(words: impl IntoIterator<Item = &'static str>) -> Words {
        let mut all = Words {
            words: words.into_iter().collect(),
            table: Box::new([0; 1 << HASH_BITS]),
            groups: Vec::new(),
        };
        for (word, text) in all.words.iter().enumerate() {
            let Some((offset, gram)) = rarest(text.as_bytes()) else {
                continue;
            };
            let slot = &mut all.table[slot(u64::from(gram | FOLD))];
            if *slot == 0 {
                all.groups.push(Vec::new());
                *slot = u8::try_from(all.groups.len()).unwrap_or(u8::MAX);
            }
            if let Some(group) = all.groups.get_mut(usize::from(*slot) - 1) {
                group.push(Anchor { word, offset });
            }
        }
        all
    }

    /// Every word in `text`, by end, then by start.
    pub(super) fn find(&self, text: &[u8]) -> Vec<Hit> {
        let mut hits = Vec::new();
        let (chunks, _) = text.as_chunks::<4>();
        let mut chunks = chunks.iter().map(|chunk| u32::from_le_bytes(*chunk) | FOLD);
        let mut at = 0;
        if let Some(mut low) = chunks.next() {
            for high in chunks {
                self.look(text, at, low, high, &mut hits);
                low = high;
                at += 4;
            }
        }
        // The last up to seven bytes; what is not there reads as blank.
        let mut last = [0; 12];
        let rest = text.get(at..).unwrap_or_default();
        last[..rest.len()].copy_from_slice(rest);
        let (last, _) = last.as_chunks::<4>();
        if let [low, middle, high] = last {
            let [low, middle, high] =
                [low, middle, high].map(|chunk| u32::from_le_bytes(*chunk) | FOLD);
            self.look(text, at, low, middle, &mut hits);
            self.look(text, at + 4, middle, high, &mut hits);
        }
        hits.sort_unstable_by_key(|hit: &Hit| (hit.range.end, hit.range.start));
        hits
    }

    /// The four places that begin in `low`, which stands at `at`.
    #[inline]
    fn look(&self, text: &[u8], at: usize, low: u32, high: u32, hits: &mut Vec<Hit>) {
        let window = u64::from(low) | u64::from(high) << 32;
        let group = |shift: u32| self.table[slot(window >> shift)];
        if group(0) | group(8) | group(16) | group(24) != 0 {
            self.confirm(text, at, window, hits);
        }
    }

    #[cold]
    #[inline(never)]
    fn confirm(&self, text: &[u8], at: usize, window: u64, hits: &mut Vec<Hit>) {
        for (place, shift) in (at..).zip([0, 8, 16, 24]) {
            let group = usize::from(self.table[slot(window >> shift)]).checked_sub(1);
            let group = group.and_then(|group| self.groups.get(group));
            for anchor in group.into_iter().flatten() {
                let Some(start) = place.checked_sub(anchor.offset) else {
                    continue;
                };
                let word = self.words[anchor.word].as_bytes();
                let range = start..start + word.len();
                if text
                    .get(range.clone())
                    .is_some_and(|found| found.eq_ignore_ascii_case(word))
                {
                    hits.push(Hit {
                        word: anchor.word,
                        range,
                    });
                }
            }
        }
    }
}

/// The place in the table of the three lowest bytes of `window`.
#[inline]
fn slot(window: u64) -> usize {
    let gram = (window & 0xff_ffff) as u32;
    ((gram << 8).wrapping_mul(0x9e37_79b1) >> (32 - HASH_BITS)) as usize
}

/// The three letters of `word` that prose has least, and where they stand.
fn rarest(word: &[u8]) -> Option<(usize, u32)> {
    let frequency = |byte: &u8| {
        let place = FREQUENT
            .iter()
            .position(|known| known.eq_ignore_ascii_case(byte));
        FREQUENT.len() - place.unwrap_or(FREQUENT.len() - 4)
    };
    let grams = word.windows(GRAM).enumerate();
    let (offset, gram) = grams.min_by_key(|(_, gram)| gram.iter().map(frequency).sum::<usize>())?;
    Some((offset, u32::from_le_bytes([gram[0], gram[1], gram[2], 0])))
}

#[cfg(test)]
mod tests {
    use super::Words;

    fn hits(words: &[&'static str], text: &str) -> Vec<(usize, usize)> {
        let hits = Words::new(words.iter().copied()).find(text.as_bytes());
        hits.into_iter()
            .map(|hit| (hit.word, hit.range.start))
            .collect()
    }

    #[test]
    fn every_word_is_found_at_every_place_whatever_its_case() {
        for before in 0..20 {
            for after in 0..20 {
                let text = format!("{}SeCret{}", ".".repeat(before), ".".repeat(after));
                assert_eq!(hits(&["sk-", "secret"], &text), [(1, before)], "{text}");
            }
        }
    }

    #[test]
    fn words_inside_words_are_found_by_their_ends() {
        assert_eq!(
            hits(&["sk-ant-", "sk-", "ant"], "a sk-ant-"),
            [(1, 2), (2, 5), (0, 2)]
        );
    }

    #[test]
    fn a_word_that_the_text_cuts_is_not_there() {
        assert!(hits(&["secret", "key"], "secre").is_empty());
        assert!(hits(&["secret", "key"], "ke").is_empty());
        assert!(hits(&["key"], "").is_empty());
    }
}
