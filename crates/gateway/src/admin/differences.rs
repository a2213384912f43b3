//! `ops/errors/differences`: what failures have more often than successes.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use waybill_model::differs::Differences;
use waybill_store::DifferenceBounds;

use super::{
    App,
    openapi::ChosenParameters,
    problem::{Problem, ProblemDetails},
};
use crate::ops::filter;

/// How many rows one question compares.
const BOUNDS: DifferenceBounds = DifferenceBounds {
    failures: 20_000,
    successes: 50_000,
};

/// What is different about the failures that the filters choose: the values of accounts, models, keys, clients
/// and other attributes that they have more often than what was served in the same window and scope, most
/// first.
#[utoipa::path(get, path = "/api/v1/admin/ops/errors/differences", operation_id = "get_error_differences", tag = "ops",
    params(ChosenParameters),
    responses((status = 200, body = Differences), (status = 400, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Differences>, Problem> {
    let chosen = filter::parse_chosen(query.as_deref(), shared.clock.now())?;
    Ok(Json(shared.store.differences(&chosen, BOUNDS).await?))
}
