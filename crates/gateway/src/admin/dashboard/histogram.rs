//! `ops/dashboard/latency-histogram`: how long requests, or their stages, took.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::sketch::Sketch;
use waybill_store::RollupQuery;

use super::{DashboardBasis, Durations, ask, whole};
use crate::{
    admin::{
        App,
        openapi::HistogramParameters,
        problem::{Problem, ProblemDetails},
    },
    ops::dashboard::{METRIC, Metric, SCOPE, WINDOW, parse},
};

/// Ends of ranges, in milliseconds.
const BOUNDS_MS: [u64; 16] = [
    50, 100, 200, 300, 500, 1_000, 2_000, 3_000, 5_000, 10_000, 20_000, 30_000, 60_000, 120_000,
    300_000, 600_000,
];

/// How long something took.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LatencyHistogram {
    /// What this is of.
    #[serde(flatten)]
    basis: DashboardBasis,
    /// What was measured.
    metric: Metric,
    /// In numbers.
    durations: Durations,
    /// How often it took how long.
    buckets: Vec<LatencyBucket>,
}

/// A range of durations. What lies within 0.8 % of an end may be counted on its other side.
#[derive(Debug, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct LatencyBucket {
    /// Longer than so many milliseconds; the first range has its beginning too,
    from_ms: u64,
    /// and not longer than so many; `null`: without an end.
    to_ms: Option<u64>,
    /// How often.
    count: u64,
}

/// How long requests, or their stages, took.
#[utoipa::path(get, path = "/api/v1/admin/ops/dashboard/latency-histogram", operation_id = "get_latency_histogram", tag = "ops",
    params(HistogramParameters),
    responses((status = 200, body = LatencyHistogram), (status = 400, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<LatencyHistogram>, Problem> {
    let question = parse(
        query.as_deref(),
        &[WINDOW, SCOPE, METRIC],
        shared.clock.now(),
    )?;
    let all = RollupQuery {
        sketches: true,
        ..whole(&question)
    };
    let answers = ask(&shared, &question, vec![all]).await?;
    let mut found = answers.iter().map(|answer| {
        let sketches = answer.total().sketches;
        let sketch = match question.metric {
            Metric::Duration => &sketches.duration,
            Metric::FirstToken => &sketches.first_token,
            Metric::Auth => &sketches.auth,
            Metric::Routing => &sketches.routing,
            Metric::Upstream => &sketches.upstream,
            Metric::Response => &sketches.response,
        };
        LatencyHistogram {
            basis: DashboardBasis::of(&shared, answer),
            metric: question.metric,
            durations: Durations::from(sketch),
            buckets: buckets(sketch),
        }
    });
    found.next().map(Json).ok_or_else(super::no_answer)
}

fn buckets(sketch: &Sketch) -> Vec<LatencyBucket> {
    let (mut from_ms, mut before) = (0, 0);
    let ends = BOUNDS_MS.into_iter().map(Some).chain([None]);
    ends.map(|to_ms| {
        let up_to = to_ms.map_or(sketch.count(), |bound| sketch.at_most(bound));
        let bucket = LatencyBucket {
            from_ms,
            to_ms,
            count: up_to - before,
        };
        (from_ms, before) = (to_ms.unwrap_or(from_ms), up_to);
        bucket
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_everything_once() {
        let mut sketch = Sketch::default();
        for ms in [0, 50, 51, 900, 4_000, 4_001, 2_000_000] {
            sketch.add(ms);
        }
        let buckets = buckets(&sketch);
        assert_eq!(buckets.iter().map(|bucket| bucket.count).sum::<u64>(), 7);
        assert_eq!((buckets[0].count, buckets[1].count), (2, 1));
        assert_eq!(
            buckets.last().map(|bucket| (bucket.to_ms, bucket.count)),
            Some((None, 1))
        );
    }
}
