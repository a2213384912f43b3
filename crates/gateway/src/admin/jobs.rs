//! `ops/jobs`: what runs by itself, where, and how it went.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::view::Job;

use super::{
    App,
    problem::{Problem, ProblemDetails},
};
use crate::ops::filter;

/// `GET jobs`.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Jobs {
    /// Every job that ever ran, by name. A `holder` is a replica's id; `embedded` where there is one only.
    items: Vec<Job>,
}

/// Jobs: each runs on one replica at a time, the one that holds its lease.
#[utoipa::path(get, path = "/api/v1/admin/ops/jobs", operation_id = "list_jobs", tag = "ops",
    responses((status = 200, body = Jobs), (status = 503, body = ProblemDetails)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Jobs>, Problem> {
    filter::parse_nothing(query.as_deref())?;
    Ok(Json(Jobs {
        items: shared.store.jobs().await?,
    }))
}
