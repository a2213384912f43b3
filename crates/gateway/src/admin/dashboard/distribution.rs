//! `ops/dashboard/error-distribution`: what failed, by what.

mod trend;

pub use trend::{__path_distribution_trend, distribution_trend};

use std::collections::BTreeMap;

use axum::{
    Json,
    extract::{RawQuery, State},
};
use serde::Serialize;
use waybill_model::rollup::{Bucket, CauseCount, Class, Counts, Scope, Share, Side};
use waybill_store::{RollupOf, RollupQuery};

use super::{DashboardBasis, Percent, ask, whole};
use crate::{
    admin::{
        App,
        openapi::BreakdownParameters,
        problem::{Problem, ProblemDetails},
    },
    ops::{
        dashboard::{BREAKDOWN, By, Of, Question, SCOPE, WINDOW, parse},
        query::BadParameter,
    },
};

/// Values that are named; the rest is one.
const MOST_ITEMS: usize = 50;

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
    explanation: Option<&'static str>,
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
    let asked = match question.by.facet() {
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
    let answer = answers.first().ok_or_else(super::no_answer)?;
    let kinds = ranked(counted(&question, &answer.buckets));
    let total = sum(&kinds);
    let (named, others) = kinds.split_at(kinds.len().min(MOST_ITEMS));
    Ok(Json(ErrorDistribution {
        basis: DashboardBasis::of(&shared, answer),
        of: question.of,
        by: question.by,
        total,
        others: sum(others),
        items: named
            .iter()
            .map(|(value, kind)| kind.share(value, total))
            .collect(),
    }))
}

/// How many there are of one value.
#[derive(Default)]
struct Kind {
    counted: u64,
    excluded: u64,
    explanation: Option<&'static str>,
}

impl Kind {
    fn count(&self) -> u64 {
        self.counted + self.excluded
    }

    fn share(&self, value: &str, total: u64) -> ErrorShare {
        ErrorShare {
            value: value.to_owned(),
            count: self.count(),
            share: Share {
                part: self.count(),
                of: total,
            }
            .into(),
            counted: self.counted,
            excluded: self.excluded,
            explanation: self.explanation,
        }
    }
}

/// The most frequent first. Those that are as frequent stay in the order of their values.
fn ranked(kinds: BTreeMap<String, Kind>) -> Vec<(String, Kind)> {
    let kinds = kinds.into_iter().filter(|(_, kind)| kind.count() > 0);
    let mut kinds: Vec<(String, Kind)> = kinds.collect();
    kinds.sort_by_key(|(_, kind)| std::cmp::Reverse(kind.count()));
    kinds
}

fn sum(kinds: &[(String, Kind)]) -> u64 {
    kinds.iter().map(|(_, kind)| kind.count()).sum()
}

fn counted(question: &Question, buckets: &[Bucket]) -> BTreeMap<String, Kind> {
    let mut kinds: BTreeMap<String, Kind> = BTreeMap::new();
    if question.by.facet().is_some() {
        for Bucket { value, counts, .. } in buckets {
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
    let causes = buckets.iter().flat_map(|bucket| &bucket.causes);
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
            kind.explanation = Some(why.cause.info().explanation);
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
