//! Reports: what is told without being asked.
//!
//! In: schedules, and what roll-ups and issues say. Out: notices in the outbox, one per time that a report was due.
//! [`calendar`] says when one is due, [`numbers`] where its numbers come from, [`write`] what it says, [`render`] what
//! it looks like.
//!
//! Promises: each comes once, on one replica; what was missed while nobody ran comes once, not for each time; what was
//! due while monitoring was off never comes; what its numbers lack is said in it, and what is only not counted yet is
//! waited for; a clock that was ahead keeps none away. Must not know: how it is sent.

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

/// While requests that are stored are not counted, a report waits for so long, and is sent as it is then.
const MOST_BEHIND_MS: i64 = 3_600_000;

/// What was done of what was due.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Done {
    /// Reports that were made.
    pub made: usize,
    /// Reports that wait until requests are counted.
    pub waiting: usize,
}

impl Done {
    /// In one line; nothing, where there was nothing to do.
    pub fn said(self) -> String {
        let made = (self.made > 0).then(|| format!("made {} reports", self.made));
        let waiting = (self.waiting > 0).then(|| {
            let waiting = self.waiting;
            format!("{waiting} reports wait until requests are rolled up")
        });
        let parts: Vec<String> = made.into_iter().chain(waiting).collect();
        parts.join("; ")
    }
}

/// What became of one that was due.
enum Came {
    Made,
    /// Somebody else made it, or nobody is told.
    Passed,
    Waits,
}

/// Makes the reports that are due; says how many, or which could not be made.
pub async fn make_due(shared: &Arc<Shared>) -> Result<Done, String> {
    let now = shared.clock.now();
    put_back(shared, now).await?;
    let due = shared.store.schedules_due(now).await;
    let due = due.map_err(|error| error.to_string())?;
    let (mut done, mut faults) = (Done::default(), Vec::new());
    for schedule in due {
        let name = schedule.body.name.clone();
        // What one schedule lacks is no reason to leave the others alone.
        match one(shared, schedule, now).await {
            Ok(Came::Made) => done.made += 1,
            Ok(Came::Waits) => done.waiting += 1,
            Ok(Came::Passed) => {}
            Err(error) => faults.push(format!("{name}: {error}")),
        }
    }
    if done.made > 0 {
        shared.notifier.ring();
    }
    match faults.is_empty() {
        true => Ok(done),
        false => Err(faults.join("; ")),
    }
}

/// A clock that was ahead moved schedules on to times that are far off: they are due when they would be by now.
async fn put_back(shared: &Shared, now: UnixMillis) -> Result<(), String> {
    let schedules = shared.store.schedules().await;
    for schedule in schedules.map_err(|error| error.to_string())? {
        let body = &schedule.body;
        // What cannot be read says so when it is due.
        let Ok(calendar) = Calendar::new(&body.cron, &body.time_zone) else {
            continue;
        };
        let next = calendar.due(schedule.last_at, now);
        if let (Some(was), Some(at)) = (schedule.next_at, next)
            && was > at
        {
            let moved = shared.store.move_schedule(schedule, next).await;
            moved.map_err(|error| error.to_string())?;
        }
    }
    Ok(())
}

async fn one(shared: &Arc<Shared>, schedule: Schedule, now: UnixMillis) -> Result<Came, String> {
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
        let moved = shared.store.move_schedule(schedule, next_at).await;
        return moved
            .map(|_| Came::Passed)
            .map_err(|error| error.to_string());
    }
    let made = of_numbers(shared, body.kind, &body.time_zone, due_at).await;
    let (report, is_behind) = made.map_err(|error| error.to_string())?;
    // What was missed while nobody ran waits from when somebody does.
    let began = shared.telemetry.began();
    let since = schedule.next_at.map_or(began, |due| due.max(began));
    if is_behind && now.0.saturating_sub(since.0) < MOST_BEHIND_MS {
        return Ok(Came::Waits);
    }
    let topic = format!("report:{}:{}", schedule.id, due_at.0);
    let notice = notice(report, &body.name, topic);
    let made = shared
        .store
        .report_made(schedule, due_at, next_at, notice, now);
    match made.await.map_err(|error| error.to_string())? {
        true => Ok(Came::Made),
        false => Ok(Came::Passed),
    }
}

/// A report that is due at an instant.
pub async fn report(
    shared: &Shared,
    kind: ReportKind,
    time_zone: &str,
    due_at: UnixMillis,
) -> Result<Report, StoreError> {
    let made = of_numbers(shared, kind, time_zone, due_at).await;
    made.map(|(report, _)| report)
}

/// The same, and whether requests that are stored are not counted in it yet.
async fn of_numbers(
    shared: &Shared,
    kind: ReportKind,
    time_zone: &str,
    due_at: UnixMillis,
) -> Result<(Report, bool), StoreError> {
    let midnights =
        Calendar::new("0 0 * * *", time_zone).or_else(|_| Calendar::new("0 0 * * *", "UTC"));
    let midnights = midnights.map_err(|_| StoreError::Closed)?;
    let end = match kind.is_of_whole_days() {
        true => midnights.last(due_at).unwrap_or(due_at),
        false => due_at,
    };
    let period = numbers::Period::ending(&midnights, kind, end);
    let numbers = numbers::numbers(shared, kind, &period).await?;
    let report = write::report(kind, time_zone, &period, &numbers);
    Ok((report, numbers.is_behind))
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
