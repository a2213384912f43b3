//! Probes: is it alive, may it be sent traffic.

use axum::{Json, extract::State};
use http::StatusCode;
use serde::Serialize;

use super::App;

/// Alive: the process answers.
#[utoipa::path(get, path = "/healthz", operation_id = "live", tag = "probes", security(()),
    responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn live() -> &'static str {
    "ok\n"
}

/// Whether traffic may be sent here.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Readiness {
    /// Whether it may.
    ready: bool,
    /// Why not.
    #[schema(value_type = Vec<String>)]
    reasons: Vec<&'static str>,
}

/// Ready: the store answers, records are written, and the gateway is not being stopped.
#[utoipa::path(get, path = "/readyz", operation_id = "ready", tag = "probes", security(()),
    responses((status = 200, body = Readiness), (status = 503, body = Readiness)))]
pub async fn ready(State(shared): State<App>) -> (StatusCode, Json<Readiness>) {
    let mut reasons = Vec::new();
    if shared.is_leaving() {
        reasons.push("the gateway is being stopped");
    }
    if !shared.recorder.is_running() {
        reasons.push("the recorder has ended");
    }
    if let Err(error) = shared.store.books().await {
        tracing::warn!(%error, "not ready");
        reasons.push("the store does not answer");
    }
    let ready = reasons.is_empty();
    let status = if ready {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Readiness { ready, reasons }))
}
