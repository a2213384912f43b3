//! Reports: what is told without being asked.
//!
//! In: schedules, and what roll-ups and issues say. Out: notices in the outbox, one per time that a report was due.
//! [`calendar`] says when one is due, [`numbers`] where its numbers come from, [`write`] what it says, [`render`] what
//! it looks like.
//!
//! Promises: each comes once, on one replica; what was missed while nobody ran comes once, not for each time; what was
//! due while monitoring was off never comes. Must not know: how it is sent.

mod calendar;
mod numbers;
pub mod render;
mod write;

use std::sync::Arc;

use waybill_model::{
    cause::Severity,
    notify::{Notice, NoticeKind},
    report::{Report, ReportKind, Schedule},
    time::UnixMillis,
};
use waybill_store::StoreError;

use crate::app::Shared;

pub use calendar::{BadCalendar, Calendar};
#[cfg(test)]
pub use write::delivered_of;

/// Makes the reports that are due; says how many, or which could not be made.
pub async fn make_due(shared: &Arc<Shared>) -> Result<usize, String> {
    let now = shared.clock.now();
    let due = shared.store.schedules_due(now).await;
    let due = due.map_err(|error| error.to_string())?;
    let (mut made, mut faults) = (0, Vec::new());
    for schedule in due {
        let name = schedule.body.name.clone();
        // What one schedule lacks is no reason to leave the others alone.
        match one(shared, schedule, now).await {
            Ok(is_made) => made += usize::from(is_made),
            Err(error) => faults.push(format!("{name}: {error}")),
        }
    }
    if made > 0 {
        shared.notifier.ring();
    }
    match faults.is_empty() {
        true => Ok(made),
        false => Err(faults.join("; ")),
    }
}

async fn one(shared: &Arc<Shared>, schedule: Schedule, now: UnixMillis) -> Result<bool, String> {
    let body = &schedule.body;
    // It was checked when it was written; a zone can be lost with a library.
    let calendar = Calendar::new(&body.cron, &body.time_zone).map_err(|bad| bad.problem)?;
    // Of those that were missed, the last one.
    let due_at = calendar.last(now).unwrap_or(now);
    let next_at = calendar.next(now);
    let chosen = shared.chosen();
    let is_watched =
        chosen.is_monitored() && chosen.monitored_since().is_none_or(|since| since <= due_at);
    if !is_watched {
        let passed = shared.store.report_passed_over(schedule, next_at).await;
        return passed.map(|_| false).map_err(|error| error.to_string());
    }
    let report = report(shared, body.kind, &body.time_zone, due_at).await;
    let report = report.map_err(|error| error.to_string())?;
    let topic = format!("report:{}:{}", schedule.id, due_at.0);
    let notice = notice(report, &body.name, topic);
    let made = shared
        .store
        .report_made(schedule, due_at, next_at, notice, now);
    made.await.map_err(|error| error.to_string())
}

/// A report that is due at an instant.
pub async fn report(
    shared: &Shared,
    kind: ReportKind,
    time_zone: &str,
    due_at: UnixMillis,
) -> Result<Report, StoreError> {
    let midnights =
        Calendar::new("0 0 * * *", time_zone).or_else(|_| Calendar::new("0 0 * * *", "UTC"));
    let midnights = midnights.map_err(|_| StoreError::Closed)?;
    let end = match kind.is_of_whole_days() {
        true => midnights.last(due_at).unwrap_or(due_at),
        false => due_at,
    };
    let period = numbers::Period::ending(&midnights, kind, end);
    let numbers = numbers::numbers(shared, kind, &period).await?;
    Ok(write::report(kind, time_zone, &period, &numbers))
}

/// The notice of a report.
pub fn notice(report: Report, name: &str, topic: String) -> Notice {
    Notice {
        kind: NoticeKind::Report,
        topic,
        event_id: None,
        severity: Severity::P3,
        title: format!("{}: {name}", report.kind.title()),
        sentence: render::short(&report),
        text: String::new(),
        rule: None,
        subject: None,
        metric: None,
        value: None,
        threshold: None,
        unit: None,
        started_at: report.end,
        ended_at: None,
        path: None,
        report: Some(report),
    }
}
