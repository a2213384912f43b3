//! Sends traces and metrics to the receiver, for as long as it is let.
//!
//! Promises: two tasks, so that neither waits for the other; a batch is tried again while the receiver says that
//! this may help, and no longer than a minute; what is let go is counted by why; at the end what waits is sent
//! within a few seconds. Must not know: what is in a batch.

mod send;
mod sent;

use std::{sync::Arc, time::Duration};

use tokio::{
    sync::{mpsc, watch},
    task::JoinHandle,
    time::{Instant, MissedTickBehavior, interval, sleep, timeout_at},
};

pub use sent::Sent;
use sent::{Lost, Outcome, Signal};

use super::{
    otlp::{self, Resource},
    settings::Otlp,
    span::Trace,
};
use crate::app::Shared;
use send::{Answer, Receiver};

/// Spans in one request to the receiver, about.
const BATCH_SPANS: usize = 512;

/// How long the first of a batch waits for others.
const LINGER: Duration = Duration::from_secs(1);

/// For how long a batch is tried.
const TRY_FOR: Duration = Duration::from_secs(60);

/// The first rest between two tries; each is twice as long as the one before.
const FIRST_REST: Duration = Duration::from_millis(250);

/// The longest, also where the receiver asks for a longer one.
const LONGEST_REST: Duration = Duration::from_secs(30);

/// For what waits at the end.
const LAST_CHANCE: Duration = Duration::from_secs(5);

/// Where spans come out.
pub struct Outbox(Option<mpsc::Receiver<Trace>>);

impl Outbox {
    pub(super) fn none() -> Outbox {
        Outbox(None)
    }

    pub(super) fn of(waiting: mpsc::Receiver<Trace>) -> Outbox {
        Outbox(Some(waiting))
    }
}

/// The running exporter. Dropping it ends nothing: it is stopped.
#[derive(Default)]
pub struct Exporter {
    stop: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

/// Starts sending, where there is somewhere to send to.
pub fn start(shared: &Arc<Shared>, outbox: Outbox) -> Exporter {
    let mut exporter = Exporter::default();
    let (Some(otlp), Outbox(Some(waiting))) = (&shared.settings.telemetry.otlp, outbox) else {
        return exporter;
    };
    let traces = Traces {
        shared: Arc::clone(shared),
        waiting,
        stop: exporter.stop.subscribe(),
    };
    exporter.tasks.push(tokio::spawn(traces.run(otlp.clone())));
    if let Some(every) = otlp.metrics_every {
        let (shared, stop) = (Arc::clone(shared), exporter.stop.subscribe());
        exporter
            .tasks
            .push(tokio::spawn(metrics(shared, otlp.clone(), every, stop)));
    }
    exporter
}

impl Exporter {
    /// Sends what waits, within a few seconds, and ends.
    pub async fn stop(self) {
        self.stop.send_replace(true);
        let in_time = Instant::now() + LAST_CHANCE;
        for mut task in self.tasks {
            if timeout_at(in_time, &mut task).await.is_err() {
                tracing::warn!(
                    "the OTLP receiver did not take the last of traces and metrics in time"
                );
                task.abort();
            }
        }
    }
}

fn resource(shared: &Shared, otlp: &Otlp) -> Resource {
    Resource {
        service_name: otlp.service_name.clone(),
        instance_id: shared.replica.clone(),
    }
}

struct Traces {
    shared: Arc<Shared>,
    waiting: mpsc::Receiver<Trace>,
    stop: watch::Receiver<bool>,
}

impl Traces {
    async fn run(mut self, otlp: Otlp) {
        let resource = resource(&self.shared, &otlp);
        let mut receiver = Receiver::new(otlp, "/v1/traces");
        while let Some(batch) = self.batch().await {
            let spans = batch.iter().map(|trace| trace.spans.len()).sum();
            let body = otlp::traces(&resource, &batch);
            drop(batch);
            self.deliver(&mut receiver, body, spans).await;
        }
    }

    /// The next batch; `None` at the end.
    async fn batch(&mut self) -> Option<Vec<Trace>> {
        let first = tokio::select! {
            biased;
            trace = self.waiting.recv() => trace?,
            () = stopped(&mut self.stop) => self.waiting.try_recv().ok()?,
        };
        let mut spans = first.spans.len();
        let mut batch = vec![first];
        let full_at = Instant::now() + LINGER;
        while spans < BATCH_SPANS {
            let next = tokio::select! {
                biased;
                trace = self.waiting.recv() => trace,
                () = stopped(&mut self.stop) => None,
                () = tokio::time::sleep_until(full_at) => None,
            };
            let Some(next) = next else { break };
            spans += next.spans.len();
            batch.push(next);
        }
        Some(batch)
    }

    async fn deliver(&mut self, receiver: &mut Receiver, body: Vec<u8>, spans: usize) {
        let sent = &self.shared.telemetry.sent;
        let body = send::packed(body).await;
        let (give_up_at, mut rest) = (Instant::now() + TRY_FOR, FIRST_REST);
        loop {
            match receiver.post(&self.shared, body.clone()).await {
                Answer::Taken(rejected) => {
                    let rejected = usize::try_from(rejected).unwrap_or(spans).min(spans);
                    sent.exported(
                        Signal::Traces,
                        if rejected > 0 {
                            Outcome::Partial
                        } else {
                            Outcome::Ok
                        },
                    );
                    sent.lost(Lost::Refused, rejected);
                    return sent.spans(spans - rejected);
                }
                Answer::Refused => {
                    sent.exported(Signal::Traces, Outcome::Failed);
                    return sent.lost(Lost::Refused, spans);
                }
                Answer::Later(asked) => {
                    sent.exported(Signal::Traces, Outcome::Failed);
                    // All alike, replicas would come back together.
                    let rest_now =
                        asked.unwrap_or_else(|| rest.mul_f64(rand::random_range(0.5..1.0)));
                    let rest_now = rest_now.min(LONGEST_REST);
                    rest = (rest * 2).min(LONGEST_REST);
                    if *self.stop.borrow() {
                        return sent.lost(Lost::Shutdown, spans);
                    }
                    if Instant::now() + rest_now > give_up_at {
                        return sent.lost(Lost::Unreachable, spans);
                    }
                    // At the end it is tried once more.
                    tokio::select! {
                        () = sleep(rest_now) => {}
                        () = stopped(&mut self.stop) => {}
                    }
                }
            }
        }
    }
}

/// What is sent is everything since the start: what was not taken is in what is sent next.
async fn metrics(
    shared: Arc<Shared>,
    otlp: Otlp,
    every: Duration,
    mut stop: watch::Receiver<bool>,
) {
    let resource = resource(&shared, &otlp);
    let mut receiver = Receiver::new(otlp, "/v1/metrics");
    let mut turns = interval(every);
    turns.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        let is_last = tokio::select! {
            _ = turns.tick() => false,
            () = stopped(&mut stop) => true,
        };
        let families = super::collect(&shared).await;
        let (began, now) = (shared.telemetry.began.0, shared.clock.now().0);
        let body = otlp::metrics(&resource, began, now, &families);
        let body = send::packed(body).await;
        let outcome = match receiver.post(&shared, body).await {
            Answer::Taken(0) => Outcome::Ok,
            Answer::Taken(_) => Outcome::Partial,
            Answer::Refused | Answer::Later(_) => Outcome::Failed,
        };
        shared.telemetry.sent.exported(Signal::Metrics, outcome);
        if is_last {
            return;
        }
    }
}

/// Resolves when it is time to end; also when nobody is left to say so.
async fn stopped(stop: &mut watch::Receiver<bool>) {
    let _ = stop.wait_for(|stop| *stop).await;
}
