//! What was measured of ingest, as a table.

use std::fmt::Write as _;

use super::{Home, Ingested, Kind};

/// CPUs that the figures to reach are for.
const CPUS: f64 = 2.0;

/// The table, and the figures to reach.
pub fn render(all: &[Ingested]) -> String {
    let mut out = String::from(
        "# Sustained ingest\n\n| home | records | arrived | records/s | slowest 10 s | CPU µs each: ours (making them) | PostgreSQL | \
         records per CPU second | bytes each, on disk | in the log | checkpoints | CPUs busy with others' work |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    for one in all {
        let each = |seconds: f64| seconds * 1e6 / one.arrived as f64;
        let _ = writeln!(
            out,
            "| {:?} | {:?} | {} | {:.0} | {:.0} | {:.1} ({:.1}) | {:.1} | {:.0} | {:.0} | {:.0} | {} | {:.1} |",
            one.home,
            one.records,
            one.arrived,
            one.rate(),
            one.slowest,
            each(one.own_cpu),
            each(one.making_cpu),
            each(one.database_cpu),
            one.per_cpu_second(),
            one.bytes,
            one.log_bytes,
            one.checkpoints,
            one.others_cpus,
        );
    }
    for one in all.iter().filter(|one| !one.tables.is_empty()) {
        let _ = writeln!(out, "\nBytes for each record, indexes included:");
        for (table, bytes) in &one.tables {
            let _ = writeln!(out, "- {table}: {bytes:.0}");
        }
    }
    out.push_str(
        "\n## Figures to reach\n\n| figure | at least | measured | |\n|---|---|---|---|\n",
    );
    for one in all.iter().filter(|one| one.records == Kind::Failures) {
        // One thread writes to SQLite, one process of PostgreSQL's writes what is moved: neither is two CPUs.
        let (limit, ceilings) = match one.home {
            Home::Postgres => (
                5_000.0,
                vec![
                    ("by CPU, on two", one.per_cpu_second() * CPUS),
                    (
                        "by the CPU of PostgreSQL, on one",
                        one.arrived as f64 / one.database_cpu,
                    ),
                ],
            ),
            Home::Sqlite => (10_000.0, vec![("by CPU, on one", one.per_cpu_second())]),
        };
        for (what, measured) in [("as it went", one.rate())].into_iter().chain(ceilings) {
            let verdict = match measured >= limit {
                true => "reached",
                false => "**missed**",
            };
            let _ = writeln!(
                out,
                "| error records a second into {:?}, {what} | {limit:.0} | {measured:.0} | {verdict} |",
                one.home
            );
        }
    }
    out
}

impl Ingested {
    fn rate(&self) -> f64 {
        self.arrived as f64 / self.seconds
    }

    /// Making records is not the gateway's.
    fn per_cpu_second(&self) -> f64 {
        self.arrived as f64 / (self.own_cpu - self.making_cpu + self.database_cpu)
    }
}
