//! Jobs: what runs by itself, on one replica at a time.
//!
//! Promises: whoever runs a job holds its lease, and stops before that ends; every run, and how it went, is on
//! record; a store that is away stops jobs and nothing else. Must not know: what a job does, beyond its name
//! and how often.

mod list;

use std::{sync::Arc, time::Duration};

use tokio::{
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, timeout},
};
use waybill_model::view::JobOutcome;
use waybill_store::StoreError;

use crate::app::Shared;

pub use list::{JOBS, Job, Work, issue_settings};

/// How long a lease lasts that is not renewed: after a crash, another replica takes over then.
const LEASE: Duration = Duration::from_secs(15);

/// How often it is renewed.
const RENEW_EVERY: Duration = Duration::from_secs(4);

/// A lease that could not be renewed is given up so long before it ends.
const MARGIN: Duration = Duration::from_secs(5);

/// Runs every job whose lease this replica gets, for as long as it is let.
pub fn start(shared: &Arc<Shared>) -> Vec<JoinHandle<()>> {
    JOBS.iter()
        .map(|job| tokio::spawn(run(Arc::clone(shared), job)))
        .collect()
}

async fn run(shared: Arc<Shared>, job: &'static Job) {
    let mut turns = interval(RENEW_EVERY);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut next_run = Instant::now();
    let mut holding = Holding::default();
    let mut running: Option<Running> = None;
    loop {
        tokio::select! {
            ended = async { (&mut running.as_mut()?.task).await.ok() }, if running.is_some() => {
                let detail = ended.unwrap_or_else(|| Err("it broke".to_owned()));
                running = None;
                next_run = Instant::now() + job.rest();
                holding.ended(&shared, job, detail).await;
            }
            _ = turns.tick() => {
                holding.renew(&shared, job).await;
            }
            () = tokio::time::sleep_until(next_run), if running.is_none() && holding.is_held() => {
                holding.began(&shared, job).await;
                running = Some(Running { task: tokio::spawn(job.work(Arc::clone(&shared))) });
            }
        }
        if !holding.is_held() {
            // Another replica may begin: what this one does ends.
            running = None;
        }
    }
}

/// A run under way. Dropping it ends it.
struct Running {
    task: JoinHandle<Result<String, String>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// Whether this replica holds the lease, and until when it may rely on that.
#[derive(Default)]
struct Holding {
    until: Option<Instant>,
}

impl Holding {
    fn is_held(&self) -> bool {
        self.until.is_some_and(|until| Instant::now() < until)
    }

    async fn renew(&mut self, shared: &Shared, job: &Job) {
        let asked_at = Instant::now();
        let lease_ms = i64::try_from(LEASE.as_millis()).unwrap_or(i64::MAX);
        let lease = shared
            .store
            .lease_job(job.name, &shared.replica, lease_ms, shared.clock.now());
        match timeout(RENEW_EVERY, lease).await {
            Ok(Ok(true)) => self.until = Some(asked_at + LEASE - MARGIN),
            Ok(Ok(false)) => self.until = None,
            // It may still be ours, for as long as it was given.
            Ok(Err(error)) => say(job, &error),
            Err(_) => say(job, &StoreError::TooSlow),
        }
    }

    async fn began(&self, shared: &Shared, job: &Job) {
        let began = shared
            .store
            .job_began(job.name, &shared.replica, shared.clock.now());
        if let Err(error) = began.await {
            say(job, &error);
        }
    }

    async fn ended(&self, shared: &Shared, job: &Job, how: Result<String, String>) {
        let (outcome, detail) = match how {
            Ok(detail) => (JobOutcome::Ok, detail),
            Err(detail) => {
                tracing::error!(job = job.name, detail, "a job failed; it is run again");
                (JobOutcome::Failed, detail)
            }
        };
        shared.telemetry.ran(job.name, outcome);
        let now = shared.clock.now();
        let ended = shared
            .store
            .job_ended(job.name, &shared.replica, outcome, detail, now);
        if let Err(error) = ended.await {
            say(job, &error);
        }
    }
}

fn say(job: &Job, error: &StoreError) {
    tracing::debug!(job = job.name, %error, "a job's lease could not be looked after");
}
