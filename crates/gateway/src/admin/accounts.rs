//! `accounts`: the pool. Credentials come in and never go out.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use serde::{Deserialize, Serialize};
use waybill_model::{
    entity::{Account, Group, HttpVersion, ModelRule, Status},
    id::AccountId,
    protocol::Platform,
    secret::Secret,
    view::List,
};
use waybill_store::{AccountChange, NewAccount};

use super::{
    App,
    body::{Body, NameOrId, present},
    check,
    entities::{PathId, apply, id, names, paged},
    openapi::NumberParameters,
    problem::{Problem, ProblemDetails},
};
use crate::{app::Shared, vault::Purpose};

/// An account as it is shown.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AccountView {
    /// Its definition.
    #[serde(flatten)]
    account: Account,
    /// Names of its groups.
    groups: Vec<String>,
    /// Requests on it now.
    in_flight: u32,
}

/// An account to be made.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountForm {
    /// Unique name.
    name: String,
    /// Whose API it speaks.
    platform: Platform,
    /// Scheme and host, without a version segment; the provider's own when absent.
    base_url: Option<String>,
    /// Groups it belongs to.
    #[serde(default)]
    groups: Vec<NameOrId>,
    /// Lower is tried first.
    #[serde(default)]
    priority: i32,
    /// Most requests at once.
    concurrency: Option<u32>,
    /// Models it serves; empty is all.
    #[serde(default)]
    models: Vec<String>,
    /// Model names to send under another name.
    #[serde(default)]
    model_mapping: Vec<ModelRule>,
    /// Which HTTP version to speak.
    http_version: Option<HttpVersion>,
    /// Whether it may be used.
    status: Option<Status>,
    /// What it presents to the provider.
    credential: CredentialForm,
}

/// What to change about an account; what is absent stays. The platform cannot be changed.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AccountPatch {
    /// Unique name.
    name: Option<String>,
    /// Scheme and host, without a version segment.
    base_url: Option<String>,
    /// Groups it belongs to: all of them.
    groups: Option<Vec<NameOrId>>,
    /// Lower is tried first.
    priority: Option<i32>,
    /// Most requests at once; `null` takes the limit away.
    #[serde(default, deserialize_with = "present")]
    #[schema(value_type = Option<u32>)]
    concurrency: Option<Option<u32>>,
    /// Models it serves; empty is all.
    models: Option<Vec<String>>,
    /// Model names to send under another name.
    model_mapping: Option<Vec<ModelRule>>,
    /// Which HTTP version to speak.
    http_version: Option<HttpVersion>,
    /// Whether it may be used.
    status: Option<Status>,
    /// What it presents to the provider.
    credential: Option<CredentialForm>,
}

/// A credential, in the clear. It is sealed before it rests.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CredentialForm {
    /// The provider's API key.
    #[schema(value_type = String, format = Password, write_only)]
    api_key: Secret,
}

/// Every account, by id.
#[utoipa::path(get, path = "/api/v1/admin/accounts", operation_id = "list_accounts", tag = "accounts", params(NumberParameters),
    responses((status = 200, body = List<AccountView>)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<AccountView>>, Problem> {
    let groups = shared.store.groups().await?;
    let all = shared
        .store
        .accounts()
        .await?
        .into_iter()
        .map(|account| view(&shared, &groups, account))
        .collect();
    paged(all, query.as_deref()).map(Json)
}

/// One account.
#[utoipa::path(get, path = "/api/v1/admin/accounts/{id}", operation_id = "get_account", tag = "accounts",
    params(("id" = i64, Path)), responses((status = 200, body = AccountView), (status = 404, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<Json<AccountView>, Problem> {
    let account = find(&shared, &text).await?;
    Ok(Json(view(&shared, &shared.store.groups().await?, account)))
}

/// Makes an account. The next request may use it.
#[utoipa::path(post, path = "/api/v1/admin/accounts", operation_id = "create_account", tag = "accounts", request_body = AccountForm,
    responses((status = 201, body = AccountView), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn create(
    State(shared): State<App>,
    Body(form): Body<AccountForm>,
) -> Result<(StatusCode, Json<AccountView>), Problem> {
    let groups = shared.store.groups().await?;
    let base_url = form
        .base_url
        .unwrap_or_else(|| form.platform.default_base_url().to_owned());
    let http_version = form.http_version.unwrap_or(HttpVersion::Auto);
    check::name(&form.name)?;
    check::base_url(&base_url, http_version)?;
    check::concurrency(form.concurrency)?;
    check::models(&form.models)?;
    check::model_mapping(&form.model_mapping)?;
    check::credential(form.platform, &form.credential.api_key)?;
    let new = NewAccount {
        group_ids: check::groups(&form.groups, &groups, Some(form.platform))?,
        credential: shared.vault.seal(
            Purpose::Credential,
            form.credential.api_key.expose().as_bytes(),
        ),
        name: form.name,
        platform: form.platform,
        base_url,
        priority: form.priority,
        concurrency: form.concurrency,
        models: form.models,
        model_mapping: form.model_mapping,
        http_version,
        quota: waybill_model::limits::Quota::default(),
        counted_statuses: None,
        state_rules: Vec::new(),
        probe: None,
        proxy: None,
        headers: None,
        status: form.status.unwrap_or(Status::Active),
    };
    let account = shared.store.create_account(new, shared.clock.now()).await?;
    apply(&shared).await?;
    Ok((StatusCode::CREATED, Json(view(&shared, &groups, account))))
}

/// Changes an account. The next request sees the change.
#[utoipa::path(patch, path = "/api/v1/admin/accounts/{id}", operation_id = "change_account", tag = "accounts",
    params(("id" = i64, Path)), request_body = AccountPatch,
    responses((status = 200, body = AccountView), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    PathId(text): PathId,
    Body(patch): Body<AccountPatch>,
) -> Result<Json<AccountView>, Problem> {
    let now_is = find(&shared, &text).await?;
    let groups = shared.store.groups().await?;
    patch.name.as_deref().map_or(Ok(()), check::name)?;
    let http_version = patch.http_version.unwrap_or(now_is.http_version);
    patch
        .base_url
        .as_deref()
        .map_or(Ok(()), |url| check::base_url(url, http_version))?;
    check::concurrency(patch.concurrency.flatten())?;
    patch.models.as_deref().map_or(Ok(()), check::models)?;
    patch
        .model_mapping
        .as_deref()
        .map_or(Ok(()), check::model_mapping)?;
    let credential = patch.credential.map(|form| form.api_key);
    credential
        .as_ref()
        .map_or(Ok(()), |key| check::credential(now_is.platform, key))?;
    let named = patch
        .groups
        .map(|named| check::groups(&named, &groups, Some(now_is.platform)))
        .transpose()?;
    let change = AccountChange {
        name: patch.name,
        base_url: patch.base_url,
        group_ids: named,
        priority: patch.priority,
        concurrency: patch.concurrency,
        models: patch.models,
        model_mapping: patch.model_mapping,
        http_version: patch.http_version,
        status: patch.status,
        credential: credential.map(|key| {
            shared
                .vault
                .seal(Purpose::Credential, key.expose().as_bytes())
        }),
        ..AccountChange::default()
    };
    update(&shared, now_is.id, change).await
}

/// Switches an account on.
#[utoipa::path(post, path = "/api/v1/admin/accounts/{id}/enable", operation_id = "enable_account", tag = "accounts",
    params(("id" = i64, Path)), responses((status = 200, body = AccountView), (status = 404, body = ProblemDetails)))]
pub async fn enable(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<Json<AccountView>, Problem> {
    switch(&shared, &text, Status::Active).await
}

/// Switches an account off. Requests that run on it end as they would.
#[utoipa::path(post, path = "/api/v1/admin/accounts/{id}/disable", operation_id = "disable_account", tag = "accounts",
    params(("id" = i64, Path)), responses((status = 200, body = AccountView), (status = 404, body = ProblemDetails)))]
pub async fn disable(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<Json<AccountView>, Problem> {
    switch(&shared, &text, Status::Disabled).await
}

/// Deletes an account. Its failures stay in the record, under the name it had.
#[utoipa::path(delete, path = "/api/v1/admin/accounts/{id}", operation_id = "delete_account", tag = "accounts",
    params(("id" = i64, Path)), responses((status = 204), (status = 404, body = ProblemDetails)))]
pub async fn remove(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    shared.store.delete_account(AccountId(id(&text)?)).await?;
    apply(&shared).await?;
    Ok(StatusCode::NO_CONTENT)
}

async fn switch(shared: &App, text: &str, status: Status) -> Result<Json<AccountView>, Problem> {
    update(
        shared,
        AccountId(id(text)?),
        AccountChange {
            status: Some(status),
            ..AccountChange::default()
        },
    )
    .await
}

async fn update(
    shared: &App,
    id: AccountId,
    change: AccountChange,
) -> Result<Json<AccountView>, Problem> {
    let account = shared
        .store
        .update_account(id, change, shared.clock.now())
        .await?;
    apply(shared).await?;
    Ok(Json(view(shared, &shared.store.groups().await?, account)))
}

async fn find(shared: &App, text: &str) -> Result<Account, Problem> {
    let found = shared.store.account(AccountId(id(text)?)).await?;
    found.ok_or_else(|| Problem::not_found("account", text))
}

fn view(shared: &Shared, groups: &[Group], account: Account) -> AccountView {
    let in_flight = shared
        .snapshot()
        .accounts()
        .find(|entry| entry.id == account.id)
        .map_or(0, |entry| entry.live.in_flight());
    AccountView {
        groups: names(groups, &account.group_ids),
        in_flight,
        account,
    }
}
