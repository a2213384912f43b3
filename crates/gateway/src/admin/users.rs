//! `users`: whom API keys belong to.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use waybill_model::{
    entity::{Status, User},
    id::UserId,
    limits::Limits,
    money::MicroUsd,
    view::List,
};
use waybill_store::{NewUser, UserChange};

use super::{
    App,
    body::{Body, present},
    check,
    entities::{PathId, apply, id, paged},
    openapi::NumberParameters,
    problem::{Problem, ProblemDetails},
    usage::{Use, balance},
};
use crate::app::Shared;

/// A user as they are shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UserView {
    /// Their definition.
    #[serde(flatten)]
    user: User,
    /// What they use, all keys together.
    #[serde(flatten)]
    used: Use,
    /// What is left of `credit_usd`; `null`: no balance is kept.
    balance_usd: Option<MicroUsd>,
}

/// A user to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserForm {
    /// Unique name.
    name: String,
    /// What they may use, all keys together.
    #[serde(default)]
    limits: Limits,
    /// US dollars paid in advance, ever; absent: no balance is kept.
    credit_usd: Option<MicroUsd>,
    /// Whether their keys work.
    status: Option<Status>,
}

/// What to change about a user; what is absent stays.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UserPatch {
    /// Unique name.
    name: Option<String>,
    /// What they may use, all keys together: all of it.
    limits: Option<Limits>,
    /// US dollars paid in advance, ever: the new sum, not what is added. `null`: no balance is kept.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<MicroUsd>)]
    credit_usd: Option<Option<MicroUsd>>,
    /// Whether their keys work.
    status: Option<Status>,
}

/// Every user, by id.
#[utoipa::path(get, path = "/api/v1/admin/users", operation_id = "list_users", tag = "users", params(NumberParameters),
    responses((status = 200, body = List<UserView>)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<UserView>>, Problem> {
    let users = shared.store.users().await?;
    let all = users.into_iter().map(|user| view(&shared, user)).collect();
    paged(all, query.as_deref()).map(Json)
}

/// One user.
#[utoipa::path(get, path = "/api/v1/admin/users/{id}", operation_id = "get_user", tag = "users",
    params(("id" = i64, Path)), responses((status = 200, body = UserView), (status = 404, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<Json<UserView>, Problem> {
    let found = shared.store.user(UserId(id(&text)?)).await?;
    found
        .map(|user| Json(view(&shared, user)))
        .ok_or_else(|| Problem::not_found("user", text))
}

/// Makes a user.
#[utoipa::path(post, path = "/api/v1/admin/users", operation_id = "create_user", tag = "users", request_body = UserForm,
    responses((status = 201, body = UserView), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn create(
    State(shared): State<App>,
    Body(form): Body<UserForm>,
) -> Result<(StatusCode, Json<UserView>), Problem> {
    check::name(&form.name)?;
    check::limits(&form.limits)?;
    let new = NewUser {
        name: form.name,
        limits: form.limits,
        credit_usd: form.credit_usd,
        status: form.status.unwrap_or(Status::Active),
    };
    let user = shared.store.create_user(new, shared.clock.now()).await?;
    apply(&shared).await?;
    Ok((StatusCode::CREATED, Json(view(&shared, user))))
}

/// Changes a user. The next request sees the change.
#[utoipa::path(patch, path = "/api/v1/admin/users/{id}", operation_id = "change_user", tag = "users",
    params(("id" = i64, Path)), request_body = UserPatch,
    responses((status = 200, body = UserView), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    PathId(text): PathId,
    Body(patch): Body<UserPatch>,
) -> Result<Json<UserView>, Problem> {
    let id = UserId(id(&text)?);
    patch.name.as_deref().map_or(Ok(()), check::name)?;
    patch.limits.as_ref().map_or(Ok(()), check::limits)?;
    let change = UserChange {
        name: patch.name,
        limits: patch.limits,
        credit_usd: patch.credit_usd,
        status: patch.status,
    };
    let user = shared
        .store
        .update_user(id, change, shared.clock.now())
        .await?;
    apply(&shared).await?;
    Ok(Json(view(&shared, user)))
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

fn view(shared: &Shared, user: User) -> UserView {
    let tally = shared.snapshot().tallies.of_user(user.id);
    let used = Use::of(tally.as_deref(), shared.clock.now());
    UserView {
        balance_usd: balance(user.credit_usd, &used),
        used,
        user,
    }
}
