//! The burst: failures by the ten thousand, twice.
//!
//! First a storm, twenty thousand as fast as they are answered: what memory does it take, and is every
//! one on record afterwards? Then flights of hundreds at once, with time to answer them before the next,
//! while successes go on at a steady rate beside them: what do the failures do to the successes? Load,
//! upstream and proxy share the CPUs, so flights slow everything a little; the same flights through
//! nginx say how much of that is the machine's.

use std::{
    collections::HashSet,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::Duration,
};

use anyhow::{Context, Result, anyhow, ensure};
use serde::Serialize;

use crate::{
    load::{Load, Pace, Percentiles},
    request::{Expect, Request, get},
    subject::{ADMIN_TOKEN, KEY_SINGLE, Kind, Running},
};

/// Failures in the storm.
const STORM: u64 = 20_000;
/// Failures in flight at once, in the storm and in a flight.
const FAILING_CONNECTIONS: usize = 256;
/// Flights: twenty thousand failures again.
const FLIGHTS: u32 = 80;
/// From one flight to the next: an average of two thousand failures a second.
const FLIGHT_EVERY: Duration = Duration::from_millis(125);
/// Size of a failing request: all of it is captured.
const FAILING_BYTES: usize = 16 * 1024;
/// Successes beside them.
const SUCCESSES_PER_SECOND: f64 = 200.0;
const SUCCESS_CONNECTIONS: usize = 16;
/// A model and status that no other case uses, so that the burst's records can be counted apart.
const FAILING_MODEL: &str = "bench-fail-100-413";
const STATUS: u16 = 413;
/// Successes are measured alone for at least so long: at their rate, p99 needs a few hundred.
const QUIET: Duration = Duration::from_secs(3);
/// Longer than any part takes.
const LONGEST: Duration = Duration::from_secs(120);
/// What the burst did to one proxy.
#[derive(Serialize)]
pub struct Burst {
    /// The proxy.
    pub kind: Kind,
    /// Failures that the client saw.
    pub failures_seen: u64,
    /// Failures that the gateway has on record; absent for a proxy that keeps none.
    pub failures_recorded: Option<u64>,
    /// Answers that were not as expected, or not whole, successes and failures together.
    pub wrong: u64,
    /// The gateway's own books, as it states them: of the whole run, not of the burst alone.
    pub books: Option<serde_json::Value>,
    /// Peak resident memory.
    pub peak_bytes: u64,
    /// Failures a second in the storm.
    pub failures_per_second: f64,
    /// Latency of successes before.
    pub quiet: Percentiles,
    /// Latency of successes in the meantime.
    pub meantime: Percentiles,
}

/// Runs it.
///
/// # Errors
/// When the proxy breaks, or the gateway's admin API does not answer.
pub fn run(subject: &Running, quiet_length: Duration) -> Result<Burst> {
    let quiet = successes(subject, quiet_length.max(QUIET), Arc::default())?.run()?;
    subject.processes.reset_peak();

    let storm = failures(subject, Pace::Count { requests: STORM })?.run()?;
    let stop = Arc::new(AtomicBool::new(false));
    let (flights, meantime) = thread::scope(|scope| {
        let steady = scope.spawn(|| successes(subject, LONGEST, stop.clone())?.run());
        let flights = failures(
            subject,
            Pace::Flights {
                every: FLIGHT_EVERY,
                flights: FLIGHTS,
            },
        )?
        .run();
        stop.store(true, Ordering::Relaxed);
        let meantime = steady
            .join()
            .map_err(|_| anyhow!("a load thread panicked"))??;
        anyhow::Ok((flights?, meantime))
    })?;

    let failures_seen = [&storm, &flights]
        .iter()
        .map(|part| part.sent - part.broken)
        .sum();
    let peak_bytes = subject.processes.peak_bytes();
    Ok(Burst {
        kind: subject.kind,
        failures_seen,
        failures_recorded: recorded(subject)?,
        books: books(subject)?,
        peak_bytes,
        failures_per_second: storm.per_second,
        wrong: [storm, flights, meantime.clone()]
            .iter()
            .map(|part| part.wrong + part.broken)
            .sum(),
        quiet: quiet.total,
        meantime: meantime.total,
    })
}

fn successes(subject: &Running, length: Duration, stop: Arc<AtomicBool>) -> Result<Load> {
    Ok(Load {
        target: subject.plain,
        request: Request::new(
            "bench-1k",
            1024,
            KEY_SINGLE,
            Expect::Served { body_bytes: 1024 },
        )?,
        connections: SUCCESS_CONNECTIONS,
        pace: Pace::Open {
            per_second: SUCCESSES_PER_SECOND,
        },
        length,
        stop,
    })
}

fn failures(subject: &Running, pace: Pace) -> Result<Load> {
    Ok(Load {
        target: subject.plain,
        request: Request::new(
            FAILING_MODEL,
            FAILING_BYTES,
            KEY_SINGLE,
            Expect::Refused { status: STATUS },
        )?,
        connections: FAILING_CONNECTIONS,
        pace,
        length: LONGEST,
        stop: Arc::default(),
    })
}

/// How many failures of the burst the gateway lists, each id once: the list is walked to its end, because
/// a total may be an estimate. The answers ended after their records were committed, so there is
/// nothing to wait for. `None` for what keeps no record.
fn recorded(subject: &Running) -> Result<Option<u64>> {
    if subject.kind != Kind::Waybill {
        return Ok(None);
    }
    let list = format!(
        "/api/v1/admin/ops/errors?view=all&time_range=24h&model={FAILING_MODEL}&page_size=500"
    );
    let mut ids = HashSet::new();
    let mut path = list.clone();
    loop {
        let page = ask(subject, &path)?;
        let rows = page["errors"]
            .as_array()
            .with_context(|| format!("{path}: no `errors`"))?;
        ids.extend(
            rows.iter()
                .filter_map(|row| row["request_id"].as_str().map(str::to_owned)),
        );
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("{list}&cursor={cursor}"),
            None => return Ok(Some(ids.len() as u64)),
        }
    }
}

/// What the gateway says of its own books; `None` for what keeps none.
///
/// # Errors
/// When the admin API does not answer.
pub fn books(subject: &Running) -> Result<Option<serde_json::Value>> {
    if subject.kind != Kind::Waybill {
        return Ok(None);
    }
    ask(subject, "/api/v1/admin/ops/books").map(Some)
}

fn ask(subject: &Running, path: &str) -> Result<serde_json::Value> {
    let (status, body) = get(subject.plain, path, ADMIN_TOKEN)?;
    ensure!(
        status == 200,
        "{path}: {status} {}",
        String::from_utf8_lossy(&body)
    );
    serde_json::from_slice(&body).with_context(|| path.to_owned())
}
