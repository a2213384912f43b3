//! `ops/dashboard/error-trend`: what failed, over time.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::time::UnixMillis;

use super::{
    DashboardBasis, Percent,
    over_time::{LINES, Step, over_time},
    whole,
};
use crate::{
    admin::{
        App,
        openapi::DashboardParameters,
        problem::{Problem, ProblemDetails},
    },
    ops::dashboard::{SCOPE, WINDOW, parse},
};

/// What failed over time.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorTrend {
    /// What this is of.
    #[serde(flatten)]
    basis: DashboardBasis,
    /// How long a step is; the first and the last may be cut short.
    step_ms: i64,
    /// Steps that follow one another, also those in which nothing happened.
    points: Vec<ErrorPoint>,
}

/// One step.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorPoint {
    /// Where it begins.
    start_time: UnixMillis,
    /// Requests.
    requests: u64,
    /// Failed, and count against the service.
    failures: u64,
    /// Of them, those inside an answer that had begun as a success.
    broken_answers: u64,
    /// Failed by the client's own doing.
    client_errors: u64,
    /// Failed for a limit of the client's.
    business_limited: u64,
    /// The client went away.
    client_gone: u64,
    /// Succeeded after hidden failures.
    recovered: u64,
    /// Attempts at providers that were answered with 429.
    upstream_429: u64,
    /// Those answered with 529.
    upstream_529: u64,
    /// Those that failed otherwise, and not by the client's own doing.
    upstream_other: u64,
    /// What clients saw.
    sla: Percent,
}

/// What failed, over time.
#[utoipa::path(get, path = "/api/v1/admin/ops/dashboard/error-trend", operation_id = "get_error_trend", tag = "ops",
    params(DashboardParameters),
    responses((status = 200, body = ErrorTrend), (status = 400, body = ProblemDetails)))]
pub async fn trend(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<ErrorTrend>, Problem> {
    let question = parse(query.as_deref(), &[WINDOW, SCOPE], shared.clock.now())?;
    let trend = over_time(&shared, &question, LINES, whole(&question)).await?;
    Ok(Json(ErrorTrend {
        points: trend.steps().iter().map(ErrorPoint::of).collect(),
        basis: DashboardBasis::of(&shared, &trend.answer),
        step_ms: trend.step_ms,
    }))
}

impl ErrorPoint {
    fn of(step: &Step<'_>) -> ErrorPoint {
        let counts = step.counts();
        ErrorPoint {
            start_time: step.start,
            requests: counts.requests,
            failures: counts.failures,
            broken_answers: counts.broken_answers,
            client_errors: counts.client_errors,
            business_limited: counts.business_limited,
            client_gone: counts.client_gone,
            recovered: counts.recovered,
            upstream_429: counts.attempts_429,
            upstream_529: counts.attempts_529,
            upstream_other: counts.attempts_failed_otherwise(),
            sla: counts.service_level().into(),
        }
    }
}
