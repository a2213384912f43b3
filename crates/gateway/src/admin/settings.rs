//! `ops/settings`: what operators choose while the gateway runs: what is watched, what is well, what is left out of
//! numbers, and for how long things are kept.
//!
//! Each is shown as it is without a choice, as it was chosen, and as it is in force. A change acts on every replica
//! within a second.

use std::time::Duration;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::{
    rollup::Ignore,
    settings::{Bound, Chosen, SettingsChange, Thresholds},
    time::UnixMillis,
};
use waybill_store::StoredSettings;

use super::{
    App,
    actor::Actor,
    alerts::invalid,
    body::Body,
    entities::apply,
    note::Note,
    problem::{Problem, ProblemDetails},
};
use crate::{config::Retention, ops::filter};

/// A choice.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct Choice<T> {
    /// What is in force where nobody chose anything.
    default: T,
    /// What was chosen; `null`: nothing.
    set: Option<T>,
    /// What is in force.
    in_force: T,
}

/// For how many days something is kept.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct KeptDays {
    /// As the configuration says.
    configured: f64,
    /// As it was chosen; `null`: it was not.
    set: Option<f64>,
    /// What is in force.
    in_force: f64,
}

/// Settings.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Settings {
    /// Grows with every change; 0: nobody chose anything.
    version: i64,
    /// When they were changed last.
    updated_at: Option<UnixMillis>,
    /// By whom.
    updated_by: Option<String>,
    /// Whether what happens is watched.
    monitoring: MonitoringSettings,
    /// What numbers are held against.
    thresholds: ThresholdSettings,
    /// What is left out of numbers.
    ignore: IgnoreSettings,
    /// For how long things are kept.
    retention: RetentionSettings,
}

/// Whether what happens is watched.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct MonitoringSettings {
    /// Whether alert rules and objectives are judged, and scheduled reports written.
    enabled: Choice<bool>,
    /// Since when it is on or off; `null`: it was never changed.
    since: Option<UnixMillis>,
}

/// What numbers are held against: a number, or `"off"`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ThresholdSettings {
    /// Least service level, in per cent.
    sla_percent_min: Choice<Bound>,
    /// Most for the 99th percentile of the time to first content, in milliseconds.
    ttft_p99_ms_max: Choice<Bound>,
    /// Most for the share of requests that fail and count, in per cent.
    request_error_rate_percent_max: Choice<Bound>,
    /// Most for the share of attempts that fail otherwise than by 429, 529 or the client's doing, in per cent.
    upstream_error_rate_percent_max: Choice<Bound>,
}

/// What is left out of numbers: of dashboards, alerts, objectives and reports. Nothing is lost by it, and it holds for
/// the past as for the present.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct IgnoreSettings {
    /// Requests that count tokens and failed, with their attempts.
    count_tokens_errors: Choice<bool>,
    /// Requests whose client went away.
    client_cancellations: Choice<bool>,
    /// Requests without a known API key.
    invalid_api_keys: Choice<bool>,
}

/// For how long things are kept.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct RetentionSettings {
    /// Errors and upstream events.
    errors_days: KeptDays,
    /// Request rows.
    requests_days: KeptDays,
    /// Replay copies.
    replay_days: KeptDays,
    /// Issues without a failure.
    issues_days: KeptDays,
    /// Roll-ups of minutes.
    rollup_minutes_days: KeptDays,
    /// Roll-ups of hours.
    rollup_hours_days: KeptDays,
    /// Roll-ups of days.
    rollup_days_days: KeptDays,
    /// The audit log.
    audit_days: KeptDays,
    /// The log of notifications.
    notifications_days: KeptDays,
    /// Events of alerts that are over.
    alert_events_days: KeptDays,
}

/// The settings: each as it is by default or by the configuration, as it was chosen, and as it is in force.
#[utoipa::path(get, path = "/api/v1/admin/ops/settings", operation_id = "get_settings", tag = "ops",
    responses((status = 200, body = Settings)))]
pub async fn show(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Settings>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    let stored = shared.store.settings().await?;
    Ok(Json(view(&stored, &shared.settings.retention)))
}

/// Changes settings. What is absent stays as it is, `null` puts the default back; a `version` that is not in force any
/// more is a conflict.
#[utoipa::path(patch, path = "/api/v1/admin/ops/settings", operation_id = "change_settings", tag = "ops",
    request_body = SettingsChange,
    responses((status = 200, body = Settings), (status = 400, body = ProblemDetails), (status = 409, body = ProblemDetails)))]
pub async fn change(
    State(shared): State<App>,
    actor: Actor,
    note: Note,
    Body(change): Body<SettingsChange>,
) -> Result<Json<Settings>, Problem> {
    note.say("fields", change.given());
    change.check().map_err(invalid)?;
    let now = shared.clock.now();
    let changed = shared
        .store
        .change_settings(change, Some(actor.name), now)
        .await?;
    note.say("version", changed.version);
    apply(&shared).await?;
    Ok(Json(view(&changed, &shared.settings.retention)))
}

fn view(stored: &StoredSettings, configured: &Retention) -> Settings {
    let chosen = &stored.chosen;
    Settings {
        version: stored.version,
        updated_at: stored.updated_at,
        updated_by: stored.updated_by.clone(),
        monitoring: MonitoringSettings {
            enabled: choice(true, chosen.monitoring.enabled),
            since: chosen.monitoring_since,
        },
        thresholds: thresholds(chosen),
        ignore: ignore(chosen),
        retention: retention(chosen, configured),
    }
}

fn choice<T: Copy>(default: T, set: Option<T>) -> Choice<T> {
    Choice {
        default,
        set,
        in_force: set.unwrap_or(default),
    }
}

fn thresholds(chosen: &Chosen) -> ThresholdSettings {
    let default = Thresholds::default();
    let of = |default: Option<f64>, set| choice(default.map_or(Bound::Off, Bound::At), set);
    let chosen = &chosen.thresholds;
    ThresholdSettings {
        sla_percent_min: of(default.sla_percent_min, chosen.sla_percent_min),
        ttft_p99_ms_max: of(default.ttft_p99_ms_max, chosen.ttft_p99_ms_max),
        request_error_rate_percent_max: of(
            default.request_error_rate_percent_max,
            chosen.request_error_rate_percent_max,
        ),
        upstream_error_rate_percent_max: of(
            default.upstream_error_rate_percent_max,
            chosen.upstream_error_rate_percent_max,
        ),
    }
}

fn ignore(chosen: &Chosen) -> IgnoreSettings {
    let default = Ignore::default();
    let chosen = &chosen.ignore;
    IgnoreSettings {
        count_tokens_errors: choice(default.count_tokens_errors, chosen.count_tokens_errors),
        client_cancellations: choice(default.client_cancellations, chosen.client_cancellations),
        invalid_api_keys: choice(default.invalid_api_keys, chosen.invalid_api_keys),
    }
}

fn retention(chosen: &Chosen, configured: &Retention) -> RetentionSettings {
    let in_force = configured.chosen(&chosen.retention);
    let kept = |of: fn(&Retention) -> Duration, set| KeptDays {
        configured: days(of(configured)),
        set,
        in_force: days(of(&in_force)),
    };
    let chosen = &chosen.retention;
    RetentionSettings {
        errors_days: kept(|of| of.errors, chosen.errors_days),
        requests_days: kept(|of| of.requests, chosen.requests_days),
        replay_days: kept(|of| of.replay, chosen.replay_days),
        issues_days: kept(|of| of.issues, chosen.issues_days),
        rollup_minutes_days: kept(|of| of.rollup_minutes, chosen.rollup_minutes_days),
        rollup_hours_days: kept(|of| of.rollup_hours, chosen.rollup_hours_days),
        rollup_days_days: kept(|of| of.rollup_days, chosen.rollup_days_days),
        audit_days: kept(|of| of.audit, chosen.audit_days),
        notifications_days: kept(|of| of.notifications, chosen.notifications_days),
        alert_events_days: kept(|of| of.alert_events, chosen.alert_events_days),
    }
}

/// To a millionth of a day: what was chosen is shown as it was.
fn days(age: Duration) -> f64 {
    (age.as_secs_f64() / 86_400.0 * 1e6).round() / 1e6
}
