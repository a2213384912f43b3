//! The gateway's own live secrets, in the forms in which they may come back.
//!
//! Promises: a secret is found wherever all of it stands, and where the text ends inside it. Its bytes
//! leave by no way: there is no `Debug` of them.

use std::{collections::BTreeMap, fmt};

use super::spans::{Found, Kind};
use crate::secret::Secret;

/// Shorter secrets are not scanned for: they would match ordinary words. It is also how many bytes of
/// a secret are looked up; the rest is compared.
const HEAD: usize = 8;

/// At every so many bytes of the text, one piece of it is looked up.
const STEP: usize = 4;

/// Bits of the filter for each piece in it, so that few pieces of other text pass.
const BITS_A_PIECE: usize = 64;

/// The most bits of the filter: more would not stay in the processor's caches.
const MOST_BITS: usize = 1 << 20;

/// Every live secret, ready to be searched for.
#[derive(Default)]
pub(super) struct LiveSecrets {
    /// The heads of all forms, sorted.
    heads: Vec<[u8; HEAD]>,
    /// By place in `heads`: the forms that begin so, longest first.
    forms: Vec<Vec<Vec<u8>>>,
    /// Which pieces of text may be in a head. Of any [`STEP`] places in a row at which a head may
    /// begin, each holds the same whole piece.
    pieces: Filter,
    longest: usize,
    escapable: bool,
}

impl LiveSecrets {
    pub(super) fn new(live: impl IntoIterator<Item = Secret>) -> Self {
        let mut by_head: BTreeMap<[u8; HEAD], Vec<Vec<u8>>> = BTreeMap::new();
        let mut escapable = false;
        for secret in live {
            let secret = secret.expose().trim().as_bytes();
            if secret.len() < HEAD {
                continue;
            }
            escapable |= secret
                .iter()
                .any(|byte| !byte.is_ascii_graphic() || b"\"'\\".contains(byte));
            for form in base64_forms(secret).chain([secret.to_vec()]) {
                if let Some(head) = form.first_chunk::<HEAD>() {
                    by_head.entry(*head).or_default().push(form);
                }
            }
        }
        let longest = by_head.values().flatten().map(Vec::len).max().unwrap_or(0);
        let heads: Vec<[u8; HEAD]> = by_head.keys().copied().collect();
        let pieces = heads.iter().flat_map(|head| {
            let head = u64::from_le_bytes(*head);
            (0..STEP).map(move |offset| piece(head << (8 * (STEP - 1 - offset))))
        });
        let pieces = Filter::new(heads.len() * STEP, pieces);
        let forms = by_head
            .into_values()
            .map(|mut forms| {
                forms.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
                forms.dedup();
                forms
            })
            .collect();
        LiveSecrets {
            heads,
            forms,
            pieces,
            longest,
            escapable,
        }
    }

    /// Whether an escaped line end, tab, quote or backslash, or one of what is not ASCII, may be part
    /// of a secret.
    pub(super) fn escapable(&self) -> bool {
        self.escapable
    }

    /// Length in bytes of the longest form.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Adds every live secret in `text`.
    pub(super) fn find(&self, text: &[u8], found: &mut Vec<Found>) {
        if self.heads.is_empty() {
            return;
        }
        let (chunks, _) = text.as_chunks::<STEP>();
        let mut low = 0;
        for (index, chunk) in chunks.iter().enumerate() {
            let high = u64::from(u32::from_le_bytes(*chunk));
            let window = low | high << 32;
            low = high;
            if self.pieces.may_have(piece(window)) && index > 0 {
                let at = (index - 1) * STEP;
                for start in at..at + STEP {
                    self.find_at(text, start, found);
                }
            }
        }
    }

    /// Adds the live secret that begins at `start`, if one does.
    fn find_at(&self, text: &[u8], start: usize, found: &mut Vec<Found>) {
        let rest = text.get(start..).unwrap_or_default();
        let forms = rest
            .first_chunk::<HEAD>()
            .and_then(|head| self.heads.binary_search(head).ok())
            .and_then(|place| self.forms.get(place));
        let len = forms.into_iter().flatten().find_map(|form| {
            // At the end of the text, the beginning of a secret is enough.
            (rest.starts_with(form) || form.starts_with(rest)).then_some(form.len().min(rest.len()))
        });
        if let Some(len) = len {
            found.push(Found::new(start..start + len, Kind::Live));
        }
    }
}

/// The piece of eight bytes of text that is looked up: the last five, which lie within every head that
/// begins at one of the first four.
fn piece(window: u64) -> u64 {
    window >> (8 * (STEP - 1))
}

/// A set that may take other numbers for its own, rarely, but never misses one.
#[derive(Default)]
struct Filter {
    bits: Vec<u64>,
    shift: u32,
}

impl Filter {
    fn new(len: usize, numbers: impl Iterator<Item = u64>) -> Self {
        let bits = (len * BITS_A_PIECE).next_power_of_two().min(MOST_BITS);
        let mut filter = Filter {
            bits: vec![0; bits.div_ceil(64)],
            shift: 64 - bits.trailing_zeros(),
        };
        for number in numbers {
            let (word, bit) = filter.place(number);
            if let Some(word) = filter.bits.get_mut(word) {
                *word |= bit;
            }
        }
        filter
    }

    #[inline]
    fn may_have(&self, number: u64) -> bool {
        let (word, bit) = self.place(number);
        self.bits.get(word).is_some_and(|word| word & bit != 0)
    }

    #[inline]
    fn place(&self, number: u64) -> (usize, u64) {
        let hash = number.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> self.shift;
        ((hash / 64) as usize, 1 << (hash % 64))
    }
}

impl fmt::Debug for LiveSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "LiveSecrets({} forms)",
            self.forms.iter().map(Vec::len).sum::<usize>()
        )
    }
}

/// What is the same in every base64 text that contains `secret`, for both alphabets and each of the
/// three places at which it may begin within a group.
fn base64_forms(secret: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let alphabets = [b"+/", b"-_"];
    alphabets
        .into_iter()
        .flat_map(move |last| (0..3).map(move |skew| base64_core(secret, skew, last)))
}

fn base64_core(secret: &[u8], skew: usize, last: &[u8; 2]) -> Vec<u8> {
    // Six bits a digit. Digits that also hold bits of a neighbour are not the secret's own.
    let bits = secret.len() * 8;
    let first = match skew {
        0 => 0,
        1 => 4,
        _ => 2,
    };
    let mut digits = Vec::with_capacity(bits / 6);
    let mut at = first;
    while at + 6 <= bits {
        let high = u16::from(secret[at / 8]) << 8;
        let low = u16::from(secret.get(at / 8 + 1).copied().unwrap_or(0));
        let value = ((high | low) >> (10 - at % 8)) & 0x3f;
        digits.push(digit(u8::try_from(value).unwrap_or(0), last));
        at += 6;
    }
    digits
}

fn digit(value: u8, last: &[u8; 2]) -> u8 {
    match value {
        0..26 => b'A' + value,
        26..52 => b'a' + (value - 26),
        52..62 => b'0' + (value - 52),
        62 => last[0],
        _ => last[1],
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::{LiveSecrets, base64_core};
    use crate::secret::Secret;

    fn hits(secrets: &[&str], text: &str) -> Vec<String> {
        let live = LiveSecrets::new(secrets.iter().map(|secret| Secret::new(*secret)));
        let mut found = Vec::new();
        live.find(text.as_bytes(), &mut found);
        found
            .into_iter()
            .map(|one| text[one.range].to_owned())
            .collect()
    }

    #[test]
    fn the_base64_core_is_what_every_encoding_shares() {
        // base64 of "secret12", "xsecret12" and "xxsecret12", without the digits neighbours share.
        assert_eq!(base64_core(b"secret12", 0, b"+/"), b"c2VjcmV0MT");
        assert_eq!(base64_core(b"secret12", 1, b"+/"), b"NlY3JldDEy");
        assert_eq!(base64_core(b"secret12", 2, b"+/"), b"zZWNyZXQxM");
    }

    #[test]
    fn the_longest_of_several_secrets_with_one_beginning_is_taken() {
        assert_eq!(
            hits(
                &["pool-key-1", "pool-key-1-extended"],
                "<pool-key-1-extended>"
            ),
            ["pool-key-1-extended"]
        );
    }

    #[test]
    fn a_secret_that_the_end_of_the_text_cuts_is_found() {
        assert_eq!(
            hits(&["opaque~credential"], "sent opaque~cre"),
            ["opaque~cre"]
        );
        assert!(hits(&["opaque~credential"], "sent opaque~cre and more").is_empty());
    }

    #[test]
    fn short_secrets_are_not_searched_for() {
        assert!(hits(&["admin"], "the admin is away").is_empty());
    }
}
