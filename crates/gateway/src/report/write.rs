//! What a report says of its numbers. Pure.

use waybill_model::{
    alert::Unit,
    report::{Chart, Figure, Point, Report, ReportKind, Table},
    rollup::{Counts, Side},
};

use super::numbers::{Numbers, Period};
use crate::notify::compose::number;

/// Causes that are named.
const MOST_CAUSES: usize = 10;

/// The report.
pub fn report(kind: ReportKind, time_zone: &str, period: &Period, numbers: &Numbers) -> Report {
    let (figures, charts, tables) = match kind {
        ReportKind::DailySummary | ReportKind::WeeklySummary => (
            summary(numbers),
            vec![
                chart(kind, "Requests", period, numbers, |counts| counts.requests),
                chart(kind, "Failed requests", period, numbers, |counts| {
                    counts.failures
                }),
            ],
            vec![causes(numbers), issues(numbers)],
        ),
        ReportKind::ErrorDigest => (
            failures(numbers),
            vec![
                chart(kind, "Failed requests", period, numbers, |counts| {
                    counts.failures
                }),
                chart(
                    kind,
                    "Failures hidden by failover",
                    period,
                    numbers,
                    |counts| counts.recovered,
                ),
            ],
            vec![causes(numbers), issues(numbers)],
        ),
        ReportKind::AccountHealth => (
            providers(numbers),
            vec![chart(kind, "Failed attempts", period, numbers, |counts| {
                counts.attempts_failed
            })],
            vec![accounts(numbers)],
        ),
    };
    Report {
        kind,
        start: period.start,
        end: period.end,
        time_zone: time_zone.to_owned(),
        notes: notes(period, numbers),
        figures,
        charts,
        tables,
    }
}

/// What was asked for so soon after the end of its window was asked for while requests of it were still running.
const SOON_MS: i64 = 600_000;

/// What the numbers lack.
fn notes(period: &Period, numbers: &Numbers) -> Vec<String> {
    let [is_complete, was_complete] = numbers.is_complete;
    let ran = numbers.asked_at.0.saturating_sub(period.end.0) < SOON_MS;
    let of = [
        (
            !is_complete && numbers.is_behind,
            "These numbers are incomplete: not all requests are counted yet.",
        ),
        (
            !is_complete && !numbers.is_behind,
            "These numbers are incomplete: requests had to be removed before they were counted.",
        ),
        (
            !was_complete,
            "The numbers of the time before are incomplete.",
        ),
        (
            ran,
            "A request is counted when it is over: those that were still running are not in these numbers.",
        ),
    ];
    let said = of.into_iter().filter(|(is_so, _)| *is_so);
    said.map(|(_, note)| note.to_owned()).collect()
}

fn summary(numbers: &Numbers) -> Vec<Figure> {
    let mut figures = vec![count(numbers, "Requests", |counts| counts.requests)];
    figures.extend(failures(numbers));
    figures.extend([
        count(numbers, "Tokens", Counts::tokens),
        Figure {
            name: "Cost".to_owned(),
            unit: Unit::Usd,
            value: Some(usd(&numbers.counts)),
            before: Some(usd(&numbers.before)),
        },
        time(numbers, "Duration, median", false, 500),
        time(numbers, "Duration, p95", false, 950),
        time(numbers, "First token, p95", true, 950),
    ]);
    figures
}

fn failures(numbers: &Numbers) -> Vec<Figure> {
    let mut figures = vec![
        Figure {
            name: "Served".to_owned(),
            unit: Unit::Percent,
            value: numbers.counts.service_level().percent(),
            before: numbers.before.service_level().percent(),
        },
        count(numbers, "Failed requests", |counts| counts.failures),
        count(numbers, "Failures hidden by failover", |counts| {
            counts.recovered
        }),
    ];
    let [now, before] = numbers.left_out;
    if now + before > 0 {
        figures.push(Figure {
            name: "Requests left out by the settings".to_owned(),
            unit: Unit::Count,
            value: Some(now as f64),
            before: Some(before as f64),
        });
    }
    figures
}

/// What a report says that providers delivered.
#[cfg(test)]
pub fn delivered_of(counts: &Counts) -> Option<f64> {
    let numbers = Numbers {
        counts: *counts,
        ..Numbers::default()
    };
    providers(&numbers).first().and_then(|figure| figure.value)
}

fn providers(numbers: &Numbers) -> Vec<Figure> {
    vec![
        Figure {
            name: "Delivered by providers".to_owned(),
            unit: Unit::Percent,
            value: numbers.counts.provider_level().percent(),
            before: numbers.before.provider_level().percent(),
        },
        count(numbers, "Attempts", |counts| counts.attempts),
        count(numbers, "Attempts answered 429", |counts| {
            counts.attempts_429
        }),
        count(numbers, "Attempts answered 529", |counts| {
            counts.attempts_529
        }),
        count(
            numbers,
            "Attempts that failed otherwise",
            Counts::attempts_failed_otherwise,
        ),
    ]
}

fn count(numbers: &Numbers, name: &str, of: impl Fn(&Counts) -> u64) -> Figure {
    Figure {
        name: name.to_owned(),
        unit: Unit::Count,
        value: Some(of(&numbers.counts) as f64),
        before: Some(of(&numbers.before) as f64),
    }
}

fn time(numbers: &Numbers, name: &str, is_first_token: bool, per_mille: u64) -> Figure {
    let of = |sketches: &waybill_model::rollup::Sketches| {
        let sketch = match is_first_token {
            true => &sketches.first_token,
            false => &sketches.duration,
        };
        sketch.quantile(per_mille).map(|ms| ms as f64)
    };
    Figure {
        name: name.to_owned(),
        unit: Unit::Milliseconds,
        value: of(&numbers.sketches),
        before: of(&numbers.sketches_before),
    }
}

fn usd(counts: &Counts) -> f64 {
    counts.cost_micro_usd as f64 / 1e6
}

fn chart(
    kind: ReportKind,
    name: &str,
    period: &Period,
    numbers: &Numbers,
    of: impl Fn(&Counts) -> u64,
) -> Chart {
    let per = match kind {
        ReportKind::WeeklySummary => "day",
        ReportKind::DailySummary | ReportKind::ErrorDigest | ReportKind::AccountHealth => "hour",
    };
    let points = period.steps.iter().zip(&numbers.steps);
    Chart {
        name: format!("{name} per {per}"),
        unit: Unit::Count,
        points: points
            .map(|(at, counts)| Point {
                at: *at,
                value: of(counts) as f64,
            })
            .collect(),
    }
}

fn causes(numbers: &Numbers) -> Table {
    let failed = numbers
        .causes
        .iter()
        .filter(|cause| cause.why.side == Side::Failed);
    table(
        "Why requests failed",
        &["Cause", "Fault", "Status", "Requests"],
        failed
            .take(MOST_CAUSES)
            .map(|cause| {
                vec![
                    cause.why.cause.to_string(),
                    cause.why.owner.to_string(),
                    cause.why.status.to_string(),
                    cause.count.to_string(),
                ]
            })
            .collect(),
    )
}

fn issues(numbers: &Numbers) -> Table {
    table(
        "Issues, what hurts most first",
        &["Issue", "State", "Severity", "Failures", "Users", "Since"],
        numbers
            .issues
            .iter()
            .map(|issue| {
                vec![
                    issue.title.clone(),
                    issue.state.to_string(),
                    issue.severity.to_string(),
                    issue.count.to_string(),
                    issue.users.to_string(),
                    issue.first_seen.to_string(),
                ]
            })
            .collect(),
    )
}

fn accounts(numbers: &Numbers) -> Table {
    table(
        "Accounts",
        &[
            "Account",
            "State",
            "Attempts",
            "Delivered",
            "429",
            "529",
            "Failed otherwise",
        ],
        numbers
            .accounts
            .iter()
            .map(|(name, state, counts)| {
                let delivered = counts.provider_level().percent();
                let delivered = delivered.map(|share| number(share, Some(Unit::Percent)));
                vec![
                    name.clone(),
                    state.clone(),
                    counts.attempts.to_string(),
                    delivered.unwrap_or_else(|| "–".to_owned()),
                    counts.attempts_429.to_string(),
                    counts.attempts_529.to_string(),
                    counts.attempts_failed_otherwise().to_string(),
                ]
            })
            .collect(),
    )
}

fn table(name: &str, columns: &[&str], rows: Vec<Vec<String>>) -> Table {
    Table {
        name: name.to_owned(),
        columns: columns.iter().map(|column| (*column).to_owned()).collect(),
        rows,
    }
}

#[cfg(test)]
mod tests {
    use waybill_model::time::UnixMillis;

    use super::*;

    #[test]
    fn a_report_says_what_its_numbers_lack() {
        let end = UnixMillis(1_800_000_000_000);
        let period = Period {
            start: end.plus_ms(-86_400_000),
            end,
            before: end.plus_ms(-2 * 86_400_000),
            steps: Vec::new(),
        };
        let notes = |is_behind, is_complete, after_ms| {
            let numbers = Numbers {
                is_behind,
                is_complete,
                asked_at: end.plus_ms(after_ms),
                ..Numbers::default()
            };
            let report = report(ReportKind::ErrorDigest, "UTC", &period, &numbers);
            report.notes.join(" ")
        };
        assert_eq!(notes(false, [true, true], SOON_MS), "");
        assert!(notes(false, [true, true], 0).contains("still running"));
        assert!(notes(true, [false, false], SOON_MS).contains("not all requests are counted yet"));
        let removed = notes(false, [false, true], SOON_MS);
        assert!(removed.contains("had to be removed") && !removed.contains("before are"));
        let before = notes(false, [true, false], SOON_MS);
        assert_eq!(before, "The numbers of the time before are incomplete.");
    }
}
