//! `/metrics`: every metric in the Prometheus text format.

use axum::{
    extract::State,
    response::{IntoResponse, Response},
};
use http::header;

use super::App;
use crate::telemetry::{self, CONTENT_TYPE};

/// Counts in the Prometheus text format.
#[utoipa::path(get, path = "/metrics", operation_id = "metrics", tag = "probes",
    responses((status = 200, body = String, content_type = "text/plain")))]
pub async fn show(State(shared): State<App>) -> Response {
    let families = telemetry::collect(&shared).await;
    let page = telemetry::page(&families);
    ([(header::CONTENT_TYPE, CONTENT_TYPE)], page).into_response()
}
