//! The admin API: what operators read and change, under `/api/v1/admin`, and the probes.
//!
//! Promises: every route but the short public list answers only to the admin token; every error is
//! problem details. Must not know: the way of a request; it meets it in [`Shared`] alone.

mod accounts;
mod api_keys;
mod auth;
mod availability;
mod body;
mod books;
mod check;
mod concurrency;
mod entities;
mod errors;
mod groups;
mod jobs;
mod metrics;
mod openapi;
mod prices;
mod probes;
mod problem;
mod records;
mod replicas;
mod retries;
mod state;
mod usage;
mod users;

use std::sync::Arc;

use axum::{
    Router,
    handler::Handler,
    middleware,
    routing::{MethodFilter, MethodRouter, on},
};
use http::Method;

use crate::app::Shared;

pub use openapi::document;
pub use problem::ProblemCode;

type App = Arc<Shared>;

/// Every route, on one screen.
fn routes() -> Vec<Route> {
    vec![
        get("/healthz", probes::live).public(),
        get("/readyz", probes::ready).public(),
        get("/metrics", metrics::show),
        get("/api/v1/admin/openapi.json", openapi::serve),
        // what happened
        get("/api/v1/admin/ops/errors", errors::list),
        get("/api/v1/admin/ops/errors/{id}", errors::show),
        get(
            "/api/v1/admin/ops/errors/{id}/upstream-errors",
            errors::upstream_errors,
        ),
        put("/api/v1/admin/ops/errors/{id}/resolve", errors::resolve),
        post("/api/v1/admin/ops/errors/{id}/retry", retries::retry),
        get("/api/v1/admin/ops/errors/{id}/retries", retries::list),
        get("/api/v1/admin/ops/errors/{id}/code", retries::code),
        get("/api/v1/admin/ops/retries/{id}", retries::show),
        get(
            "/api/v1/admin/ops/upstream-errors",
            records::upstream_errors,
        ),
        get(
            "/api/v1/admin/ops/upstream-errors/{id}",
            records::upstream_error,
        ),
        post(
            "/api/v1/admin/ops/upstream-errors/{id}/retry",
            retries::retry_upstream,
        ),
        get("/api/v1/admin/ops/requests", records::requests),
        get("/api/v1/admin/ops/noise", records::noise),
        get("/api/v1/admin/ops/books", books::show),
        get("/api/v1/admin/ops/jobs", jobs::list),
        get("/api/v1/admin/ops/replicas", replicas::list),
        get("/api/v1/admin/ops/account-availability", availability::show),
        get("/api/v1/admin/ops/concurrency", concurrency::show),
        // what is configured
        get("/api/v1/admin/accounts", accounts::list),
        post("/api/v1/admin/accounts", accounts::create),
        get("/api/v1/admin/accounts/{id}", accounts::show),
        patch("/api/v1/admin/accounts/{id}", accounts::change),
        put("/api/v1/admin/accounts/{id}", accounts::change),
        delete("/api/v1/admin/accounts/{id}", accounts::remove),
        post("/api/v1/admin/accounts/{id}/enable", accounts::enable),
        post("/api/v1/admin/accounts/{id}/disable", accounts::disable),
        post("/api/v1/admin/accounts/{id}/reset", accounts::reset),
        post("/api/v1/admin/accounts/{id}/test", accounts::test),
        get("/api/v1/admin/accounts/{id}/events", accounts::events),
        get("/api/v1/admin/groups", groups::list),
        post("/api/v1/admin/groups", groups::create),
        get("/api/v1/admin/groups/{id}", groups::show),
        patch("/api/v1/admin/groups/{id}", groups::change),
        put("/api/v1/admin/groups/{id}", groups::change),
        delete("/api/v1/admin/groups/{id}", groups::remove),
        get("/api/v1/admin/users", users::list),
        post("/api/v1/admin/users", users::create),
        get("/api/v1/admin/users/{id}", users::show),
        patch("/api/v1/admin/users/{id}", users::change),
        put("/api/v1/admin/users/{id}", users::change),
        delete("/api/v1/admin/users/{id}", users::remove),
        get("/api/v1/admin/prices", prices::show),
        put("/api/v1/admin/prices", prices::change),
        get("/api/v1/admin/api-keys", api_keys::list),
        post("/api/v1/admin/api-keys", api_keys::create),
        get("/api/v1/admin/api-keys/{id}", api_keys::show),
        patch("/api/v1/admin/api-keys/{id}", api_keys::change),
        put("/api/v1/admin/api-keys/{id}", api_keys::change),
        delete("/api/v1/admin/api-keys/{id}", api_keys::remove),
    ]
}

/// Whether a path belongs to the admin API; everything else is a client endpoint.
pub fn is_admin(path: &str) -> bool {
    matches!(path, "/" | "/healthz" | "/readyz" | "/metrics" | "/api") || path.starts_with("/api/")
}

/// The admin API over a running gateway.
pub fn router(shared: Arc<Shared>) -> Router {
    let token = middleware::from_fn_with_state(Arc::clone(&shared), auth::require_token);
    let (public, closed): (Vec<_>, Vec<_>) = routes().into_iter().partition(|route| route.public);
    let merge = |routes: Vec<Route>| {
        routes.into_iter().fold(Router::new(), |router, route| {
            router.route(route.path, route.handler)
        })
    };
    // The layer is around the fallbacks too: who bears no token does not learn which paths there are.
    let closed = merge(closed)
        .fallback(problem::unknown_path)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(token);
    merge(public)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .merge(closed)
        .with_state(shared)
}

/// Every method and path, and whether it is open to everyone.
pub fn table() -> Vec<(Method, &'static str, bool)> {
    routes()
        .into_iter()
        .map(|route| (route.method, route.path, route.public))
        .collect()
}

/// One line of the list above.
struct Route {
    method: Method,
    path: &'static str,
    handler: MethodRouter<App>,
    public: bool,
}

impl Route {
    /// Open to everyone: it tells nothing that needs a token.
    fn public(self) -> Self {
        Route {
            public: true,
            ..self
        }
    }
}

macro_rules! methods {
    ($($name:ident = $method:ident),*) => {$(
        fn $name<H: Handler<T, App>, T: 'static>(path: &'static str, handler: H) -> Route {
            Route { method: Method::$method, path, handler: on(MethodFilter::$method, handler), public: false }
        }
    )*};
}

methods! { get = GET, post = POST, put = PUT, patch = PATCH, delete = DELETE }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_reached_and_no_client_endpoint_is_taken_away() {
        for (_, path, _) in table() {
            assert!(is_admin(path), "{path}");
        }
        for path in [
            "/v1/messages",
            "/v1/models",
            "/v1beta/models",
            "/responses",
            "/apis",
            "/healthz/x",
        ] {
            assert!(!is_admin(path), "{path}");
        }
    }

    #[test]
    fn the_public_list_is_short_and_known() {
        let public: Vec<_> = table()
            .into_iter()
            .filter(|(_, _, public)| *public)
            .map(|(_, path, _)| path)
            .collect();
        assert_eq!(public, ["/healthz", "/readyz"]);
    }
}
