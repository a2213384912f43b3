//! How fast an issue's failures come, beside its own past.
//!
//! The rate is that of the last sixty minutes, estimated over two hours of the clock: all of the current one
//! and the share of the one before that is less than sixty minutes ago. The baseline is the mean `m` of the
//! whole hours before those two, up to [`BASELINE_HOURS`] of them and no earlier than the first failure;
//! hours without failures count as such. A rate departs from it when it is at least [`MIN_RATE`] and beyond
//! both `3 m` and `m + 4 s`, where `s` is the larger of the hours' standard deviation and `sqrt(m)`, what
//! chance alone would do. With fewer than [`MIN_HOURS`] hours there is no past to depart from.

use crate::time::UnixMillis;

/// One hour.
pub const HOUR_MS: i64 = 3_600_000;
/// Hours that make up the baseline.
pub const BASELINE_HOURS: i64 = 168;
/// Fewer hours are no past.
pub const MIN_HOURS: i64 = 6;
/// Fewer failures in an hour are no escalation, whatever was before.
pub const MIN_RATE: f64 = 20.0;
/// An escalation is over when the rate is below this share of what would be one.
pub const CALM_SHARE: f64 = 0.5;

/// The rate of the last hour, and what it would take to be an escalation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Rate {
    /// Failures in the last sixty minutes, estimated.
    pub last_hour: f64,
    /// The mean of the hours before; `None` without enough of them.
    pub baseline: Option<f64>,
    /// From this rate on it escalates; `None` without a baseline.
    pub threshold: Option<f64>,
}

impl Rate {
    /// The rate at `now`, of an issue first seen at `first_seen`, whose failures per hour are `hours`: the
    /// start of each, and how many. In any order; hours that are not there had none.
    pub fn of(hours: &[(UnixMillis, u64)], first_seen: UnixMillis, now: UnixMillis) -> Rate {
        let this_hour = now.0.div_euclid(HOUR_MS);
        let in_hour = |hour: i64| -> f64 {
            let of = hours
                .iter()
                .filter(|(at, _)| at.0.div_euclid(HOUR_MS) == hour);
            of.map(|(_, count)| *count as f64).sum()
        };
        let passed = now.0.rem_euclid(HOUR_MS) as f64 / HOUR_MS as f64;
        let last_hour = in_hour(this_hour) + in_hour(this_hour - 1) * (1.0 - passed);
        let end = this_hour - 1;
        let start = (end - BASELINE_HOURS).max(first_seen.0.div_euclid(HOUR_MS));
        let whole_hours = end - start;
        if whole_hours < MIN_HOURS {
            return Rate {
                last_hour,
                baseline: None,
                threshold: None,
            };
        }
        let count = whole_hours as f64;
        let past = || {
            hours.iter().filter_map(|(at, count)| {
                let hour = at.0.div_euclid(HOUR_MS);
                (start..end).contains(&hour).then_some(*count as f64)
            })
        };
        let mean = past().sum::<f64>() / count;
        // Hours without a row had none: each is `mean` away from the mean.
        let there = past().count() as f64;
        let squares: f64 = past().map(|seen| (seen - mean).powi(2)).sum();
        let deviation = ((squares + (count - there) * mean * mean) / count).sqrt();
        let spread = deviation.max(mean.sqrt());
        Rate {
            last_hour,
            baseline: Some(mean),
            threshold: Some((3.0 * mean).max(mean + 4.0 * spread).max(MIN_RATE)),
        }
    }

    /// Whether failures come faster than the past explains.
    pub fn departs(&self) -> bool {
        self.threshold
            .is_some_and(|threshold| self.last_hour >= threshold)
    }

    /// Whether an escalation is over.
    pub fn is_calm(&self) -> bool {
        self.threshold
            .is_none_or(|threshold| self.last_hour < threshold * CALM_SHARE)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_000_000 * HOUR_MS + HOUR_MS / 2);

    /// Counts of the hours up to the current one, the current one last.
    fn rate(counts: &[u64]) -> Rate {
        let hours: Vec<_> = counts
            .iter()
            .rev()
            .zip(0..)
            .map(|(count, ago)| (NOW.plus_ms(-ago * HOUR_MS), *count))
            .collect();
        let first = i64::try_from(counts.len()).unwrap_or(0) - 1;
        Rate::of(&hours, NOW.plus_ms(-first * HOUR_MS), NOW)
    }

    #[test]
    fn the_last_hour_is_estimated_over_two() {
        assert!((rate(&[0, 10, 7]).last_hour - 12.0).abs() < 1e-9);
    }

    #[test]
    fn without_a_past_nothing_departs_from_it() {
        let young = rate(&[0, 0, 500]);
        assert!(!young.departs() && young.baseline.is_none());
    }

    #[test]
    fn a_steady_issue_escalates_beyond_three_times_its_mean_and_four_deviations() {
        let steady = [100; 24];
        let at = |now: u64| rate(&[&steady[..], &[0, now]].concat());
        assert!(!at(299).departs());
        assert!(at(300).departs());
        assert!(at(149).is_calm() && !at(150).is_calm());
    }

    #[test]
    fn a_few_failures_are_no_escalation_however_quiet_it_was() {
        let quiet = [0; 24];
        let at = |now: u64| rate(&[&quiet[..], &[0, now]].concat());
        assert!(!at(19).departs());
        assert!(at(20).departs());
    }

    #[test]
    fn an_issue_that_comes_in_bursts_is_used_to_them() {
        let bursts: Vec<u64> = (0..48)
            .map(|hour| if hour % 12 == 0 { 200 } else { 0 })
            .collect();
        assert!(!rate(&[&bursts[..], &[0, 200]].concat()).departs());
        assert!(rate(&[&bursts[..], &[0, 300]].concat()).departs());
    }
}
