//! `ops/dashboard/throughput-trend`: how much was asked for and served, over time.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::{money::MicroUsd, time::UnixMillis};

use super::{
    DashboardBasis,
    over_time::{LINES, Step, over_time},
    per_second, whole,
};
use crate::{
    admin::{
        App,
        openapi::DashboardParameters,
        problem::{Problem, ProblemDetails},
    },
    ops::dashboard::{SCOPE, WINDOW, parse},
};

/// How much was asked for and served.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ThroughputTrend {
    /// What this is of.
    #[serde(flatten)]
    basis: DashboardBasis,
    /// How long a step is; the first and the last may be cut short.
    step_ms: i64,
    /// Steps that follow one another, also those in which nothing happened.
    points: Vec<ThroughputPoint>,
}

/// One step.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ThroughputPoint {
    /// Where it begins.
    start_time: UnixMillis,
    /// Requests.
    requests: u64,
    /// Of them, those that were served.
    successes: u64,
    /// Attempts at providers.
    attempts: u64,
    /// Prompt tokens.
    input_tokens: u64,
    /// Answer tokens.
    output_tokens: u64,
    /// Prompt tokens read from caches.
    cache_read_tokens: u64,
    /// What it cost, in US dollars, where models have a price.
    cost_usd: MicroUsd,
    /// Requests per second.
    qps: f64,
    /// Tokens of prompts and answers per second.
    tps: f64,
}

/// Requests and tokens over time.
#[utoipa::path(get, path = "/api/v1/admin/ops/dashboard/throughput-trend", operation_id = "get_throughput_trend", tag = "ops",
    params(DashboardParameters),
    responses((status = 200, body = ThroughputTrend), (status = 400, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<ThroughputTrend>, Problem> {
    let question = parse(query.as_deref(), &[WINDOW, SCOPE], shared.clock.now())?;
    let trend = over_time(&shared, &question, LINES, whole(&question)).await?;
    Ok(Json(ThroughputTrend {
        points: trend.steps().iter().map(ThroughputPoint::of).collect(),
        basis: DashboardBasis::of(&shared, &trend.answer),
        step_ms: trend.step_ms,
    }))
}

impl ThroughputPoint {
    fn of(step: &Step<'_>) -> ThroughputPoint {
        let counts = step.counts();
        ThroughputPoint {
            start_time: step.start,
            requests: counts.requests,
            successes: counts.successes,
            attempts: counts.attempts,
            input_tokens: counts.input_tokens,
            output_tokens: counts.output_tokens,
            cache_read_tokens: counts.cache_read_tokens,
            cost_usd: MicroUsd(i64::try_from(counts.cost_micro_usd).unwrap_or(i64::MAX)),
            qps: per_second(counts.requests, step.length_ms),
            tps: per_second(counts.tokens(), step.length_ms),
        }
    }
}
