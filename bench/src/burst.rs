//! The burst: failures by the ten thousand, twice.
//!
//! First a storm, twenty thousand as fast as they are answered: what memory does it take, and is every
//! one on record afterwards? Then flights of hundreds at once, with time to answer them before the next,
//! while successes go on at a steady rate beside them: what do the failures do to the successes? Load,
//! upstream and proxy share the CPUs, so flights slow everything a little; the same flights through
//! nginx say how much of that is the machine's.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, anyhow};
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
/// How long the books may take to agree after the last answer.
const SETTLE: Duration = Duration::from_secs(10);

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
    let recorded_before = recorded(subject)?;
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
        failures_recorded: settled(subject, recorded_before, failures_seen)?,
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

/// How many failures of the burst's kind the gateway has on record; `None` for what keeps no record.
fn recorded(subject: &Running) -> Result<Option<u64>> {
    if subject.kind != Kind::Waybill {
        return Ok(None);
    }
    let path = format!(
        "/api/v1/admin/ops/errors?view=all&time_range=24h&model={FAILING_MODEL}&page_size=1"
    );
    let (status, body) = get(subject.plain, &path, ADMIN_TOKEN)?;
    let list: serde_json::Value = serde_json::from_slice(&body)
        .with_context(|| format!("{path}: {status} {}", String::from_utf8_lossy(&body)))?;
    let total = list["total"]
        .as_u64()
        .with_context(|| format!("{path}: {status}, no total in {list}"))?;
    Ok(Some(total))
}

/// How many more are on record than before, once that is as many as were seen or nothing changes any more.
fn settled(subject: &Running, before: Option<u64>, seen: u64) -> Result<Option<u64>> {
    let patience = Instant::now() + SETTLE;
    loop {
        let more = recorded(subject)?
            .zip(before)
            .map(|(now, before)| now - before);
        if more.is_none_or(|more| more >= seen) || Instant::now() > patience {
            return Ok(more);
        }
        thread::sleep(Duration::from_millis(200));
    }
}
