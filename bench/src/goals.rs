//! The figures to reach, and whether they were: one table.
//!
//! It knows what was measured, and nothing of how.

use std::fmt::Write;

use crate::{
    alloc::JUDGED_BODY_BYTES,
    compare::Results,
    same_rate::{FAILED, SERVED, SameRate},
    subject::Kind,
    table::{KIB, MIB},
};

/// What capturing a failure may allocate on the request path.
pub const CAPTURE_LIMIT_KIB: f64 = 32.0;

/// The table, of what was measured; figures whose cases did not run are left out.
pub fn goals(results: &Results) -> String {
    let case = |name: &str| results.cases.iter().find(|case| case.case.name == name);
    let cpu = |name| case(name).and_then(|case| case.ratio(|r| r.closed.cpu_us));
    let cpu_at_rate = |name| case(name).and_then(|case| case.ratio(|r| r.open.cpu_us));
    let first_byte =
        |name| case(name).and_then(|case| case.ratio(|r| r.open.report.first_byte.p50_us));
    let waybill_cpu = |name| Some(case(name)?.of(Kind::Waybill)?.median(|r| r.closed.cpu_us));
    let captured = results
        .allocation
        .iter()
        .find(|cost| cost.body_bytes == JUDGED_BODY_BYTES);
    let burst_of = |kind| results.bursts.iter().find(|burst| burst.kind == kind);
    let (burst, nginx_burst) = (burst_of(Kind::Waybill), burst_of(Kind::Nginx));
    let table = [
        Goal {
            what: "CPU of a 1 KiB request, saturated, to nginx's",
            limit: Some(2.0),
            unit: "×",
            measured: cpu("1 KiB"),
        },
        Goal {
            what: "CPU of a 1 KiB request, at half load, to nginx's",
            limit: Some(2.0),
            unit: "×",
            measured: cpu_at_rate("1 KiB"),
        },
        Goal {
            what: "CPU of a stream of 50, saturated, to nginx's",
            limit: Some(2.0),
            unit: "×",
            measured: cpu("stream 50"),
        },
        Goal {
            what: "CPU of a stream of 50, at half load, to nginx's",
            limit: Some(2.0),
            unit: "×",
            measured: cpu_at_rate("stream 50"),
        },
        Goal {
            what: "CPU of a paced stream of 50, at half load, to nginx's",
            limit: Some(2.0),
            unit: "×",
            measured: cpu_at_rate("stream 50 paced"),
        },
        Goal {
            what: "added p99 of a 1 KiB request at half load",
            limit: Some(1000.0),
            unit: " µs",
            measured: case("1 KiB")
                .and_then(|case| case.added_us(Kind::Waybill, |r| r.open.report.total.p99_us)),
        },
        Goal {
            what: "first byte of a stream, to nginx's",
            limit: Some(1.5),
            unit: "×",
            measured: first_byte("stream 50"),
        },
        Goal {
            what: "first byte of a paced stream, to nginx's",
            limit: Some(1.5),
            unit: "×",
            measured: first_byte("stream 50 paced"),
        },
        Goal {
            what: "CPU of a failed request with full capture, to a successful one, at the same rate",
            limit: Some(2.0),
            unit: "×",
            measured: results.same_rate.as_ref().map(SameRate::ratio),
        },
        Goal {
            what: "the same, both saturated, each at the rate it manages",
            limit: None,
            unit: "×",
            measured: waybill_cpu(FAILED)
                .zip(waybill_cpu(SERVED))
                .map(|(failed, served)| failed / served),
        },
        Goal {
            what: "allocation on the request path for capturing a body of 256 KiB",
            limit: Some(CAPTURE_LIMIT_KIB),
            unit: " KiB",
            measured: captured.map(|cost| cost.capture() / KIB),
        },
        Goal {
            what: "peak memory of the burst",
            limit: Some(512.0),
            unit: " MiB",
            measured: burst.map(|b| b.peak_bytes as f64 / MIB),
        },
        Goal {
            what: "failures of the burst not on record",
            limit: Some(0.0),
            unit: "",
            measured: burst
                .and_then(|b| Some(b.failures_seen.abs_diff(b.failures_recorded?) as f64)),
        },
        Goal {
            what: "p50 of successes beside the flights, to before",
            limit: Some(1.5),
            unit: "×",
            measured: burst.map(|b| b.meantime.p50_us / b.quiet.p50_us),
        },
        Goal {
            what: "p99 of successes beside the flights, to nginx's",
            limit: Some(1.5),
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
        let (limit, verdict) = match limit {
            None => ("–".to_owned(), "not judged"),
            Some(limit) if measured <= limit => (format!("{limit}{unit}"), "reached"),
            Some(limit) => (format!("{limit}{unit}"), "**missed**"),
        };
        let _ = writeln!(
            out,
            "| {what} | {limit} | {measured:.2}{unit} | {verdict} |"
        );
    }
    out
}

/// A figure to reach, as measured.
struct Goal {
    what: &'static str,
    /// `None`: shown for comparison.
    limit: Option<f64>,
    unit: &'static str,
    measured: Option<f64>,
}
