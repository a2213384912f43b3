//! Numbers with and without units, as waits and as instants.
//!
//! Promises: exact (no floating point), rounded down to milliseconds, never overflows. Must not know:
//! which field or header it reads.

use waybill_model::time::UnixMillis;

const NANOS_PER_MS: u128 = 1_000_000;

/// Units and their nanoseconds.
const UNITS: [(&[&str], u128); 7] = [
    (&["ns", "nanosecond", "nanoseconds"], 1),
    (&["us", "µs", "microsecond", "microseconds"], 1_000),
    (
        &["ms", "millisecond", "milliseconds", "millis"],
        NANOS_PER_MS,
    ),
    (
        &["s", "sec", "secs", "second", "seconds"],
        1_000 * NANOS_PER_MS,
    ),
    (
        &["m", "min", "mins", "minute", "minutes"],
        60_000 * NANOS_PER_MS,
    ),
    (
        &["h", "hr", "hrs", "hour", "hours"],
        3_600_000 * NANOS_PER_MS,
    ),
    (&["d", "day", "days"], 86_400_000 * NANOS_PER_MS),
];

/// A wait at the beginning of a text, units required: `6ms`, `7m12s`, `0.479417207s`, `2 hours and 5 minutes`.
pub(crate) fn leading(text: &str) -> Option<i64> {
    let mut rest = text.trim_start();
    let mut total: Option<u128> = None;
    while let Some((number, after)) = decimal_nanos(rest) {
        let after = after.trim_start_matches([' ', '\u{a0}']);
        let letters = after
            .find(|c: char| !c.is_alphabetic())
            .unwrap_or(after.len());
        let word = after[..letters].to_ascii_lowercase();
        let Some((_, unit)) = UNITS
            .iter()
            .find(|(words, _)| words.contains(&word.as_str()))
        else {
            break;
        };
        // `number` is in billionths of the unit.
        total = Some(
            total
                .unwrap_or(0)
                .saturating_add(number.saturating_mul(*unit) / 1_000_000_000),
        );
        rest = after[letters..].trim_start_matches([' ', ',']);
        rest = rest.strip_prefix("and ").unwrap_or(rest).trim_start();
    }
    total.map(in_ms)
}

/// A whole text that is a wait with units.
pub(super) fn whole(text: &str) -> Option<i64> {
    let text = text.trim();
    text.ends_with(char::is_alphabetic)
        .then(|| leading(text))
        .flatten()
}

/// A number of seconds without a unit: `120`, `11.1`.
pub(crate) fn seconds(text: &str) -> Option<i64> {
    number(text, 1_000)
}

/// A number of milliseconds without a unit.
pub(super) fn millis(text: &str) -> Option<i64> {
    number(text, 1)
}

fn number(text: &str, unit_ms: u128) -> Option<i64> {
    let (nanos, rest) = decimal_nanos(text.trim())?;
    rest.is_empty()
        .then(|| in_ms(nanos.saturating_mul(unit_ms * NANOS_PER_MS) / 1_000_000_000))
}

/// Below this, a bare number is a wait in seconds; above, an instant.
const DELTA_LIMIT_S: i64 = 30 * 24 * 3600;

/// Above this, an instant is in milliseconds: as seconds it would be the year 5138.
const EPOCH_MS_FROM: i64 = 100_000_000_000;

/// A bare number of seconds or an instant since the epoch, told apart by size; with a unit, a wait;
/// else an RFC 3339 instant. The answer is a wait from `now`.
pub(crate) fn any(text: &str, now: UnixMillis) -> Option<i64> {
    let Some(ms) = seconds(text) else {
        return whole(text).or_else(|| instant(text, now));
    };
    if ms / 1000 < DELTA_LIMIT_S {
        Some(ms)
    } else {
        instant(text, now)
    }
}

/// An instant, in seconds or milliseconds since the epoch or as RFC 3339, as a wait from `now`.
pub(super) fn instant(text: &str, now: UnixMillis) -> Option<i64> {
    let at = match seconds(text) {
        Some(ms) if ms / 1000 >= EPOCH_MS_FROM => ms / 1000,
        Some(ms) => ms,
        None => text.trim().parse::<UnixMillis>().ok()?.0,
    };
    Some(at.saturating_sub(now.0))
}

/// A decimal number at the beginning, in billionths, and what follows it.
fn decimal_nanos(text: &str) -> Option<(u128, &str)> {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let whole = digits(text);
    if whole == 0 || whole > 15 {
        return None;
    }
    let mut nanos = text[..whole]
        .parse::<u128>()
        .ok()?
        .saturating_mul(1_000_000_000);
    let mut rest = &text[whole..];
    if let Some(fraction) = rest.strip_prefix('.') {
        let length = digits(fraction);
        if length > 0 {
            let kept = &fraction[..length.min(9)];
            nanos += kept.parse::<u128>().ok()? * 10u128.pow(9 - u32::try_from(kept.len()).ok()?);
            rest = &fraction[length..];
        }
    }
    Some((nanos, rest))
}

fn in_ms(nanos: u128) -> i64 {
    i64::try_from(nanos / NANOS_PER_MS).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_are_read_exactly_and_rounded_down() {
        let table = [
            ("6ms", 6),
            ("479.417207ms", 479),
            ("0.479417207s", 479),
            ("33740.910400305s", 33_740_910),
            ("4.77s", 4_770),
            ("7m12s", 432_000),
            ("9m38.016s", 578_016),
            ("8h44m7s", 31_447_000),
            ("1d2h", 93_600_000),
            ("86400 seconds", 86_400_000),
            ("2 hours and 5 minutes", 7_500_000),
            ("1 minute, 30 seconds.", 90_000),
        ];
        for (text, ms) in table {
            assert_eq!(leading(text), Some(ms), "{text}");
        }
    }

    #[test]
    fn a_number_without_a_known_unit_is_no_wait() {
        for text in [
            "24-hour window",
            "a few minutes",
            "20",
            "5 apples",
            "",
            "s",
            "1e9s",
            "99999999999999999999s",
        ] {
            assert_eq!(leading(text), None, "{text}");
        }
    }

    #[test]
    fn a_bare_number_is_a_wait_or_an_instant_by_its_size() {
        let now = UnixMillis(1_760_000_000_000);
        assert_eq!(any("11.1", now), Some(11_100));
        assert_eq!(any("1760000060", now), Some(60_000));
        assert_eq!(any("1760000060000", now), Some(60_000));
        assert_eq!(any("2m30s", now), Some(150_000));
        assert_eq!(any("2025-10-09T08:54:20Z", now), Some(60_000));
    }
}
