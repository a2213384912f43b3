//! What a metric reads of a window: from counts and sketches alone, so that history reads as the present does.

use super::{metric::Metric, rule::Reading};
use crate::rollup::{Counts, Sketches};

/// The value of a metric over a window, and of how many requests or attempts it is one. A metric that is not of a
/// window has none.
pub fn of_window(metric: Metric, counts: &Counts, sketches: &Sketches) -> Reading {
    let served = counts.client_side();
    let count = |value: u64| Reading {
        value: Some(value as f64),
        samples: counts.requests,
    };
    let ms = |sketch: &crate::sketch::Sketch, per_mille| Reading {
        value: sketch.quantile(per_mille).map(|ms| ms as f64),
        samples: sketch.count(),
    };
    let share = |part: u64, whole: u64| Reading {
        value: (whole > 0).then(|| 100.0 * part as f64 / whole as f64),
        samples: whole,
    };
    match metric {
        Metric::Requests => count(counts.requests),
        Metric::Failures => count(counts.failures),
        Metric::ErrorRate => share(served.bad, served.total),
        Metric::Sla => share(served.total.saturating_sub(served.bad), served.total),
        Metric::Recovered => count(counts.recovered),
        Metric::UpstreamErrorRate => {
            let rate = counts.upstream_error_rate();
            share(rate.part, rate.of)
        }
        Metric::RateLimited => count(counts.attempts_429),
        Metric::Overloaded => count(counts.attempts_529),
        Metric::LatencyP50 => ms(&sketches.duration, 500),
        Metric::LatencyP95 => ms(&sketches.duration, 950),
        Metric::LatencyP99 => ms(&sketches.duration, 990),
        Metric::TtftP50 => ms(&sketches.first_token, 500),
        Metric::TtftP95 => ms(&sketches.first_token, 950),
        Metric::TtftP99 => ms(&sketches.first_token, 990),
        Metric::Tokens => count(counts.input_tokens + counts.output_tokens),
        Metric::CostUsd => Reading {
            value: Some(counts.cost_micro_usd as f64 / 1e6),
            samples: counts.requests,
        },
        Metric::AccountsAvailable
        | Metric::AccountDown
        | Metric::NewIssue
        | Metric::RegressedIssue
        | Metric::EscalatingIssue
        | Metric::BudgetBurn
        | Metric::BudgetLeft
        | Metric::RecordsLost => Reading {
            value: None,
            samples: 0,
        },
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_of_a_window_has_a_value_when_something_happened_and_shares_have_none_otherwise()
    {
        let counts = Counts {
            requests: 100,
            successes: 90,
            failures: 5,
            client_errors: 5,
            attempts: 110,
            attempts_failed: 20,
            attempts_client: 10,
            attempts_cut_off: 10,
            attempts_429: 4,
            attempts_529: 1,
            cost_micro_usd: 2_500_000,
            ..Counts::default()
        };
        let mut sketches = Sketches::default();
        (1..=90).for_each(|ms| sketches.duration.add(ms));
        (1..=90).for_each(|ms| sketches.first_token.add(ms));
        for metric in Metric::ALL {
            let info = metric.info();
            let is_window = info.kind == super::super::MetricKind::Window;
            let reading = of_window(*metric, &counts, &sketches);
            assert_eq!(reading.value.is_some(), is_window, "{metric}");
            let nothing = of_window(*metric, &Counts::default(), &Sketches::default());
            assert_eq!(
                nothing.value.is_some(),
                is_window && !info.is_share,
                "{metric}"
            );
        }
        let value = |metric| of_window(metric, &counts, &sketches).value.unwrap();
        assert!((value(Metric::ErrorRate) - 100.0 * 5.0 / 95.0).abs() < 1e-9);
        assert!((value(Metric::Sla) + value(Metric::ErrorRate) - 100.0).abs() < 1e-9);
        // 20 failed, 10 of them the clients' own, 5 limits: 5 of the 100 that were not cut off.
        assert!((value(Metric::UpstreamErrorRate) - 5.0).abs() < 1e-9);
        assert!((value(Metric::CostUsd) - 2.5).abs() < 1e-9);
    }
}
