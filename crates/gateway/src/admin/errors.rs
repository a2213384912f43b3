//! `ops/errors`: failed requests.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Deserialize;
use waybill_model::{
    id::{ErrorId, RequestId},
    issue::hex,
    redact::Shown,
    view::{ErrorLogDetail, ErrorLogList, UpstreamErrorList},
};
use waybill_store::IssueChange;

use super::{
    App,
    actor::Actor,
    body::Body,
    entities::PathId,
    openapi::{FilterParameters, PageParameters},
    problem::{Problem, ProblemDetails},
};
use crate::{jobs::issue_settings, ops::filter, replay};

/// Failed requests, newest first. One that succeeded after hidden failures is listed only where
/// `recovered=true` asks for it.
#[utoipa::path(get, path = "/api/v1/admin/ops/errors", operation_id = "list_errors", tag = "ops", params(FilterParameters),
    responses((status = 200, body = ErrorLogList), (status = 400, body = ProblemDetails)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<ErrorLogList>, Problem> {
    let asked = filter::parse(query.as_deref(), shared.clock.now())?;
    Ok(Json(shared.store.errors(&asked.filter, &asked.page).await?))
}

/// One failure, whole; without headers and bodies for whoever is no operator: `withheld` names what is
/// missing. `id` is the row's, or the gateway's id of the request.
#[utoipa::path(get, path = "/api/v1/admin/ops/errors/{id}", operation_id = "get_error", tag = "ops",
    params(("id" = String, Path, description = "Row id or request id")),
    responses((status = 200, body = ErrorLogDetail), (status = 404, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    actor: Actor,
    PathId(id): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<ErrorLogDetail>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    let mut error = whole(&shared, &id).await?;
    if !actor.sees_in_full() {
        error.withhold();
    }
    Ok(Json(error))
}

/// The failed attempts of one request, newest first.
#[utoipa::path(get, path = "/api/v1/admin/ops/errors/{id}/upstream-errors", operation_id = "list_upstream_errors_of_error", tag = "ops",
    params(("id" = String, Path, description = "Row id or request id"), PageParameters),
    responses((status = 200, body = UpstreamErrorList), (status = 404, body = ProblemDetails)))]
pub async fn upstream_errors(
    State(shared): State<App>,
    actor: Actor,
    PathId(id): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<UpstreamErrorList>, Problem> {
    let page = filter::parse_page(query.as_deref())?;
    let error = find(&shared, &id).await?;
    let list = shared.store.events_of_error(error.log.id, &page).await?;
    Ok(Json(seen_by(&actor, list)))
}

/// Attempts as whoever asks may see them.
pub fn seen_by(actor: &Actor, mut list: UpstreamErrorList) -> UpstreamErrorList {
    if !actor.sees_in_full() {
        list.events.iter_mut().for_each(|event| event.withhold());
    }
    list
}

/// Body of `resolve`.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Resolve {
    /// Whether it is dealt with.
    resolved: bool,
    /// Whether its issue is, too. Without it the issue stays as it is: one failure dealt with is not the kind.
    #[serde(default)]
    issue: bool,
}

/// Marks a failure as dealt with, or not.
#[utoipa::path(put, path = "/api/v1/admin/ops/errors/{id}/resolve", operation_id = "resolve_error", tag = "ops",
    params(("id" = String, Path, description = "Row id or request id")), request_body = Resolve,
    responses((status = 200, body = ErrorLogDetail), (status = 404, body = ProblemDetails)))]
pub async fn resolve(
    State(shared): State<App>,
    actor: Actor,
    PathId(id): PathId,
    Body(resolve): Body<Resolve>,
) -> Result<Json<ErrorLogDetail>, Problem> {
    let error = find(&shared, &id).await?;
    if resolve.issue
        && let Some(issue) = &error.issue
        && let Some(key) = hex::key(&issue.fingerprint)
    {
        let change = match resolve.resolved {
            true => IssueChange::Resolve,
            false => IssueChange::Reopen,
        };
        let detail = Some(Shown::own("with one of its failures"));
        let (settings, now) = (issue_settings(&shared), shared.clock.now());
        shared
            .store
            .change_issue(key, change, Some(actor.name.clone()), detail, settings, now)
            .await?;
    }
    shared
        .store
        .set_resolved(error.log.id, resolve.resolved)
        .await?;
    whole(&shared, &id).await.map(Json)
}

/// One failure, and whether it can be sent again.
async fn whole(shared: &App, id: &str) -> Result<ErrorLogDetail, Problem> {
    let error = find(shared, id).await?;
    let unreplayable = replay::unreplayable(shared, &error, error.replayable);
    Ok(ErrorLogDetail {
        replayable: unreplayable.is_none(),
        unreplayable,
        ..error
    })
}

/// One failure, by its row's id or its request's.
pub(super) async fn find(shared: &App, id: &str) -> Result<ErrorLogDetail, Problem> {
    let found = match (id.parse::<ErrorId>(), id.parse::<RequestId>()) {
        (Ok(row), _) => shared.store.error(row).await?,
        (_, Ok(request)) => {
            shared
                .store
                .error_by_request_id(&request.to_string())
                .await?
        }
        _ => {
            return Err(Problem::parameter(
                "id",
                "neither the id of an error nor that of a request",
            ));
        }
    };
    found.ok_or_else(|| Problem::not_found("error", id))
}
