//! `ops/objectives`: what is promised, what was reached, and a statement of it that can be handed out.

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;
use waybill_model::{
    alert::Objective,
    objective::{ObjectiveBody, Side},
    rollup::Span,
    view::List,
};

use super::{
    App,
    actor::Actor,
    alerts::invalid,
    body::Body,
    entities::{PathId, id, paged},
    openapi::{NumberParameters, StatementParameters},
    problem::{Problem, ProblemDetails},
};
use crate::{
    alerts::{LevelNow, Statement, level_now, statement},
    ops::{
        filter,
        statement::{Format, parse},
    },
};

/// An objective, and how it stands.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ObjectiveNow {
    /// What is promised.
    objective: Objective,
    /// How it stands.
    level: LevelNow,
}

/// Objectives, by id.
#[utoipa::path(get, path = "/api/v1/admin/ops/objectives", operation_id = "list_objectives", tag = "alerts", params(NumberParameters),
    responses((status = 200, body = List<Objective>), (status = 400, body = ProblemDetails)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<Objective>>, Problem> {
    Ok(Json(paged(
        shared.store.objectives().await?,
        query.as_deref(),
    )?))
}

/// One objective, with what was reached, what is left of its budget, how fast that is spent, and when it will be gone.
#[utoipa::path(get, path = "/api/v1/admin/ops/objectives/{id}", operation_id = "get_objective", tag = "alerts",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, body = ObjectiveNow), (status = 404, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<ObjectiveNow>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    let objective = find(&shared, &text).await?;
    // Until the end of the minute that goes on: what just happened counts.
    let at = Span::Minute.end(shared.clock.now().plus_ms(1));
    let level = level_now(&shared, &objective, at).await?;
    Ok(Json(ObjectiveNow { objective, level }))
}

/// Promises something.
#[utoipa::path(post, path = "/api/v1/admin/ops/objectives", operation_id = "create_objective", tag = "alerts",
    request_body = ObjectiveBody,
    responses((status = 201, body = Objective), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn create(
    State(shared): State<App>,
    actor: Actor,
    Body(body): Body<ObjectiveBody>,
) -> Result<(StatusCode, Json<Objective>), Problem> {
    let saved = save(&shared, None, body, actor).await?;
    Ok((StatusCode::CREATED, Json(saved)))
}

/// Promises something else.
#[utoipa::path(put, path = "/api/v1/admin/ops/objectives/{id}", operation_id = "change_objective", tag = "alerts",
    params(("id" = i64, Path, description = "Row id")), request_body = ObjectiveBody,
    responses((status = 200, body = Objective), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
    Body(body): Body<ObjectiveBody>,
) -> Result<Json<Objective>, Problem> {
    let id = id(&text)?;
    save(&shared, Some(id), body, actor).await.map(Json)
}

async fn save(
    shared: &App,
    id: Option<i64>,
    body: ObjectiveBody,
    actor: Actor,
) -> Result<Objective, Problem> {
    body.check().map_err(invalid)?;
    let now = shared.clock.now();
    let saved = shared.store.save_objective(id, body, Some(actor.name), now);
    Ok(saved.await?)
}

/// Promises it no longer.
#[utoipa::path(delete, path = "/api/v1/admin/ops/objectives/{id}", operation_id = "delete_objective", tag = "alerts",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 204), (status = 404, body = ProblemDetails)))]
pub async fn remove(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    shared.store.remove_objective(id(&text)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What was promised and what was reached in the objective's window, or in another one of at most 90 days, day by day,
/// with every kind of failure that does not count and why: as JSON
/// or, with `format=csv`, as a table. `format=ledger` lists each failure that does not count by itself.
#[utoipa::path(get, path = "/api/v1/admin/ops/objectives/{id}/statement", operation_id = "get_objective_statement", tag = "alerts",
    params(("id" = i64, Path, description = "Row id"), StatementParameters),
    responses((status = 200, body = Statement), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails)))]
pub async fn show_statement(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let now = shared.clock.now();
    let objective = find(&shared, &text).await?;
    let asked = parse(query.as_deref(), objective.body.window_ms(), now)?;
    let (start, end) = (asked.start, asked.end);
    let said = statement::of(&shared, objective, start, end).await?;
    match asked.format {
        Format::Json => Ok(Json(said).into_response()),
        Format::Csv => Ok(csv(statement::csv(&said))),
        Format::Ledger if said.objective.body.side == Side::Provider => Err(Problem::parameter(
            "format",
            "the provider's side counts attempts: there is a ledger of requests alone",
        )),
        Format::Ledger => Ok(csv(statement::ledger(&shared, &said).await?)),
    }
}

fn csv(text: String) -> Response {
    let mut response = text.into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("text/csv; charset=utf-8"),
    );
    headers.insert(
        header::CONTENT_DISPOSITION,
        HeaderValue::from_static("attachment; filename=\"statement.csv\""),
    );
    response
}

async fn find(shared: &App, text: &str) -> Result<Objective, Problem> {
    let id = id(text)?;
    let all = shared.store.objectives().await?;
    all.into_iter()
        .find(|objective| objective.id == id)
        .ok_or_else(|| Problem::not_found("objective", id))
}
