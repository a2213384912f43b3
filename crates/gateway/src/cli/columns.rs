//! How many columns of a terminal a text takes. Pure.
//!
//! Chinese, Japanese and Korean letters and most pictures take two, marks over letters none. The ranges are
//! those of Unicode's East Asian Width (wide and full width) without what is not in use.

/// Take two columns: first and last.
const WIDE: &[(u32, u32)] = &[
    (0x1100, 0x115f),
    (0x231a, 0x231b),
    (0x2329, 0x232a),
    (0x23e9, 0x23ec),
    (0x25fd, 0x25fe),
    (0x2614, 0x2615),
    (0x2648, 0x2653),
    (0x26a1, 0x26a1),
    (0x26aa, 0x26ab),
    (0x2705, 0x2705),
    (0x270a, 0x270b),
    (0x2728, 0x2728),
    (0x274c, 0x274c),
    (0x2753, 0x2755),
    (0x2757, 0x2757),
    (0x2795, 0x2797),
    (0x2e80, 0x303e),
    (0x3041, 0xa4cf),
    (0xa960, 0xa97f),
    (0xac00, 0xd7a3),
    (0xf900, 0xfaff),
    (0xfe10, 0xfe19),
    (0xfe30, 0xfe6f),
    (0xff01, 0xff60),
    (0xffe0, 0xffe6),
    (0x16fe0, 0x18dff),
    (0x1aff0, 0x1b2ff),
    (0x1f191, 0x1f19a),
    (0x1f200, 0x1f64f),
    (0x1f680, 0x1f6ff),
    (0x1f7e0, 0x1f7eb),
    (0x1f900, 0x1faff),
    (0x20000, 0x3fffd),
];

/// Take none.
const EMPTY: &[(u32, u32)] = &[
    (0x0300, 0x036f),
    (0x0483, 0x0489),
    (0x0591, 0x05bd),
    (0x0610, 0x061a),
    (0x064b, 0x065f),
    (0x0e31, 0x0e31),
    (0x0e34, 0x0e3a),
    (0x0e47, 0x0e4e),
    (0x1ab0, 0x1aff),
    (0x1dc0, 0x1dff),
    (0x200b, 0x200f),
    (0x2060, 0x2064),
    (0x20d0, 0x20ff),
    (0x302a, 0x302d),
    (0x3099, 0x309a),
    (0xfe00, 0xfe0f),
    (0xfe20, 0xfe2f),
    (0xfeff, 0xfeff),
    (0xe0100, 0xe01ef),
];

/// Columns of a text without control characters.
pub fn columns(text: &str) -> usize {
    text.chars().map(of).sum()
}

/// A text in at most so many columns; what is left out is marked.
pub fn clip(text: &str, most: usize) -> String {
    if columns(text) <= most {
        return text.to_owned();
    }
    let mut clipped = String::new();
    let mut used = 1;
    for letter in text.chars() {
        used += of(letter);
        if used > most {
            break;
        }
        clipped.push(letter);
    }
    clipped.push('…');
    clipped
}

/// A text in exactly so many columns.
pub fn fit(text: &str, width: usize) -> String {
    let mut text = clip(text, width);
    let room = width.saturating_sub(columns(&text));
    text.extend(std::iter::repeat_n(' ', room));
    text
}

fn of(letter: char) -> usize {
    let within = |ranges: &[(u32, u32)]| {
        let place = ranges.partition_point(|(_, last)| *last < u32::from(letter));
        ranges
            .get(place)
            .is_some_and(|(first, _)| *first <= u32::from(letter))
    };
    match letter {
        ' '..='\u{2ff}' => 1,
        _ if within(EMPTY) => 0,
        _ if within(WIDE) => 2,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wide_letters_take_two_columns_and_marks_none() {
        for (text, width) in [
            ("account", 7),
            ("über", 4),
            ("u\u{308}ber", 4),
            ("日本語", 6),
            ("한국어", 6),
            ("ｱﾆﾒ", 3),
            ("█░▒", 3),
            ("🚀", 2),
            ("…", 1),
        ] {
            assert_eq!(columns(text), width, "{text}");
        }
    }

    #[test]
    fn a_text_is_cut_before_a_letter_that_has_no_room() {
        assert_eq!(clip("日本語", 6), "日本語");
        assert_eq!(clip("日本語", 5), "日本…");
        assert_eq!(fit("日本語", 4), "日… ");
        assert_eq!(fit("ab", 4), "ab  ");
    }

    #[test]
    fn the_ranges_are_in_order() {
        for ranges in [WIDE, EMPTY] {
            assert!(ranges.iter().all(|(first, last)| first <= last));
            assert!(ranges.windows(2).all(|pair| pair[0].1 < pair[1].0));
        }
    }
}
