//! `ops/dashboard`: what requests add up to, for people who look at how the service does.
//!
//! Every number is a sum of the store's roll-ups, or of the requests themselves, and is the same either way;
//! `docs/METRICS.md` says what each one counts.

mod distribution;
mod errors;
mod health;
mod histogram;
mod over_time;
mod overview;
mod throughput;

pub use distribution::{distribution, distribution_trend};
pub use errors::trend;
pub use histogram::{latency_trend, show as histogram};
pub use overview::show as overview;
pub use throughput::show as throughput;

// The names by which the API's description finds the handlers.
pub use distribution::{__path_distribution, __path_distribution_trend};
pub use errors::__path_trend;
pub use histogram::{__path_latency_trend, __path_show as __path_histogram};
pub use overview::__path_show as __path_overview;
pub use throughput::__path_show as __path_throughput;

use serde::Serialize;
use waybill_model::{
    rollup::{Scope, Share},
    sketch::Sketch,
    time::UnixMillis,
};
use waybill_store::{RollupOf, RollupQuery, Rollups};

use super::problem::Problem;
use crate::{
    app::Shared,
    ops::{
        dashboard::{Mode, Question},
        query::BadParameter,
    },
};

/// Requests that are added up one by one for one answer, at most.
const MOST_ROWS: u64 = 200_000;

/// Sources of requests without a known key that are looked through only to say how many requests were left out.
const MOST_SOURCES: u64 = 100_000;

/// What the settings left out of an answer. Tokens, cost and durations are those of all requests.
#[derive(Debug, Clone, Copy, Serialize, utoipa::ToSchema)]
pub struct LeftOutOfNumbers {
    /// Requests that count tokens and failed.
    pub count_tokens_errors: u64,
    /// Requests whose client went away.
    pub client_cancellations: u64,
    /// Requests without a known API key, which are nobody's: 0 where something narrows the question. `null`: they came
    /// from too many sources to be counted.
    pub invalid_api_keys: Option<u64>,
}

/// How an answer was found.
#[derive(Debug, Clone, Serialize, utoipa::ToSchema)]
pub struct DashboardBasis {
    /// Where the window begins that is answered for: the one asked for, moved outwards to where a minute begins, or
    /// an hour or a day where the minutes have gone.
    pub start_time: UnixMillis,
    /// Where it ends.
    pub end_time: UnixMillis,
    /// `raw` or `rolled_up`.
    pub mode: Mode,
    /// Every request of the window is counted. Otherwise the job `rollups` is behind, or requests have gone.
    pub is_complete: bool,
    /// When the youngest request arrived that is rolled up; what was stored since is added as it is asked for.
    pub folded_to: Option<UnixMillis>,
    /// Successes of which the configuration keeps no row are not counted: shares are not those of all requests.
    pub successes_are_sampled: bool,
    /// What the settings left out of the numbers.
    pub ignored: LeftOutOfNumbers,
}

/// What a question is answered with.
struct Answer {
    rollups: Rollups,
    /// Requests without a known key that were left out.
    strangers: Option<u64>,
}

impl std::ops::Deref for Answer {
    type Target = Rollups;

    fn deref(&self) -> &Rollups {
        &self.rollups
    }
}

impl DashboardBasis {
    fn of(shared: &Shared, answer: &Answer) -> DashboardBasis {
        DashboardBasis {
            start_time: answer.start,
            end_time: answer.end,
            mode: if answer.is_raw {
                Mode::Raw
            } else {
                Mode::RolledUp
            },
            is_complete: answer.is_complete,
            folded_to: answer.folded_to,
            successes_are_sampled: shared.recorder.samples_successes(),
            ignored: LeftOutOfNumbers {
                count_tokens_errors: answer.left_out.count_tokens_errors,
                client_cancellations: answer.left_out.client_cancellations,
                invalid_api_keys: answer.strangers,
            },
        }
    }
}

/// A share, exact and in per cent.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Percent {
    /// `null` of nothing.
    pub percent: Option<f64>,
    /// How many are meant.
    pub part: u64,
    /// Of how many.
    pub of: u64,
}

impl From<Share> for Percent {
    fn from(share: Share) -> Percent {
        Percent {
            // To a millionth: what differs further is nothing to look at.
            percent: share.percent().map(|percent| (percent * 1e6).round() / 1e6),
            part: share.part,
            of: share.of,
        }
    }
}

/// How long something took, in milliseconds. Quantiles are within 0.8 % of what was measured, all else is exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Durations {
    /// How often it was measured.
    pub count: u64,
    /// The median.
    pub p50: Option<u64>,
    /// Nine of ten were not longer.
    pub p90: Option<u64>,
    /// 95 of a hundred.
    pub p95: Option<u64>,
    /// 99 of a hundred.
    pub p99: Option<u64>,
    /// The mean.
    pub avg: Option<u64>,
    /// The shortest.
    pub min: Option<u64>,
    /// The longest.
    pub max: Option<u64>,
}

impl From<&Sketch> for Durations {
    fn from(sketch: &Sketch) -> Durations {
        Durations {
            count: sketch.count(),
            p50: sketch.quantile(500),
            p90: sketch.quantile(900),
            p95: sketch.quantile(950),
            p99: sketch.quantile(990),
            avg: sketch.mean(),
            min: sketch.min(),
            max: sketch.max(),
        }
    }
}

/// Answers several questions about one window and scope, of one instant.
async fn ask(
    shared: &Shared,
    question: &Question,
    mut queries: Vec<RollupQuery>,
) -> Result<Vec<Answer>, Problem> {
    let is_raw = match question.mode {
        Mode::Raw => true,
        Mode::Auto => has_no_facet(&queries),
        Mode::RolledUp if has_no_facet(&queries) => {
            let message = "there are no roll-ups of these filters together: ask for one of them, for `group_id` or \
                           `account_id` with `model`, or for `raw`";
            return Err(BadParameter::malformed(narrowest(question), message).into());
        }
        Mode::RolledUp => false,
    };
    if is_raw {
        let (start, end) = (question.start, question.end);
        let rows = shared
            .store
            .count_requests(start, end, MOST_ROWS + 1)
            .await?;
        if rows > MOST_ROWS {
            let message = format!(
                "the window has more than {MOST_ROWS} requests, which are not added up one by one: ask for a shorter \
                 one, or for what there are roll-ups of"
            );
            let parameter = match question.mode {
                Mode::Raw => "mode",
                Mode::Auto | Mode::RolledUp => narrowest(question),
            };
            return Err(BadParameter::malformed(parameter, message).into());
        }
        for query in &mut queries {
            query.raw = true;
        }
    }
    let ignore = shared.chosen().ignore();
    for query in &mut queries {
        query.ignore = ignore;
    }
    let answers = shared.store.rollups_of(queries).await?;
    let strangers = match answers.first() {
        Some(first) if ignore.invalid_api_keys && question.scope == Scope::default() => {
            let counted = shared
                .store
                .count_strangers(first.start, first.end, MOST_SOURCES);
            counted.await?
        }
        _ => Some(0),
    };
    let answers = answers.into_iter();
    let answers = answers.map(|rollups| Answer { rollups, strangers });
    Ok(answers.collect())
}

fn has_no_facet(queries: &[RollupQuery]) -> bool {
    queries
        .iter()
        .any(|query| matches!(&query.of, RollupOf::One(scope) if scope.facet().is_none()))
}

/// The parameter to be named where several do not go together: the one that is most often too much.
fn narrowest(question: &Question) -> &'static str {
    let scope = &question.scope;
    let given = [
        (scope.user_id.is_some(), "user_id"),
        (scope.api_key_id.is_some(), "api_key_id"),
        (scope.platform.is_some(), "platform"),
        (scope.account_id.is_some(), "account_id"),
        (scope.group_id.is_some(), "group_id"),
    ];
    let found = given.into_iter().find(|(is_given, _)| *is_given);
    found.map_or("model", |(_, name)| name)
}

/// Everything about a question's window and scope.
fn whole(question: &Question) -> RollupQuery {
    RollupQuery {
        causes: false,
        sketches: &[],
        ..RollupQuery::whole(
            question.start,
            question.end,
            RollupOf::One(question.scope.clone()),
        )
    }
}

/// So many in so long, per second, to a thousandth.
fn per_second(count: u64, length_ms: i64) -> f64 {
    let seconds = length_ms.max(1) as f64 / 1_000.0;
    (count as f64 / seconds * 1_000.0).round() / 1_000.0
}

/// The store answers every question, so this is a defect.
fn no_answer() -> Problem {
    Problem::new(super::ProblemCode::Internal, "an answer is missing")
}
