//! `ops/replays`: sending many failed requests again.
//!
//! Promises: what is asked for stands in the store before the answer leaves, and goes on whoever is there. Must not
//! know: how it goes on.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use serde::Deserialize;
use serde_json::Value;
use waybill_model::{
    id::{AccountId, ReplayId},
    money::MicroUsd,
    retry::{
        RetryMode,
        many::{Replay, ReplayBudget, ReplayItem},
    },
    view::{Filter, List, Page, Sort},
};
use waybill_store::{NewReplay, StoreError};

use super::{
    App,
    actor::Actor,
    body::Body,
    entities::{PathId, id},
    note::Note,
    openapi::{NumberParameters, ReplayItemParameters},
    problem::{Problem, ProblemCode, ProblemDetails},
    retries::look_through,
};
use crate::{
    ops::{filter, query::BadParameter, replays},
    replay::many::MOST_RUNNING,
};

/// What a budget may be, and what it is when nothing is said.
const MAX_COUNT: u32 = 10_000;
const DEFAULT_COUNT: u32 = 100;
const MAX_PER_MINUTE: u32 = 600;
const DEFAULT_PER_MINUTE: u32 = 60;

/// Longest note, in bytes.
const MAX_NOTE_BYTES: usize = 1024;

/// Which failed requests to send again, how, and how many.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ReplayMany {
    /// The filters of the list of errors, by the same names, each with one value: `{"issue": "…"}`. Without a
    /// window: the last 24 hours, or 30 days where there is an `issue`.
    #[schema(value_type = BTreeMap<String, String>)]
    filter: BTreeMap<String, Value>,
    /// Through routing as it is now (`client`, the default), or to one account (`upstream`).
    #[serde(default)]
    mode: Option<RetryMode>,
    /// The account, with `upstream`; absent: the one that failed, of each.
    #[serde(default)]
    pinned_account_id: Option<AccountId>,
    /// What it may use.
    #[serde(default)]
    budget: BudgetAsked,
    /// Why; it stands in the replay.
    #[serde(default)]
    note: Option<String>,
}

/// What a replay may use.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BudgetAsked {
    /// Requests that are sent, at most: 1 to 10,000; 100 when absent.
    max_count: Option<u32>,
    /// Requests per minute, at most: 1 to 600; 60 when absent.
    per_minute: Option<u32>,
    /// No further one is sent once so much is spent; they are sent one after the other then.
    max_usd: Option<MicroUsd>,
}

/// Sends the failed requests that a filter chooses again, newest first, one after the other, exactly as they were.
/// It goes on by itself.
#[utoipa::path(post, path = "/api/v1/admin/ops/replays", operation_id = "create_replay", tag = "ops", request_body = ReplayMany,
    responses((status = 201, body = Replay), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn create(
    State(shared): State<App>,
    actor: Actor,
    note: Note,
    Body(asked): Body<ReplayMany>,
) -> Result<(StatusCode, Json<Replay>), Problem> {
    let now = shared.clock.now();
    let mode = asked.mode.unwrap_or(RetryMode::Client);
    check_account(&shared, mode, asked.pinned_account_id)?;
    let budget = ReplayBudget {
        max_count: within(
            "max_count",
            asked.budget.max_count,
            DEFAULT_COUNT,
            MAX_COUNT,
        )?,
        per_minute: within(
            "per_minute",
            asked.budget.per_minute,
            DEFAULT_PER_MINUTE,
            MAX_PER_MINUTE,
        )?,
        max_usd: asked.budget.max_usd,
    };
    let given = without_secrets(&shared, words(asked.filter)?);
    let (chosen, kept) = filter::keep_chosen(given, now).map_err(in_filter)?;
    // Read before the count: what is written in between has no turn.
    let newest_error_id = shared.store.newest_error().await?;
    let (candidates, candidates_is_estimate) = count(&shared, &chosen).await?;
    let said = asked.note.filter(|said| !said.trim().is_empty());
    let said = said.map(|said| {
        let redactor = shared.secrets.redactor();
        redactor.text_bounded(&said, MAX_NOTE_BYTES)
    });
    let filter = serde_json::to_string(&kept)
        .map_err(|_| Problem::new(ProblemCode::Internal, "the filter could not be kept"))?;
    let new = NewReplay {
        requested_by_user_id: actor.id.map(|id| id.0),
        note: said,
        filter,
        mode,
        pinned_account_id: asked.pinned_account_id,
        budget,
        newest_error_id,
        candidates,
        candidates_is_estimate,
    };
    let made = shared.store.create_replay(new, MOST_RUNNING, now).await?;
    let made = made.ok_or_else(|| {
        let detail = format!("{MOST_RUNNING} replays are running; wait for one, or cancel it");
        Problem::new(ProblemCode::TooManyReplays, detail)
    })?;
    note.say("candidates", made.candidates);
    note.say("max_count", made.budget.max_count);
    Ok((StatusCode::CREATED, Json(made)))
}

/// Every replay of many, newest first.
#[utoipa::path(get, path = "/api/v1/admin/ops/replays", operation_id = "list_replays", tag = "ops", params(NumberParameters),
    responses((status = 200, body = List<Replay>)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<Replay>>, Problem> {
    let page = filter::parse_small_page(query.as_deref())?;
    look_through(&shared).await;
    Ok(Json(shared.store.replays(&page).await?))
}

/// One replay of many: how far it is, what came of it, why it ended.
#[utoipa::path(get, path = "/api/v1/admin/ops/replays/{id}", operation_id = "get_replay", tag = "ops",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, body = Replay), (status = 404, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<Replay>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    look_through(&shared).await;
    find(&shared, &text).await.map(Json)
}

/// The failures of a replay that had their turn, in that order: what each was, and what came; without what was
/// answered for whoever is no operator.
#[utoipa::path(get, path = "/api/v1/admin/ops/replays/{id}/items", operation_id = "list_replay_items", tag = "ops",
    params(("id" = i64, Path, description = "Row id"), ReplayItemParameters),
    responses((status = 200, body = List<ReplayItem>), (status = 404, body = ProblemDetails)))]
pub async fn items(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<List<ReplayItem>>, Problem> {
    let asked = replays::parse(query.as_deref())?;
    let replay = find(&shared, &text).await?;
    look_through(&shared).await;
    let list = shared
        .store
        .replay_items(replay.id, asked.verdict, &asked.page);
    let mut list = list.await?;
    if !actor.sees_in_full() {
        list.items.iter_mut().for_each(ReplayItem::withhold);
    }
    Ok(Json(list))
}

/// Ends a replay before its next failure; what is under way ends on its own. One that has ended stays as it is.
#[utoipa::path(post, path = "/api/v1/admin/ops/replays/{id}/cancel", operation_id = "cancel_replay", tag = "ops",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, body = Replay), (status = 404, body = ProblemDetails)))]
pub async fn cancel(
    State(shared): State<App>,
    note: Note,
    PathId(text): PathId,
) -> Result<Json<Replay>, Problem> {
    let id = ReplayId(id(&text)?);
    let found = shared.store.cancel_replay(id, shared.clock.now()).await?;
    let replay = found.ok_or_else(|| Problem::not_found("replay", text))?;
    note.say("status", replay.status.as_str());
    Ok(Json(replay))
}

/// How many failures a filter chooses, and whether there are more. As many as a list says at once where counting them
/// takes longer than a query may.
async fn count(shared: &App, chosen: &Filter) -> Result<(u64, bool), StoreError> {
    match shared.store.count_errors(chosen).await {
        Err(StoreError::TooSlow) => {
            let first = Page {
                sort: Sort::Newest,
                page: 1,
                page_size: 1,
                cursor: None,
            };
            let list = shared.store.errors(chosen, &first).await?;
            Ok((list.total, list.total_is_estimate))
        }
        counted => counted,
    }
}

async fn find(shared: &App, text: &str) -> Result<Replay, Problem> {
    let found = shared.store.replay(ReplayId(id(text)?)).await?;
    found.ok_or_else(|| Problem::not_found("replay", text))
}

fn check_account(shared: &App, mode: RetryMode, account: Option<AccountId>) -> Result<(), Problem> {
    let field = "pinned_account_id";
    match (mode, account) {
        (_, None) => Ok(()),
        (RetryMode::Client, Some(_)) => Err(Problem::field(
            field,
            "has a meaning with mode `upstream` only: routing chooses otherwise",
        )),
        (RetryMode::Upstream, Some(account)) if shared.snapshot().account(account).is_none() => {
            Err(Problem::field(field, "there is no such account"))
        }
        (RetryMode::Upstream, Some(_)) => Ok(()),
    }
}

fn within(name: &str, asked: Option<u32>, default: u32, most: u32) -> Result<u32, Problem> {
    match asked.unwrap_or(default) {
        asked if (1..=most).contains(&asked) => Ok(asked),
        _ => Err(Problem::field(
            format!("budget.{name}"),
            format!("a whole number from 1 to {most} is needed"),
        )),
    }
}

/// Values as the query string has them.
fn words(given: BTreeMap<String, Value>) -> Result<BTreeMap<String, String>, Problem> {
    let word = |(name, value)| match value {
        Value::String(text) => Ok((name, text)),
        Value::Number(number) => Ok((name, number.to_string())),
        Value::Bool(flag) => Ok((name, flag.to_string())),
        Value::Null | Value::Array(_) | Value::Object(_) => {
            let detail = "a text, a number, `true` or `false` is needed";
            Err(Problem::field(format!("filter.{name}"), detail))
        }
    };
    given.into_iter().map(word).collect()
}

/// Filters without the secrets that are in texts of theirs: whoever sees the replay sees its filter, and what is looked
/// for in is stored without them, too.
fn without_secrets(shared: &App, mut given: BTreeMap<String, String>) -> BTreeMap<String, String> {
    let redactor = shared.secrets.redactor();
    for name in ["q", "model"] {
        if let Some(text) = given.get_mut(name) {
            *text = redactor.text(text).into_string();
        }
    }
    given
}

/// What is wrong with a parameter of the list is wrong with a field here.
fn in_filter(bad: BadParameter) -> Problem {
    Problem::field(format!("filter.{}", bad.parameter), bad.message)
}
