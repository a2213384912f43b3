//! The admin API.

use std::sync::Arc;

use axum::Router;

use crate::app::Shared;

/// Whether a path belongs to the admin API; everything else is a client endpoint.
pub fn is_admin(path: &str) -> bool {
    matches!(path, "/" | "/healthz" | "/readyz" | "/metrics" | "/api") || path.starts_with("/api/")
}

/// The admin API over a running gateway.
pub fn router(shared: Arc<Shared>) -> Router {
    Router::new().with_state(shared)
}
