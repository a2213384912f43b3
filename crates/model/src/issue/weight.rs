//! What an issue does to its users, as one number that can be kept in order.
//!
//! `impact = severity × (1 + who) × Σ share × 2^(-age / 24 h)`: the sum goes over its failures, `share` is 1
//! where a client saw it and [`HIDDEN_SHARE`] where failover hid it, `who` is how many users (or keys, if
//! more) met it, `severity` 8, 4, 2, 1 for P0 to P3.
//!
//! All issues fade alike, so their order changes with new failures alone. Kept is the logarithm of the impact
//! as it would be at the epoch; a list sorted by it is sorted by impact at any moment, and a place in it stays
//! a place.

use crate::{cause::Severity, time::UnixMillis};

/// The time in which a failure loses half its weight.
pub const HALF_LIFE_MS: i64 = 24 * 3_600_000;

/// What a failure counts that no client saw.
pub const HIDDEN_SHARE: f64 = 0.1;

/// Parts of one doubling in which weights are kept.
const PARTS: f64 = 1e6;

/// The sum of faded failures: its binary logarithm at the epoch, in millionths.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Weight(pub i64);

impl Weight {
    /// Of nothing.
    pub const NONE: Weight = Weight(i64::MIN);

    /// With `count` failures of one moment added, seen by clients or hidden.
    #[must_use]
    pub fn with(self, count: u64, hidden: bool, at: UnixMillis) -> Weight {
        if count == 0 {
            return self;
        }
        let share = if hidden { HIDDEN_SHARE } else { 1.0 };
        let added = (count as f64 * share).log2() + at.0 as f64 / HALF_LIFE_MS as f64;
        let sum = match self {
            Weight::NONE => added,
            Weight(kept) => {
                let kept = kept as f64 / PARTS;
                let (more, less) = (kept.max(added), kept.min(added));
                more + (1.0 + (less - more).exp2()).log2()
            }
        };
        Weight((sum * PARTS).round() as i64)
    }

    /// The impact's place in order: this sum for a severity and so many users.
    pub fn impact(self, severity: Severity, who: u64) -> i64 {
        if self == Weight::NONE {
            return i64::MIN;
        }
        let factor = severity_weight(severity) * (1.0 + who as f64);
        self.0
            .saturating_add((factor.log2() * PARTS).round() as i64)
    }

    /// A kept impact as the number it is at a moment.
    pub fn shown(impact: i64, now: UnixMillis) -> f64 {
        if impact == i64::MIN {
            return 0.0;
        }
        let at_now = impact as f64 / PARTS - now.0 as f64 / HALF_LIFE_MS as f64;
        (at_now.exp2() * 10.0).round() / 10.0
    }
}

fn severity_weight(severity: Severity) -> f64 {
    match severity {
        Severity::P0 => 8.0,
        Severity::P1 => 4.0,
        Severity::P2 => 2.0,
        Severity::P3 => 1.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn impact_is_failures_times_who_times_severity_and_halves_in_a_day() {
        let weight = Weight::NONE.with(100, false, NOW);
        let impact = weight.impact(Severity::P1, 4);
        assert!((Weight::shown(impact, NOW) - 2000.0).abs() < 1.0);
        assert!((Weight::shown(impact, NOW.plus_ms(HALF_LIFE_MS)) - 1000.0).abs() < 1.0);
        let hidden = Weight::NONE.with(100, true, NOW).impact(Severity::P1, 4);
        assert!((Weight::shown(hidden, NOW) - 200.0).abs() < 1.0);
        assert!(Weight::shown(Weight::NONE.impact(Severity::P0, 9), NOW) < 0.1);
    }

    #[test]
    fn failures_add_up_in_any_order() {
        let early = NOW.plus_ms(-3 * HALF_LIFE_MS);
        let one = Weight::NONE.with(800, false, early).with(1, false, NOW);
        let other = Weight::NONE.with(1, false, NOW).with(800, false, early);
        assert!((one.0 - other.0).abs() <= 1);
        let impact = one.impact(Severity::P3, 0);
        assert!((Weight::shown(impact, NOW) - 101.0).abs() < 0.2);
    }

    #[test]
    fn many_small_additions_lose_nothing_that_matters() {
        let mut weight = Weight::NONE;
        for _ in 0..100_000 {
            weight = weight.with(1, false, NOW);
        }
        let shown = Weight::shown(weight.impact(Severity::P3, 0), NOW);
        assert!((shown - 100_000.0).abs() < 1_000.0, "{shown}");
    }
}
