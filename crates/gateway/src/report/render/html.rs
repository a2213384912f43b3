//! A report as HTML that mail programs show: tables alone, and bars of coloured cells.

use std::fmt::Write as _;

use waybill_model::report::{Chart, Report, Table};

use super::{figure, local, top, window};
use crate::notify::compose::{escape_html as escape, number};

const GREY: &str = "color:#57606a";

/// Height of the highest bar, in pixels.
const HEIGHT: f64 = 48.0;

/// All of it, as a part of a page. Writing to a String cannot fail.
pub fn html(report: &Report) -> String {
    let mut out = format!("<p style=\"{GREY}\">{}</p>", escape(&window(report)));
    for note in &report.notes {
        let _ = write!(out, "<p>{}</p>", escape(note));
    }
    out.push_str("<table>");
    for one in &report.figures {
        let _ = write!(
            out,
            "<tr><td style=\"{GREY};padding-right:16px\">{}</td><td>{}</td></tr>",
            escape(&one.name),
            escape(&figure(one))
        );
    }
    out.push_str("</table>");
    for one in &report.charts {
        chart(&mut out, one, &report.time_zone);
    }
    for one in &report.tables {
        table(&mut out, one);
    }
    out
}

/// A row of cells, each with a block as high as its number.
fn chart(out: &mut String, chart: &Chart, zone: &str) {
    let most = top(chart);
    let highest = number(most, Some(chart.unit));
    let _ = write!(
        out,
        "<h4>{}, at most {highest}</h4><table cellspacing=\"1\" cellpadding=\"0\"><tr style=\"vertical-align:bottom\">",
        escape(&chart.name)
    );
    for point in &chart.points {
        let height = match most > 0.0 {
            true => (point.value / most * HEIGHT).ceil(),
            false => 0.0,
        };
        let said = format!(
            "{}: {}",
            local(point.at, zone),
            number(point.value, Some(chart.unit))
        );
        let _ = write!(
            out,
            "<td title=\"{}\"><div style=\"width:12px;height:{height:.0}px;background:#0969da\"></div></td>",
            escape(&said)
        );
    }
    out.push_str("</tr></table>");
}

fn table(out: &mut String, table: &Table) {
    let _ = write!(out, "<h4>{}</h4>", escape(&table.name));
    if table.rows.is_empty() {
        out.push_str("<p>none</p>");
        return;
    }
    out.push_str("<table cellpadding=\"4\" style=\"border-collapse:collapse\"><tr>");
    for column in &table.columns {
        let _ = write!(
            out,
            "<th style=\"text-align:left;{GREY}\">{}</th>",
            escape(column)
        );
    }
    out.push_str("</tr>");
    for row in &table.rows {
        out.push_str("<tr style=\"border-top:1px solid #d0d7de\">");
        for cell in row {
            let _ = write!(out, "<td>{}</td>", escape(cell));
        }
        out.push_str("</tr>");
    }
    out.push_str("</table>");
}
