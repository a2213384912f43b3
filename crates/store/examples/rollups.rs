//! How long folding takes, and what dashboards ask over thirty days of roll-ups at 1,000 requests a second, on both
//! stores: `cargo run --release -p waybill-store --example rollups [-- REQUESTS [TIMES]]`.
//!
//! Requests go through the journal and are folded every two seconds' worth. The thirty days are written as roll-ups:
//! 388 values of facets, each with sketches, in every hour and day, and in every minute of the last day. Fails where
//! a figure is missed.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs)]

#[path = "../tests/common/mod.rs"]
mod common;
#[allow(dead_code)]
#[path = "../tests/store/rollups/fates.rs"]
mod fates;

use std::{
    fmt::Write as _,
    time::{Duration, Instant},
};

use common::{Fixture, Subject};
use fates::{Fates, START};
use waybill_model::{
    record::Record,
    rollup::{Counts, Facet, Measure, Scope, Sketches, Span},
    sketch::Sketch,
    time::UnixMillis,
};
use waybill_store::{RollupOf, RollupQuery, Store};

/// Requests between two folds: two seconds of 1,000 a second.
const FOLDED: u64 = 2_000;
const MOST: Duration = Duration::from_millis(100);
const MOST_FOLD: Duration = Duration::from_micros(500);
const DAY: i64 = Span::Day.millis();

fn main() {
    let mut given = std::env::args().skip(1);
    let requests: u64 = given.next().map_or(100_000, |text| text.parse().unwrap());
    let times: usize = given.next().map_or(40, |text| text.parse().unwrap());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let mut missed = 0;
    for subject in [Subject::Sqlite, Subject::Postgres] {
        missed += runtime.block_on(folding(subject, requests));
        let mut fixture = runtime.block_on(Fixture::on(subject));
        let begun = Instant::now();
        fill(&fixture);
        println!(
            "{subject:?}: thirty days of roll-ups written in {:.0} s",
            begun.elapsed().as_secs_f64()
        );
        runtime.block_on(not_folded(&mut fixture));
        println!("| question | buckets | p50 ms | p95 ms | |\n|---|---|---|---|---|");
        for (name, queries) in questions() {
            let (mut took, mut buckets) = (Vec::new(), 0);
            for _ in 0..times {
                let begun = Instant::now();
                let answers = runtime
                    .block_on(fixture.store.rollups_of(queries.clone()))
                    .unwrap();
                took.push(begun.elapsed());
                buckets = answers.iter().map(|answer| answer.buckets.len()).sum();
            }
            took.sort();
            let p = |share: usize| took[(took.len() - 1) * share / 100];
            let is_missed = p(95) > MOST;
            missed += u32::from(is_missed);
            let (p50, p95) = (ms(p(50)), ms(p(95)));
            println!(
                "| {name} | {buckets} | {p50:.1} | {p95:.1} | {} |",
                if is_missed { "missed" } else { "" }
            );
        }
    }
    println!("\n{missed} figures were missed");
    std::process::exit(i32::from(missed > 0));
}

fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

/// Folds requests that arrive one per millisecond.
async fn folding(subject: Subject, requests: u64) -> u32 {
    let mut fixture = Fixture::on(subject).await;
    let mut fates = Fates::of(1);
    let (mut written, mut folding, mut longest) = (0, Duration::ZERO, Duration::ZERO);
    while written < requests {
        let records: Vec<Record> = (written..written + FOLDED)
            .map(|n| arriving(fates.next(), n))
            .collect();
        fixture.write(&records).await;
        written += FOLDED;
        let begun = Instant::now();
        fold(&fixture.store).await;
        let took = begun.elapsed();
        folding += took;
        longest = longest.max(took);
    }
    let each = folding / u32::try_from(written).unwrap();
    println!(
        "{subject:?}: {written} requests folded, {:.1} µs each, {FOLDED} at once in {:.1} ms on average, {:.1} ms at most",
        each.as_secs_f64() * 1e6,
        ms(each * u32::try_from(FOLDED).unwrap()),
        ms(longest)
    );
    u32::from(each > MOST_FOLD)
}

/// What arrived since the last fold is added to every answer.
async fn not_folded(fixture: &mut Fixture) {
    let mut fates = Fates::of(2);
    let last = u64::try_from(3 * DAY).unwrap() - 2 * FOLDED;
    let records: Vec<Record> = (0..FOLDED)
        .map(|n| arriving(fates.next(), last + n))
        .collect();
    fixture.write(&records).await;
}

fn arriving(mut record: Record, n: u64) -> Record {
    let at = START.plus_ms(i64::try_from(n).unwrap());
    if let Some(request) = &mut record.request {
        request.subject.created_at = at;
    }
    if let Some(error) = &mut record.error {
        error.subject.created_at = at;
    }
    record
}

async fn fold(store: &Store) {
    while store.fold_rollups().await.unwrap().more {}
}

/// Facets, and how many values each has.
const VALUES: [(Facet, u32, &str); 9] = [
    (Facet::All, 1, "''"),
    (
        Facet::Platform,
        2,
        "CASE v.n WHEN 0 THEN 'anthropic' ELSE 'openai' END",
    ),
    (Facet::Group, 6, "CAST(v.n AS TEXT)"),
    (Facet::Account, 50, "CAST(v.n AS TEXT)"),
    (Facet::Model, 9, "'model-' || v.n"),
    (Facet::Key, 100, "CAST(v.n AS TEXT)"),
    (Facet::User, 50, "CAST(v.n AS TEXT)"),
    (Facet::GroupModel, 20, "(v.n % 6) || '/model-' || v.n"),
    (Facet::AccountModel, 150, "(v.n % 50) || '/model-' || v.n"),
];

/// Writes thirty days that end when the third day of [`fates`] does, as the fold would have.
fn fill(fixture: &Fixture) {
    let end = START.0 + 3 * DAY;
    for (span, days) in [(Span::Day, 30), (Span::Hour, 30), (Span::Minute, 1)] {
        let (start, step) = (end - days * DAY, span.millis());
        let count = days * DAY / step;
        for (facet, values, value) in VALUES {
            let each = 1_000 * step / 1_000 / i64::from(values);
            let sketch = sketch(u64::try_from(each).unwrap().min(5_000));
            let blob = match fixture.url {
                None => format!("X'{sketch}'"),
                Some(_) => format!("'\\x{sketch}'::bytea"),
            };
            let stages = if facet.has_stages() {
                blob.as_str()
            } else {
                "NULL"
            };
            let counts = Counts::NAMES.iter().map(|name| match *name {
                "requests" | "attempts" => format!("{each} + s.n % 7"),
                "successes" => format!("{} + s.n % 7", each - each / 100),
                _ => format!("{}", each / 100),
            });
            let sketches = Sketches::NAMES.iter().enumerate().map(|(at, _)| {
                if at < 2 {
                    blob.clone()
                } else {
                    stages.to_owned()
                }
            });
            let cells: Vec<String> = counts.chain(sketches).collect();
            let series = |name: &str, count: i64| {
                match fixture.url {
                None => format!(
                    "(WITH RECURSIVE c (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM c WHERE n < {count} - 1)
                     SELECT n FROM c) {name}"
                ),
                Some(_) => format!("(SELECT generate_series(0, {count} - 1) AS n) {name}"),
            }
            };
            let (steps, many) = (series("s", count), series("v", values.into()));
            let mut sql = format!(
                "INSERT INTO rollups (span_ms, facet, begins_at, value, generation, {}, {})
                 SELECT {step}, '{facet}', {start} + CAST(s.n AS BIGINT) * {step}, {value}, 0, {}
                 FROM {steps} CROSS JOIN {many};",
                Counts::NAMES.join(", "),
                Sketches::NAMES.join(", "),
                cells.join(", ")
            );
            for cause in [
                "overloaded",
                "server_error",
                "network.reset",
                "invalid_request",
            ] {
                for side in ["failed", "attempt"] {
                    let _ = write!(
                        sql,
                        "INSERT INTO rollup_causes (span_ms, facet, begins_at, value, generation, side, cause, phase,
                         owner, is_business_limited, status, count)
                         SELECT {step}, '{facet}', {start} + CAST(s.n AS BIGINT) * {step}, {value}, 0, '{side}', '{cause}',
                         'upstream', 'provider', 0, 500, 3 FROM {steps} CROSS JOIN {many};"
                    );
                }
            }
            run(fixture, &sql);
        }
    }
    if fixture.url.is_some() {
        run(fixture, "ANALYZE");
    }
}

fn run(fixture: &Fixture, sql: &str) {
    match fixture.url {
        Some(_) => {
            fixture.sql(sql);
        }
        None => {
            let db = rusqlite::Connection::open(fixture.file()).unwrap();
            db.busy_timeout(common::DEADLINE).unwrap();
            db.execute_batch(&format!("BEGIN; {sql} COMMIT;")).unwrap();
        }
    }
}

/// So many durations as they come, as hex.
fn sketch(count: u64) -> String {
    let mut sketch = Sketch::default();
    let mut random = fates::Random(3);
    for _ in 0..count.max(1) {
        sketch.add(200 + random.below(30) * random.below(40) * random.below(60));
    }
    sketch
        .to_bytes()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// What each endpoint asks for.
fn questions() -> Vec<(&'static str, Vec<RollupQuery>)> {
    // The edges are odd, so that hours and minutes are needed beside days.
    let end = UnixMillis(START.0 + 3 * DAY - 1_234_567);
    let whole = |of: RollupOf| RollupQuery {
        causes: false,
        sketches: &[],
        ..RollupQuery::whole(end.plus_ms(-30 * DAY + 7_654_321), end, of)
    };
    let one = |scope: Scope| RollupOf::One(scope);
    let all = || one(Scope::default());
    let account = || {
        one(Scope {
            account_id: Some(7),
            ..Scope::default()
        })
    };
    let sketched = |of| RollupQuery {
        sketches: Measure::ALL,
        ..whole(of)
    };
    let measured = |of| RollupQuery {
        sketches: Measure::Duration.alone(),
        ..whole(of)
    };
    let hourly = |query: RollupQuery| RollupQuery {
        step: Some(Span::Hour),
        ..query
    };
    let hours = |of| hourly(whole(of));
    let causes = |of| RollupQuery {
        causes: true,
        ..whole(of)
    };
    // The last day, minute by minute.
    let minutes = |query: RollupQuery| RollupQuery {
        start: UnixMillis(START.0 + 2 * DAY),
        step: Some(Span::Minute),
        ..query
    };
    vec![
        ("overview", vec![sketched(all()), hours(all())]),
        (
            "overview of an account",
            vec![sketched(account()), hours(account())],
        ),
        ("throughput and error trends", vec![hours(all())]),
        ("trends of an account", vec![hours(account())]),
        ("latency histogram", vec![measured(all())]),
        ("latency trend", vec![hourly(measured(all()))]),
        (
            "latency trend of an account",
            vec![hourly(measured(account()))],
        ),
        ("latency trend of a day", vec![minutes(measured(all()))]),
        ("error distribution by cause", vec![causes(all())]),
        ("error distribution trend", vec![hourly(causes(all()))]),
        (
            "error distribution trend of an account",
            vec![hourly(causes(account()))],
        ),
        (
            "error distribution trend of a day",
            vec![minutes(causes(all()))],
        ),
        (
            "error distribution by account",
            vec![whole(RollupOf::Each(Facet::Account))],
        ),
        (
            "error distribution by key",
            vec![whole(RollupOf::Each(Facet::Key))],
        ),
    ]
}
