//! `ops/dashboard/latency-histogram` and `latency-trend`: how long requests, or their stages, took, as a whole and over
//! time.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::{
    rollup::{Bucket, Measure},
    time::UnixMillis,
};
use waybill_store::RollupQuery;

use super::{
    DashboardBasis, Durations, ask,
    over_time::{BARS, Step, over_time},
    whole,
};
use crate::{
    admin::{
        App,
        openapi::HistogramParameters,
        problem::{Problem, ProblemDetails},
    },
    app::Shared,
    ops::{
        dashboard::{METRIC, Metric, Question, SCOPE, WINDOW, parse},
        query::BadParameter,
    },
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

/// How often it took how long.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LatencyBucket {
    /// How long.
    #[serde(flatten)]
    range: LatencyRange,
    /// How often.
    count: u64,
}

/// A range of durations. What lies within 0.8 % of an end may be counted on its other side.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct LatencyRange {
    /// Longer than so many milliseconds; the first range has its beginning too,
    from_ms: u64,
    /// and not longer than so many; `null`: without an end.
    to_ms: Option<u64>,
}

/// How long requests, or their stages, took.
#[utoipa::path(get, path = "/api/v1/admin/ops/dashboard/latency-histogram", operation_id = "get_latency_histogram", tag = "ops",
    params(HistogramParameters),
    responses((status = 200, body = LatencyHistogram), (status = 400, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<LatencyHistogram>, Problem> {
    let question = question(&shared, query.as_deref())?;
    let answers = ask(&shared, &question, vec![measured(&question)]).await?;
    let answer = answers.first().ok_or_else(super::no_answer)?;
    let sketches = answer.total().sketches;
    let sketch = sketches.get(measure(question.metric));
    let counts = sketch.spread(&BOUNDS_MS);
    Ok(Json(LatencyHistogram {
        basis: DashboardBasis::of(&shared, answer),
        metric: question.metric,
        durations: Durations::from(sketch),
        buckets: ranges()
            .zip(counts)
            .map(|(range, count)| LatencyBucket { range, count })
            .collect(),
    }))
}

/// How long something took, over time.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LatencyTrend {
    /// What this is of.
    #[serde(flatten)]
    basis: DashboardBasis,
    /// What was measured.
    metric: Metric,
    /// How long a step is; the first and the last may be cut short.
    step_ms: i64,
    /// By which durations are told apart: those of `latency-histogram`.
    ranges: Vec<LatencyRange>,
    /// Steps that follow one another, also those in which nothing was measured.
    points: Vec<LatencyPoint>,
}

/// One step.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct LatencyPoint {
    /// Where it begins.
    start_time: UnixMillis,
    /// How often it was measured.
    count: u64,
    /// How often in each of `ranges`.
    counts: Vec<u64>,
}

/// How long requests, or their stages, took, over time. Its steps are longer than those of `throughput-trend`, so that
/// there are some sixty at most; together they are what `latency-histogram` says from `start_time` to `end_time`.
#[utoipa::path(get, path = "/api/v1/admin/ops/dashboard/latency-trend", operation_id = "get_latency_trend", tag = "ops",
    params(HistogramParameters),
    responses((status = 200, body = LatencyTrend), (status = 400, body = ProblemDetails)))]
pub async fn latency_trend(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<LatencyTrend>, Problem> {
    let question = question(&shared, query.as_deref())?;
    let trend = over_time(&shared, &question, BARS, measured(&question)).await?;
    let point = |step: &Step<'_>| {
        let counts = counts(question.metric, step.buckets);
        LatencyPoint {
            start_time: step.start,
            count: counts.iter().sum(),
            counts,
        }
    };
    Ok(Json(LatencyTrend {
        basis: DashboardBasis::of(&shared, &trend.answer),
        metric: question.metric,
        step_ms: trend.step_ms,
        ranges: ranges().collect(),
        points: trend.steps().iter().map(point).collect(),
    }))
}

fn question(shared: &Shared, query: Option<&str>) -> Result<Question, BadParameter> {
    parse(query, &[WINDOW, SCOPE, METRIC], shared.clock.now())
}

fn measured(question: &Question) -> RollupQuery {
    RollupQuery {
        sketches: measure(question.metric).alone(),
        ..whole(question)
    }
}

fn measure(metric: Metric) -> Measure {
    match metric {
        Metric::Duration => Measure::Duration,
        Metric::FirstToken => Measure::FirstToken,
        Metric::Auth => Measure::Auth,
        Metric::Routing => Measure::Routing,
        Metric::Upstream => Measure::Upstream,
        Metric::Response => Measure::Response,
    }
}

fn ranges() -> impl Iterator<Item = LatencyRange> {
    let begins = std::iter::once(0).chain(BOUNDS_MS);
    let ends = BOUNDS_MS.into_iter().map(Some).chain([None]);
    begins
        .zip(ends)
        .map(|(from_ms, to_ms)| LatencyRange { from_ms, to_ms })
}

/// How often in each range, of all buckets together.
fn counts(metric: Metric, buckets: &[Bucket]) -> Vec<u64> {
    let mut counts = vec![0; BOUNDS_MS.len() + 1];
    for bucket in buckets {
        let more = bucket.sketches.get(measure(metric)).spread(&BOUNDS_MS);
        for (count, more) in counts.iter_mut().zip(more) {
            *count += more;
        }
    }
    counts
}

#[cfg(test)]
mod tests {
    use waybill_model::sketch::Sketch;

    use super::*;

    #[test]
    fn ranges_hold_everything_once() {
        let mut sketch = Sketch::default();
        for ms in [0, 50, 51, 900, 4_000, 4_001, 2_000_000] {
            sketch.add(ms);
        }
        let counts = sketch.spread(&BOUNDS_MS);
        let named: Vec<_> = ranges()
            .zip(counts)
            .filter(|(_, count)| *count > 0)
            .collect();
        let named = named
            .iter()
            .map(|(range, count)| (range.from_ms, range.to_ms, *count));
        assert_eq!(
            named.collect::<Vec<_>>(),
            [
                (0, Some(50), 2),
                (50, Some(100), 1),
                (500, Some(1_000), 1),
                (3_000, Some(5_000), 2),
                (600_000, None, 1)
            ]
        );
    }
}
