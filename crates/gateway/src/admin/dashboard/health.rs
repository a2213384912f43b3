//! The health score: how the service does, as one number that says what it is made of.
//!
//! Promises: pure; the score is the weighted mean of its parts, and never far above the one that clients feel; a
//! part of which nothing is known does not count.

use serde::Serialize;
use waybill_model::rollup::Counts;

/// The score is at most this much above the part `service`: everything else may be well, and clients fail.
const ABOVE_SERVICE: f64 = 25.0;

/// How the service does.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Health {
    /// From 0 to 100; `null`: nothing is known.
    pub score: Option<u8>,
    /// What it is made of.
    pub parts: Vec<HealthPart>,
}

/// One thing that the score is made of.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct HealthPart {
    /// Its name.
    #[schema(value_type = String)]
    pub name: &'static str,
    /// From 0 to 100; `null`: nothing is known of it, and it does not count.
    pub score: Option<u8>,
    /// How much it counts.
    pub weight: u32,
    /// What it was judged by.
    pub value: Option<f64>,
    /// How.
    pub explanation: String,
}

/// What is judged.
pub struct Facts<'a> {
    /// What requests add up to.
    pub counts: &'a Counts,
    /// The 99th percentile of the time to first content, in milliseconds.
    pub first_token_p99: Option<u64>,
    /// Whether records are written, and get to where they belong.
    pub records_are_written: bool,
    /// Records that were lost since the start.
    pub records_lost: u64,
    /// Jobs, and those whose last run failed.
    pub jobs: (usize, usize),
}

/// The score.
pub fn judge(facts: &Facts<'_>) -> Health {
    let service = facts.counts.service_level().percent();
    let upstream = facts.counts.provider_level().percent();
    let first_token = facts.first_token_p99.map(|ms| ms as f64);
    let (all, failing) = facts.jobs;
    let parts = vec![
        part(
            "service",
            45,
            service,
            (95.0, 99.9),
            "requests that were served, in per cent of those that count: 100 from 99.9 % on, 0 up to 95 %",
        ),
        part(
            "upstream",
            20,
            upstream,
            (70.0, 99.0),
            "attempts that providers served, in per cent: 100 from 99 % on, 0 up to 70 %",
        ),
        part(
            "latency",
            15,
            first_token,
            (30_000.0, 5_000.0),
            "the 99th percentile of the time to first content, in milliseconds: 100 up to 5 s, 0 from 30 s on",
        ),
        part(
            "records",
            10,
            Some(if !facts.records_are_written {
                0.0
            } else if facts.records_lost > 0 {
                50.0
            } else {
                100.0
            }),
            (0.0, 100.0),
            "100: records are written and none was lost since the start; 50: some were; 0: they are not written, or do not get to the database",
        ),
        part(
            "jobs",
            10,
            (all > 0).then(|| (all - failing.min(all)) as f64 * 100.0 / all as f64),
            (0.0, 100.0),
            "jobs whose last run did what it is for, in per cent",
        ),
    ];
    let known: Vec<(f64, f64)> = parts
        .iter()
        .filter_map(|part| Some((f64::from(part.score?), f64::from(part.weight))))
        .collect();
    let weight: f64 = known.iter().map(|(_, weight)| weight).sum();
    let mean = known
        .iter()
        .map(|(score, weight)| score * weight)
        .sum::<f64>()
        / weight.max(1.0);
    let most = parts[0]
        .score
        .map_or(100.0, |score| f64::from(score) + ABOVE_SERVICE);
    Health {
        score: (!known.is_empty()).then(|| mean.min(most).round() as u8),
        parts,
    }
}

/// A part, judged between the value that is worth nothing and the one that is worth everything.
fn part(
    name: &'static str,
    weight: u32,
    value: Option<f64>,
    (none, all): (f64, f64),
    explanation: &str,
) -> HealthPart {
    let score = value.map(|value| ((value - none) / (all - none) * 100.0).clamp(0.0, 100.0));
    HealthPart {
        name,
        score: score.map(|score| score.round() as u8),
        weight,
        value: value.map(|value| (value * 1_000.0).round() / 1_000.0),
        explanation: explanation.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    fn score(successes: u64, failures: u64, change: impl FnOnce(&mut Facts<'_>)) -> Option<u8> {
        let counts = Counts {
            requests: successes + failures,
            successes,
            failures,
            attempts: successes + failures,
            ..Counts::default()
        };
        let mut facts = Facts {
            counts: &counts,
            first_token_p99: Some(900),
            records_are_written: true,
            records_lost: 0,
            jobs: (4, 0),
        };
        change(&mut facts);
        judge(&facts).score
    }

    #[test]
    fn a_service_without_failures_is_at_its_best() {
        assert_eq!(score(1_000, 0, |_| {}), Some(100));
    }

    #[test]
    fn a_service_that_fails_is_unwell_whatever_else_is_well() {
        assert_eq!(score(50, 50, |_| {}), Some(25));
        assert!(score(985, 15, |_| {}).unwrap() < 90);
    }

    #[test]
    fn lost_records_slow_answers_and_failing_jobs_count() {
        let best = score(1_000, 0, |_| {}).unwrap();
        for worse in [
            score(1_000, 0, |facts| facts.records_lost = 1),
            score(1_000, 0, |facts| facts.records_are_written = false),
            score(1_000, 0, |facts| facts.first_token_p99 = Some(20_000)),
            score(1_000, 0, |facts| facts.jobs = (4, 2)),
        ] {
            assert!(worse.unwrap() < best);
        }
    }

    #[test]
    fn what_nothing_is_known_of_does_not_count() {
        assert_eq!(score(0, 0, |facts| facts.first_token_p99 = None), Some(100));
    }
}
