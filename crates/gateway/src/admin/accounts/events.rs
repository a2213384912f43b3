//! What happened to an account, and how it stood at any moment.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::{entity::Status, state::AccountEvent, time::UnixMillis};
use waybill_store::AccountEventFilter;

use super::{
    super::{
        App,
        entities::PathId,
        openapi::EventParameters,
        problem::{Problem, ProblemDetails},
        state::StateView,
    },
    find,
    view::state_of,
};
use crate::ops::accounts::{EventQuestion, parse_events};

/// An account's events, and its state at one moment.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct AccountEvents {
    /// The events, newest first.
    items: Vec<AccountEvent>,
    /// Rows per page.
    page_size: u32,
    /// Give it back as `cursor` for the next page; `null` on the last.
    next_cursor: Option<String>,
    /// The moment `state` is of.
    at: UnixMillis,
    /// How the account stood then.
    state: StateView,
}

/// What happened to an account, newest first, and how it stands now, or stood at the moment `at`.
#[utoipa::path(get, path = "/api/v1/admin/accounts/{id}/events", operation_id = "list_account_events", tag = "accounts",
    params(("id" = i64, Path), EventParameters), responses((status = 200, body = AccountEvents), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails)))]
pub async fn events(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<AccountEvents>, Problem> {
    let now = shared.clock.now();
    let asked = parse_events(query.as_deref(), now)?;
    let account = find(&shared, &text).await?;
    let (items, next_cursor) = page(&shared, account.id, &asked).await?;
    let state = match asked.at {
        None => match shared.snapshot().account(account.id) {
            Some(entry) => state_of(&shared, entry),
            None => then(&shared, account.id, now).await?,
        },
        Some(at) => then(&shared, account.id, at).await?,
    };
    Ok(Json(AccountEvents {
        items,
        page_size: asked.page_size,
        next_cursor,
        at: asked.at.unwrap_or(now),
        state,
    }))
}

/// One page, and where the next one begins: one row more than asked for says whether there is one.
async fn page(
    shared: &App,
    account: waybill_model::id::AccountId,
    asked: &EventQuestion,
) -> Result<(Vec<AccountEvent>, Option<String>), Problem> {
    let filter = AccountEventFilter {
        start: Some(asked.start),
        end: Some(asked.end),
        kind: asked.kind,
        request_id: asked.request_id,
        before_id: asked.before,
        limit: asked.page_size + 1,
    };
    let mut items = shared.store.account_events(account, filter).await?;
    let more = items.len() > asked.page_size as usize;
    items.truncate(asked.page_size as usize);
    let last = items.last().map(|event| event.id.to_string());
    Ok((items, last.filter(|_| more)))
}

/// The state at a moment. Whether the account was switched on then is in its events, too.
async fn then(
    shared: &App,
    account: waybill_model::id::AccountId,
    at: UnixMillis,
) -> Result<StateView, Problem> {
    let state = shared.store.account_state_at(account, at).await?;
    let redactor = shared.secrets.redactor();
    Ok(StateView::of(&state, Status::Active, None, &redactor, at))
}
