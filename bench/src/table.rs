//! The table: medians over rounds, ratios within rounds, and the figures to reach.
//!
//! A ratio is taken in each round and then its median, because what slows the machine for a while slows
//! both sides of the same round. It knows the shape of the results, and nothing of how they were got.

use std::fmt::Write;

use crate::{
    burst::Burst,
    compare::{CaseResult, Pressed, Results, Round, SubjectResult},
    subject::Kind,
};

const MIB: f64 = 1024.0 * 1024.0;

/// The whole page, in Markdown.
pub fn render(results: &Results) -> String {
    let mut page = format!(
        "# Waybill beside nginx and no proxy\n\n{} CPUs, {}, {} rounds in turn, {} connections; medians.\n",
        results.cpus,
        if results.pinned {
            "proxies on a CPU of their own with one worker"
        } else {
            "everything on all of them"
        },
        results.rounds,
        crate::compare::CONNECTIONS,
    );
    page += &ratios(results);
    page += &goals(results);
    page += &figures(results);
    page += &bursts(&results.bursts);
    page
}

fn ratios(results: &Results) -> String {
    let mut out = String::from(
        "\n## Waybill / nginx\n\n\
         | case | CPU per request, saturated | CPU per request, at the rate | throughput | first byte p50 | p50 | p99 | peak memory |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for case in &results.cases {
        let ratio = |of: fn(&Round) -> f64| {
            case.ratio(of)
                .map_or("–".to_owned(), |ratio| format!("{ratio:.2}×"))
        };
        let memory = case
            .of(Kind::Waybill)
            .zip(case.of(Kind::Nginx))
            .map_or(f64::NAN, |(waybill, nginx)| {
                waybill.peak_bytes as f64 / nginx.peak_bytes.max(1) as f64
            });
        let _ = writeln!(
            out,
            "| {} | {} | {} | {} | {} | {} | {} | {memory:.1}× |",
            case.case.name,
            ratio(|r| r.closed.cpu_us),
            ratio(|r| r.open.cpu_us),
            ratio(|r| r.closed.report.per_second),
            ratio(|r| r.open.report.first_byte.p50_us),
            ratio(|r| r.open.report.total.p50_us),
            ratio(|r| r.open.report.total.p99_us),
        );
    }
    out
}

fn figures(results: &Results) -> String {
    let mut out = String::from(
        "\n## Figures\n\n\
         Added latency is against no proxy, at the same rate. CPU is the proxy's own.\n\n\
         | case | subject | requests/s | CPU µs/request, saturated | rate/s | CPU µs/request, at the rate | added p50 µs | added p99 µs | first byte p50 µs | peak MiB | wrong |\n\
         |---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for case in &results.cases {
        for subject in &case.subjects {
            let cpu = |of: fn(&Round) -> f64| match subject.kind {
                Kind::Direct => "–".to_owned(),
                _ => format!("{:.1}", subject.median(of)),
            };
            let _ = writeln!(
                out,
                "| {} | {} | {:.0} | {} | {:.0} | {} | {} | {} | {:.0} | {:.1} | {} |",
                case.case.name,
                subject.kind.label(),
                subject.median(|r| r.closed.report.per_second),
                cpu(|r| r.closed.cpu_us),
                case.rate,
                cpu(|r| r.open.cpu_us),
                added(case, subject, |r| r.open.report.total.p50_us),
                added(case, subject, |r| r.open.report.total.p99_us),
                subject.median(|r| r.open.report.first_byte.p50_us),
                subject.peak_bytes as f64 / MIB,
                subject.wrong(),
            );
        }
    }
    out
}

/// What a subject adds to no proxy at all; for no proxy itself, what it takes.
fn added(case: &CaseResult, subject: &SubjectResult, of: fn(&Round) -> f64) -> String {
    match (subject.kind, case.added_us(subject.kind, of)) {
        (Kind::Direct, _) => format!("({:.0})", subject.median(of)),
        (_, Some(added)) => format!("{added:.0}"),
        (_, None) => "–".to_owned(),
    }
}

fn bursts(bursts: &[Burst]) -> String {
    if bursts.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "\n## Burst of failures\n\n\
         | subject | failures seen | on record | failures/s | peak MiB | success p50 before → meantime, µs | success p99 before → meantime, µs | wrong |\n\
         |---|---|---|---|---|---|---|---|\n",
    );
    for burst in bursts {
        let _ = writeln!(
            out,
            "| {} | {} | {} | {:.0} | {:.1} | {:.0} → {:.0} ({:.2}×) | {:.0} → {:.0} ({:.2}×) | {} |",
            burst.kind.label(),
            burst.failures_seen,
            burst
                .failures_recorded
                .map_or("–".to_owned(), |n| n.to_string()),
            burst.failures_per_second,
            burst.peak_bytes as f64 / MIB,
            burst.quiet.p50_us,
            burst.meantime.p50_us,
            burst.meantime.p50_us / burst.quiet.p50_us,
            burst.quiet.p99_us,
            burst.meantime.p99_us,
            burst.meantime.p99_us / burst.quiet.p99_us,
            burst.wrong,
        );
    }
    for books in bursts.iter().filter_map(|burst| burst.books.as_ref()) {
        let of = |name: &str| books[name].as_u64().unwrap_or_default();
        let _ = writeln!(
            out,
            "\nThe gateway's books of the whole run: {} due = {} stored + {} spooled + {} counted lost; \
             {} answers released early, {} request bodies let go.",
            of("due"),
            of("stored"),
            of("spooled"),
            of("counted_lost"),
            of("released_early"),
            of("bodies_dropped"),
        );
    }
    out
}

/// A figure to reach, as measured.
struct Goal {
    what: &'static str,
    limit: f64,
    unit: &'static str,
    measured: Option<f64>,
}

fn goals(results: &Results) -> String {
    let case = |name: &str| results.cases.iter().find(|case| case.case.name == name);
    let cpu = |name| case(name).and_then(|case| case.ratio(|r| r.closed.cpu_us));
    let cpu_at_rate = |name| case(name).and_then(|case| case.ratio(|r| r.open.cpu_us));
    let first_byte =
        |name| case(name).and_then(|case| case.ratio(|r| r.open.report.first_byte.p50_us));
    let waybill_cpu = |name| Some(case(name)?.of(Kind::Waybill)?.median(|r| r.closed.cpu_us));
    let burst_of = |kind| results.bursts.iter().find(|burst| burst.kind == kind);
    let (burst, nginx_burst) = (burst_of(Kind::Waybill), burst_of(Kind::Nginx));
    let table = [
        Goal {
            what: "CPU of a 1 KiB request, saturated, to nginx's",
            limit: 2.0,
            unit: "×",
            measured: cpu("1 KiB"),
        },
        Goal {
            what: "CPU of a 1 KiB request, at half load, to nginx's",
            limit: 2.0,
            unit: "×",
            measured: cpu_at_rate("1 KiB"),
        },
        Goal {
            what: "CPU of a stream of 50, saturated, to nginx's",
            limit: 2.0,
            unit: "×",
            measured: cpu("stream 50"),
        },
        Goal {
            what: "CPU of a stream of 50, at half load, to nginx's",
            limit: 2.0,
            unit: "×",
            measured: cpu_at_rate("stream 50"),
        },
        Goal {
            what: "CPU of a paced stream of 50, at half load, to nginx's",
            limit: 2.0,
            unit: "×",
            measured: cpu_at_rate("stream 50 paced"),
        },
        Goal {
            what: "added p99 of a 1 KiB request at half load",
            limit: 1000.0,
            unit: " µs",
            measured: case("1 KiB")
                .and_then(|case| case.added_us(Kind::Waybill, |r| r.open.report.total.p99_us)),
        },
        Goal {
            what: "first byte of a stream, to nginx's",
            limit: 1.5,
            unit: "×",
            measured: first_byte("stream 50"),
        },
        Goal {
            what: "first byte of a paced stream, to nginx's",
            limit: 1.5,
            unit: "×",
            measured: first_byte("stream 50 paced"),
        },
        Goal {
            what: "CPU of a failed request with full capture, to a successful one",
            limit: 2.0,
            unit: "×",
            measured: waybill_cpu("fail 100 %")
                .zip(waybill_cpu("1 KiB"))
                .map(|(failed, served)| failed / served),
        },
        Goal {
            what: "peak memory of the burst",
            limit: 512.0,
            unit: " MiB",
            measured: burst.map(|b| b.peak_bytes as f64 / MIB),
        },
        Goal {
            what: "failures of the burst not on record",
            limit: 0.0,
            unit: "",
            measured: burst
                .and_then(|b| Some(b.failures_seen.abs_diff(b.failures_recorded?) as f64)),
        },
        Goal {
            what: "p50 of successes beside the flights, to before",
            limit: 1.5,
            unit: "×",
            measured: burst.map(|b| b.meantime.p50_us / b.quiet.p50_us),
        },
        Goal {
            what: "p99 of successes beside the flights, to nginx's",
            limit: 1.5,
            unit: "×",
            measured: burst
                .zip(nginx_burst)
                .map(|(b, nginx)| b.meantime.p99_us / nginx.meantime.p99_us),
        },
    ];
    let mut out = String::from(
        "\n## Figures to reach\n\n| figure | at most | measured | |\n|---|---|---|---|\n",
    );
    for Goal {
        what,
        limit,
        unit,
        measured,
    } in table
    {
        let Some(measured) = measured else { continue };
        let verdict = if measured <= limit {
            "reached"
        } else {
            "**missed**"
        };
        let _ = writeln!(
            out,
            "| {what} | {limit}{unit} | {measured:.2}{unit} | {verdict} |"
        );
    }
    out
}

impl CaseResult {
    fn of(&self, kind: Kind) -> Option<&SubjectResult> {
        self.subjects.iter().find(|subject| subject.kind == kind)
    }

    /// Waybill to nginx: the median of each round's ratio.
    fn ratio(&self, of: fn(&Round) -> f64) -> Option<f64> {
        self.paired(Kind::Waybill, Kind::Nginx, |waybill, nginx| {
            of(waybill) / of(nginx)
        })
    }

    /// What a subject adds to no proxy: the median of each round's difference.
    fn added_us(&self, kind: Kind, of: fn(&Round) -> f64) -> Option<f64> {
        self.paired(kind, Kind::Direct, |subject, direct| {
            of(subject) - of(direct)
        })
    }

    fn paired(&self, one: Kind, other: Kind, of: impl Fn(&Round, &Round) -> f64) -> Option<f64> {
        let (one, other) = (self.of(one)?, self.of(other)?);
        Some(median(
            one.rounds
                .iter()
                .zip(&other.rounds)
                .map(|(one, other)| of(one, other))
                .collect(),
        ))
    }
}

impl SubjectResult {
    fn median(&self, of: fn(&Round) -> f64) -> f64 {
        median(self.rounds.iter().map(of).collect())
    }

    fn wrong(&self) -> u64 {
        let of = |pressed: &Pressed| pressed.report.wrong + pressed.report.broken;
        self.rounds
            .iter()
            .map(|round| of(&round.closed) + of(&round.open))
            .sum()
    }
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    match values.len() {
        0 => f64::NAN,
        n if n % 2 == 1 => values[n / 2],
        n => (values[n / 2 - 1] + values[n / 2]) / 2.0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_median_of_an_even_count_lies_between_the_middle_two() {
        assert_eq!(median(vec![9.0, 1.0, 3.0]), 3.0);
        assert_eq!(median(vec![4.0, 1.0, 3.0, 9.0]), 3.5);
        assert!(median(Vec::new()).is_nan());
    }
}
