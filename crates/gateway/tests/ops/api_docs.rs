//! `docs/API.md` names every code, route and parameter there is; `docs/ERRORS.md` is made from the tables.

use waybill_gateway::{
    admin::{Described, ProblemCode, table},
    ops::{
        accounts::{AVAILABILITY, EVENTS},
        audit::AUDIT,
        dashboard::{BREAKDOWN, METRIC, SCOPE},
        deliveries::DELIVERIES,
        filter::{FILTERS, NUMBERS, ORDER, WINDOW},
    },
    respond::Code,
};
use waybill_model::cause::Cause;

const PAGE: &str = include_str!("../../../../docs/API.md");

#[test]
fn every_error_code_stands_in_the_table_as_it_is() {
    for code in ProblemCode::ALL {
        let line = format!(
            "| `{}` | {} | {} |",
            code.name(),
            code.status().as_u16(),
            code.title()
        );
        assert!(PAGE.contains(&line), "docs/API.md lacks: {line}");
    }
}

#[test]
fn every_parameter_is_explained() {
    let lists = WINDOW.iter().chain(FILTERS).chain(ORDER).chain(NUMBERS);
    let names = lists
        .map(|parameter| parameter.name)
        .chain(EVENTS.iter().map(|parameter| parameter.name))
        .chain(AUDIT.iter().map(|parameter| parameter.name))
        .chain(DELIVERIES.iter().map(|parameter| parameter.name))
        .chain(AVAILABILITY.iter().map(|parameter| parameter.name))
        .chain(SCOPE.iter().map(|parameter| parameter.name))
        .chain(METRIC.iter().map(|parameter| parameter.name))
        .chain(BREAKDOWN.iter().map(|parameter| parameter.name));
    for name in names {
        let named = PAGE.contains(&format!("`{name}`"));
        assert!(named, "docs/API.md lacks `{name}`");
    }
}

#[test]
fn every_route_is_mentioned_with_its_method() {
    for Described { method, path, .. } in table() {
        let tail = path.strip_prefix("/api/v1/admin/").unwrap_or(path);
        let named = |path: &str| PAGE.contains(&format!("`{method} {path}`"));
        assert!(
            named(tail) || named(path),
            "docs/API.md lacks `{method} {tail}`"
        );
    }
}

/// `docs/ERRORS.md` as it has to be.
fn errors_page() -> String {
    let mut page = String::from(
        "# Errors\n\n\
         Made from the tables in `crates/gateway/src/respond/code.rs` and `crates/model/src/cause.rs` by \
         `WAYBILL_WRITE_DOCS=1 cargo test -p waybill-gateway --test ops api_docs`. The admin API's own codes are in [API.md](API.md).\n\n\
         ## What clients see\n\n\
         An answer that the gateway made itself has the shape of the client's protocol, one of these types, and \
         `x-waybill-error-source: gateway` or `client`. A provider's error passes through as it came. *Retry* says whether the same \
         request may succeed later; where a number stands, it is the `retry-after` in seconds. A `waybill_upstream_…` answer is \
         recorded under the cause of the attempt behind it; the table names the cause it has without one.\n\n\
         | type | status | meaning | cause | retry |\n|---|---|---|---|---|\n",
    );
    for code in Code::ALL {
        let info = code.info();
        let retry = match (info.retry_after_s, info.cause.info().retryable) {
            (Some(seconds), _) => format!("after {seconds} s"),
            (None, true) => "yes".to_owned(),
            (None, false) => "no".to_owned(),
        };
        let (name, status, cause) = (info.name, info.status.as_u16(), info.cause);
        page += &format!(
            "| `{name}` | {status} | {} | `{cause}` | {retry} |\n",
            code.meaning()
        );
    }
    page += "\n## What is recorded\n\n\
             Every failure has one cause: what really happened, finer than what a client is shown. *Retry* says whether the identical \
             request may succeed on the same credential without anybody's doing; *owner* whose fault it is.\n\n\
             | cause | phase | owner | severity | retry | what happened | what to do |\n|---|---|---|---|---|---|---|\n";
    for cause in Cause::ALL {
        let info = cause.info();
        let retry = if info.retryable { "yes" } else { "no" };
        page += &format!(
            "| `{}` | {} | {} | {} | {retry} | {} | {} |\n",
            info.code, info.phase, info.owner, info.severity, info.explanation, info.remedy
        );
    }
    page
}

#[test]
fn the_page_of_errors_is_made_from_the_tables() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/ERRORS.md");
    let page = errors_page();
    if std::env::var_os("WAYBILL_WRITE_DOCS").is_some() {
        std::fs::write(file, &page).unwrap();
    }
    let written = std::fs::read_to_string(file).unwrap_or_default();
    assert!(
        written == page,
        "docs/ERRORS.md is not what the tables say; WAYBILL_WRITE_DOCS=1 writes it anew"
    );
}
