//! What reports look like.
#![allow(clippy::unwrap_used)]

use waybill_model::report::{Figure, Point, ReportKind, Table};

use super::*;

/// A small report.
pub fn report() -> Report {
    let start = UnixMillis(1_800_000_000_000);
    Report {
        kind: ReportKind::DailySummary,
        start,
        end: start.plus_ms(4 * 3_600_000),
        time_zone: "Europe/Berlin".to_owned(),
        notes: vec!["Not all <i>requests</i> are counted yet.".to_owned()],
        figures: vec![
            Figure {
                name: "Requests".to_owned(),
                unit: Unit::Count,
                value: Some(1200.0),
                before: Some(1000.0),
            },
            Figure {
                name: "Served".to_owned(),
                unit: Unit::Percent,
                value: Some(99.5),
                before: Some(99.9),
            },
            Figure {
                name: "First token, p95".to_owned(),
                unit: Unit::Milliseconds,
                value: None,
                before: None,
            },
        ],
        charts: vec![Chart {
            name: "Requests per hour".to_owned(),
            unit: Unit::Count,
            points: [0.0, 1.0, 400.0, 800.0]
                .into_iter()
                .zip(0..)
                .map(|(value, hour)| Point {
                    at: start.plus_ms(hour * 3_600_000),
                    value,
                })
                .collect(),
        }],
        tables: vec![
            Table {
                name: "Why requests failed".to_owned(),
                columns: vec!["Cause".to_owned(), "Requests".to_owned()],
                rows: vec![vec!["overloaded <b>".to_owned(), "6".to_owned()]],
            },
            Table {
                name: "Issues".to_owned(),
                columns: vec!["Title".to_owned()],
                rows: Vec::new(),
            },
        ],
    }
}

#[test]
fn a_report_is_read_as_text_and_as_html() {
    insta::assert_snapshot!("text", text(&report()));
    insta::assert_snapshot!("html", html(&report()));
    insta::assert_snapshot!("short", short(&report()));
    assert!(!html(&report()).contains("<b>") && !html(&report()).contains("<i>"));
}
