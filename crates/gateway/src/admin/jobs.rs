//! `ops/jobs`: what runs by itself, where, and how it went.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::view::{Job, JobOutcome};

use super::{
    App,
    problem::{Problem, ProblemDetails},
};
use crate::{jobs::JOBS, ops::filter};

/// `GET jobs`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Jobs {
    /// Every job that ever ran, by name. A `holder` is a replica's id; `embedded` where there is one only.
    items: Vec<Job>,
}

/// Jobs: each runs on one replica at a time, the one that holds its lease. Of those that rest while monitoring is
/// off the outcome is `off`.
#[utoipa::path(get, path = "/api/v1/admin/ops/jobs", operation_id = "list_jobs", tag = "ops",
    responses((status = 200, body = Jobs), (status = 503, body = ProblemDetails)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Jobs>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    let mut items = shared.store.jobs().await?;
    if !shared.chosen().is_monitored() {
        items.iter_mut().filter(|job| rests(job)).for_each(|job| {
            job.outcome = Some(JobOutcome::Off);
            job.detail = Some("monitoring is off".to_owned());
        });
    }
    Ok(Json(Jobs { items }))
}

/// Whether a job does nothing while monitoring is off.
fn rests(job: &Job) -> bool {
    JOBS.iter()
        .any(|known| known.name == job.name && known.work.is_monitoring())
}
