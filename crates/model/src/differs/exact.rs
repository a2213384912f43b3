//! The arithmetic: Fisher's exact test, Benjamini and Hochberg's procedure, Newcombe's interval.

use super::{Count, share};

/// Half the width of a 95 % interval, in standard deviations.
const Z: f64 = 1.959_963_985;

/// Logarithms of factorials.
pub(super) struct Exact {
    ln_factorial: Vec<f64>,
}

impl Exact {
    /// For tables of at most so many rows.
    pub(super) fn up_to(most: u32) -> Exact {
        let mut ln_factorial = Vec::with_capacity(most as usize + 1);
        let mut sum = 0.0;
        ln_factorial.push(sum);
        for number in 1..=most {
            sum += f64::from(number).ln();
            ln_factorial.push(sum);
        }
        Exact { ln_factorial }
    }

    /// How likely it is that at least so many of the rows with a value are failures, if it has nothing to do
    /// with failing.
    pub(super) fn chance(&self, with: Count, known: Count) -> f64 {
        let drawn = with.failures + with.successes;
        let all = known.failures + known.successes;
        let most = drawn.min(known.failures);
        let whole = self.ln_choose(all, drawn);
        let mut sum = 0.0;
        for failures in with.failures..=most {
            let Some(successes) = known.successes.checked_sub(drawn - failures) else {
                continue;
            };
            let ways = self.ln_choose(known.failures, failures)
                + self.ln_choose(known.successes, known.successes - successes);
            let term = (ways - whole).exp();
            sum += term;
            // Behind the middle terms only shrink.
            let middle = f64::from(drawn) * share(known.failures, all);
            if f64::from(failures) > middle && term < sum * 1e-12 {
                break;
            }
        }
        sum.min(1.0)
    }

    fn ln_choose(&self, of: u32, chosen: u32) -> f64 {
        let ln = |number: u32| {
            self.ln_factorial
                .get(number as usize)
                .copied()
                .unwrap_or(0.0)
        };
        ln(of) - ln(chosen) - ln(of.saturating_sub(chosen))
    }
}

/// The largest chance that is still taken for a finding, so that of all findings at most a share of `rate` is
/// false on average; below any chance where there is none.
pub(super) fn limit(chances: impl Iterator<Item = f64>, rate: f64) -> f64 {
    let mut chances: Vec<f64> = chances.collect();
    chances.sort_by(f64::total_cmp);
    let count = f64::from(u32::try_from(chances.len()).unwrap_or(u32::MAX));
    let passed = (1_u32..).zip(&chances);
    passed
        .filter(|(rank, chance)| **chance <= f64::from(*rank) / count * rate)
        .last()
        .map_or(-1.0, |(_, chance)| *chance)
}

/// By how much the share among failures is larger at least: the lower end of Newcombe's interval (his method
/// 10, of two Wilson intervals).
pub(super) fn score(with: Count, known: Count) -> f64 {
    let failures = share(with.failures, known.failures);
    let successes = share(with.successes, known.successes);
    let (lowest, _) = wilson(failures, known.failures);
    let (_, highest) = wilson(successes, known.successes);
    failures - successes - (failures - lowest).hypot(highest - successes)
}

/// Between what a share lies of which a sample is known.
fn wilson(share: f64, rows: u32) -> (f64, f64) {
    if rows == 0 {
        return (0.0, 1.0);
    }
    let rows = f64::from(rows);
    let scale = 1.0 + Z * Z / rows;
    let middle = (share + Z * Z / (2.0 * rows)) / scale;
    let half = Z / scale * (share * (1.0 - share) / rows + Z * Z / (4.0 * rows * rows)).sqrt();
    ((middle - half).max(0.0), (middle + half).min(1.0))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use super::*;

    fn count(failures: u32, successes: u32) -> Count {
        Count {
            failures,
            successes,
        }
    }

    fn near(is: f64, should: f64) {
        assert!((is - should).abs() < 1e-4, "{is} is not {should}");
    }

    #[test]
    fn the_lady_who_tastes_tea() {
        let exact = Exact::up_to(8);
        near(exact.chance(count(3, 1), count(4, 4)), 17.0 / 70.0);
        near(exact.chance(count(4, 0), count(4, 4)), 1.0 / 70.0);
        near(exact.chance(count(0, 4), count(4, 4)), 1.0);
        near(exact.chance(count(4, 4), count(4, 4)), 1.0);
    }

    #[test]
    fn a_difference_of_shares_has_the_interval_newcombe_published() {
        // 56/70 against 48/80: 0.0524 to 0.3339.
        near(score(count(56, 48), count(70, 80)), 0.0524);
        assert!(score(count(5, 0), count(5, 0)) <= 0.0);
    }

    #[test]
    fn the_procedure_takes_up_to_the_last_that_passes() {
        let limit = |chances: &[f64]| limit(chances.iter().copied(), 0.05);
        near(limit(&[0.5, 0.01, 0.9, 0.02]), 0.02);
        // The first does not pass by itself, the second takes it along.
        near(limit(&[0.04, 0.045]), 0.045);
        assert!(limit(&[0.4, 0.5]) < 0.0);
        assert!(limit(&[]) < 0.0);
    }
}
