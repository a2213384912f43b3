//! The admin API: what operators read and change, under `/api/v1/admin`, and the probes.
//!
//! Promises: every route but the short public list answers only to somebody who is known, and of the role
//! that the route needs; every error is problem details. Must not know: the way of a request; it meets it
//! in [`Shared`] alone.

mod accounts;
mod actor;
mod admin_users;
mod alerts;
mod api_keys;
mod audit_log;
mod auth;
mod availability;
mod body;
mod books;
mod channels;
mod check;
mod classification;
mod concurrency;
mod cookie;
mod dashboard;
mod differences;
mod entities;
mod errors;
mod groups;
mod guard;
mod issues;
mod jobs;
mod metrics;
mod note;
mod notifications;
mod objectives;
mod openapi;
mod prices;
mod probes;
mod problem;
mod records;
mod replays;
mod replicas;
mod reports;
mod retries;
mod route;
mod settings;
mod setup;
mod sign_in;
mod state;
mod stream;
mod tokens;
mod totp;
mod usage;
mod users;
mod what_if;

use std::sync::Arc;

use axum::{Router, middleware};
use waybill_model::people::{Area, Role};

use self::route::{Route, delete, get, patch, post, put};
use crate::app::Shared;

pub use actor::Actor;
pub use openapi::document;
pub use problem::ProblemCode;
pub use route::Described;
pub(crate) use state::{StateWord, word as state_word};

type App = Arc<Shared>;

/// Every route, on one screen, with the role it needs: a viewer's for what only reads, an admin's for the
/// rest, where nothing else is said.
fn routes() -> Vec<Route> {
    use Area::{Accounts, Alerts, Config, Errors, Ops, People};
    use Role::{Admin, Operator, Viewer};
    vec![
        get("/healthz", Ops, probes::live).public(),
        get("/readyz", Ops, probes::ready).public(),
        get("/metrics", Ops, metrics::show),
        get("/api/v1/admin/openapi.json", Ops, openapi::serve),
        // what happened
        get("/api/v1/admin/ops/errors", Errors, errors::list),
        get(
            "/api/v1/admin/ops/errors/differences",
            Errors,
            differences::show,
        ),
        get("/api/v1/admin/ops/stream", Errors, stream::stream),
        get("/api/v1/admin/ops/errors/{id}", Errors, errors::show).shows_in_full(),
        get(
            "/api/v1/admin/ops/errors/{id}/upstream-errors",
            Errors,
            errors::upstream_errors,
        )
        .shows_in_full(),
        put(
            "/api/v1/admin/ops/errors/{id}/resolve",
            Errors,
            errors::resolve,
        )
        .needs(Operator),
        post(
            "/api/v1/admin/ops/errors/{id}/retry",
            Errors,
            retries::retry,
        )
        .needs(Operator),
        get(
            "/api/v1/admin/ops/errors/{id}/retries",
            Errors,
            retries::list,
        )
        .shows_in_full(),
        get("/api/v1/admin/ops/errors/{id}/code", Errors, retries::code)
            .needs(Operator)
            .shows_in_full(),
        get("/api/v1/admin/ops/retries/{id}", Errors, retries::show).shows_in_full(),
        post(
            "/api/v1/admin/ops/upstream-errors/{id}/retry",
            Errors,
            retries::retry_upstream,
        )
        .needs(Operator),
        get("/api/v1/admin/ops/replays", Errors, replays::list),
        post("/api/v1/admin/ops/replays", Errors, replays::create).needs(Operator),
        get("/api/v1/admin/ops/replays/{id}", Errors, replays::show),
        get(
            "/api/v1/admin/ops/replays/{id}/items",
            Errors,
            replays::items,
        )
        .shows_in_full(),
        post(
            "/api/v1/admin/ops/replays/{id}/cancel",
            Errors,
            replays::cancel,
        )
        .needs(Operator),
        get("/api/v1/admin/ops/issues", Errors, issues::list),
        get(
            "/api/v1/admin/ops/issues/{fingerprint}",
            Errors,
            issues::show,
        ),
        put(
            "/api/v1/admin/ops/issues/{fingerprint}",
            Errors,
            issues::change,
        )
        .needs(Operator),
        post(
            "/api/v1/admin/ops/issues/{fingerprint}/notes",
            Errors,
            issues::note,
        )
        .needs(Operator),
        get("/api/v1/admin/ops/issue-rules", Errors, issues::rules),
        post("/api/v1/admin/ops/issue-rules", Errors, issues::add_rule).needs(Operator),
        delete(
            "/api/v1/admin/ops/issue-rules/{id}",
            Errors,
            issues::remove_rule,
        )
        .needs(Operator),
        get(
            "/api/v1/admin/ops/classification-rules",
            Errors,
            classification::show,
        ),
        put(
            "/api/v1/admin/ops/classification-rules",
            Errors,
            classification::change,
        ),
        post(
            "/api/v1/admin/ops/classification-rules/preview",
            Errors,
            classification::preview,
        )
        .needs(Operator),
        get(
            "/api/v1/admin/ops/classification-rules/versions",
            Errors,
            classification::versions,
        ),
        get(
            "/api/v1/admin/ops/classification-rules/versions/{version}",
            Errors,
            classification::version,
        ),
        post(
            "/api/v1/admin/ops/classification-rules/versions/{version}/restore",
            Errors,
            classification::restore,
        ),
        get(
            "/api/v1/admin/ops/upstream-errors",
            Errors,
            records::upstream_errors,
        )
        .shows_in_full(),
        get(
            "/api/v1/admin/ops/upstream-errors/{id}",
            Errors,
            records::upstream_error,
        )
        .shows_in_full(),
        get("/api/v1/admin/ops/requests", Errors, records::requests),
        get("/api/v1/admin/ops/noise", Errors, records::noise),
        post(
            "/api/v1/admin/ops/what-if/scheduler",
            Errors,
            what_if::scheduler,
        )
        .needs(Operator),
        get("/api/v1/admin/ops/books", Ops, books::show),
        get("/api/v1/admin/ops/jobs", Ops, jobs::list),
        get("/api/v1/admin/ops/settings", Ops, settings::show),
        patch("/api/v1/admin/ops/settings", Ops, settings::change),
        put("/api/v1/admin/ops/settings", Ops, settings::change),
        get("/api/v1/admin/ops/replicas", Ops, replicas::list),
        // who is told
        get(
            "/api/v1/admin/ops/notification-channels",
            Ops,
            channels::list,
        ),
        post(
            "/api/v1/admin/ops/notification-channels",
            Ops,
            channels::create,
        ),
        get(
            "/api/v1/admin/ops/notification-channels/{id}",
            Ops,
            channels::show,
        ),
        patch(
            "/api/v1/admin/ops/notification-channels/{id}",
            Ops,
            channels::change,
        ),
        put(
            "/api/v1/admin/ops/notification-channels/{id}",
            Ops,
            channels::change,
        ),
        delete(
            "/api/v1/admin/ops/notification-channels/{id}",
            Ops,
            channels::remove,
        ),
        post(
            "/api/v1/admin/ops/notification-channels/{id}/test",
            Ops,
            channels::test,
        )
        .needs(Operator),
        get("/api/v1/admin/ops/report-schedules", Ops, reports::list),
        post("/api/v1/admin/ops/report-schedules", Ops, reports::create),
        get(
            "/api/v1/admin/ops/report-schedules/{id}",
            Ops,
            reports::show,
        ),
        patch(
            "/api/v1/admin/ops/report-schedules/{id}",
            Ops,
            reports::change,
        ),
        put(
            "/api/v1/admin/ops/report-schedules/{id}",
            Ops,
            reports::change,
        ),
        delete(
            "/api/v1/admin/ops/report-schedules/{id}",
            Ops,
            reports::remove,
        ),
        post(
            "/api/v1/admin/ops/report-schedules/{id}/send",
            Ops,
            reports::send,
        )
        .needs(Operator),
        get(
            "/api/v1/admin/ops/report-schedules/{id}/preview",
            Ops,
            reports::preview,
        ),
        get("/api/v1/admin/ops/notifications", Ops, notifications::list),
        get(
            "/api/v1/admin/ops/notifications/{id}",
            Ops,
            notifications::show,
        ),
        post(
            "/api/v1/admin/ops/notifications/{id}/retry",
            Ops,
            notifications::retry,
        )
        .needs(Operator),
        get(
            "/api/v1/admin/ops/account-availability",
            Accounts,
            availability::show,
        ),
        get("/api/v1/admin/ops/concurrency", Accounts, concurrency::show),
        get(
            "/api/v1/admin/ops/dashboard/overview",
            Ops,
            dashboard::overview,
        ),
        get(
            "/api/v1/admin/ops/dashboard/throughput-trend",
            Ops,
            dashboard::throughput,
        ),
        get(
            "/api/v1/admin/ops/dashboard/latency-histogram",
            Ops,
            dashboard::histogram,
        ),
        get(
            "/api/v1/admin/ops/dashboard/latency-trend",
            Ops,
            dashboard::latency_trend,
        ),
        get(
            "/api/v1/admin/ops/dashboard/error-trend",
            Ops,
            dashboard::trend,
        ),
        get(
            "/api/v1/admin/ops/dashboard/error-distribution",
            Ops,
            dashboard::distribution,
        ),
        get(
            "/api/v1/admin/ops/dashboard/error-distribution-trend",
            Ops,
            dashboard::distribution_trend,
        ),
        // what wakes somebody
        get("/api/v1/admin/ops/alert-rules", Alerts, alerts::rules),
        post("/api/v1/admin/ops/alert-rules", Alerts, alerts::add_rule),
        post(
            "/api/v1/admin/ops/alert-rules/preview",
            Alerts,
            alerts::preview_rule,
        )
        .needs(Operator),
        get("/api/v1/admin/ops/alert-rules/{id}", Alerts, alerts::rule),
        put(
            "/api/v1/admin/ops/alert-rules/{id}",
            Alerts,
            alerts::change_rule,
        ),
        delete(
            "/api/v1/admin/ops/alert-rules/{id}",
            Alerts,
            alerts::remove_rule,
        ),
        get("/api/v1/admin/ops/alert-stands", Alerts, alerts::stands),
        get("/api/v1/admin/ops/alert-events", Alerts, alerts::events),
        get("/api/v1/admin/ops/alert-events/{id}", Alerts, alerts::event),
        post(
            "/api/v1/admin/ops/alert-events/{id}/acknowledge",
            Alerts,
            alerts::acknowledge,
        )
        .needs(Operator),
        post(
            "/api/v1/admin/ops/alert-events/{id}/resolve",
            Alerts,
            alerts::resolve,
        )
        .needs(Operator),
        get("/api/v1/admin/ops/alert-silences", Alerts, alerts::silences),
        post(
            "/api/v1/admin/ops/alert-silences",
            Alerts,
            alerts::add_silence,
        )
        .needs(Operator),
        put(
            "/api/v1/admin/ops/alert-silences/{id}",
            Alerts,
            alerts::change_silence,
        )
        .needs(Operator),
        delete(
            "/api/v1/admin/ops/alert-silences/{id}",
            Alerts,
            alerts::remove_silence,
        )
        .needs(Operator),
        get("/api/v1/admin/ops/objectives", Alerts, objectives::list),
        post("/api/v1/admin/ops/objectives", Alerts, objectives::create),
        get(
            "/api/v1/admin/ops/objectives/{id}",
            Alerts,
            objectives::show,
        ),
        put(
            "/api/v1/admin/ops/objectives/{id}",
            Alerts,
            objectives::change,
        ),
        delete(
            "/api/v1/admin/ops/objectives/{id}",
            Alerts,
            objectives::remove,
        ),
        get(
            "/api/v1/admin/ops/objectives/{id}/statement",
            Alerts,
            objectives::show_statement,
        ),
        // what is configured
        get("/api/v1/admin/accounts", Accounts, accounts::list),
        post("/api/v1/admin/accounts", Accounts, accounts::create),
        get("/api/v1/admin/accounts/{id}", Accounts, accounts::show),
        patch("/api/v1/admin/accounts/{id}", Accounts, accounts::change),
        put("/api/v1/admin/accounts/{id}", Accounts, accounts::change),
        delete("/api/v1/admin/accounts/{id}", Accounts, accounts::remove),
        post(
            "/api/v1/admin/accounts/{id}/enable",
            Accounts,
            accounts::enable,
        )
        .needs(Operator),
        post(
            "/api/v1/admin/accounts/{id}/disable",
            Accounts,
            accounts::disable,
        )
        .needs(Operator),
        post(
            "/api/v1/admin/accounts/{id}/reset",
            Accounts,
            accounts::reset,
        )
        .needs(Operator),
        post("/api/v1/admin/accounts/{id}/test", Accounts, accounts::test).needs(Operator),
        get(
            "/api/v1/admin/accounts/{id}/events",
            Accounts,
            accounts::events,
        ),
        get("/api/v1/admin/groups", Config, groups::list),
        post("/api/v1/admin/groups", Config, groups::create),
        get("/api/v1/admin/groups/{id}", Config, groups::show),
        patch("/api/v1/admin/groups/{id}", Config, groups::change),
        put("/api/v1/admin/groups/{id}", Config, groups::change),
        delete("/api/v1/admin/groups/{id}", Config, groups::remove),
        get("/api/v1/admin/users", Config, users::list),
        post("/api/v1/admin/users", Config, users::create),
        get("/api/v1/admin/users/{id}", Config, users::show),
        patch("/api/v1/admin/users/{id}", Config, users::change),
        put("/api/v1/admin/users/{id}", Config, users::change),
        delete("/api/v1/admin/users/{id}", Config, users::remove),
        get("/api/v1/admin/prices", Config, prices::show),
        put("/api/v1/admin/prices", Config, prices::change),
        get("/api/v1/admin/api-keys", Config, api_keys::list),
        post("/api/v1/admin/api-keys", Config, api_keys::create),
        get("/api/v1/admin/api-keys/{id}", Config, api_keys::show),
        patch("/api/v1/admin/api-keys/{id}", Config, api_keys::change),
        put("/api/v1/admin/api-keys/{id}", Config, api_keys::change),
        delete("/api/v1/admin/api-keys/{id}", Config, api_keys::remove),
        // who uses this API
        get("/api/v1/admin/setup", People, setup::show).public(),
        post("/api/v1/admin/setup", People, setup::create)
            .public()
            .called("setup"),
        post("/api/v1/admin/sign-in", People, sign_in::sign_in)
            .public()
            .called("sign-in"),
        post("/api/v1/admin/sign-out", People, sign_in::sign_out)
            .needs(Viewer)
            .called("sign-out"),
        post(
            "/api/v1/admin/sign-out-everywhere",
            People,
            sign_in::sign_out_everywhere,
        )
        .needs(Viewer)
        .called("sign-out-everywhere"),
        get("/api/v1/admin/me", People, sign_in::me),
        put(
            "/api/v1/admin/me/password",
            People,
            sign_in::change_password,
        )
        .needs(Viewer),
        post("/api/v1/admin/me/totp", People, totp::begin)
            .needs(Viewer)
            .called("me.totp.begin"),
        put("/api/v1/admin/me/totp", People, totp::confirm)
            .needs(Viewer)
            .called("me.totp.confirm"),
        post("/api/v1/admin/me/totp/disable", People, totp::disable)
            .needs(Viewer)
            .called("me.totp.disable"),
        delete("/api/v1/admin/admin-users/{id}/totp", People, totp::reset),
        get("/api/v1/admin/tokens", People, tokens::list),
        post("/api/v1/admin/tokens", People, tokens::create).needs(Viewer),
        delete("/api/v1/admin/tokens/{id}", People, tokens::remove).needs(Viewer),
        get("/api/v1/admin/admin-users", People, admin_users::list).needs(Admin),
        post("/api/v1/admin/admin-users", People, admin_users::create),
        get("/api/v1/admin/admin-users/{id}", People, admin_users::show).needs(Admin),
        patch(
            "/api/v1/admin/admin-users/{id}",
            People,
            admin_users::change,
        ),
        put(
            "/api/v1/admin/admin-users/{id}",
            People,
            admin_users::change,
        ),
        delete(
            "/api/v1/admin/admin-users/{id}",
            People,
            admin_users::remove,
        ),
        get("/api/v1/admin/ops/audit-log", People, audit_log::list).needs(Admin),
    ]
}

/// Whether a path belongs to the admin API; everything else is a client endpoint.
pub fn is_admin(path: &str) -> bool {
    matches!(path, "/healthz" | "/readyz" | "/metrics" | "/api") || path.starts_with("/api/")
}

/// The admin API over a running gateway.
pub fn router(shared: Arc<Shared>) -> Router {
    let known = middleware::from_fn_with_state(Arc::clone(&shared), auth::require_somebody);
    let (public, closed): (Vec<_>, Vec<_>) = routes().into_iter().partition(Route::is_public);
    let merge = |routes: Vec<Route>| {
        routes.into_iter().fold(Router::new(), |router, route| {
            router.route(route.path(), route.guarded(&shared))
        })
    };
    // The layer is around the fallbacks too: who is not known does not learn which paths there are.
    let closed = merge(closed)
        .fallback(problem::unknown_path)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .layer(known);
    merge(public)
        .method_not_allowed_fallback(problem::method_not_allowed)
        .merge(closed)
        .with_state(shared)
}

/// Every route as it is seen from outside.
pub fn table() -> Vec<Described> {
    routes().iter().map(Route::described).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_route_is_reached_and_no_client_endpoint_is_taken_away() {
        for Described { path, .. } in table() {
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
            .filter(|route| route.public)
            .map(|route| route.path)
            .collect();
        assert_eq!(
            public,
            [
                "/healthz",
                "/readyz",
                "/api/v1/admin/setup",
                "/api/v1/admin/setup",
                "/api/v1/admin/sign-in"
            ]
        );
    }
}
