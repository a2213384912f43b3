//! `ops/alert-rules`, `ops/alert-events`, `ops/alert-silences`: what wakes somebody, what did, and who sleeps on.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use http::StatusCode;
use serde::Deserialize;
use waybill_model::{
    alert::{AlertEvent, AlertRule, AlertRuleBody, Invalid, RuleStand, Silence, SilenceBody},
    view::List,
};
use waybill_store::EventChange;

use super::{
    App,
    actor::Actor,
    body::Body,
    entities::{PathId, id, paged},
    openapi::{AlertEventParameters, NumberParameters},
    problem::{Problem, ProblemDetails},
};
use crate::{
    alerts::{NoPreview, Previewed, preview},
    ops::{alerts as asked, filter, time_range::TimeRange},
};

/// Longest note of a silence, in bytes.
const MAX_NOTE_BYTES: usize = 2048;

/// Rules of alerts, by id.
#[utoipa::path(get, path = "/api/v1/admin/ops/alert-rules", operation_id = "list_alert_rules", tag = "alerts", params(NumberParameters),
    responses((status = 200, body = List<AlertRule>), (status = 400, body = ProblemDetails)))]
pub async fn rules(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<AlertRule>>, Problem> {
    Ok(Json(paged(
        shared.store.alert_rules().await?,
        query.as_deref(),
    )?))
}

/// One rule.
#[utoipa::path(get, path = "/api/v1/admin/ops/alert-rules/{id}", operation_id = "get_alert_rule", tag = "alerts",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, body = AlertRule), (status = 404, body = ProblemDetails)))]
pub async fn rule(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<AlertRule>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    let id = id(&text)?;
    let rules = shared.store.alert_rules().await?;
    let found = rules.into_iter().find(|rule| rule.id == id);
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("alert_rule", id))
}

/// Adds a rule. It is looked at once for each minute that is over.
#[utoipa::path(post, path = "/api/v1/admin/ops/alert-rules", operation_id = "create_alert_rule", tag = "alerts",
    request_body = AlertRuleBody,
    responses((status = 201, body = AlertRule), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn add_rule(
    State(shared): State<App>,
    actor: Actor,
    Body(rule): Body<AlertRuleBody>,
) -> Result<(StatusCode, Json<AlertRule>), Problem> {
    let saved = save_rule(&shared, None, rule, actor).await?;
    Ok((StatusCode::CREATED, Json(saved)))
}

/// Writes a rule over the one that is there. Events of one that is switched off are over.
#[utoipa::path(put, path = "/api/v1/admin/ops/alert-rules/{id}", operation_id = "change_alert_rule", tag = "alerts",
    params(("id" = i64, Path, description = "Row id")), request_body = AlertRuleBody,
    responses((status = 200, body = AlertRule), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails)))]
pub async fn change_rule(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
    Body(rule): Body<AlertRuleBody>,
) -> Result<Json<AlertRule>, Problem> {
    let id = id(&text)?;
    save_rule(&shared, Some(id), rule, actor).await.map(Json)
}

async fn save_rule(
    shared: &App,
    id: Option<i64>,
    rule: AlertRuleBody,
    actor: Actor,
) -> Result<AlertRule, Problem> {
    rule.check().map_err(invalid)?;
    let now = shared.clock.now();
    let saved = shared
        .store
        .save_alert_rule(id, rule, Some(actor.name), now)
        .await?;
    // What it ended, if it is off now, is told at once.
    shared.notifier.ring();
    Ok(saved)
}

/// Removes a rule. Its events stay, and are over.
#[utoipa::path(delete, path = "/api/v1/admin/ops/alert-rules/{id}", operation_id = "delete_alert_rule", tag = "alerts",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 204), (status = 404, body = ProblemDetails)))]
pub async fn remove_rule(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    let now = shared.clock.now();
    shared
        .store
        .remove_alert_rule(id(&text)?, Some(actor.name), now)
        .await?;
    shared.notifier.ring();
    Ok(StatusCode::NO_CONTENT)
}

/// Body of a preview.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PreviewRule {
    /// The rule as it would be.
    rule: AlertRuleBody,
    /// Over which window that ends now; without it, the last 24 hours. Minutes are looked at, as far as they are kept,
    /// and seven days at most.
    #[serde(default)]
    #[schema(value_type = Option<String>)]
    time_range: Option<TimeRange>,
}

/// What a rule would have said of the past, without anybody being told.
#[utoipa::path(post, path = "/api/v1/admin/ops/alert-rules/preview", operation_id = "preview_alert_rule", tag = "alerts",
    request_body = PreviewRule,
    responses((status = 200, body = Previewed), (status = 400, body = ProblemDetails)))]
pub async fn preview_rule(
    State(shared): State<App>,
    Body(asked): Body<PreviewRule>,
) -> Result<Json<Previewed>, Problem> {
    let PreviewRule { rule, time_range } = asked;
    rule.check()
        .map_err(|bad| Problem::field(format!("rule.{}", bad.field), bad.problem))?;
    let now = shared.clock.now();
    let start = now.plus_ms(-time_range.unwrap_or(TimeRange::Day).millis());
    match preview(&shared, rule, start, now).await {
        Ok(previewed) => Ok(Json(previewed)),
        Err(no @ NoPreview::NoHistory(_)) => Err(Problem::field("rule.metric", no.to_string())),
        Err(no @ NoPreview::WindowTooLong(_)) => {
            Err(Problem::field("rule.window_minutes", no.to_string()))
        }
        Err(NoPreview::Store(error)) => Err(error.into()),
    }
}

/// Where rules stand, for what is not well: broken for a while, firing, cooling down.
#[utoipa::path(get, path = "/api/v1/admin/ops/alert-stands", operation_id = "list_alert_stands", tag = "alerts", params(NumberParameters),
    responses((status = 200, body = List<RuleStand>), (status = 400, body = ProblemDetails)))]
pub async fn stands(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<RuleStand>>, Problem> {
    Ok(Json(paged(
        shared.store.alert_stands().await?,
        query.as_deref(),
    )?))
}

/// What went wrong for long enough that somebody is told, newest first.
#[utoipa::path(get, path = "/api/v1/admin/ops/alert-events", operation_id = "list_alert_events", tag = "alerts",
    params(AlertEventParameters),
    responses((status = 200, body = List<AlertEvent>), (status = 400, body = ProblemDetails)))]
pub async fn events(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<AlertEvent>>, Problem> {
    let asked = asked::parse_events(query.as_deref())?;
    let list = shared
        .store
        .alert_events(asked.status, asked.rule_id, &asked.page);
    Ok(Json(list.await?))
}

/// One event.
#[utoipa::path(get, path = "/api/v1/admin/ops/alert-events/{id}", operation_id = "get_alert_event", tag = "alerts",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, body = AlertEvent), (status = 404, body = ProblemDetails)))]
pub async fn event(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<AlertEvent>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    let id = id(&text)?;
    let found = shared.store.alert_event(id).await?;
    found
        .map(Json)
        .ok_or_else(|| Problem::not_found("alert_event", id))
}

/// Says that somebody has taken an event up. The first one stays.
#[utoipa::path(post, path = "/api/v1/admin/ops/alert-events/{id}/acknowledge", operation_id = "acknowledge_alert_event", tag = "alerts",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, body = AlertEvent), (status = 404, body = ProblemDetails)))]
pub async fn acknowledge(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
) -> Result<Json<AlertEvent>, Problem> {
    change_event(&shared, actor, &text, EventChange::Acknowledge).await
}

/// Ends an event by hand. The rule does not fire for the same again before it was well in between.
#[utoipa::path(post, path = "/api/v1/admin/ops/alert-events/{id}/resolve", operation_id = "resolve_alert_event", tag = "alerts",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 200, body = AlertEvent), (status = 404, body = ProblemDetails)))]
pub async fn resolve(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
) -> Result<Json<AlertEvent>, Problem> {
    change_event(&shared, actor, &text, EventChange::Resolve).await
}

async fn change_event(
    shared: &App,
    actor: Actor,
    text: &str,
    change: EventChange,
) -> Result<Json<AlertEvent>, Problem> {
    let now = shared.clock.now();
    let changed = shared
        .store
        .change_alert_event(id(text)?, change, Some(actor.name), now)
        .await?;
    shared.notifier.ring();
    Ok(Json(changed))
}

/// Silences, by id, those that are over too.
#[utoipa::path(get, path = "/api/v1/admin/ops/alert-silences", operation_id = "list_alert_silences", tag = "alerts", params(NumberParameters),
    responses((status = 200, body = List<Silence>), (status = 400, body = ProblemDetails)))]
pub async fn silences(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<Silence>>, Problem> {
    Ok(Json(paged(
        shared.store.silences().await?,
        query.as_deref(),
    )?))
}

/// Keeps events from being told, for a time. They are on record all the same, and told if they still go on afterwards.
#[utoipa::path(post, path = "/api/v1/admin/ops/alert-silences", operation_id = "create_alert_silence", tag = "alerts",
    request_body = SilenceBody,
    responses((status = 201, body = Silence), (status = 400, body = ProblemDetails)))]
pub async fn add_silence(
    State(shared): State<App>,
    actor: Actor,
    Body(silence): Body<SilenceBody>,
) -> Result<(StatusCode, Json<Silence>), Problem> {
    let saved = save_silence(&shared, None, silence, actor).await?;
    Ok((StatusCode::CREATED, Json(saved)))
}

/// Changes a silence.
#[utoipa::path(put, path = "/api/v1/admin/ops/alert-silences/{id}", operation_id = "change_alert_silence", tag = "alerts",
    params(("id" = i64, Path, description = "Row id")), request_body = SilenceBody,
    responses((status = 200, body = Silence), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails)))]
pub async fn change_silence(
    State(shared): State<App>,
    actor: Actor,
    PathId(text): PathId,
    Body(silence): Body<SilenceBody>,
) -> Result<Json<Silence>, Problem> {
    let id = id(&text)?;
    save_silence(&shared, Some(id), silence, actor)
        .await
        .map(Json)
}

async fn save_silence(
    shared: &App,
    id: Option<i64>,
    silence: SilenceBody,
    actor: Actor,
) -> Result<Silence, Problem> {
    let now = shared.clock.now();
    if silence.until <= now {
        return Err(Problem::field("until", "it is not in the future"));
    }
    if silence.note.len() > MAX_NOTE_BYTES {
        let detail = format!("at most {MAX_NOTE_BYTES} bytes are kept");
        return Err(Problem::field("note", detail));
    }
    let saved = shared
        .store
        .save_silence(id, silence, Some(actor.name), now);
    Ok(saved.await?)
}

/// Ends a silence: what it covers and still goes on is told within a minute.
#[utoipa::path(delete, path = "/api/v1/admin/ops/alert-silences/{id}", operation_id = "delete_alert_silence", tag = "alerts",
    params(("id" = i64, Path, description = "Row id")),
    responses((status = 204), (status = 404, body = ProblemDetails)))]
pub async fn remove_silence(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    shared.store.remove_silence(id(&text)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

pub(super) fn invalid(bad: Invalid) -> Problem {
    Problem::field(bad.field, bad.problem)
}
