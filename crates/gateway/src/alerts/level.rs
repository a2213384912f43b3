//! How an objective stands: what was reached, what is left of its budget, how fast that is spent.

use serde::Serialize;
use waybill_model::{
    alert::Objective,
    objective::{Budget, Counted, Goal, ObjectiveBody, Side},
    rollup::{Bucket, Scope},
    time::UnixMillis,
};
use waybill_store::{RollupOf, RollupQuery, StoreError};

use crate::app::Shared;

const MINUTE_MS: i64 = 60_000;
const HOUR_MS: i64 = 60 * MINUTE_MS;

/// Over which windows a burn rate is told, the shortest first.
pub const BURN_WINDOWS: &[(&str, i64)] = &[
    ("5m", 5 * MINUTE_MS),
    ("1h", HOUR_MS),
    ("6h", 6 * HOUR_MS),
    ("3d", 72 * HOUR_MS),
];

/// The window whose rate a forecast goes on with.
const FORECAST_BY: &str = "6h";

/// How fast a budget is spent.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Burn {
    /// Over which window.
    pub window: &'static str,
    /// What counted in it.
    pub counted: Counted,
    /// How many times faster than allowed; `null` where nothing counted.
    pub rate: Option<f64>,
}

/// How an objective stands.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct LevelNow {
    /// Where its window begins.
    pub start_time: UnixMillis,
    /// Where it ends.
    pub end_time: UnixMillis,
    /// What counted in it.
    pub counted: Counted,
    /// Its budget.
    pub budget: Budget,
    /// How fast that is spent.
    pub burn: Vec<Burn>,
    /// When it is gone, if it is spent on as in the last six hours; `null`: not within a window's length.
    pub gone_at: Option<UnixMillis>,
    /// Whether every request that is stored is counted.
    pub is_complete: bool,
}

/// How an objective stands at a moment.
pub async fn level_now(
    shared: &Shared,
    objective: &Objective,
    at: UnixMillis,
) -> Result<LevelNow, StoreError> {
    let body = &objective.body;
    let (whole, start_time) = counted(shared, body, body.window_ms(), at).await?;
    let budget = body.budget(whole.unwrap_or_default());
    let mut burn = Vec::new();
    let mut gone_at = None;
    for (window, ms) in BURN_WINDOWS {
        let (counts, _) = counted(shared, body, *ms, at).await?;
        let counts = counts.unwrap_or_default();
        let rate = body.burn_rate(counts);
        if *window == FORECAST_BY {
            gone_at = body.gone_at(budget.left_percent, rate.unwrap_or(0.0), at);
        }
        burn.push(Burn {
            window,
            counted: counts,
            rate,
        });
    }
    Ok(LevelNow {
        start_time,
        end_time: at,
        counted: whole.unwrap_or_default(),
        budget,
        burn,
        gone_at,
        is_complete: whole.is_some(),
    })
}

/// What counts for an objective in the last `ms` before `at`, and where that window begins. `None`: it is not known
/// whole yet.
pub(super) async fn counted(
    shared: &Shared,
    body: &ObjectiveBody,
    ms: i64,
    at: UnixMillis,
) -> Result<(Option<Counted>, UnixMillis), StoreError> {
    let query = RollupQuery {
        causes: false,
        sketches: body.goal != Goal::Availability,
        ignore: shared.chosen().ignore(),
        ..RollupQuery::whole(at.plus_ms(-ms), at, RollupOf::One(scope(body)))
    };
    let answer = shared.store.rollups(query).await?;
    let counts = answer.is_complete.then(|| of_bucket(body, &answer.total()));
    Ok((counts, answer.start))
}

/// What an objective is kept to, as roll-ups know it.
pub(super) fn scope(body: &ObjectiveBody) -> Scope {
    Scope {
        platform: body.platform,
        group_id: body.group_id.map(|id| id.0),
        model: body.model.clone(),
        ..Scope::default()
    }
}

/// What counts of a bucket, and what of it was bad. A success that took too long is bad; one without a first token, of
/// which no time is known, is not.
pub(super) fn of_bucket(body: &ObjectiveBody, bucket: &Bucket) -> Counted {
    let counts = &bucket.counts;
    let within = u64::from(body.within_ms.unwrap_or(u32::MAX));
    let late = |sketch: &waybill_model::sketch::Sketch| {
        sketch.count().saturating_sub(sketch.at_most(within))
    };
    let seen = match body.side {
        Side::Client => counts.client_side(),
        Side::Provider => counts.provider_side(),
    };
    let late = match body.goal {
        Goal::Availability => 0,
        Goal::TimeToFirstToken => late(&bucket.sketches.first_token),
        Goal::Latency => late(&bucket.sketches.duration),
    };
    Counted {
        total: seen.total,
        bad: seen.bad + late,
    }
}
