//! `api-keys`: what clients authenticate with. A key is shown once, when it is made.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use waybill_model::{
    entity::{ApiKey, Group, Status, User},
    id::{ApiKeyId, UserId},
    limits::Limits,
    money::MicroUsd,
    secret::Secret,
    time::UnixMillis,
    view::List,
};
use waybill_store::{ApiKeyChange, NewApiKey, NewUser, StoreError};

use super::{
    App,
    body::{Body, NameOrId, present},
    check,
    entities::{PathId, apply, id, names, paged},
    openapi::NumberParameters,
    problem::{Problem, ProblemDetails},
    usage::{Use, balance},
};
use crate::{app::Shared, config::DEFAULT_USER, seed, vault};

/// A key as it is shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ApiKeyView {
    /// Its definition.
    #[serde(flatten)]
    api_key: ApiKey,
    /// Its owner's name.
    user: Option<String>,
    /// Names of its groups, in order.
    groups: Vec<String>,
    /// What it uses.
    #[serde(flatten)]
    used: Use,
    /// What is left of its owner's `credit_usd`; `null`: no balance is kept.
    balance_usd: Option<MicroUsd>,
}

/// A key just made: the one time it is shown itself.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ApiKeyMade {
    /// As it is shown from now on.
    #[serde(flatten)]
    view: ApiKeyView,
    /// The key. It is stored as a hash, so it cannot be shown again.
    key: String,
}

/// A key to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyForm {
    /// Unique name.
    name: String,
    /// Its owner; a user `default` when absent.
    user: Option<NameOrId>,
    /// Groups it may use, in order; when absent, every group there is now.
    groups: Option<Vec<NameOrId>>,
    /// The key itself; one is made when absent.
    #[schema(value_type = Option<String>, format = Password, write_only)]
    key: Option<Secret>,
    /// What it may use.
    #[serde(default)]
    limits: Limits,
    /// Whether it works.
    status: Option<Status>,
    /// After this instant it no longer works.
    expires_at: Option<UnixMillis>,
}

/// What to change about a key; what is absent stays. The key itself and its owner cannot be changed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiKeyPatch {
    /// Unique name.
    name: Option<String>,
    /// Groups it may use, in order: all of them.
    groups: Option<Vec<NameOrId>>,
    /// What it may use: all of it.
    limits: Option<Limits>,
    /// Whether it works.
    status: Option<Status>,
    /// After this instant it no longer works; `null` lets it work for ever.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<UnixMillis>)]
    expires_at: Option<Option<UnixMillis>>,
}

/// Every key, by id.
#[utoipa::path(get, path = "/api/v1/admin/api-keys", operation_id = "list_api_keys", tag = "api-keys", params(NumberParameters),
    responses((status = 200, body = List<ApiKeyView>)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<ApiKeyView>>, Problem> {
    let (users, groups) = (shared.store.users().await?, shared.store.groups().await?);
    let all = shared
        .store
        .api_keys()
        .await?
        .into_iter()
        .map(|key| view(&shared, &users, &groups, key))
        .collect();
    paged(all, query.as_deref()).map(Json)
}

/// One key.
#[utoipa::path(get, path = "/api/v1/admin/api-keys/{id}", operation_id = "get_api_key", tag = "api-keys",
    params(("id" = i64, Path)), responses((status = 200, body = ApiKeyView), (status = 404, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<Json<ApiKeyView>, Problem> {
    let found = shared.store.api_key(ApiKeyId(id(&text)?)).await?;
    let key = found.ok_or_else(|| Problem::not_found("API key", text))?;
    Ok(Json(view(
        &shared,
        &shared.store.users().await?,
        &shared.store.groups().await?,
        key,
    )))
}

/// Makes a key. It works from the next request on.
#[utoipa::path(post, path = "/api/v1/admin/api-keys", operation_id = "create_api_key", tag = "api-keys", request_body = ApiKeyForm,
    responses((status = 201, body = ApiKeyMade), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn create(
    State(shared): State<App>,
    Body(form): Body<ApiKeyForm>,
) -> Result<(StatusCode, Json<ApiKeyMade>), Problem> {
    let (now, groups) = (shared.clock.now(), shared.store.groups().await?);
    check::name(&form.name)?;
    check::limits(&form.limits)?;
    check::expires_at(form.expires_at, now)?;
    form.key.as_ref().map_or(Ok(()), check::client_key)?;
    let group_ids = match &form.groups {
        Some(named) => some_groups(named, &groups)?,
        None => groups.iter().map(|group| group.id).collect(),
    };
    let key = form.key.unwrap_or_else(vault::new_client_key);
    let new = NewApiKey {
        name: form.name,
        hash: shared.vault.hash_key(key.expose()),
        prefix: seed::prefix(&key),
        user_id: owner(&shared, form.user, now).await?,
        group_ids,
        limits: form.limits,
        status: form.status.unwrap_or(Status::Active),
        expires_at: form.expires_at,
    };
    let api_key = shared.store.create_api_key(new, now).await?;
    apply(&shared).await?;
    let view = view(&shared, &shared.store.users().await?, &groups, api_key);
    Ok((
        StatusCode::CREATED,
        Json(ApiKeyMade {
            view,
            key: key.expose().to_owned(),
        }),
    ))
}

/// Changes a key. The next request sees the change.
#[utoipa::path(patch, path = "/api/v1/admin/api-keys/{id}", operation_id = "change_api_key", tag = "api-keys",
    params(("id" = i64, Path)), request_body = ApiKeyPatch,
    responses((status = 200, body = ApiKeyView), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    PathId(text): PathId,
    Body(patch): Body<ApiKeyPatch>,
) -> Result<Json<ApiKeyView>, Problem> {
    let id = ApiKeyId(id(&text)?);
    let (now, groups) = (shared.clock.now(), shared.store.groups().await?);
    patch.name.as_deref().map_or(Ok(()), check::name)?;
    patch.limits.as_ref().map_or(Ok(()), check::limits)?;
    check::expires_at(patch.expires_at.flatten(), now)?;
    let change = ApiKeyChange {
        name: patch.name,
        group_ids: patch
            .groups
            .map(|named| some_groups(&named, &groups))
            .transpose()?,
        limits: patch.limits,
        status: patch.status,
        expires_at: patch.expires_at,
    };
    let key = shared.store.update_api_key(id, change, now).await?;
    apply(&shared).await?;
    let users = shared.store.users().await?;
    Ok(Json(view(&shared, &users, &groups, key)))
}

/// Deletes a key. It stops working with the next request.
#[utoipa::path(delete, path = "/api/v1/admin/api-keys/{id}", operation_id = "delete_api_key", tag = "api-keys",
    params(("id" = i64, Path)), responses((status = 204), (status = 404, body = ProblemDetails)))]
pub async fn remove(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    shared.store.delete_api_key(ApiKeyId(id(&text)?)).await?;
    apply(&shared).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn some_groups(
    named: &[NameOrId],
    groups: &[Group],
) -> Result<Vec<waybill_model::id::GroupId>, Problem> {
    if named.is_empty() {
        return Err(Problem::field(
            "groups",
            "at least one group: without it the key could reach nothing",
        ));
    }
    check::groups(named, groups, None)
}

async fn owner(shared: &App, named: Option<NameOrId>, now: UnixMillis) -> Result<UserId, Problem> {
    let users = shared.store.users().await?;
    if let Some(named) = named {
        let found = users
            .iter()
            .find(|user| named.means(user.id.0, &user.name))
            .map(|user| user.id);
        return found.ok_or_else(|| Problem::field("user", format!("there is no user {named}")));
    }
    if let Some(user) = users.iter().find(|user| user.name == DEFAULT_USER) {
        return Ok(user.id);
    }
    let new = NewUser {
        name: DEFAULT_USER.to_owned(),
        limits: Limits::default(),
        credit_usd: None,
        status: Status::Active,
    };
    match shared.store.create_user(new, now).await {
        // Another request made it in the meantime.
        Err(StoreError::NameTaken { .. }) => {
            let users = shared.store.users().await?;
            let found = users
                .iter()
                .find(|user| user.name == DEFAULT_USER)
                .map(|user| user.id);
            found.ok_or_else(|| Problem::field("user", "it is being renamed; try again"))
        }
        made => Ok(made?.id),
    }
}

fn view(shared: &Shared, users: &[User], groups: &[Group], api_key: ApiKey) -> ApiKeyView {
    let (snapshot, now) = (shared.snapshot(), shared.clock.now());
    let owner = users.iter().find(|user| user.id == api_key.user_id);
    let owned = snapshot.tallies.of_user(api_key.user_id);
    ApiKeyView {
        user: owner.map(|user| user.name.clone()),
        groups: names(groups, &api_key.group_ids),
        used: Use::of(snapshot.tallies.of_key(api_key.id).as_deref(), now),
        balance_usd: balance(
            owner.and_then(|user| user.credit_usd),
            &Use::of(owned.as_deref(), now),
        ),
        api_key,
    }
}
