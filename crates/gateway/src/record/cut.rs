//! Where bytes are cut into parts: by what is in them, so that what two requests have in common is cut in the
//! same places, wherever in them it lies.
//!
//! Promises: parts are of [`MIN`] to [`MAX`] bytes (the last may be smaller) and [`AVERAGE`] or so; whether a place
//! is a cut depends on the [`WINDOW`] bytes before it, on how far the last cut is, and on secret numbers, so that
//! the sizes of parts cannot be compared with those of known texts.
//!
//! This is FastCDC: a rolling sum of one number per byte; cuts are rare before the average, frequent after it.
//!
//! Must not know: what is cut, what becomes of parts.

/// Smaller parts are not made: each costs a row.
pub(super) const MIN: usize = AVERAGE / 4;

/// What most parts are about as large as: a changed word makes one or two of them anew, and each costs a row and
/// a name.
pub(super) const AVERAGE: usize = 2 << 10;

/// Larger parts are not made.
pub(super) const MAX: usize = AVERAGE * 8;

/// A byte is shifted out of the sum after so many others.
#[cfg(test)]
const WINDOW: usize = 64;

const BITS: u32 = AVERAGE.ilog2();
/// As many of the uppermost bits have to be naught: they depend on the whole window.
const RARE: u64 = u64::MAX << (u64::BITS - (BITS + 1));
const FREQUENT: u64 = u64::MAX << (u64::BITS - (BITS - 1));

/// Finds cuts.
pub(super) struct Cutter {
    numbers: [u64; 256],
}

impl Cutter {
    /// With secret numbers.
    pub(super) fn new(numbers: [u64; 256]) -> Self {
        Cutter { numbers }
    }

    /// The length of the first part of `bytes`; 0 if there are none.
    pub(super) fn first(&self, bytes: &[u8]) -> usize {
        let end = bytes.len().min(MAX);
        let middle = end.min(AVERAGE);
        let mut sum = 0_u64;
        for (range, mask) in [(MIN..middle, RARE), (middle.max(MIN)..end, FREQUENT)] {
            let start = range.start;
            for (at, byte) in bytes.get(range).unwrap_or_default().iter().enumerate() {
                sum = (sum << 1).wrapping_add(self.numbers[usize::from(*byte)]);
                if sum & mask == 0 {
                    return start + at + 1;
                }
            }
        }
        end
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::collections::HashSet;

    use proptest::prelude::*;
    use waybill_model::secret::Secret;

    use super::*;
    use crate::vault::Vault;

    fn cut<'b>(cutter: &Cutter, mut rest: &'b [u8]) -> Vec<&'b [u8]> {
        let mut parts = Vec::new();
        while !rest.is_empty() {
            let (part, after) = rest.split_at(cutter.first(rest));
            parts.push(part);
            rest = after;
        }
        parts
    }

    fn cutter() -> Cutter {
        Cutter::new(Vault::new(&Secret::new("instance")).cuts())
    }

    /// Bytes that do not repeat.
    fn noise(seed: u64, bytes: usize) -> Vec<u8> {
        let mut state = seed | 1;
        let next = || {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            state as u8
        };
        std::iter::repeat_with(next).take(bytes).collect()
    }

    proptest! {
        #[test]
        fn parts_are_all_of_it_and_within_bounds(
            unit in proptest::collection::vec(any::<u8>(), 1..300), times in 0..400_usize,
        ) {
            let bytes = unit.repeat(times);
            let parts = cut(&cutter(), &bytes);
            prop_assert_eq!(parts.concat(), &bytes[..]);
            for (number, part) in parts.iter().enumerate() {
                prop_assert!(part.len() <= MAX && (part.len() > MIN || number + 1 == parts.len()));
            }
        }

        #[test]
        fn a_change_changes_the_parts_around_it_alone(
            seed in 1..u64::MAX, at in 0..150_000_usize, put in proptest::collection::vec(any::<u8>(), 0..500),
        ) {
            let before = noise(seed, 150_000);
            let after = [&before[..at], &put[..], &before[at..]].concat();
            let known: HashSet<&[u8]> = cut(&cutter(), &before).into_iter().collect();
            let fresh: usize = cut(&cutter(), &after).iter().filter(|part| !known.contains(*part)).map(|part| part.len()).sum();
            prop_assert!(fresh < put.len() + 8 * MAX / 2, "{}", fresh);
        }
    }

    #[test]
    fn most_parts_are_about_as_large_as_wanted() {
        let bytes = noise(7, 4 << 20);
        let parts = cut(&cutter(), &bytes).len();
        let average = bytes.len() / parts;
        assert!(
            (AVERAGE * 3 / 4..AVERAGE * 3 / 2).contains(&average),
            "{average}"
        );
    }

    #[test]
    fn another_instance_key_cuts_elsewhere() {
        let bytes = noise(9, 100_000);
        let other = Cutter::new(Vault::new(&Secret::new("other")).cuts());
        let sizes = |cutter: &Cutter| -> Vec<usize> {
            cut(cutter, &bytes).iter().map(|part| part.len()).collect()
        };
        assert_ne!(sizes(&cutter()), sizes(&other));
    }

    #[test]
    fn the_sum_forgets_what_is_further_back_than_its_window() {
        let cutter = cutter();
        let sum = |bytes: &[u8]| {
            bytes.iter().fold(0_u64, |sum, byte| {
                (sum << 1).wrapping_add(cutter.numbers[usize::from(*byte)])
            })
        };
        let window = noise(3, WINDOW);
        assert_eq!(sum(&window), sum(&[&noise(4, 1000)[..], &window].concat()));
    }
}
