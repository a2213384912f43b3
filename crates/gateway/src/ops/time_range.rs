//! The window of time a query covers: `start_time` and `end_time`, or `time_range`.
//!
//! Promises: a window has a length, and is at most [`MAX_WINDOW_MS`] long. Must not know: the clock;
//! now is an argument.

use waybill_model::{time::UnixMillis, words};

use super::query::{BadParameter, Mistake, Pairs};

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Longest window of one query. As long as errors are kept by default; more is an export.
pub const MAX_WINDOW_MS: i64 = 30 * DAY_MS;

/// The window's parameters.
pub const NAMES: &[&str] = &[TIME_RANGE, START_TIME, END_TIME];

const TIME_RANGE: &str = "time_range";
pub(super) const START_TIME: &str = "start_time";
pub(super) const END_TIME: &str = "end_time";

words! {
    /// A window that ends now.
    pub enum TimeRange {
        /// Five minutes.
        Minutes5 = "5m",
        /// Half an hour.
        Minutes30 = "30m",
        /// One hour.
        Hour = "1h",
        /// Six hours.
        Hours6 = "6h",
        /// One day; what is taken when nothing is asked for.
        Day = "24h",
        /// One week.
        Week = "7d",
        /// The longest; what is taken when one request is asked for by its id.
        Month = "30d",
    }
}

impl TimeRange {
    /// Its length in milliseconds.
    pub const fn millis(self) -> i64 {
        match self {
            TimeRange::Minutes5 => 5 * MINUTE_MS,
            TimeRange::Minutes30 => 30 * MINUTE_MS,
            TimeRange::Hour => HOUR_MS,
            TimeRange::Hours6 => 6 * HOUR_MS,
            TimeRange::Day => DAY_MS,
            TimeRange::Week => 7 * DAY_MS,
            TimeRange::Month => MAX_WINDOW_MS,
        }
    }
}

/// The window that the parameters name: from the first instant on, before the second. Without any it
/// is `default`, ending now. A start without an end ends now; an end without a start begins
/// `default` before it.
pub fn window(
    pairs: &Pairs,
    default: TimeRange,
    now: UnixMillis,
) -> Result<(UnixMillis, UnixMillis), BadParameter> {
    window_of(pairs, default.millis(), MAX_WINDOW_MS, now)
}

/// The same, with a default and a bound in milliseconds.
pub(super) fn window_of(
    pairs: &Pairs,
    default_ms: i64,
    most_ms: i64,
    now: UnixMillis,
) -> Result<(UnixMillis, UnixMillis), BadParameter> {
    // What arrived in this very millisecond belongs to "until now".
    let until_now = now.plus_ms(1);
    let start = pairs
        .get(START_TIME)
        .map(|text| instant(START_TIME, text))
        .transpose()?;
    let end = pairs
        .get(END_TIME)
        .map(|text| instant(END_TIME, text))
        .transpose()?;
    if let Some(text) = pairs.get(TIME_RANGE) {
        if start.is_some() || end.is_some() {
            let message = "give either a range, or a start and an end";
            return Err(BadParameter::malformed(TIME_RANGE, message));
        }
        let range: TimeRange =
            text.parse()
                .map_err(|unknown: waybill_model::protocol::UnknownWord| {
                    BadParameter::malformed(TIME_RANGE, unknown.to_string())
                })?;
        return Ok((until_now.plus_ms(-range.millis()), until_now));
    }
    let end_at = end.unwrap_or(until_now);
    let start_at = start.unwrap_or(end_at.plus_ms(-default_ms));
    let at_fault = if start.is_some() {
        START_TIME
    } else {
        END_TIME
    };
    if start_at >= end_at {
        let message = if end.is_some() {
            "it is not before the end"
        } else {
            "it is not in the past"
        };
        return Err(BadParameter::malformed(at_fault, message));
    }
    if end_at.0.saturating_sub(start_at.0) > most_ms {
        return Err(BadParameter {
            parameter: at_fault.to_owned(),
            mistake: Mistake::WindowTooLong,
            message: format!(
                "the window is longer than {} days; ask for a shorter one",
                most_ms / DAY_MS
            ),
        });
    }
    Ok((start_at, end_at))
}

/// A moment, by the name of its parameter.
pub(super) fn instant(name: &str, text: &str) -> Result<UnixMillis, BadParameter> {
    // `+02:00` in a query string that was not encoded arrives as a space.
    let text = if text.contains('T') {
        text.replace(' ', "+")
    } else {
        text.to_owned()
    };
    text.parse().map_err(|_| {
        BadParameter::malformed(name, "not an RFC 3339 time, such as 2026-01-31T08:00:00Z")
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    fn ask(query: &str) -> Result<(UnixMillis, UnixMillis), BadParameter> {
        window(&Pairs::parse(Some(query)).unwrap(), TimeRange::Day, NOW)
    }

    #[test]
    fn nothing_asked_for_is_the_default_up_to_this_millisecond() {
        assert_eq!(ask("").unwrap(), (NOW.plus_ms(1 - DAY_MS), NOW.plus_ms(1)));
    }

    #[test]
    fn every_range_ends_now_and_none_is_too_long() {
        for range in TimeRange::ALL {
            let (start, end) = ask(&format!("time_range={range}")).unwrap();
            assert_eq!(end.0 - start.0, range.millis());
            assert_eq!(end, NOW.plus_ms(1));
            assert!(range.millis() <= MAX_WINDOW_MS);
        }
    }

    #[test]
    fn instants_are_read_with_any_offset_encoded_or_not() {
        let z = ask("start_time=2027-01-14T08:00:00Z&end_time=2027-01-15T08:00:00Z").unwrap();
        assert_eq!(z.0.to_string(), "2027-01-14T08:00:00.000Z");
        for same in [
            "2027-01-14T10:00:00%2B02:00",
            "2027-01-14T10:00:00+02:00",
            "2027-01-14t08:00:00.000z",
        ] {
            assert_eq!(
                ask(&format!("start_time={same}&end_time=2027-01-15T08:00:00Z")).unwrap(),
                z,
                "{same}"
            );
        }
    }

    #[test]
    fn one_end_alone_is_completed() {
        let (start, end) = ask("end_time=2027-01-14T08:00:00Z").unwrap();
        assert_eq!(end.0 - start.0, DAY_MS);
        let (start, end) = ask("start_time=2027-01-14T08:00:00Z").unwrap();
        assert_eq!(
            (start.to_string().as_str(), end),
            ("2027-01-14T08:00:00.000Z", NOW.plus_ms(1))
        );
    }

    #[test]
    fn a_window_that_cannot_be_is_refused_by_the_parameter_at_fault() {
        for (query, parameter) in [
            ("time_range=2h", "time_range"),
            ("time_range=", "time_range"),
            ("time_range=1h&end_time=2027-01-14T08:00:00Z", "time_range"),
            ("start_time=yesterday", "start_time"),
            ("start_time=1768377600", "start_time"),
            ("end_time=2027-01-14", "end_time"),
            (
                "start_time=2027-01-14T08:00:00Z&end_time=2027-01-14T08:00:00Z",
                "start_time",
            ),
            ("start_time=2099-01-14T08:00:00Z", "start_time"),
        ] {
            let bad = ask(query).unwrap_err();
            assert_eq!(
                (bad.parameter.as_str(), bad.mistake),
                (parameter, Mistake::Malformed),
                "{query}"
            );
        }
    }

    #[test]
    fn thirty_days_are_allowed_and_a_millisecond_more_is_not() {
        assert!(ask("start_time=2026-12-01T00:00:00Z&end_time=2026-12-31T00:00:00Z").is_ok());
        let bad =
            ask("start_time=2026-12-01T00:00:00Z&end_time=2026-12-31T00:00:00.001Z").unwrap_err();
        assert_eq!(
            (bad.parameter.as_str(), bad.mistake),
            ("start_time", Mistake::WindowTooLong)
        );
    }
}
