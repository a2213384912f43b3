//! `ops/dashboard/error-trend` and `error-distribution`: what failed, over time and by what.

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::{
    rollup::{Bucket, CauseCount, Class, Counts, Facet, Scope, Share, Side},
    time::UnixMillis,
};
use waybill_store::{RollupOf, RollupQuery, Rollups};

use super::{DashboardBasis, Percent, ask, over_time, whole};
use crate::{
    admin::{
        App,
        openapi::{BreakdownParameters, DashboardParameters},
        problem::{Problem, ProblemDetails},
    },
    ops::{
        dashboard::{BREAKDOWN, By, Of, Question, SCOPE, WINDOW, parse},
        query::BadParameter,
    },
};

/// Values that are named; the rest is one.
const MOST_ITEMS: usize = 50;

/// What failed over time.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorTrend {
    /// What this is of.
    #[serde(flatten)]
    basis: DashboardBasis,
    /// How long a step is; the first and the last may be cut short.
    step_ms: i64,
    /// Steps that follow one another, also those in which nothing happened.
    points: Vec<ErrorPoint>,
}

/// One step.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorPoint {
    /// Where it begins.
    start_time: UnixMillis,
    /// Requests.
    requests: u64,
    /// Failed, and count against the service.
    failures: u64,
    /// Of them, those inside an answer that had begun as a success.
    broken_answers: u64,
    /// Failed by the client's own doing.
    client_errors: u64,
    /// Failed for a limit of the client's.
    business_limited: u64,
    /// The client went away.
    client_gone: u64,
    /// Succeeded after hidden failures.
    recovered: u64,
    /// Attempts at providers that were answered with 429.
    upstream_429: u64,
    /// Those answered with 529.
    upstream_529: u64,
    /// Those that failed otherwise, and not by the client's own doing.
    upstream_other: u64,
    /// What clients saw.
    sla: Percent,
}

/// What failed, over time.
#[utoipa::path(get, path = "/api/v1/admin/ops/dashboard/error-trend", operation_id = "get_error_trend", tag = "ops",
    params(DashboardParameters),
    responses((status = 200, body = ErrorTrend), (status = 400, body = ProblemDetails)))]
pub async fn trend(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<ErrorTrend>, Problem> {
    let trend = over_time(&shared, query.as_deref()).await?;
    Ok(Json(ErrorTrend {
        points: trend.points(|at, _, counts| ErrorPoint::of(at, counts)),
        basis: trend.basis,
        step_ms: trend.step_ms,
    }))
}

impl ErrorPoint {
    fn of(start_time: UnixMillis, counts: &Counts) -> ErrorPoint {
        ErrorPoint {
            start_time,
            requests: counts.requests,
            failures: counts.failures,
            broken_answers: counts.broken_answers,
            client_errors: counts.client_errors,
            business_limited: counts.business_limited,
            client_gone: counts.client_gone,
            recovered: counts.recovered,
            upstream_429: counts.attempts_429,
            upstream_529: counts.attempts_529,
            upstream_other: counts.attempts_failed_otherwise(),
            sla: counts.service_level().into(),
        }
    }
}

/// What failed, by what.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorDistribution {
    /// What this is of.
    #[serde(flatten)]
    basis: DashboardBasis,
    /// Whose failures.
    of: Of,
    /// By what they are told apart.
    by: By,
    /// All of them.
    total: u64,
    /// The most frequent first.
    items: Vec<ErrorShare>,
    /// What is not named.
    others: u64,
}

/// Failures of one kind.
#[derive(Debug, Serialize, utoipa::ToSchema)]
pub struct ErrorShare {
    /// Of which: a word, a status, an id, a model.
    value: String,
    /// How many.
    count: u64,
    /// Of all.
    share: Percent,
    /// Of them, those that count against the service, or the provider.
    counted: u64,
    /// Those that do not: the client's own doing, limits of its own, and what it gave up.
    excluded: u64,
    /// What happened, as a sentence, where failures are told apart by cause.
    explanation: Option<String>,
}

/// What failed, by what: cause, status, owner, stage, or whom it was for or served by.
#[utoipa::path(get, path = "/api/v1/admin/ops/dashboard/error-distribution", operation_id = "get_error_distribution", tag = "ops",
    params(BreakdownParameters),
    responses((status = 200, body = ErrorDistribution), (status = 400, body = ProblemDetails)))]
pub async fn distribution(
    State(shared): State<App>,
    RawQuery(query): RawQuery,
) -> Result<Json<ErrorDistribution>, Problem> {
    let question = parse(
        query.as_deref(),
        &[WINDOW, SCOPE, BREAKDOWN],
        shared.clock.now(),
    )?;
    let asked = match facet(question.by) {
        None => RollupQuery {
            causes: true,
            ..whole(&question)
        },
        Some(_) if question.scope != Scope::default() => {
            let message = "failures are told apart by whom they were for where nothing narrows them: leave the other \
                           filters out, or ask by `cause`, `status_code`, `owner` or `phase`";
            return Err(BadParameter::malformed("by", message).into());
        }
        Some(facet) => RollupQuery {
            of: RollupOf::Each(facet),
            ..whole(&question)
        },
    };
    let answers = ask(&shared, &question, vec![asked]).await?;
    let mut found = answers.iter().map(|answer| {
        let mut counted = counted(&question, answer);
        let total: u64 = counted
            .values()
            .map(|kind| kind.counted + kind.excluded)
            .sum();
        counted.retain(|_, kind| kind.counted + kind.excluded > 0);
        let mut items: Vec<ErrorShare> = counted
            .into_iter()
            .map(|(value, kind)| kind.share(value, total))
            .collect();
        // Those that are as frequent stay in the order of their values.
        items.sort_by_key(|item| std::cmp::Reverse(item.count));
        let others = items.iter().skip(MOST_ITEMS).map(|item| item.count).sum();
        items.truncate(MOST_ITEMS);
        ErrorDistribution {
            basis: DashboardBasis::of(&shared, answer),
            of: question.of,
            by: question.by,
            total,
            items,
            others,
        }
    });
    found.next().map(Json).ok_or_else(super::no_answer)
}

/// Whom failures are told apart by.
fn facet(by: By) -> Option<Facet> {
    match by {
        By::Cause | By::Status | By::Owner | By::Phase => None,
        By::Platform => Some(Facet::Platform),
        By::Group => Some(Facet::Group),
        By::Account => Some(Facet::Account),
        By::Model => Some(Facet::Model),
        By::Key => Some(Facet::Key),
        By::User => Some(Facet::User),
    }
}

/// How many there are of one value.
#[derive(Default)]
struct Kind {
    counted: u64,
    excluded: u64,
    explanation: Option<String>,
}

impl Kind {
    fn share(self, value: String, total: u64) -> ErrorShare {
        let count = self.counted + self.excluded;
        ErrorShare {
            value,
            count,
            share: Share {
                part: count,
                of: total,
            }
            .into(),
            counted: self.counted,
            excluded: self.excluded,
            explanation: self.explanation,
        }
    }
}

fn counted(question: &Question, answer: &Rollups) -> BTreeMap<String, Kind> {
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    if facet(question.by).is_some() {
        for Bucket { value, counts, .. } in &answer.buckets {
            let kind = kinds.entry(value.clone()).or_default();
            let (counted, excluded) = of_counts(question.of, counts);
            kind.counted += counted;
            kind.excluded += excluded;
        }
        return kinds;
    }
    let side = match question.of {
        Of::Requests => Side::Failed,
        Of::Recovered => Side::Recovered,
        Of::Attempts => Side::Attempt,
    };
    let causes = answer.buckets.iter().flat_map(|bucket| &bucket.causes);
    for CauseCount { why, count } in causes.filter(|cause| cause.why.side == side) {
        let value = match question.by {
            By::Status if why.status == 0 => "none".to_owned(),
            By::Status => why.status.to_string(),
            By::Owner => why.owner.as_str().to_owned(),
            By::Phase => why.phase.as_str().to_owned(),
            _ => why.cause.as_str().to_owned(),
        };
        let kind = kinds.entry(value).or_default();
        match Class::of(why.cause, why.owner, why.is_business_limited) {
            Class::Success | Class::Failure => kind.counted += count,
            Class::ClientError | Class::BusinessLimited | Class::ClientGone => {
                kind.excluded += count
            }
        }
        if question.by == By::Cause {
            kind.explanation = Some(why.cause.info().explanation.to_owned());
        }
    }
    kinds
}

/// Those that count, and those that do not.
fn of_counts(of: Of, counts: &Counts) -> (u64, u64) {
    match of {
        Of::Requests => (
            counts.failures,
            counts.client_errors + counts.business_limited + counts.client_gone,
        ),
        Of::Recovered => (counts.recovered, 0),
        Of::Attempts => (
            counts.attempts_failed - counts.attempts_client,
            counts.attempts_client,
        ),
    }
}
