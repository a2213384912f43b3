//! Other cool-downs than those that follow from a failure: what a simulation tries. The running gateway has none.
//!
//! Promises: pure; the first that is for a cause decides; whatever it says, a stop is no shorter than a
//! millisecond and no longer than [`LONGEST_S`]. Must not know: what a failure does to its account.

use serde::{Deserialize, Serialize};
use waybill_model::{cause::Cause, time::UnixMillis};

/// Longest stop that can be tried: a week.
pub const LONGEST_S: u32 = 7 * 86_400;

/// Largest factor.
pub const LARGEST_FACTOR: f64 = 1000.0;

/// Another cool-down: how long a failure stops its account, in place of how long it would. Operators' own
/// rules are not touched.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CoolDown {
    /// For failures of this cause; absent: of every cause that stops an account.
    pub cause: Option<Cause>,
    /// So many times as long; either this or `seconds`.
    pub factor: Option<f64>,
    /// So many seconds, whatever was stated.
    pub seconds: Option<u32>,
    /// Not shorter than so many seconds.
    pub min_seconds: Option<u32>,
    /// Not longer.
    pub max_seconds: Option<u32>,
}

impl CoolDown {
    /// The deadline of a stop that began at `now` and would have ended at `until`.
    fn deadline(&self, until: UnixMillis, now: UnixMillis) -> UnixMillis {
        let ms = |seconds: u32| i64::from(seconds) * 1000;
        let wait = until.0.saturating_sub(now.0);
        let wait = match (self.seconds, self.factor) {
            (Some(seconds), _) => ms(seconds),
            #[allow(
                clippy::cast_possible_truncation,
                reason = "what a float cannot hold is bounded below"
            )]
            (None, Some(factor)) => (wait as f64 * factor) as i64,
            (None, None) => wait,
        };
        let least = self.min_seconds.map_or(1, ms).max(1);
        let most = self.max_seconds.map_or(ms(LONGEST_S), ms).max(least);
        // A stop that was longer anyway is not cut by a bound that nobody gave.
        let most = match self.max_seconds {
            None if self.factor.is_none() && self.seconds.is_none() => most.max(wait),
            _ => most,
        };
        now.plus_ms(wait.clamp(least, most))
    }
}

/// The deadline after all: by the first of `cool_downs` that is for the cause.
pub fn deadline(
    cool_downs: &[CoolDown],
    cause: Cause,
    until: UnixMillis,
    now: UnixMillis,
) -> UnixMillis {
    let mut of_cause = cool_downs
        .iter()
        .filter(|cool_down| cool_down.cause.is_none_or(|of| of == cause));
    of_cause
        .next()
        .map_or(until, |cool_down| cool_down.deadline(until, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wait(cool_downs: &[CoolDown], wait: i64) -> i64 {
        let now = UnixMillis(1_000_000);
        deadline(cool_downs, Cause::RateLimitRequests, now.plus_ms(wait), now).0 - now.0
    }

    #[test]
    fn the_first_that_is_for_the_cause_decides() {
        let other = CoolDown {
            cause: Some(Cause::Overloaded),
            seconds: Some(1),
            ..CoolDown::default()
        };
        let fixed = CoolDown {
            cause: Some(Cause::RateLimitRequests),
            seconds: Some(120),
            ..CoolDown::default()
        };
        let all = CoolDown {
            factor: Some(2.0),
            ..CoolDown::default()
        };
        assert_eq!(wait(&[], 5000), 5000);
        assert_eq!(wait(&[other], 5000), 5000);
        assert_eq!(wait(&[other, fixed, all], 5000), 120_000);
        assert_eq!(wait(&[all, fixed], 5000), 10_000);
    }

    #[test]
    fn bounds_hold_and_no_stop_is_without_end_or_length() {
        let bounded = |factor, min_seconds, max_seconds| CoolDown {
            factor,
            min_seconds,
            max_seconds,
            ..CoolDown::default()
        };
        assert_eq!(wait(&[bounded(None, Some(30), None)], 5000), 30_000);
        assert_eq!(wait(&[bounded(None, None, Some(3))], 5000), 3000);
        assert_eq!(wait(&[bounded(Some(0.0), None, None)], 5000), 1);
        let longest = i64::from(LONGEST_S) * 1000;
        assert_eq!(
            wait(&[bounded(Some(1000.0), None, None)], i64::MAX / 2),
            longest
        );
        assert_eq!(
            wait(&[bounded(None, Some(1), None)], 2 * longest),
            2 * longest
        );
    }
}
