//! The other lists of what happened: failed attempts, requests, refusals before auth.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use waybill_model::{
    id::EventId,
    view::{List, NoiseCount, RequestLog, UpstreamErrorEvent, UpstreamErrorList},
};

use super::{
    App,
    actor::Actor,
    entities::{PathId, id},
    errors::seen_by,
    openapi::{FilterParameters, WindowParameters},
    problem::{Problem, ProblemDetails},
};
use crate::ops::filter;

/// Failed upstream attempts, newest first: also those that failover hid from the client.
#[utoipa::path(get, path = "/api/v1/admin/ops/upstream-errors", operation_id = "list_upstream_errors", tag = "ops",
    params(FilterParameters),
    responses((status = 200, body = UpstreamErrorList), (status = 400, body = ProblemDetails)))]
pub async fn upstream_errors(
    State(shared): State<App>,
    actor: Actor,
    RawQuery(query): RawQuery,
) -> Result<Json<UpstreamErrorList>, Problem> {
    let asked = filter::parse(query.as_deref(), shared.clock.now())?;
    let found = shared.store.upstream_errors(&asked.filter, &asked.page);
    Ok(Json(seen_by(&actor, found.await?)))
}

/// One failed attempt, with headers and body; without them for whoever is no operator.
#[utoipa::path(get, path = "/api/v1/admin/ops/upstream-errors/{id}", operation_id = "get_upstream_error", tag = "ops",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, body = UpstreamErrorEvent), (status = 404, body = ProblemDetails)))]
pub async fn upstream_error(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<UpstreamErrorEvent>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    let found = shared.store.upstream_error(EventId(id(&text)?)).await?;
    let mut event = found.ok_or_else(|| Problem::not_found("upstream error", text))?;
    if !actor.sees_in_full() {
        event.withhold();
    }
    Ok(Json(event))
}

/// Requests, successes too, newest first: as many as the configuration keeps.
#[utoipa::path(get, path = "/api/v1/admin/ops/requests", operation_id = "list_requests", tag = "ops", params(FilterParameters),
    responses((status = 200, body = List<RequestLog>), (status = 400, body = ProblemDetails)))]
pub async fn requests(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<RequestLog>>, Problem> {
    let asked = filter::parse(query.as_deref(), shared.clock.now())?;
    Ok(Json(
        shared.store.requests(&asked.filter, &asked.page).await?,
    ))
}

/// Requests refused before auth, counted per minute and source.
#[utoipa::path(get, path = "/api/v1/admin/ops/noise", operation_id = "list_noise", tag = "ops", params(WindowParameters),
    responses((status = 200, body = List<NoiseCount>), (status = 400, body = ProblemDetails)))]
pub async fn noise(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<NoiseCount>>, Problem> {
    let asked = filter::parse_window(query.as_deref(), shared.clock.now())?;
    Ok(Json(
        shared
            .store
            .noise(asked.filter.start, asked.filter.end, &asked.page)
            .await?,
    ))
}
