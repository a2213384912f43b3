//! What a report looks like: as text, with bars of characters, and as HTML, with bars of table cells, for mail
//! programs show no drawings.
//!
//! Promises: pure; names are text in both. Must not know: where numbers come from.

mod html;
mod text;

pub use html::html;
pub use text::{short, text};

use waybill_model::{
    alert::Unit,
    report::{Chart, Figure, Report},
    time::UnixMillis,
};

use crate::notify::compose::number;

/// What it is of, in one line.
fn window(report: &Report) -> String {
    let at = |at: UnixMillis| local(at, &report.time_zone);
    format!(
        "{} to {} ({})",
        at(report.start),
        at(report.end),
        report.time_zone
    )
}

/// An instant as clocks show it there.
fn local(at: UnixMillis, zone: &str) -> String {
    let read = jiff::Timestamp::from_millisecond(at.0).and_then(|at| at.in_tz(zone));
    match read {
        Ok(local) => local.strftime("%Y-%m-%d %H:%M").to_string(),
        Err(_) => at.to_string(),
    }
}

/// A figure, and by how much it differs from the one before.
fn figure(figure: &Figure) -> String {
    let Some(value) = figure.value else {
        return "–".to_owned();
    };
    let said = number(value, Some(figure.unit));
    match figure.before {
        None => said,
        Some(before) => format!("{said} ({})", change(value, before, figure.unit)),
    }
}

fn change(value: f64, before: f64, unit: Unit) -> String {
    let difference = value - before;
    match unit {
        // Shares are compared as they are: 1 % after 2 % is not a half less of anything.
        Unit::Percent => format!("{difference:+.2} points"),
        _ if before == 0.0 && value == 0.0 => "as before".to_owned(),
        _ if before == 0.0 => "none before".to_owned(),
        _ => format!("{:+.0} %", 100.0 * difference / before),
    }
}

/// The highest point of a chart.
fn top(chart: &Chart) -> f64 {
    chart
        .points
        .iter()
        .map(|point| point.value)
        .fold(0.0, f64::max)
}

#[cfg(test)]
pub mod tests;
