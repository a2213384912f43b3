//! When reports are due: cron expressions, in a time zone.
//!
//! Expressions are `croner`'s, time zones `jiff`'s: the system's, and where it has none those that are compiled in.
//! An hour that a zone leaves out moves what is due in it to its end; one that comes twice has what is due at a fixed
//! time in it once. Promises: pure. Must not know: what is due.

use std::cmp::Ordering;

use croner::{
    Cron,
    errors::CronError,
    parser::{CronParser, Seconds, Year},
    time::{CivilDateTime, CronDateTime, Resolution, Weekday},
};
use jiff::{
    SignedDuration, Timestamp, ToSpan as _, ZonedDateTime,
    civil::DateTime,
    tz::{AmbiguousOffset, TimeZone},
};
use waybill_model::time::UnixMillis;

/// An expression in a zone.
pub struct Calendar {
    cron: Cron,
    zone: TimeZone,
}

/// What is wrong with one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BadCalendar {
    /// Which field.
    pub field: &'static str,
    /// What is wrong with it.
    pub problem: String,
}

impl Calendar {
    /// Reads both.
    pub fn new(cron: &str, zone: &str) -> Result<Calendar, BadCalendar> {
        let bad = |field, problem: String| BadCalendar { field, problem };
        let zone = TimeZone::get(zone).map_err(|_| {
            let problem = format!("`{zone}` is no time zone, such as Europe/Berlin or UTC");
            bad("time_zone", problem)
        })?;
        let parser = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build();
        let cron = parser
            .parse(cron)
            .map_err(|error| bad("cron", format!("cannot be read: {error}")))?;
        Ok(Calendar { cron, zone })
    }

    /// When it is due first after an instant; `None`: never.
    pub fn next(&self, after: UnixMillis) -> Option<UnixMillis> {
        let found = self.cron.find_next_occurrence(&self.local(after)?, false);
        found.ok().map(millis)
    }

    /// When it is due next, though the clock was another one when that was asked last. Where the clock went back over
    /// the time of the one that `came`, that does not come again.
    pub fn due(&self, came: Option<UnixMillis>, now: UnixMillis) -> Option<UnixMillis> {
        let next = self.next(now)?;
        match came == Some(next) {
            true => self.next(next),
            false => Some(next),
        }
    }

    /// When it was due last, up to an instant.
    pub fn last(&self, until: UnixMillis) -> Option<UnixMillis> {
        let found = self
            .cron
            .find_previous_occurrence(&self.local(until)?, true);
        found.ok().map(millis)
    }

    /// So many calendar days before an instant: the same time of the day, whatever clocks did in between.
    pub fn days_before(&self, at: UnixMillis, days: i8) -> UnixMillis {
        let span = i64::from(days).days();
        let before = self.local(at).and_then(|at| at.at.checked_sub(span).ok());
        before
            .map(|at| UnixMillis(at.timestamp().as_millisecond()))
            .unwrap_or_else(|| at.plus_ms(-i64::from(days) * DAY_MS))
    }

    /// Where days begin, from one instant on and before another.
    pub fn days(&self, start: UnixMillis, end: UnixMillis) -> Vec<UnixMillis> {
        let mut days = Vec::new();
        let mut at = start;
        while at < end && days.len() < MOST_DAYS {
            days.push(at);
            at = self.days_before(at, -1);
        }
        days
    }

    fn local(&self, at: UnixMillis) -> Option<Local> {
        let at = Timestamp::from_millisecond(at.0).ok()?;
        Local::of(at.to_zoned_datetime(self.zone.clone()))
    }
}

const DAY_MS: i64 = 86_400_000;

/// Of the longest report, and some.
const MOST_DAYS: usize = 31;

fn millis(at: Local) -> UnixMillis {
    UnixMillis(at.at.timestamp().as_millisecond())
}

/// A time in a zone, as croner looks at it.
#[derive(Clone)]
struct Local {
    at: ZonedDateTime,
    civil: CivilDateTime,
}

impl Local {
    fn of(at: ZonedDateTime) -> Option<Local> {
        let civil = at.datetime();
        let part = |part: i8| u32::try_from(part).ok();
        let civil = CivilDateTime::from_ymd_hms_opt(
            i32::from(civil.year()),
            part(civil.month())?,
            part(civil.day())?,
            part(civil.hour())?,
            part(civil.minute())?,
            part(civil.second())?,
        )?;
        Some(Local { at, civil })
    }
}

impl CronDateTime for Local {
    fn to_civil(&self) -> CivilDateTime {
        self.civil
    }

    fn civil_weekday(&self) -> Weekday {
        let day = self.at.weekday().to_sunday_zero_offset();
        Weekday::from_days_from_sunday(u32::try_from(day).unwrap_or_default())
    }

    fn resolve_civil(&self, civil: CivilDateTime) -> Result<Resolution<Self>, CronError> {
        let part = |part: u32| i8::try_from(part).map_err(|_| CronError::InvalidDate);
        let at = DateTime::new(
            i16::try_from(civil.year()).map_err(|_| CronError::InvalidDate)?,
            part(civil.month())?,
            part(civil.day())?,
            part(civil.hour())?,
            part(civil.minute())?,
            part(civil.second())?,
            0,
        )
        .map_err(|_| CronError::InvalidDate)?;
        let found = self.at.time_zone().to_ambiguous_zoned_datetime(at);
        let one = |found: Result<ZonedDateTime, jiff::Error>| {
            let found = found.ok().and_then(Local::of);
            found.ok_or(CronError::InvalidTime)
        };
        Ok(match found.offset() {
            AmbiguousOffset::Unambiguous { .. } => Resolution::Single(one(found.unambiguous())?),
            AmbiguousOffset::Fold { .. } => {
                Resolution::Ambiguous(one(found.clone().earlier())?, one(found.later())?)
            }
            AmbiguousOffset::Gap { .. } => Resolution::Gap,
        })
    }

    fn checked_add_seconds(&self, seconds: i64) -> Option<Self> {
        let moved = self.at.checked_add(SignedDuration::from_secs(seconds));
        moved.ok().and_then(Local::of)
    }

    fn cmp_instant(&self, other: &Self) -> Ordering {
        self.at.timestamp().cmp(&other.at.timestamp())
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn at(text: &str) -> UnixMillis {
        text.parse().unwrap()
    }

    /// The next three, in UTC.
    fn three(cron: &str, zone: &str, after: &str) -> Vec<String> {
        let calendar = Calendar::new(cron, zone).unwrap();
        let mut at = at(after);
        (0..3)
            .map(|_| {
                at = calendar.next(at).unwrap();
                at.to_string()
            })
            .collect()
    }

    #[test]
    fn nine_oclock_is_nine_oclock_before_and_after_clocks_change() {
        assert_eq!(
            three("0 9 * * *", "Europe/Berlin", "2027-03-26T12:00:00Z"),
            [
                "2027-03-27T08:00:00.000Z",
                "2027-03-28T07:00:00.000Z",
                "2027-03-29T07:00:00.000Z"
            ]
        );
        assert_eq!(
            three("0 9 * * MON", "America/New_York", "2026-10-30T00:00:00Z"),
            [
                "2026-11-02T14:00:00.000Z",
                "2026-11-09T14:00:00.000Z",
                "2026-11-16T14:00:00.000Z"
            ]
        );
    }

    #[test]
    fn an_hour_that_is_left_out_loses_no_report_and_one_that_comes_twice_makes_no_second() {
        let spring = three("30 2 * * *", "Europe/Berlin", "2027-03-27T12:00:00Z");
        assert_eq!(spring[0], "2027-03-28T01:00:00.000Z");
        assert_eq!(spring[1], "2027-03-29T00:30:00.000Z");
        let autumn = three("30 2 * * *", "Europe/Berlin", "2026-10-24T12:00:00Z");
        assert_eq!(autumn[0], "2026-10-25T00:30:00.000Z");
        assert_eq!(autumn[1], "2026-10-26T01:30:00.000Z");
    }

    #[test]
    fn a_day_is_a_calendar_day() {
        let berlin = Calendar::new("0 9 * * *", "Europe/Berlin").unwrap();
        let hours = |text: &str| (at(text).0 - berlin.days_before(at(text), 1).0) / 3_600_000;
        assert_eq!(hours("2027-03-28T07:00:00Z"), 23);
        assert_eq!(hours("2026-10-25T08:00:00Z"), 25);
        assert_eq!(hours("2026-11-28T08:00:00Z"), 24);
        let end = at("2027-03-29T07:00:00Z");
        let days = berlin.days(berlin.days_before(end, 7), end);
        assert_eq!(days.len(), 7);
        assert!(days.windows(2).all(|pair| pair[0] < pair[1]));
    }

    #[test]
    fn the_last_one_is_the_one_that_was_missed() {
        let calendar = Calendar::new("0 9 * * *", "UTC").unwrap();
        let missed = calendar.last(at("2027-01-15T08:59:59Z")).unwrap();
        assert_eq!(missed, at("2027-01-14T09:00:00Z"));
        let now = calendar.last(at("2027-01-15T09:00:00Z")).unwrap();
        assert_eq!(now, at("2027-01-15T09:00:00Z"));
    }

    #[test]
    fn what_came_does_not_come_again_when_the_clock_goes_back_over_it() {
        let calendar = Calendar::new("0 9 * * *", "UTC").unwrap();
        let (came, now) = (at("2027-01-15T09:00:00Z"), at("2027-01-15T08:59:59Z"));
        assert_eq!(calendar.due(None, now), Some(came));
        let next = at("2027-01-16T09:00:00Z");
        assert_eq!(calendar.due(Some(came), now), Some(next));
        assert_eq!(calendar.due(Some(came), came), Some(next));
        // What came in a year that has not come yet is none of this one's.
        let ahead = at("2028-01-15T09:00:00Z");
        assert_eq!(calendar.due(Some(ahead), now), Some(came));
    }

    #[test]
    fn what_is_none_is_refused_by_its_field() {
        let field = |cron, zone| Calendar::new(cron, zone).err().map(|bad| bad.field);
        assert_eq!(field("0 9 * * *", "UTC"), None);
        assert_eq!(field("@daily", "Asia/Shanghai"), None);
        assert_eq!(field("0 25 * * *", "UTC"), Some("cron"));
        assert_eq!(field("* * * * * *", "UTC"), Some("cron"));
        assert_eq!(field("", "UTC"), Some("cron"));
        assert_eq!(field("0 9 * * *", "Mars/Olympus"), Some("time_zone"));
        let never = Calendar::new("0 9 30 2 *", "UTC").unwrap();
        assert_eq!(never.next(at("2027-01-15T09:00:00Z")), None);
    }
}
