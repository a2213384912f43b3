//! The API's own description, generated from the code.
//!
//! Query parameters come from the tables that read them, so the document cannot promise what is not
//! understood.

use axum::{Json, extract::State};
use utoipa::{
    IntoParams, Modify, OpenApi,
    openapi::{
        self, Required,
        path::{Parameter, ParameterBuilder, ParameterIn},
        schema::{KnownFormat, ObjectBuilder, SchemaFormat, Type},
        security::{ApiKey, ApiKeyValue, Http, HttpAuthScheme, SecurityScheme},
    },
};

use super::{
    App, accounts, admin_users, alerts, api_keys, audit_log, availability, books, channels,
    classification, concurrency, dashboard, differences, errors, groups, issues, jobs, metrics,
    notifications, objectives, prices, probes, problem, records, replays, replicas, reports,
    retries, settings, setup, sign_in, stream, tokens, totp, users, what_if,
};
use crate::ops::{
    accounts as asked, alerts as asked_of_alerts, audit, code, dashboard as asked_of_dashboards,
    deliveries,
    filter::{self, Takes},
    issues as asked_of_issues, replays as asked_of_replays, reports as reports_asked, statement,
};

/// The OpenAPI document.
pub fn document() -> openapi::OpenApi {
    let mut document = Document::openapi();
    add_put(&mut document);
    document
}

/// The OpenAPI document of this API.
#[utoipa::path(get, path = "/api/v1/admin/openapi.json", operation_id = "get_openapi", tag = "api",
    responses((status = 200, content_type = "application/json")))]
pub async fn serve(State(_): State<App>) -> Json<openapi::OpenApi> {
    Json(document())
}

#[derive(OpenApi)]
#[openapi(
    info(title = "Waybill admin API", description = "What happened to requests, and what is configured. Errors are RFC 9457 problem details with a stable `code`."),
    modifiers(&BearerToken),
    security(("admin_token" = []), ("session" = [])),
    components(schemas(problem::ProblemDetails, waybill_model::view::TailBegins, waybill_model::view::MissedErrors)),
    paths(
        probes::live, probes::ready, metrics::show, serve,
        errors::list, differences::show, errors::show, errors::upstream_errors, errors::resolve, stream::stream,
        retries::retry, retries::retry_upstream, retries::list, retries::show, retries::code,
        replays::list, replays::create, replays::show, replays::items, replays::cancel,
        issues::list, issues::show, issues::change, issues::note, issues::rules, issues::add_rule, issues::remove_rule,
        records::upstream_errors, records::upstream_error, records::requests, records::noise, what_if::scheduler, books::show, jobs::list, settings::show, settings::change, replicas::list,
        channels::list, channels::create, channels::show, channels::change, channels::remove, channels::test,
        notifications::list, notifications::show, notifications::retry,
        reports::list, reports::create, reports::show, reports::change, reports::remove, reports::send, reports::preview, availability::show, concurrency::show,
        classification::show, classification::change, classification::preview, classification::versions, classification::version, classification::restore,
        dashboard::overview, dashboard::throughput, dashboard::histogram, dashboard::latency_trend,
        dashboard::trend, dashboard::distribution, dashboard::distribution_trend,
        alerts::rules, alerts::rule, alerts::add_rule, alerts::change_rule, alerts::remove_rule, alerts::preview_rule, alerts::stands,
        alerts::events, alerts::event, alerts::acknowledge, alerts::resolve,
        alerts::silences, alerts::add_silence, alerts::change_silence, alerts::remove_silence,
        objectives::list, objectives::show, objectives::create, objectives::change, objectives::remove, objectives::show_statement,
        accounts::list, accounts::create, accounts::show, accounts::change, accounts::remove, accounts::enable, accounts::disable,
        accounts::reset, accounts::test, accounts::events,
        groups::list, groups::create, groups::show, groups::change, groups::remove,
        users::list, users::create, users::show, users::change, users::remove,
        prices::show, prices::change,
        api_keys::list, api_keys::create, api_keys::show, api_keys::change, api_keys::remove,
        setup::show, setup::create, sign_in::sign_in, sign_in::sign_out, sign_in::sign_out_everywhere, sign_in::me, sign_in::change_password,
        totp::begin, totp::confirm, totp::disable, totp::reset,
        tokens::list, tokens::create, tokens::remove,
        admin_users::list, admin_users::create, admin_users::show, admin_users::change, admin_users::remove, audit_log::list,
    )
)]
struct Document;

struct BearerToken;

impl Modify for BearerToken {
    fn modify(&self, document: &mut openapi::OpenApi) {
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme(
            "admin_token",
            SecurityScheme::Http(Http::new(HttpAuthScheme::Bearer)),
        );
        let cookie = ApiKeyValue::new(super::cookie::NAME);
        components.add_security_scheme("session", SecurityScheme::ApiKey(ApiKey::Cookie(cookie)));
    }
}

/// `PUT` does what `PATCH` does, for clients that know only the one.
fn add_put(document: &mut openapi::OpenApi) {
    for item in document.paths.paths.values_mut() {
        if let Some(mut change) = item.patch.clone() {
            change.operation_id = change.operation_id.map(|id| format!("{id}_put"));
            item.put = Some(change);
        }
    }
}

macro_rules! parameters {
    ($($(#[$doc:meta])* $name:ident = $($table:path),+;)*) => {$(
        $(#[$doc])*
        pub struct $name;

        impl IntoParams for $name {
            fn into_params(_: impl Fn() -> Option<ParameterIn>) -> Vec<Parameter> {
                [$($table),+].into_iter().flatten().map(parameter).collect()
            }
        }
    )*};
}

parameters! {
    /// What `errors`, `upstream-errors` and `requests` take.
    FilterParameters = filter::WINDOW, filter::FILTERS, filter::ORDER, filter::NUMBERS;
    /// What chooses errors, all of them.
    ChosenParameters = filter::WINDOW, filter::FILTERS;
    /// What the live stream takes.
    LiveParameters = filter::SINCE, filter::FILTERS;
    /// What a list takes that only time narrows.
    WindowParameters = filter::WINDOW, filter::ORDER, filter::NUMBERS;
    /// What a list takes that nothing narrows.
    PageParameters = filter::ORDER, filter::NUMBERS;
    /// What is about a window alone.
    SpanParameters = filter::WINDOW;
    /// What a small list takes.
    NumberParameters = filter::NUMBERS;
    /// What issues take.
    IssueParameters = asked_of_issues::ISSUES;
    /// What the failures of a replay take.
    ReplayItemParameters = asked_of_replays::ITEMS;
    /// What an account's events take.
    EventParameters = asked::EVENTS;
    /// What the audit log takes.
    AuditParameters = audit::AUDIT;
    /// What the log of deliveries takes.
    DeliveryParameters = deliveries::DELIVERIES;
    /// What a report's preview takes.
    PreviewParameters = reports_asked::PREVIEW;
    /// What a failed request is written as.
    CodeParameters = code::CODE;
    /// What dashboards take.
    DashboardParameters = asked_of_dashboards::WINDOW, asked_of_dashboards::SCOPE;
    /// What a histogram takes.
    HistogramParameters = asked_of_dashboards::WINDOW, asked_of_dashboards::SCOPE, asked_of_dashboards::METRIC;
    /// What a distribution takes.
    BreakdownParameters = asked_of_dashboards::WINDOW, asked_of_dashboards::SCOPE, asked_of_dashboards::BREAKDOWN;
    /// What a distribution over time takes.
    BreakdownTrendParameters = asked_of_dashboards::WINDOW, asked_of_dashboards::SCOPE, asked_of_dashboards::BREAKDOWN_OVER_TIME;
    /// What the events of alerts take.
    AlertEventParameters = asked_of_alerts::ALERT_EVENTS;
    /// What an objective's statement takes.
    StatementParameters = statement::STATEMENT;
    /// What availability takes.
    AvailabilityParameters = asked::AVAILABILITY;
}

fn parameter<Q>(described: &filter::Parameter<Q>) -> Parameter {
    let schema = match described.takes {
        Takes::Number => ObjectBuilder::new()
            .schema_type(Type::Integer)
            .minimum(Some(1)),
        Takes::Flag => ObjectBuilder::new().schema_type(Type::Boolean),
        Takes::Text => ObjectBuilder::new().schema_type(Type::String),
        Takes::Time => ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::DateTime))),
        Takes::Word(words) => ObjectBuilder::new()
            .schema_type(Type::String)
            .enum_values(Some(words())),
    };
    ParameterBuilder::new()
        .name(described.name)
        .parameter_in(ParameterIn::Query)
        .required(Required::False)
        .description(Some(described.about))
        .schema(Some(schema))
        .build()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_document_and_the_router_have_the_same_routes() {
        let document = serde_json::to_value(document()).unwrap_or_default();
        let described: BTreeSet<String> = document["paths"]
            .as_object()
            .into_iter()
            .flatten()
            .flat_map(|(path, item)| {
                let methods = item
                    .as_object()
                    .into_iter()
                    .flatten()
                    .map(|(method, _)| method.to_uppercase());
                methods
                    .map(move |method| format!("{method} {path}"))
                    .collect::<Vec<_>>()
            })
            .collect();
        let served: BTreeSet<String> = super::super::table()
            .into_iter()
            .map(|route| format!("{} {}", route.method, route.path))
            .collect();
        assert_eq!(described, served);
    }

    #[test]
    fn the_document_is_a_contract() {
        let mut document = document();
        document.info.version = "the crate's".to_owned();
        insta::assert_json_snapshot!(document);
    }
}
