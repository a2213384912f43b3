//! Failures beside successes at one rate: what does capture cost in CPU?
//!
//! Saturated, the two are not alike. Successes keep the gateway busy, and many share one wake-up;
//! failures wait for their records to be committed, so that the same connections leave it mostly idle, and
//! nearly each one wakes it by itself. Here both come at the rate that failures bear easily, in
//! turn within each round. It knows no proxy but the gateway.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde::Serialize;

use crate::{
    case::{CASES, Case},
    compare::{Pressed, press},
    load::Pace,
    subject::Running,
};

/// Its name for `--only`.
pub const NAME: &str = "failed to served";
/// The case of successes.
pub const SERVED: &str = "1 KiB";
/// The case of failures.
pub const FAILED: &str = "fail 100 %";

/// Both, pressed at the same rate.
#[derive(Serialize)]
pub struct SameRate {
    /// Requests a second.
    pub rate: f64,
    /// Round by round.
    pub rounds: Vec<Pair>,
}

/// One round.
#[derive(Serialize)]
pub struct Pair {
    /// Successes.
    pub served: Pressed,
    /// Failures.
    pub failed: Pressed,
}

/// Presses both in turn at half of the rate that failures manage.
///
/// # Errors
/// When the gateway breaks under load, or answers other than meant.
pub fn measure(
    gateway: &Running,
    rounds: usize,
    calibrate: Duration,
    length: Duration,
) -> Result<SameRate> {
    let (served, failed) = (case(SERVED)?, case(FAILED)?);
    press(served, gateway, Pace::Closed, calibrate)?;
    let managed = press(failed, gateway, Pace::Closed, calibrate)?
        .report
        .per_second;
    let rate = (managed / 2.0).max(1.0);
    let at_rate = |case| {
        let pressed = press(case, gateway, Pace::Open { per_second: rate }, length)?;
        let report = &pressed.report;
        ensure!(
            report.wrong + report.broken == 0,
            "not as meant: {report:?}"
        );
        Ok(pressed)
    };
    let rounds = (0..rounds)
        .map(|_| {
            Ok(Pair {
                served: at_rate(served)?,
                failed: at_rate(failed)?,
            })
        })
        .collect::<Result<_>>()?;
    Ok(SameRate { rate, rounds })
}

fn case(name: &str) -> Result<&'static Case> {
    CASES
        .iter()
        .find(|case| case.name == name)
        .with_context(|| format!("no such case: {name}"))
}
