//! `users`: whom API keys belong to.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use serde::Deserialize;
use waybill_model::{
    entity::{Status, User},
    id::UserId,
    view::List,
};
use waybill_store::{NewUser, UserChange};

use super::{
    App,
    body::Body,
    check,
    entities::{PathId, apply, id, paged},
    openapi::NumberParameters,
    problem::{Problem, ProblemDetails},
};

/// A user to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserForm {
    /// Unique name.
    name: String,
    /// Whether their keys work.
    status: Option<Status>,
}

/// What to change about a user; what is absent stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// Unique name.
    name: Option<String>,
    /// Whether their keys work.
    status: Option<Status>,
}

/// Every user, by id.
#[utoipa::path(get, path = "/api/v1/admin/users", operation_id = "list_users", tag = "users", params(NumberParameters),
    responses((status = 200, body = List<User>)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<User>>, Problem> {
    paged(shared.store.users().await?, query.as_deref()).map(Json)
}

/// One user.
#[utoipa::path(get, path = "/api/v1/admin/users/{id}", operation_id = "get_user", tag = "users",
    params(("id" = i64, Path)), responses((status = 200, body = User), (status = 404, body = ProblemDetails)))]
pub async fn show(State(shared): State<App>, PathId(text): PathId) -> Result<Json<User>, Problem> {
    let found = shared.store.user(UserId(id(&text)?)).await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("user", text))
}

/// Makes a user.
#[utoipa::path(post, path = "/api/v1/admin/users", operation_id = "create_user", tag = "users", request_body = UserForm,
    responses((status = 201, body = User), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn create(
    State(shared): State<App>,
    Body(form): Body<UserForm>,
) -> Result<(StatusCode, Json<User>), Problem> {
    check::name(&form.name)?;
    let new = NewUser {
        name: form.name,
        limits: waybill_model::limits::Limits::default(),
        credit_usd: None,
        status: form.status.unwrap_or(Status::Active),
    };
    let user = shared.store.create_user(new, shared.clock.now()).await?;
    apply(&shared).await?;
    Ok((StatusCode::CREATED, Json(user)))
}

/// Changes a user. The next request sees the change.
#[utoipa::path(patch, path = "/api/v1/admin/users/{id}", operation_id = "change_user", tag = "users",
    params(("id" = i64, Path)), request_body = UserPatch,
    responses((status = 200, body = User), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    PathId(text): PathId,
    Body(patch): Body<UserPatch>,
) -> Result<Json<User>, Problem> {
    let id = UserId(id(&text)?);
    patch.name.as_deref().map_or(Ok(()), check::name)?;
    let change = UserChange {
        name: patch.name,
        status: patch.status,
        ..UserChange::default()
    };
    let user = shared
        .store
        .update_user(id, change, shared.clock.now())
        .await?;
    apply(&shared).await?;
    Ok(Json(user))
}

/// Deletes a user who has no keys.
#[utoipa::path(delete, path = "/api/v1/admin/users/{id}", operation_id = "delete_user", tag = "users",
    params(("id" = i64, Path)), responses((status = 204), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn remove(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    shared.store.delete_user(UserId(id(&text)?)).await?;
    apply(&shared).await?;
    Ok(StatusCode::NO_CONTENT)
}
