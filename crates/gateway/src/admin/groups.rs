//! `groups`: sets of accounts of one platform, given to API keys.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use serde::Deserialize;
use waybill_model::{
    entity::{Group, ModelRule, StateRule, Status, Sticky},
    id::GroupId,
    protocol::{Platform, Protocol},
    view::List,
};
use waybill_store::{GroupChange, NewGroup};

use super::{
    App,
    body::Body,
    check,
    entities::{PathId, apply, id, paged},
    openapi::NumberParameters,
    problem::{Problem, ProblemDetails},
};
use crate::config::DEFAULT_STICKY;

/// A group to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupForm {
    /// Unique name.
    name: String,
    /// Platform of its accounts.
    platform: Platform,
    /// Whose clients it serves; absent: its own platform's, and with `antigravity` Anthropic's and Gemini's.
    protocols: Option<Vec<Protocol>>,
    /// Model names to send under another name; applied before the account's own.
    #[serde(default)]
    model_mapping: Vec<ModelRule>,
    /// What ties a conversation to one account; absent: `prefix`.
    sticky: Option<Sticky>,
    /// Rules for failures of its accounts, after an account's own.
    #[serde(default)]
    state_rules: Vec<StateRule>,
    /// Whether it may be used.
    status: Option<Status>,
}

/// What to change about a group; what is absent stays. The platform cannot be changed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupPatch {
    /// Unique name.
    name: Option<String>,
    /// Whose clients it serves: all of them.
    protocols: Option<Vec<Protocol>>,
    /// Model names to send under another name.
    model_mapping: Option<Vec<ModelRule>>,
    /// What ties a conversation to one account.
    sticky: Option<Sticky>,
    /// Rules for failures of its accounts: all of them.
    state_rules: Option<Vec<StateRule>>,
    /// Whether it may be used.
    status: Option<Status>,
}

/// Every group, by id.
#[utoipa::path(get, path = "/api/v1/admin/groups", operation_id = "list_groups", tag = "groups", params(NumberParameters),
    responses((status = 200, body = List<Group>)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<Group>>, Problem> {
    paged(shared.store.groups().await?, query.as_deref()).map(Json)
}

/// One group.
#[utoipa::path(get, path = "/api/v1/admin/groups/{id}", operation_id = "get_group", tag = "groups",
    params(("id" = i64, Path)), responses((status = 200, body = Group), (status = 404, body = ProblemDetails)))]
pub async fn show(State(shared): State<App>, PathId(text): PathId) -> Result<Json<Group>, Problem> {
    let found = shared.store.group(GroupId(id(&text)?)).await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("group", text))
}

/// Makes a group.
#[utoipa::path(post, path = "/api/v1/admin/groups", operation_id = "create_group", tag = "groups", request_body = GroupForm,
    responses((status = 201, body = Group), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn create(
    State(shared): State<App>,
    Body(form): Body<GroupForm>,
) -> Result<(StatusCode, Json<Group>), Problem> {
    check::name(&form.name)?;
    form.protocols.as_deref().map_or(Ok(()), check::protocols)?;
    check::model_mapping(&form.model_mapping)?;
    check::state_rules(&form.state_rules)?;
    let new = NewGroup {
        name: form.name,
        platform: form.platform,
        protocols: form
            .protocols
            .unwrap_or_else(|| form.platform.default_protocols().to_vec()),
        model_mapping: form.model_mapping,
        sticky: form.sticky.unwrap_or(DEFAULT_STICKY),
        state_rules: form.state_rules,
        status: form.status.unwrap_or(Status::Active),
    };
    let group = shared.store.create_group(new, shared.clock.now()).await?;
    apply(&shared).await?;
    Ok((StatusCode::CREATED, Json(group)))
}

/// Changes a group. The next request sees the change.
#[utoipa::path(patch, path = "/api/v1/admin/groups/{id}", operation_id = "change_group", tag = "groups",
    params(("id" = i64, Path)), request_body = GroupPatch,
    responses((status = 200, body = Group), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    PathId(text): PathId,
    Body(patch): Body<GroupPatch>,
) -> Result<Json<Group>, Problem> {
    let id = GroupId(id(&text)?);
    patch.name.as_deref().map_or(Ok(()), check::name)?;
    patch
        .protocols
        .as_deref()
        .map_or(Ok(()), check::protocols)?;
    patch
        .model_mapping
        .as_deref()
        .map_or(Ok(()), check::model_mapping)?;
    patch
        .state_rules
        .as_deref()
        .map_or(Ok(()), check::state_rules)?;
    let change = GroupChange {
        name: patch.name,
        protocols: patch.protocols,
        model_mapping: patch.model_mapping,
        sticky: patch.sticky,
        state_rules: patch.state_rules,
        status: patch.status,
    };
    let group = shared
        .store
        .update_group(id, change, shared.clock.now())
        .await?;
    apply(&shared).await?;
    Ok(Json(group))
}

/// Deletes a group that no account and no key belongs to.
#[utoipa::path(delete, path = "/api/v1/admin/groups/{id}", operation_id = "delete_group", tag = "groups",
    params(("id" = i64, Path)), responses((status = 204), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn remove(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    shared.store.delete_group(GroupId(id(&text)?)).await?;
    apply(&shared).await?;
    Ok(StatusCode::NO_CONTENT)
}
