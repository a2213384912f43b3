//! Which jobs there are.

use std::{future::Future, pin::Pin, sync::Arc, time::Duration};

use waybill_model::issue::Settings;
use waybill_store::{FoldReport, RetentionPolicy, RollupReport};

use crate::{
    alerts, app::Shared, config::Retention, notify, replay, report, standing::probe_accounts,
};

/// One job.
#[derive(Debug)]
pub struct Job {
    /// What it is called.
    pub name: &'static str,
    /// How often it runs.
    pub work: Work,
}

/// How often a job runs, and what it does.
#[derive(Debug, Clone, Copy)]
pub enum Work {
    /// Removes what is too old or too much.
    Retain,
    /// Folds errors into issues.
    Issues,
    /// Folds requests into roll-ups.
    Rollups,
    /// Judges stored failures by the classification rules in force.
    Judge,
    /// Takes errors into what lists look through.
    Search,
    /// Judges rules of alerts.
    Alerts,
    /// Asks stopped accounts whether they serve again, without end.
    Probe,
    /// Ends attempts to send a request again whose process has ended.
    Interrupt,
    /// Goes on with replays of many failures, without end while there are any.
    Replay,
    /// Sends what waits in the outbox of notifications, without end.
    Notify,
    /// Makes the reports that are due.
    Report,
}

/// Every job.
pub const JOBS: &[Job] = &[
    Job {
        name: "retention",
        work: Work::Retain,
    },
    Job {
        name: "issues",
        work: Work::Issues,
    },
    Job {
        name: "rollups",
        work: Work::Rollups,
    },
    Job {
        name: "classification",
        work: Work::Judge,
    },
    Job {
        name: "search",
        work: Work::Search,
    },
    Job {
        name: "alerts",
        work: Work::Alerts,
    },
    Job {
        name: "probes",
        work: Work::Probe,
    },
    Job {
        name: "replays",
        work: Work::Interrupt,
    },
    Job {
        name: "replays-of-many",
        work: Work::Replay,
    },
    Job {
        name: notify::JOB,
        work: Work::Notify,
    },
    Job {
        name: "reports",
        work: Work::Report,
    },
];

/// What a run did, in one line; or what went wrong.
type Run = Pin<Box<dyn Future<Output = Result<String, String>> + Send>>;

impl Work {
    /// Whether it rests while monitoring is off.
    pub const fn is_monitoring(self) -> bool {
        match self {
            Work::Alerts | Work::Report => true,
            Work::Retain
            | Work::Issues
            | Work::Rollups
            | Work::Judge
            | Work::Search
            | Work::Probe
            | Work::Interrupt
            | Work::Replay
            | Work::Notify => false,
        }
    }
}

impl Job {
    /// From the end of a run to the next.
    pub(super) fn rest(&self) -> Duration {
        match self.work {
            Work::Retain => Duration::from_secs(60),
            Work::Probe
            | Work::Issues
            | Work::Replay
            | Work::Judge
            | Work::Search
            | Work::Alerts
            | Work::Notify => Duration::from_secs(1),
            Work::Rollups | Work::Report => Duration::from_secs(2),
            Work::Interrupt => Duration::from_secs(30),
        }
    }

    /// One run.
    pub(super) fn work(&self, shared: Arc<Shared>) -> Run {
        match self.work {
            Work::Retain => Box::pin(async move { retain(&shared).await }),
            Work::Issues => Box::pin(async move { fold(&shared).await }),
            Work::Rollups => Box::pin(async move { roll_up(&shared).await }),
            Work::Judge => Box::pin(async move { judge(&shared).await }),
            Work::Search => Box::pin(async move { take_in(&shared).await }),
            Work::Alerts => Box::pin(async move { alerts::evaluate(&shared).await }),
            Work::Probe => Box::pin(async move {
                probe_accounts(shared).await;
                Ok(String::new())
            }),
            Work::Notify => Box::pin(async move {
                notify::send(shared).await;
                Ok(String::new())
            }),
            Work::Report => Box::pin(async move {
                let done = report::make_due(&shared).await?;
                Ok(done.said())
            }),
            Work::Interrupt => Box::pin(async move {
                let ended = replay::sweep(&shared).await;
                let ended = ended.map_err(|error| error.to_string())?;
                Ok(format!("{ended} replays were interrupted"))
            }),
            Work::Replay => Box::pin(async move {
                let turns = replay::many::run(shared).await;
                let turns = turns.map_err(|error| error.to_string())?;
                Ok(match turns {
                    0 => String::new(),
                    turns => format!("{turns} failures had their turn"),
                })
            }),
        }
    }
}

/// Batches of one run: after so many it is on record how it went.
const MOST_BATCHES: usize = 200;

/// What issues' states depend on, as it is configured.
pub fn issue_settings(shared: &Shared) -> Settings {
    let quiet = shared.settings.retention.issue_quiet;
    Settings {
        quiet_ms: Some(i64::try_from(quiet.as_millis()).unwrap_or(i64::MAX)),
    }
}

async fn fold(shared: &Shared) -> Result<String, String> {
    let settings = issue_settings(shared);
    let mut all = FoldReport::default();
    for _ in 0..MOST_BATCHES {
        let now = shared.clock.now();
        let report = shared.store.fold_issues(settings, now).await;
        let report = report.map_err(|error| error.to_string())?;
        all.folded += report.folded;
        all.recounted += report.recounted;
        all.transitions += report.transitions;
        if !report.more {
            break;
        }
    }
    Ok(match all {
        FoldReport {
            folded: 0,
            recounted: 0,
            transitions: 0,
            ..
        } => String::new(),
        all => format!(
            "folded {} errors, counted {} anew; {} changes of state",
            all.folded, all.recounted, all.transitions
        ),
    })
}

async fn roll_up(shared: &Shared) -> Result<String, String> {
    let mut all = RollupReport::default();
    for _ in 0..MOST_BATCHES {
        let report = shared.store.fold_rollups().await;
        let report = report.map_err(|error| error.to_string())?;
        all.folded += report.folded;
        if !report.more {
            break;
        }
    }
    Ok(match all.folded {
        0 => String::new(),
        folded => format!("folded {folded} requests"),
    })
}

async fn judge(shared: &Shared) -> Result<String, String> {
    let (mut looked_at, mut changed) = (0, 0);
    for _ in 0..MOST_BATCHES {
        let report = shared.store.judge_anew().await;
        let report = report.map_err(|error| error.to_string())?;
        looked_at += report.looked_at;
        changed += report.changed;
        if !report.more {
            break;
        }
    }
    Ok(match looked_at {
        0 => String::new(),
        _ => format!("judged {looked_at} failures by the rules in force; {changed} were changed"),
    })
}

/// Steps of one run that takes errors in, each of some milliseconds.
const MOST_STEPS: usize = 2_000;

async fn take_in(shared: &Shared) -> Result<String, String> {
    let mut blocks = 0;
    for _ in 0..MOST_STEPS {
        let report = shared.store.index_errors().await;
        let report = report.map_err(|error| error.to_string())?;
        blocks += report.blocks;
        if !report.more {
            break;
        }
    }
    Ok(match blocks {
        0 => String::new(),
        blocks => format!("took in {blocks} blocks of errors"),
    })
}

async fn retain(shared: &Shared) -> Result<String, String> {
    let millis = |age: Duration| Some(i64::try_from(age.as_millis()).unwrap_or(i64::MAX));
    let Retention {
        errors,
        requests,
        replay,
        issues,
        issue_quiet: _,
        rollup_minutes,
        rollup_hours,
        rollup_days,
        replay_max_bytes,
        audit,
        notifications,
        alert_events,
        max_bytes,
    } = shared.retention();
    let policy = RetentionPolicy {
        errors_max_age_ms: millis(errors),
        requests_max_age_ms: millis(requests),
        replay_max_age_ms: millis(replay),
        issues_max_age_ms: millis(issues),
        rollup_minutes_max_age_ms: millis(rollup_minutes),
        rollup_hours_max_age_ms: millis(rollup_hours),
        rollup_days_max_age_ms: millis(rollup_days),
        replay_max_bytes: Some(replay_max_bytes),
        audit_max_age_ms: millis(audit),
        max_bytes: Some(max_bytes),
    };
    // A clock that leaps ahead is not believed at once.
    let now = shared.store.retention_moment(shared.clock.now()).await;
    let now = now.map_err(|error| error.to_string())?;
    let report = shared.store.retain(&policy, now).await;
    let report = report.map_err(|error| error.to_string())?;
    if report.requests_given_up > 0 {
        tracing::error!(
            requests = report.requests_given_up,
            "requests had to go before they were in the roll-ups: the job `rollups` is stuck, and the store is full"
        );
    }
    let before = millis(notifications).map(|age| now.plus_ms(-age));
    if let Some(before) = before {
        let forgotten = shared.store.forget_notifications(before).await;
        forgotten.map_err(|error| error.to_string())?;
    }
    if let Some(age) = millis(alert_events) {
        let before = now.plus_ms(-age);
        let forgotten = shared.store.forget_alert_events(before).await;
        forgotten.map_err(|error| error.to_string())?;
    }
    Ok(format!(
        "removed {} errors, {} requests, {} replay copies, {} details, {} account events, {} entries of the audit log; {} bytes in use",
        report.errors,
        report.requests,
        report.replay_bodies,
        report.details,
        report.account_events,
        report.audit,
        report.bytes_used
    ))
}
