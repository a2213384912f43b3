//! What every receiver is told, in plain words.

use waybill_model::{
    alert::Unit,
    cause::Severity,
    notify::{Notice, NoticeKind},
};

use super::Message;

/// What it is about, in one line.
pub fn headline(message: &Message<'_>) -> String {
    match message.notices {
        [one] => title(one),
        many => {
            let worst = many.iter().map(|notice| notice.severity).min();
            let of = |kind| many.iter().filter(|notice| notice.kind == kind).count();
            let (begun, over) = (of(NoticeKind::AlertFired), of(NoticeKind::AlertResolved));
            let counts = match (begun, over) {
                (_, 0) => format!("{begun} alerts"),
                (0, _) => format!("{over} alerts are over"),
                (_, _) => format!("{} alerts: {begun} began, {over} over", begun + over),
            };
            match worst {
                Some(worst) => format!("[{worst}] {counts}"),
                None => counts,
            }
        }
    }
}

/// What one notice is about, in one line.
pub fn title(notice: &Notice) -> String {
    let title = one_line(&notice.title);
    match notice.kind {
        NoticeKind::AlertFired => format!("[{}] {title}", notice.severity),
        NoticeKind::AlertResolved => format!("[{}] Over: {title}", notice.severity),
        NoticeKind::Report | NoticeKind::Test => title,
    }
}

/// What it says: the sentence, and what else is worth knowing.
pub fn text(notice: &Notice) -> String {
    match notice.text.trim() {
        "" => notice.sentence.trim().to_owned(),
        text => format!("{}\n{text}", notice.sentence.trim()),
    }
}

/// What else is known, by name.
pub fn facts(notice: &Notice) -> Vec<(&'static str, String)> {
    let measured = notice.value.map(|value| {
        let value = number(value, notice.unit);
        match notice.threshold {
            Some(threshold) => format!("{value} (limit {})", number(threshold, notice.unit)),
            None => value,
        }
    });
    let is_alert = Notice::may_be_grouped(notice.kind);
    [
        ("Rule", notice.rule.as_deref().map(one_line)),
        ("About", notice.subject.as_deref().map(one_line)),
        ("Value", measured),
        ("Began", is_alert.then(|| notice.started_at.to_string())),
        (
            "Over",
            notice
                .ended_at
                .filter(|_| is_alert)
                .map(|at| at.to_string()),
        ),
    ]
    .into_iter()
    .filter_map(|(name, value)| Some((name, value?)))
    .collect()
}

/// The same as lines.
pub fn fact_lines(notice: &Notice) -> Vec<String> {
    let facts = facts(notice).into_iter();
    facts
        .map(|(name, value)| format!("{name}: {value}"))
        .collect()
}

/// Where it can be looked at.
pub fn link(message: &Message<'_>, notice: &Notice) -> Option<String> {
    let base = message.public_url?;
    Some(match &notice.path {
        Some(path) => format!("{base}{path}"),
        None => base.to_owned(),
    })
}

/// What is said of those that are not written out.
pub fn and_more(message: &Message<'_>, shown: usize) -> Option<String> {
    let more = message.notices.len().saturating_sub(shown);
    (more > 0).then(|| format!("and {more} more"))
}

/// A number, in its unit.
pub fn number(value: f64, unit: Option<Unit>) -> String {
    let plain = match (value.fract() == 0.0, value.abs() < 1.0) {
        (true, _) => format!("{value:.0}"),
        (false, true) => format!("{value:.3}"),
        (false, false) => format!("{value:.2}"),
    };
    match unit {
        None | Some(Unit::Count) => plain,
        Some(Unit::Percent) => format!("{plain} %"),
        Some(Unit::Milliseconds) => format!("{plain} ms"),
        Some(Unit::Usd) => format!("${value:.2}"),
        Some(Unit::Factor) => format!("{plain}×"),
    }
}

/// The colour of a notice, as `0xRRGGBB`.
pub fn colour(notice: &Notice) -> u32 {
    match (notice.kind, notice.severity) {
        (NoticeKind::AlertResolved, _) => 0x002e_a043,
        (NoticeKind::Report | NoticeKind::Test, _) => 0x0057_606a,
        (NoticeKind::AlertFired, Severity::P0 | Severity::P1) => 0x00cf_222e,
        (NoticeKind::AlertFired, Severity::P2) => 0x00d4_a72c,
        (NoticeKind::AlertFired, Severity::P3) => 0x0009_69da,
    }
}

/// Text without line breaks and control characters.
pub fn one_line(text: &str) -> String {
    let words = text.split(|c: char| c.is_whitespace() || c.is_control());
    words
        .filter(|word| !word.is_empty())
        .collect::<Vec<_>>()
        .join(" ")
}

/// The beginning of a text, in at most `most` characters as receivers count them: UTF-16 units, which are never fewer
/// than characters.
pub fn fit(text: &str, most: usize) -> String {
    cut(text, most, char::len_utf16, 1)
}

/// The same in bytes.
pub fn fit_bytes(text: &str, most: usize) -> String {
    cut(text, most, char::len_utf8, '…'.len_utf8())
}

fn cut(text: &str, most: usize, size: impl Fn(char) -> usize, mark: usize) -> String {
    let whole: usize = text.chars().map(&size).sum();
    if whole <= most {
        return text.to_owned();
    }
    let mut left = most.saturating_sub(mark);
    let kept = text.chars().take_while(|c| {
        let fits = size(*c) <= left;
        left = left.saturating_sub(size(*c));
        fits
    });
    let mut kept: String = kept.collect();
    if most >= mark {
        kept.push('…');
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_is_too_long_ends_in_its_limit_and_says_so() {
        assert_eq!(fit("short", 5), "short");
        assert_eq!(fit("longer", 5), "long…");
        assert_eq!(fit("😀😀😀", 5), "😀😀…");
        assert_eq!(fit_bytes("ääää", 7), "ää…");
        assert_eq!(fit_bytes("ab", 1), "");
    }

    #[test]
    fn numbers_are_said_in_their_unit() {
        assert_eq!(number(12.5, Some(Unit::Percent)), "12.50 %");
        assert_eq!(number(30_000.0, Some(Unit::Milliseconds)), "30000 ms");
        assert_eq!(number(1.0, Some(Unit::Usd)), "$1.00");
        assert_eq!(number(14.4, Some(Unit::Factor)), "14.40×");
        assert_eq!(number(0.0312, None), "0.031");
    }

    #[test]
    fn a_title_has_one_line() {
        assert_eq!(one_line("a\r\nBcc: b\tc"), "a Bcc: b c");
    }
}
