//! `ops/audit-log`: what was done, by whom, and what was refused.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use waybill_model::{people::AuditEntry, view::List};

use super::{
    App,
    openapi::AuditParameters,
    problem::{Problem, ProblemDetails},
};
use crate::ops::audit::parse_audit;

/// What was changed, seen in full or refused, newest first.
#[utoipa::path(get, path = "/api/v1/admin/ops/audit-log", operation_id = "list_audit_log", tag = "people", params(AuditParameters),
    responses((status = 200, body = List<AuditEntry>), (status = 400, body = ProblemDetails)))]
pub async fn list(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<List<AuditEntry>>, Problem> {
    let asked = parse_audit(query.as_deref(), shared.clock.now())?;
    let found = shared.store.audit_log(&asked.filter, &asked.page);
    Ok(Json(found.await?))
}
