//! `accounts`: the pool. Credentials come in and never go out.

mod act;
mod events;
mod form;
mod view;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use waybill_model::{entity::Account, id::AccountId, view::List};
use waybill_store::AccountChange;

use super::{
    App,
    actor::Actor,
    body::Body,
    entities::{PathId, apply, id, paged},
    openapi::NumberParameters,
    problem::{Problem, ProblemDetails},
};
pub use act::{
    __path_disable, __path_enable, __path_reset, __path_test, disable, enable, reset, test,
};
pub use events::{__path_events, events};
pub use form::{AccountForm, AccountPatch};
pub use view::AccountView;
use view::view;

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
    let new = form.checked(&shared, &groups)?;
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
    actor: Actor,
    PathId(text): PathId,
    Body(patch): Body<AccountPatch>,
) -> Result<Json<AccountView>, Problem> {
    let now_is = find(&shared, &text).await?;
    let groups = shared.store.groups().await?;
    let change = patch.checked(&shared, &groups, &now_is)?;
    update(&shared, &actor, now_is.id, change, None).await
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

async fn update(
    shared: &App,
    actor: &Actor,
    id: AccountId,
    change: AccountChange,
    reason: Option<String>,
) -> Result<Json<AccountView>, Problem> {
    let account = shared
        .store
        .update_account(id, change, shared.clock.now())
        .await?;
    apply(shared).await?;
    if let Some(entry) = shared.snapshot().account(id) {
        let (reason, now) = (reason.unwrap_or_default(), shared.clock.now());
        shared.keeper.switched(entry, &actor.name, reason, now);
    }
    // What a person was told is done, is done, whatever happens to the process.
    shared.recorder.account_events_written().await;
    Ok(Json(view(shared, &shared.store.groups().await?, account)))
}

async fn find(shared: &App, text: &str) -> Result<Account, Problem> {
    let found = shared.store.account(AccountId(id(text)?)).await?;
    found.ok_or_else(|| Problem::not_found("account", text))
}
