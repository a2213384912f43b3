//! What an operator does to an account: switch it on or off, clear what keeps it from serving, test it.
//!
//! Promises: each of it is an event on the account's record. Must not know: what an event does.

use std::sync::Arc;

use axum::{Json, extract::State};
use serde::{Deserialize, Serialize};
use waybill_model::{
    cause::Cause,
    entity::{Probe, Status},
    id::AccountId,
    state::AccountEventKind,
};
use waybill_store::AccountChange;

use super::{
    super::{
        App,
        actor::Actor,
        body::MaybeBody,
        check,
        entities::{PathId, id},
        problem::{Problem, ProblemDetails},
        state::StateView,
    },
    AccountView, find, update, view,
    view::state_of,
};
use crate::{
    routing::{AccountEntry, Credential},
    upstream::{Pool, ProbeKind, probe},
};

/// Why something is done; it stands in the account's events.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Act {
    /// Why.
    reason: Option<String>,
}

/// Switches an account on.
#[utoipa::path(post, path = "/api/v1/admin/accounts/{id}/enable", operation_id = "enable_account", tag = "accounts",
    params(("id" = i64, Path)), request_body = Option<Act>, responses((status = 200, body = AccountView), (status = 404, body = ProblemDetails)))]
pub async fn enable(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
    MaybeBody(act): MaybeBody<Act>,
) -> Result<Json<AccountView>, Problem> {
    switch(&shared, &actor, &text, Status::Active, act).await
}

/// Switches an account off. Requests that run on it end as they would.
#[utoipa::path(post, path = "/api/v1/admin/accounts/{id}/disable", operation_id = "disable_account", tag = "accounts",
    params(("id" = i64, Path)), request_body = Option<Act>, responses((status = 200, body = AccountView), (status = 404, body = ProblemDetails)))]
pub async fn disable(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
    MaybeBody(act): MaybeBody<Act>,
) -> Result<Json<AccountView>, Problem> {
    switch(&shared, &actor, &text, Status::Disabled, act).await
}

/// Clears everything that keeps an account from serving, at once: limits, errors, back-offs, ramps and
/// what is held against the way to its provider. One that was switched off stays off.
#[utoipa::path(post, path = "/api/v1/admin/accounts/{id}/reset", operation_id = "reset_account", tag = "accounts",
    params(("id" = i64, Path)), request_body = Option<Act>, responses((status = 200, body = AccountView), (status = 404, body = ProblemDetails)))]
pub async fn reset(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
    MaybeBody(act): MaybeBody<Act>,
) -> Result<Json<AccountView>, Problem> {
    check::reason(act.reason.as_deref())?;
    let account = find(&shared, &text).await?;
    if let Some(entry) = shared.snapshot().account(account.id) {
        let (reason, now) = (act.reason.unwrap_or_default(), shared.clock.now());
        let keeper = &shared.keeper;
        keeper.by_hand(entry, AccountEventKind::Reset, &actor.name, reason, now);
        // A token or a project that was refused is worth another try, too.
        if let Some(Credential::Token(bearer)) = &entry.credential {
            bearer.forgive();
        }
        if let Some(discovery) = entry.project.discovery() {
            discovery.forgive();
        }
        shared.tokens.ask();
    }
    shared.recorder.account_events_written().await;
    let groups = shared.store.groups().await?;
    Ok(Json(view(&shared, &groups, account)))
}

async fn switch(
    shared: &App,
    actor: &Actor,
    text: &str,
    status: Status,
    act: Act,
) -> Result<Json<AccountView>, Problem> {
    check::reason(act.reason.as_deref())?;
    let change = AccountChange {
        status: Some(status),
        ..AccountChange::default()
    };
    update(shared, actor, AccountId(id(text)?), change, act.reason).await
}

/// What to test an account with.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Test {
    /// A model to ask for one token; absent: that of the account's probe, else the provider's list of
    /// models is asked for, which proves the credential, uses no quota and proves no capacity.
    model: Option<String>,
}

/// What came of a test.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct TestResult {
    /// It served.
    ok: bool,
    /// What was asked for.
    kind: ProbeKind,
    /// The model that was asked.
    #[schema(value_type = Option<String>)]
    model: Option<Arc<str>>,
    /// The provider's status, if it answered.
    status: Option<u16>,
    /// Why it did not serve.
    cause: Option<Cause>,
    /// What the cause means, as a sentence.
    #[schema(value_type = Option<String>)]
    explanation: Option<&'static str>,
    /// What was said; empty when it served.
    message: String,
    /// From its begin to the end of the answer.
    latency_ms: u32,
    /// The provider's id for the request.
    upstream_request_id: Option<String>,
    /// How the account stood before.
    state_before: StateView,
    /// How it stands now.
    state: StateView,
    /// Whether the test changed that.
    state_changed: bool,
}

/// Asks an account whether it serves, also one that is switched off or limited. What comes of it acts on
/// the account's state as a request's outcome would.
#[utoipa::path(post, path = "/api/v1/admin/accounts/{id}/test", operation_id = "test_account", tag = "accounts",
    params(("id" = i64, Path)), request_body = Option<Test>, responses((status = 200, body = TestResult), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails)))]
pub async fn test(
    State(shared): State<App>,
    PathId(text): PathId,
    MaybeBody(test): MaybeBody<Test>,
) -> Result<Json<TestResult>, Problem> {
    let id = AccountId(id(&text)?);
    let Some(entry) = shared.snapshot().account(id).cloned() else {
        return Err(Problem::not_found("account", text));
    };
    let ask = Probe {
        model: test
            .model
            .or_else(|| entry.probe.as_ref().and_then(|probe| probe.model.clone())),
        every_seconds: None,
    };
    check::test(&ask)?;
    let state_before = state_of(&shared, &entry);
    let pool = Arc::new(Pool::default());
    let result = probe(&shared, &pool, &entry, &ask).await;
    // Of an account that was changed meanwhile, it is the new definition that stands.
    let entry: Arc<AccountEntry> = shared.snapshot().account(id).cloned().unwrap_or(entry);
    shared
        .keeper
        .probed(&entry, &result, "test", shared.clock.now());
    shared.recorder.account_events_written().await;
    let state = state_of(&shared, &entry);
    Ok(Json(TestResult {
        ok: result.ok,
        kind: result.kind,
        model: result.model,
        status: result.status,
        cause: result.cause,
        explanation: result.cause.map(|cause| cause.info().explanation),
        message: result.message,
        latency_ms: result.latency_ms,
        upstream_request_id: result.upstream_request_id,
        state_changed: state.marks != state_before.marks,
        state_before,
        state,
    }))
}
