//! `ops/dashboard/overview`: how the service did in a window, and how it does.

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::{
    money::MicroUsd,
    rollup::{Bucket, Counts, Measure, Span},
    settings::Judgements,
    time::UnixMillis,
    view::{Books, JobOutcome},
};
use waybill_store::{Forwarding, RollupQuery, Rollups};

use super::{
    DashboardBasis, Durations, Percent, ask,
    health::{self, Health},
    per_second, whole,
};
use crate::{
    admin::{
        App,
        openapi::DashboardParameters,
        problem::{Problem, ProblemDetails},
    },
    app::Shared,
    ops::dashboard::{SCOPE, WINDOW, parse},
};

/// Up to so long a window is looked through minute by minute for its busiest one.
const BY_MINUTES_MS: i64 = 25 * Span::Hour.millis();

/// How the service did.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct Overview {
    /// What this is of.
    #[serde(flatten)]
    basis: DashboardBasis,
    /// The score and what it is made of.
    health: Health,
    /// Everything that is counted.
    counts: Counts,
    /// What clients saw, after failover: successes of successes and failures. What was the client's own doing, a
    /// limit of its own, or given up by it, does not count.
    sla: Percent,
    /// Failures of the same.
    error_rate: Percent,
    /// What providers did.
    upstream: UpstreamLevels,
    /// What numbers are held against, and how they stand to it.
    thresholds: Judgements,
    /// Requests per second.
    qps: PerSecond,
    /// Tokens of prompts and answers per second.
    tps: PerSecond,
    /// From arrival to end, of successes.
    duration: Durations,
    /// From arrival to the first content, of successes.
    time_to_first_token: Durations,
    /// The stages; measured for everything, a platform or a group.
    stages: StageDurations,
    /// What it cost, in US dollars, where models have a price.
    cost_usd: MicroUsd,
    /// The process that answers, and the store.
    system: ProcessNow,
    /// What runs by itself.
    jobs: JobsNow,
}

/// What providers did, before failover.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct UpstreamLevels {
    /// Attempts that were served, of all but the client's own failures and those that were cut off, and of requests
    /// for which no account was free of limits.
    level: Percent,
    /// Attempts that failed neither by 429 nor by 529 nor by the client's own doing, of all that were not cut off.
    error_rate: Percent,
    /// Attempts answered with 429, of the same.
    rate_429: Percent,
    /// Attempts answered with 529, of the same.
    rate_529: Percent,
}

/// How much per second.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct PerSecond {
    /// In the last whole minute of the window; `null` where minutes are not looked through.
    current: Option<f64>,
    /// In the busiest minute, or hour where minutes are not looked through.
    peak: f64,
    /// When that one began.
    peak_at: Option<UnixMillis>,
    /// How long it is.
    peak_span: Option<Span>,
    /// Over the window, as far as it has passed.
    average: f64,
}

/// Where the time goes.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct StageDurations {
    /// Time in auth.
    auth: Durations,
    /// Time to find an account, waiting included.
    routing: Durations,
    /// From sending upstream to the answer's head.
    upstream: Durations,
    /// From the head to the end.
    response: Durations,
}

/// The process that answers.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ProcessNow {
    /// Processor time of late, in per cent of one processor.
    cpu_percent: Option<f64>,
    /// Memory in use.
    memory_bytes: Option<u64>,
    /// Since its start.
    uptime_ms: u64,
    /// What the store takes.
    store_bytes: Option<u64>,
    /// Requests being served now.
    in_flight: usize,
    /// Where this process's records went.
    books: Option<Books>,
}

/// What runs by itself.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct JobsNow {
    /// How many there are.
    total: usize,
    /// Those whose last run failed: `GET ops/jobs` says why.
    failing: Vec<String>,
}

/// How the service did in a window: health, service level, errors, throughput, durations; and how the process and
/// its jobs do now.
#[utoipa::path(get, path = "/api/v1/admin/ops/dashboard/overview", operation_id = "get_overview", tag = "ops",
    params(DashboardParameters),
    responses((status = 200, body = Overview), (status = 400, body = ProblemDetails)))]
pub async fn show(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<Overview>, Problem> {
    let now = shared.clock.now();
    let question = parse(query.as_deref(), &[WINDOW, SCOPE], now)?;
    let all = RollupQuery {
        sketches: Measure::ALL,
        ..whole(&question)
    };
    let span = match question.end.0 - question.start.0 <= BY_MINUTES_MS {
        true => Span::Minute,
        false => Span::Hour,
    };
    let steps = RollupQuery {
        step: Some(span),
        ..whole(&question)
    };
    let answers = ask(&shared, &question, vec![all, steps]).await?;
    let [all, steps] = answers.as_slice() else {
        return Err(super::no_answer());
    };
    let bucket = all.total();
    let jobs = jobs(&shared).await?;
    let books = shared.recorder.books().await.ok();
    let measured = &bucket.sketches;
    let upstream = UpstreamLevels::of(&bucket.counts);
    let facts = health::Facts {
        counts: &bucket.counts,
        first_token_p99: measured.first_token.quantile(990),
        records_are_written: books.is_some()
            && shared.recorder.is_running()
            && !matches!(shared.store.forwarding(), Some(Forwarding::Fails { .. })),
        records_lost: books.map_or(0, |books| shared.telemetry.since_start(books).counted_lost),
        jobs: (jobs.total, jobs.failing.len()),
    };
    Ok(Json(Overview {
        basis: DashboardBasis::of(&shared, all),
        health: health::judge(&facts),
        sla: bucket.counts.service_level().into(),
        error_rate: bucket.counts.error_rate().into(),
        upstream,
        thresholds: shared
            .chosen()
            .thresholds()
            .judge(&bucket.counts, measured.first_token.quantile(990)),
        qps: PerSecond::of(steps, &bucket, now, |counts| counts.requests),
        tps: PerSecond::of(steps, &bucket, now, Counts::tokens),
        duration: Durations::from(&measured.duration),
        time_to_first_token: Durations::from(&measured.first_token),
        stages: StageDurations {
            auth: Durations::from(&measured.auth),
            routing: Durations::from(&measured.routing),
            upstream: Durations::from(&measured.upstream),
            response: Durations::from(&measured.response),
        },
        cost_usd: MicroUsd(i64::try_from(bucket.counts.cost_micro_usd).unwrap_or(i64::MAX)),
        system: ProcessNow {
            cpu_percent: shared.system.cpu_percent(),
            memory_bytes: shared.system.memory_bytes(),
            uptime_ms: u64::try_from(shared.system.uptime().as_millis()).unwrap_or(u64::MAX),
            store_bytes: shared.store.size_bytes().await.ok(),
            in_flight: shared.in_flight.count(),
            books,
        },
        jobs,
        counts: bucket.counts,
    }))
}

impl UpstreamLevels {
    fn of(counts: &Counts) -> UpstreamLevels {
        UpstreamLevels {
            level: counts.provider_level().into(),
            error_rate: counts.upstream_error_rate().into(),
            rate_429: counts.upstream_rate_429().into(),
            rate_529: counts.upstream_rate_529().into(),
        }
    }
}

impl PerSecond {
    fn of(
        steps: &Rollups,
        whole: &Bucket,
        now: UnixMillis,
        what: impl Fn(&Counts) -> u64,
    ) -> PerSecond {
        let span = steps.step.unwrap_or(Span::Hour);
        let busiest = steps
            .buckets
            .iter()
            .max_by_key(|bucket| what(&bucket.counts));
        let ends_at = steps.end.min(now);
        let last = Span::Minute.begin(ends_at).plus_ms(-Span::Minute.millis());
        let current = (span == Span::Minute).then(|| {
            let last = steps.buckets.iter().find(|bucket| bucket.start == last);
            per_second(last.map_or(0, |bucket| what(&bucket.counts)), span.millis())
        });
        PerSecond {
            current,
            peak: per_second(
                busiest.map_or(0, |bucket| what(&bucket.counts)),
                span.millis(),
            ),
            peak_at: busiest.map(|bucket| bucket.start),
            peak_span: busiest.map(|_| span),
            average: per_second(what(&whole.counts), ends_at.0 - whole.start.0),
        }
    }
}

async fn jobs(shared: &Shared) -> Result<JobsNow, Problem> {
    let jobs = shared.store.jobs().await?;
    let failing = jobs
        .iter()
        .filter(|job| job.outcome == Some(JobOutcome::Failed));
    Ok(JobsNow {
        total: jobs.len(),
        failing: failing.map(|job| job.name.clone()).collect(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)]
    use proptest::prelude::*;
    use waybill_model::{
        alert::{Metric, of_window},
        objective::ObjectiveBody,
        rollup::Sketches,
    };

    use super::*;
    use crate::{alerts::of_bucket, report::delivered_of};

    fn counts() -> impl Strategy<Value = Counts> {
        let few = || 0..1_000u64;
        (few(), few(), few(), few(), few(), few(), few()).prop_map(
            |(delivered, cut_off, client, limited, overloaded, other, unserved)| Counts {
                attempts: delivered + cut_off + client + limited + overloaded + other,
                attempts_failed: client + limited + overloaded + other,
                attempts_client: client,
                attempts_cut_off: cut_off,
                attempts_429: limited,
                attempts_529: overloaded,
                failures: unserved,
                unserved,
                ..Counts::default()
            },
        )
    }

    proptest! {
        #[test]
        fn objectives_dashboards_reports_and_rules_say_the_same_of_providers(counts in counts()) {
            let shown = UpstreamLevels::of(&counts);
            let text = r#"{"name": "o", "side": "provider", "target_percent": 99.5}"#;
            let objective: ObjectiveBody = serde_json::from_str(text).unwrap();
            let bucket = Bucket {
                start: UnixMillis(0),
                value: String::new(),
                counts,
                causes: Vec::new(),
                sketches: Sketches::default(),
            };
            let counted = of_bucket(&objective, &bucket);
            prop_assert_eq!((counted.total - counted.bad, counted.total), (shown.level.part, shown.level.of));
            let near = |one: Option<f64>, other: Option<f64>| match (one, other) {
                (Some(one), Some(other)) => (one - other).abs() < 1e-5,
                (one, other) => one == other,
            };
            prop_assert!(near(counted.good_percent(), shown.level.percent));
            prop_assert!(near(delivered_of(&counts), shown.level.percent));
            let rate = of_window(Metric::UpstreamErrorRate, &counts, &Sketches::default());
            prop_assert_eq!(rate.samples, shown.error_rate.of);
            prop_assert!(near(rate.value, shown.error_rate.percent));
        }
    }
}
