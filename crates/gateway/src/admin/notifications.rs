//! `ops/notifications`: what was told to whom, and how that went.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use waybill_model::{id::NotificationId, notify::Delivery, view::List};

use super::{
    App,
    entities::{PathId, id},
    openapi::DeliveryParameters,
    problem::{Problem, ProblemCode, ProblemDetails},
};
use crate::{
    notify::Notifier,
    ops::{deliveries, filter},
};

/// The log of deliveries, newest first: what waits, what was taken, what failed and why.
#[utoipa::path(get, path = "/api/v1/admin/ops/notifications", operation_id = "list_notifications", tag = "notifications", params(DeliveryParameters),
    responses((status = 200, body = List<Delivery>), (status = 400, body = ProblemDetails)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<Delivery>>, Problem> {
    let asked = deliveries::parse(query.as_deref(), shared.clock.now())?;
    let found = shared.store.notifications(&asked.filter, &asked.page);
    Ok(Json(found.await?))
}

/// One delivery.
#[utoipa::path(get, path = "/api/v1/admin/ops/notifications/{id}", operation_id = "get_notification", tag = "notifications",
    params(("id" = i64, Path)), responses((status = 200, body = Delivery), (status = 404, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<Delivery>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    find(&shared, NotificationId(id(&text)?)).await.map(Json)
}

/// Tries a delivery again: one that failed or was dropped at its old place in the line, one that waits at once.
#[utoipa::path(post, path = "/api/v1/admin/ops/notifications/{id}/retry", operation_id = "retry_notification", tag = "notifications",
    params(("id" = i64, Path)),
    responses((status = 200, body = Delivery), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn retry(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<Json<Delivery>, Problem> {
    let id = NotificationId(id(&text)?);
    let now = shared.clock.now();
    if !shared.store.retry_notification(id, now).await? {
        let detail = "it was sent, or its channel is switched off or gone";
        return Err(Problem::new(ProblemCode::NotPending, detail));
    }
    Notifier::ring(&shared.notifier);
    find(&shared, id).await.map(Json)
}

async fn find(shared: &App, id: NotificationId) -> Result<Delivery, Problem> {
    let found = shared.store.notification(id).await?;
    found.ok_or_else(|| Problem::not_found("notification", id))
}
