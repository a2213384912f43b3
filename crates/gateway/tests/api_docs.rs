//! `docs/API.md` names every code and every parameter there is.
#![allow(clippy::unwrap_used)]

use waybill_gateway::{
    admin::{ProblemCode, table},
    ops::filter::{FILTERS, NUMBERS, ORDER, WINDOW},
};

const PAGE: &str = include_str!("../../../docs/API.md");

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
    for parameter in WINDOW.iter().chain(FILTERS).chain(ORDER).chain(NUMBERS) {
        assert!(
            PAGE.contains(&format!("`{}`", parameter.name)),
            "docs/API.md lacks `{}`",
            parameter.name
        );
    }
}

#[test]
fn every_route_is_mentioned() {
    for (_, path, _) in table() {
        let path = path.trim_start_matches("/api/v1/admin/");
        let resource = path.split("/{id}").next().unwrap();
        assert!(PAGE.contains(resource), "docs/API.md lacks {path}");
    }
}
