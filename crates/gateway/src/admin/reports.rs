//! `ops/report-schedules`: reports that come by themselves, one sent now, and one looked at.

use axum::{
    Json,
    extract::{RawQuery, State},
    response::{IntoResponse, Response},
};
use http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use waybill_model::{
    id::{ChannelId, ScheduleId},
    notify::{Channel, ChannelKind},
    report::{Report, ReportKind, Schedule, ScheduleBody},
    time::UnixMillis,
    view::List,
};

use super::{
    App,
    body::Body,
    entities::{PathId, id, paged},
    openapi::{NumberParameters, PreviewParameters},
    problem::{Problem, ProblemDetails},
};
use crate::{
    ops::{filter, reports as asked},
    report::{self, Calendar, render},
    vault::random_text,
};

/// A schedule to be made, or what to change about one: then what is absent stays as it is.
#[derive(Debug, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ScheduleForm {
    /// Unique name. Needed for a new one.
    name: Option<String>,
    /// Whether it comes.
    enabled: Option<bool>,
    /// What is reported. Needed for a new one.
    kind: Option<ReportKind>,
    /// When: a cron expression of five fields. Needed for a new one.
    #[schema(example = "0 9 * * MON-FRI")]
    cron: Option<String>,
    /// Where that time is told; `UTC` when absent.
    #[schema(example = "Europe/Berlin")]
    time_zone: Option<String>,
    /// To which channels, by id. Needed for a new one.
    channels: Option<Vec<ChannelId>>,
}

/// Schedules, by id.
#[utoipa::path(get, path = "/api/v1/admin/ops/report-schedules", operation_id = "list_report_schedules", tag = "notifications", params(NumberParameters),
    responses((status = 200, body = List<Schedule>)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<Schedule>>, Problem> {
    let schedules = shared.store.schedules().await?;
    paged(schedules, query.as_deref()).map(Json)
}

/// One schedule.
#[utoipa::path(get, path = "/api/v1/admin/ops/report-schedules/{id}", operation_id = "get_report_schedule", tag = "notifications",
    params(("id" = i64, Path)), responses((status = 200, body = Schedule), (status = 404, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Json<Schedule>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    find(&shared, ScheduleId(id(&text)?)).await.map(Json)
}

/// Makes a schedule.
#[utoipa::path(post, path = "/api/v1/admin/ops/report-schedules", operation_id = "create_report_schedule", tag = "notifications", request_body = ScheduleForm,
    responses((status = 201, body = Schedule), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn create(
    State(shared): State<App>,
    Body(form): Body<ScheduleForm>,
) -> Result<(StatusCode, Json<Schedule>), Problem> {
    let needed = |field| Problem::field(field, "is needed");
    let body = ScheduleBody {
        name: form.name.ok_or_else(|| needed("name"))?,
        enabled: form.enabled.unwrap_or(true),
        kind: form.kind.ok_or_else(|| needed("kind"))?,
        cron: form.cron.ok_or_else(|| needed("cron"))?,
        time_zone: form.time_zone.unwrap_or_else(|| "UTC".to_owned()),
        channels: form.channels.ok_or_else(|| needed("channels"))?,
    };
    let made = save(&shared, None, body).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Changes a schedule. What is absent stays.
#[utoipa::path(patch, path = "/api/v1/admin/ops/report-schedules/{id}", operation_id = "change_report_schedule", tag = "notifications", request_body = ScheduleForm,
    params(("id" = i64, Path)),
    responses((status = 200, body = Schedule), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    PathId(text): PathId,
    Body(form): Body<ScheduleForm>,
) -> Result<Json<Schedule>, Problem> {
    let id = ScheduleId(id(&text)?);
    let was = find(&shared, id).await?.body;
    let body = ScheduleBody {
        name: form.name.unwrap_or(was.name),
        enabled: form.enabled.unwrap_or(was.enabled),
        kind: form.kind.unwrap_or(was.kind),
        cron: form.cron.unwrap_or(was.cron),
        time_zone: form.time_zone.unwrap_or(was.time_zone),
        channels: form.channels.unwrap_or(was.channels),
    };
    save(&shared, Some(id), body).await.map(Json)
}

/// Deletes a schedule.
#[utoipa::path(delete, path = "/api/v1/admin/ops/report-schedules/{id}", operation_id = "delete_report_schedule", tag = "notifications",
    params(("id" = i64, Path)), responses((status = 204), (status = 404, body = ProblemDetails)))]
pub async fn remove(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<StatusCode, Problem> {
    shared.store.delete_schedule(ScheduleId(id(&text)?)).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Puts a schedule's report into the outbox now, up to now. When it is due next stays.
#[utoipa::path(post, path = "/api/v1/admin/ops/report-schedules/{id}/send", operation_id = "send_report", tag = "notifications",
    params(("id" = i64, Path)),
    responses((status = 200, body = Report), (status = 404, body = ProblemDetails)))]
pub async fn send(
    State(shared): State<App>,
    PathId(text): PathId,
) -> Result<Json<Report>, Problem> {
    let schedule = find(&shared, ScheduleId(id(&text)?)).await?;
    let now = shared.clock.now();
    let made = now_of(&shared, &schedule, now).await?;
    let topic = format!("report:{}:{}", schedule.id, random_text());
    let notice = report::notice(made.clone(), &schedule.body.name, topic);
    shared
        .store
        .notify(notice, schedule.body.channels, now)
        .await?;
    shared.notifier.ring();
    Ok(Json(made))
}

/// What a schedule's report would say now.
#[utoipa::path(get, path = "/api/v1/admin/ops/report-schedules/{id}/preview", operation_id = "preview_report", tag = "notifications",
    params(("id" = i64, Path), PreviewParameters),
    responses((status = 200, body = Report), (status = 400, body = ProblemDetails), (status = 404, body = ProblemDetails)))]
pub async fn preview(
    State(shared): State<App>,
    PathId(text): PathId,
    RawQuery(query): RawQuery,
) -> Result<Response, Problem> {
    let form = asked::parse(query.as_deref())?;
    let schedule = find(&shared, ScheduleId(id(&text)?)).await?;
    let report = now_of(&shared, &schedule, shared.clock.now()).await?;
    let typed = |kind, text: String| {
        let kind = HeaderValue::from_static(kind);
        ([(header::CONTENT_TYPE, kind)], text).into_response()
    };
    Ok(match form {
        asked::Form::Json => Json(report).into_response(),
        asked::Form::Text => typed("text/plain; charset=utf-8", render::text(&report)),
        asked::Form::Html => {
            let mut response = typed("text/html; charset=utf-8", render::html(&report));
            // It is looked at in a browser, in a session of somebody's.
            let nothing = HeaderValue::from_static("default-src 'none'; style-src 'unsafe-inline'");
            let headers = response.headers_mut();
            headers.insert(header::CONTENT_SECURITY_POLICY, nothing);
            response
        }
    })
}

async fn now_of(shared: &App, schedule: &Schedule, now: UnixMillis) -> Result<Report, Problem> {
    let body = &schedule.body;
    Ok(report::report(shared, body.kind, &body.time_zone, now).await?)
}

async fn save(
    shared: &App,
    id: Option<ScheduleId>,
    body: ScheduleBody,
) -> Result<Schedule, Problem> {
    body.check()
        .map_err(|bad| Problem::field(bad.field, bad.problem))?;
    let calendar = Calendar::new(&body.cron, &body.time_zone)
        .map_err(|bad| Problem::field(bad.field, bad.problem))?;
    let now = shared.clock.now();
    let next = calendar.next(now);
    if next.is_none() {
        return Err(Problem::field("cron", "is never due"));
    }
    check_channels(&shared.store.channels().await?, &body.channels)?;
    let next = next.filter(|_| body.enabled);
    Ok(shared.store.save_schedule(id, body, next, now).await?)
}

fn check_channels(known: &[Channel], named: &[ChannelId]) -> Result<(), Problem> {
    for (index, id) in named.iter().enumerate() {
        let refuse = |why: String| Problem::field(format!("channels[{index}]"), why);
        let found = known.iter().find(|channel| channel.id == *id);
        match found.map(|channel| channel.body.kind) {
            None => return Err(refuse(format!("there is no notification channel {id}"))),
            Some(ChannelKind::Pagerduty) => {
                return Err(refuse("PagerDuty takes incidents, not reports".to_owned()));
            }
            Some(_) => {}
        }
    }
    Ok(())
}

async fn find(shared: &App, id: ScheduleId) -> Result<Schedule, Problem> {
    let found = shared.store.schedule(id).await?;
    found.ok_or_else(|| Problem::not_found("report schedule", id))
}
