//! `ops/dashboard/error-distribution-trend`: what failed, by what, over time.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::time::UnixMillis;
use waybill_store::RollupQuery;

use super::{Kind, counted, ranked};
use crate::{
    admin::{
        App,
        dashboard::{
            DashboardBasis,
            over_time::{BARS, Step, Trend, over_time},
            whole,
        },
        openapi::BreakdownTrendParameters,
        problem::{Problem, ProblemDetails},
    },
    ops::dashboard::{BREAKDOWN_OVER_TIME, By, Of, Question, SCOPE, WINDOW, parse},
};

/// Values that are named; the rest is one.
const MOST_VALUES: usize = 20;

/// What failed, by what, over time.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorDistributionTrend {
    /// What this is of.
    #[serde(flatten)]
    basis: DashboardBasis,
    /// Whose failures.
    of: Of,
    /// By what they are told apart.
    by: By,
    /// How long a step is; the first and the last may be cut short.
    step_ms: i64,
    /// The most frequent of the window first.
    values: Vec<ErrorValue>,
    /// Steps that follow one another, also those in which nothing failed.
    points: Vec<ErrorDistributionPoint>,
}

/// Failures of one kind.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorValue {
    /// Of which: a word, a status.
    value: String,
    /// How many, in all steps together.
    count: u64,
    /// What happened, as a sentence, where failures are told apart by cause.
    explanation: Option<&'static str>,
}

/// One step.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorDistributionPoint {
    /// Where it begins.
    start_time: UnixMillis,
    /// How many of each kind, in the order of `values`.
    counts: Vec<u64>,
    /// What is not named.
    others: u64,
}

/// What failed, by cause, status, owner or stage, over time. Its steps are longer than those of `error-trend`, so that
/// there are some sixty at most; together they are what `error-distribution` says from `start_time` to `end_time`.
#[utoipa::path(get, path = "/api/v1/admin/ops/dashboard/error-distribution-trend",
    operation_id = "get_error_distribution_trend", tag = "ops",
    params(BreakdownTrendParameters),
    responses((status = 200, body = ErrorDistributionTrend), (status = 400, body = ProblemDetails)))]
pub async fn distribution_trend(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<ErrorDistributionTrend>, Problem> {
    let question = parse(
        query.as_deref(),
        &[WINDOW, SCOPE, BREAKDOWN_OVER_TIME],
        shared.clock.now(),
    )?;
    let asked = RollupQuery {
        causes: true,
        ..whole(&question)
    };
    let trend = over_time(&shared, &question, BARS, asked).await?;
    let (values, points) = shown(&question, &trend);
    Ok(Json(ErrorDistributionTrend {
        basis: DashboardBasis::of(&shared, &trend.answer),
        of: question.of,
        by: question.by,
        step_ms: trend.step_ms,
        values,
        points,
    }))
}

fn shown(question: &Question, trend: &Trend) -> (Vec<ErrorValue>, Vec<ErrorDistributionPoint>) {
    let mut kinds = ranked(counted(question, &trend.answer.buckets));
    kinds.truncate(MOST_VALUES);
    let point = |step: &Step<'_>| {
        let here = counted(question, step.buckets);
        let counts = kinds.iter().map(|(value, _)| here.get(value));
        let counts: Vec<u64> = counts.map(|kind| kind.map_or(0, Kind::count)).collect();
        let all: u64 = here.values().map(Kind::count).sum();
        ErrorDistributionPoint {
            start_time: step.start,
            others: all - counts.iter().sum::<u64>(),
            counts,
        }
    };
    let points = trend.steps().iter().map(point).collect();
    let value = |(value, kind): (String, Kind)| ErrorValue {
        value,
        count: kind.count(),
        explanation: kind.explanation,
    };
    (kinds.into_iter().map(value).collect(), points)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use waybill_model::{
        cause::{Cause, Owner, Phase},
        rollup::{CauseCount, Side, Span, Why},
    };

    use super::*;

    const MINUTE: i64 = Span::Minute.millis();

    /// So many failures of a status.
    fn failed(status: u16, count: u64) -> CauseCount {
        let why = Why {
            side: Side::Failed,
            cause: Cause::Overloaded,
            phase: Phase::Upstream,
            owner: Owner::Provider,
            is_business_limited: false,
            status,
        };
        CauseCount { why, count }
    }

    #[test]
    fn the_most_frequent_are_named_and_the_rest_is_one() {
        let now = UnixMillis(10 * MINUTE);
        let question = parse(Some("by=status_code"), &[BREAKDOWN_OVER_TIME], now).unwrap();
        // One of 500, two of 501, and so on; later one more of the first, and three of the last.
        let first = (0..25).map(|n| failed(500 + n, u64::from(n) + 1));
        let buckets = [
            (2, first.collect()),
            (7, vec![failed(500, 1), failed(524, 3)]),
        ];
        let trend = Trend::of(0, 10 * MINUTE, 5 * MINUTE, &buckets);
        let (values, points) = shown(&question, &trend);
        let named: Vec<(&str, u64)> = values.iter().map(|one| (&*one.value, one.count)).collect();
        assert_eq!(named.len(), MOST_VALUES);
        assert_eq!(named.first(), Some(&("524", 28)));
        assert_eq!(named.last(), Some(&("505", 6)));
        let [first, second] = points.as_slice() else {
            panic!("{points:?}")
        };
        assert_eq!((first.counts[0], first.others), (25, 1 + 2 + 3 + 4 + 5));
        assert_eq!((second.counts[0], second.others), (3, 1));
        for (place, value) in values.iter().enumerate() {
            assert_eq!(first.counts[place] + second.counts[place], value.count);
        }
    }
}
