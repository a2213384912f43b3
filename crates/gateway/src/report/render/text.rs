//! A report as text.

use waybill_model::report::{Chart, Report, Table};

use super::{figure, top, window};
use crate::notify::compose::{number, one_line};

/// Widest column of a table, in characters.
const MOST_COLUMN: usize = 48;

/// All of it.
pub fn text(report: &Report) -> String {
    let mut parts = vec![window(report), report.notes.join("\n"), figures(report)];
    parts.extend(report.charts.iter().map(chart));
    parts.extend(report.tables.iter().map(table));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n") + "\n"
}

/// What fits into a message: the window, what the numbers lack, and the figures.
pub fn short(report: &Report) -> String {
    let mut lines = vec![window(report)];
    lines.extend(report.notes.iter().cloned());
    lines.push(figures(report));
    lines.join("\n")
}

fn figures(report: &Report) -> String {
    let lines = report.figures.iter();
    let lines = lines.map(|one| format!("{}: {}", one.name, figure(one)));
    lines.collect::<Vec<_>>().join("\n")
}

fn chart(chart: &Chart) -> String {
    let most = number(top(chart), Some(chart.unit));
    format!("{}, at most {most}\n|{}|", chart.name, sparkline(chart))
}

/// Numbers as bars, the highest as high as it gets.
fn sparkline(chart: &Chart) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = top(chart);
    let bar = |value: f64| match value > 0.0 && most > 0.0 {
        false => ' ',
        true => {
            // From 1 to 8, for a value above 0 and not above the most.
            let height = (value * BARS.len() as f64 / most).ceil() as usize;
            BARS[height.clamp(1, BARS.len()) - 1]
        }
    };
    chart.points.iter().map(|point| bar(point.value)).collect()
}

fn table(table: &Table) -> String {
    if table.rows.is_empty() {
        return format!("{}: none", table.name);
    }
    let cut = |cell: &String| -> String { one_line(cell).chars().take(MOST_COLUMN).collect() };
    let rows: Vec<Vec<String>> = std::iter::once(&table.columns)
        .chain(&table.rows)
        .map(|row| row.iter().map(cut).collect())
        .collect();
    let width = |at: usize| {
        let cells = rows.iter().filter_map(|row| row.get(at));
        cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..table.columns.len()).map(width).collect();
    let line = |row: &Vec<String>| {
        let cells = row.iter().zip(&widths);
        let cells = cells.map(|(cell, width)| format!("{cell:<width$}"));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned()
    };
    let lines: Vec<String> = rows.iter().map(line).collect();
    format!("{}\n{}", table.name, lines.join("\n"))
}
