//! Sending failed requests again: `ops/errors/{id}/retry` and what belongs to it.
//!
//! Promises: an answer is the end of the attempt; who goes away does not stop it. Must not know: how a request is
//! sent.

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use http::{HeaderMap, HeaderValue, header};
use serde::Deserialize;
use waybill_model::{
    id::{AccountId, EventId, RetryId},
    retry::{RetryAttempt, RetryMode, RetryResult, Unreplayable},
    view::List,
};

use super::{
    App,
    actor::Actor,
    body::MaybeBody,
    entities::{PathId, id},
    errors::find,
    note::Note,
    openapi::{CodeParameters, NumberParameters},
    problem::{Problem, ProblemCode, ProblemDetails},
};
use crate::{
    ops::{code, filter},
    replay::{
        self, Refused, Wish,
        code::{Language, Request},
    },
};

/// How to send a failed request again.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Retry {
    /// Through routing as it is now (`client`, the default), or to one account (`upstream`).
    mode: Option<RetryMode>,
    /// The account, with `upstream`; absent: the one that failed.
    pinned_account_id: Option<AccountId>,
}

/// How to send the request of a failed attempt again.
#[derive(Debug, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RetryUpstream {
    /// The account; absent: the one of the attempt.
    pinned_account_id: Option<AccountId>,
}

/// Sends a failed request again, exactly as it was, and answers when that is over: within a minute, unless
/// configured otherwise.
#[utoipa::path(post, path = "/api/v1/admin/ops/errors/{id}/retry", operation_id = "retry_error", tag = "ops",
    params(("id" = String, Path, description = "Row id or request id")), request_body = Option<Retry>,
    responses((status = 200, body = RetryResult), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails),
        (status = 413, body = ProblemDetails), (status = 422, body = ProblemDetails)))]
pub async fn retry(
    State(shared): State<App>,
    actor: Actor,
    note: Note,
    PathId(text): PathId,
    MaybeBody(asked): MaybeBody<Retry>,
) -> Result<Json<RetryResult>, Problem> {
    let mode = asked.mode.unwrap_or(RetryMode::Client);
    if mode == RetryMode::Client && asked.pinned_account_id.is_some() {
        return Err(Problem::field(
            "pinned_account_id",
            "has a meaning with mode `upstream` only: routing chooses otherwise",
        ));
    }
    let error = find(&shared, &text).await?;
    let wish = Wish {
        error,
        mode,
        pinned_account_id: asked.pinned_account_id,
        requested_by_user_id: actor.id.map(|id| id.0),
        replay: None,
    };
    ended(&note, replay::replay(&shared, wish).await)
}

/// Sends the request of a failed attempt again, to the attempt's account or another one.
#[utoipa::path(post, path = "/api/v1/admin/ops/upstream-errors/{id}/retry", operation_id = "retry_upstream_error", tag = "ops",
    params(("id" = i64, Path, description = "Row id")), request_body = Option<RetryUpstream>,
    responses((status = 200, body = RetryResult), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails),
        (status = 413, body = ProblemDetails), (status = 422, body = ProblemDetails)))]
pub async fn retry_upstream(
    State(shared): State<App>,
    actor: Actor,
    note: Note,
    PathId(text): PathId,
    MaybeBody(asked): MaybeBody<RetryUpstream>,
) -> Result<Json<RetryResult>, Problem> {
    let unknown = || Problem::not_found("upstream error", &text);
    let event = shared.store.upstream_error(EventId(id(&text)?)).await?;
    let event = event.ok_or_else(unknown)?;
    let error = match event.error_id {
        Some(error) => shared.store.error(error).await?,
        None => None,
    };
    let wish = Wish {
        error: error.ok_or_else(unknown)?,
        mode: RetryMode::Upstream,
        pinned_account_id: asked.pinned_account_id.or(Some(event.account_id)),
        requested_by_user_id: actor.id.map(|id| id.0),
        replay: None,
    };
    ended(&note, replay::replay(&shared, wish).await)
}

/// The attempts to send a failed request again, newest first; without what was answered for whoever is no operator.
#[utoipa::path(get, path = "/api/v1/admin/ops/errors/{id}/retries", operation_id = "list_retries", tag = "ops",
    params(("id" = String, Path, description = "Row id or request id"), NumberParameters),
    responses((status = 200, body = List<RetryAttempt>), (status = 404, body = ProblemDetails)))]
pub async fn list(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<List<RetryAttempt>>, Problem> {
    let page = filter::parse_small_page(query.as_deref())?;
    let error = find(&shared, &text).await?;
    look_through(&shared).await;
    let mut list = shared.store.retries_of(error.log.id, &page).await?;
    if !actor.sees_in_full() {
        list.items.iter_mut().for_each(RetryAttempt::withhold);
    }
    Ok(Json(list))
}

/// One attempt.
#[utoipa::path(get, path = "/api/v1/admin/ops/retries/{id}", operation_id = "get_retry", tag = "ops",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, body = RetryAttempt), (status = 404, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<RetryAttempt>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    let id = RetryId(id(&text)?);
    look_through(&shared).await;
    let found = shared.store.retry(id).await?;
    let mut attempt = found.ok_or_else(|| Problem::not_found("retry", text))?;
    if !actor.sees_in_full() {
        attempt.withhold();
    }
    Ok(Json(attempt))
}

/// A failed request as code that sends it, with the key left out; or its exact body alone.
#[utoipa::path(get, path = "/api/v1/admin/ops/errors/{id}/code", operation_id = "get_error_code", tag = "ops",
    params(("id" = String, Path, description = "Row id or request id"), CodeParameters),
    responses((status = 200, content_type = "text/plain", body = String), (status = 404, body = ProblemDetails),
        (status = 413, body = ProblemDetails), (status = 422, body = ProblemDetails)))]
pub async fn code(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Result<Response, Problem> {
    let language = code::parse(query.as_deref())?;
    let error = find(&shared, &text).await?;
    let kept = replay::recall(&shared, &error).await.map_err(problem)?;
    let head = match (&kept.head, language) {
        (Some(head), _) => head,
        (None, Language::Body) => return Ok(exactly(kept.body.to_vec(), language)),
        (None, Language::Curl | Language::Python | Language::TypeScript) => {
            let detail =
                "it was kept by an older version, which kept the body alone: ask for `as=body`";
            return Err(Problem::new(ProblemCode::NotReplayable, detail));
        }
    };
    let request = Request::new(head, &kept.body, &base(&headers)).write(language);
    Ok(exactly(request, language))
}

fn exactly(bytes: Vec<u8>, language: Language) -> Response {
    let kind = match language {
        Language::Body => "application/octet-stream",
        Language::Curl | Language::Python | Language::TypeScript => "text/plain; charset=utf-8",
    };
    let kind = HeaderValue::from_static(kind);
    ([(header::CONTENT_TYPE, kind)], bytes).into_response()
}

/// Where this gateway is, as whoever asks sees it. What stands in code is a host and a port, and nothing else.
fn base(headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .filter(|host| {
            let is_plain = |c: u8| c.is_ascii_alphanumeric() || b".-:[]".contains(&c);
            !host.is_empty() && host.bytes().all(is_plain)
        });
    let scheme = match headers.get("x-forwarded-proto").map(HeaderValue::as_bytes) {
        Some(b"https") => "https",
        _ => "http",
    };
    format!("{scheme}://{}", host.unwrap_or("127.0.0.1:8080"))
}

/// Whoever looks finds no attempt under way whose process has ended.
pub(super) async fn look_through(shared: &App) {
    if let Err(error) = replay::sweep(shared).await {
        tracing::debug!(%error, "replays could not be looked through");
    }
}

/// The end of an attempt, which the audit log names.
fn ended(note: &Note, result: Result<RetryAttempt, Refused>) -> Result<Json<RetryResult>, Problem> {
    let attempt = result.map_err(problem)?;
    note.say("attempt_id", attempt.id.0);
    note.say("status", attempt.status.as_str());
    Ok(Json(attempt.into()))
}

fn problem(refused: Refused) -> Problem {
    match refused {
        Refused::Unreplayable(why, said) => Problem::new(code_of(why), said),
        Refused::NoAccount => Problem::field(
            "pinned_account_id",
            "no account was tried for this request: name one",
        ),
        Refused::NotInGroup(said) => Problem::new(ProblemCode::AccountNotInGroup, said),
        Refused::NotUsable(said) => Problem::new(ProblemCode::AccountNotSchedulable, said),
        Refused::InProgress(other) => Problem::new(
            ProblemCode::RetryInProgress,
            format!("attempt {other} has not ended"),
        ),
        Refused::TooSoon(again) => Problem::new(
            ProblemCode::RetryTooFrequent,
            format!("it may be sent again from {again} on"),
        )
        .again_at(again),
        // Only a turn of a replay of many has no turn.
        Refused::TooMany | Refused::NoTurn | Refused::NoTurnYet => Problem::new(
            ProblemCode::TooManyRetries,
            "no place is free now; try again",
        ),
        Refused::Store(error) => error.into(),
    }
}

fn code_of(why: Unreplayable) -> ProblemCode {
    match why {
        Unreplayable::BodyExpired => ProblemCode::BodyExpired,
        Unreplayable::BodyTooLarge => ProblemCode::BodyTooLarge,
        Unreplayable::KeyUnavailable => ProblemCode::KeyUnavailable,
        Unreplayable::NotReplayable => ProblemCode::NotReplayable,
    }
}
