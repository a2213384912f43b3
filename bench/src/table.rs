//! The table: medians over rounds, ratios within rounds.
//!
//! A ratio is taken in each round and then its median, because what slows the machine for a while slows
//! both sides of the same round. It knows the shape of the results, and nothing of how they were got.

use std::fmt::Write;

use crate::{
    alloc::{self, Cost, JUDGED_BODY_BYTES},
    burst::Burst,
    compare::{CaseResult, Pressed, Results, Round, SubjectResult},
    goals::{CAPTURE_LIMIT_KIB, goals},
    same_rate::{Pair, SameRate},
    subject::Kind,
};

/// Bytes in a MiB.
pub const MIB: f64 = 1024.0 * 1024.0;
/// Bytes in a KiB.
pub const KIB: f64 = 1024.0;

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
    if let Some(same_rate) = &results.same_rate {
        page += &failed_to_served(same_rate);
    }
    page += &allocation(&results.allocation);
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

fn failed_to_served(same_rate: &SameRate) -> String {
    let row = |what: &str, of: fn(&Pair) -> &Pressed| {
        let median = |figure: fn(&Pressed) -> f64| {
            median(
                same_rate
                    .rounds
                    .iter()
                    .map(|pair| figure(of(pair)))
                    .collect(),
            )
        };
        format!(
            "| {what} | {:.1} | {:.0} | {:.0} |\n",
            median(|pressed| pressed.cpu_us),
            median(|pressed| pressed.report.total.p50_us),
            median(|pressed| pressed.report.total.p99_us),
        )
    };
    format!(
        "\n## Failed to served, both at {:.0}/s\n\n\
         | waybill, 1 KiB | CPU µs/request | p50 µs | p99 µs |\n|---|---|---|---|\n{}{}\
         \nFailed to served, CPU: {:.2}×.\n",
        same_rate.rate,
        row("served", |pair| &pair.served),
        row("failed", |pair| &pair.failed),
        same_rate.ratio(),
    )
}

/// What capture allocates on the request path; nothing for no costs.
pub fn allocation(costs: &[Cost]) -> String {
    if costs.is_empty() {
        return String::new();
    }
    let mut out = String::from(
        "\n## Allocation on the request path\n\n\
         KiB per request on the worker's thread: the median of the rounds, and in brackets the least and most.\n\n\
         | request body | served | failed and captured | difference |\n|---|---|---|---|\n",
    );
    for cost in costs {
        let spread = |of: fn(&alloc::Pair) -> f64| {
            let values = || cost.rounds.iter().map(|pair| of(pair) / KIB);
            let least = values().fold(f64::INFINITY, f64::min);
            let most = values().fold(f64::NEG_INFINITY, f64::max);
            format!(
                "{:.1} ({least:.1} to {most:.1})",
                median(values().collect())
            )
        };
        let _ = writeln!(
            out,
            "| {} KiB | {} | {} | {} |",
            cost.body_bytes / 1024,
            spread(|pair| pair.served),
            spread(|pair| pair.failed),
            spread(alloc::Pair::capture),
        );
    }
    for cost in costs
        .iter()
        .filter(|cost| cost.body_bytes == JUDGED_BODY_BYTES)
    {
        let _ = writeln!(
            out,
            "\nWith {} KiB the difference is {} {CAPTURE_LIMIT_KIB} KiB. All that a failure does on the worker's thread is in it: \
             reading the provider's error and our own answer too, not capture alone.",
            cost.body_bytes / 1024,
            if cost.capture() < CAPTURE_LIMIT_KIB * KIB {
                "under"
            } else {
                "**not under**"
            },
        );
    }
    out
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

impl CaseResult {
    /// What was measured of a subject.
    pub fn of(&self, kind: Kind) -> Option<&SubjectResult> {
        self.subjects.iter().find(|subject| subject.kind == kind)
    }

    /// Waybill to nginx: the median of each round's ratio.
    pub fn ratio(&self, of: fn(&Round) -> f64) -> Option<f64> {
        self.paired(Kind::Waybill, Kind::Nginx, |waybill, nginx| {
            of(waybill) / of(nginx)
        })
    }

    /// What a subject adds to no proxy: the median of each round's difference.
    pub fn added_us(&self, kind: Kind, of: fn(&Round) -> f64) -> Option<f64> {
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

impl Cost {
    /// Bytes that a failure adds: the median of each round's difference.
    pub fn capture(&self) -> f64 {
        median(self.rounds.iter().map(alloc::Pair::capture).collect())
    }
}

impl SameRate {
    /// CPU of a failure to that of a success: the median of each round's ratio.
    pub fn ratio(&self) -> f64 {
        let of = |pair: &Pair| pair.failed.cpu_us / pair.served.cpu_us;
        median(self.rounds.iter().map(of).collect())
    }
}

impl SubjectResult {
    /// Over its rounds.
    pub fn median(&self, of: fn(&Round) -> f64) -> f64 {
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

/// The middle one.
pub fn median(mut values: Vec<f64>) -> f64 {
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
