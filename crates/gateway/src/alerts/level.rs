//! How an objective stands: what was reached, what is left of its budget, how fast that is spent.

use serde::Serialize;
use waybill_model::{
    alert::Objective,
    objective::{Budget, Counted, Goal, ObjectiveBody, Pace, Side},
    rollup::{Bucket, By, Measure, Scope},
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
    /// What counted in it; `null`: not known yet, the job `rollups` is behind.
    pub counted: Option<Counted>,
    /// How many times faster than allowed; `null` where nothing counted, or it is not known yet.
    pub rate: Option<f64>,
}

/// How an objective stands.
#[derive(Debug, Clone, PartialEq, Serialize, utoipa::ToSchema)]
pub struct LevelNow {
    /// Where its window begins.
    pub start_time: UnixMillis,
    /// Where it ends.
    pub end_time: UnixMillis,
    /// What counted in it; `null`: not known yet, the job `rollups` is behind.
    pub counted: Option<Counted>,
    /// Its budget; `null` as that is.
    pub budget: Option<Budget>,
    /// How fast that is spent.
    pub burn: Vec<Burn>,
    /// When it is gone, if requests come and fail on as in the last six hours; `null`: not within a window's length, or
    /// not known yet, where `counted` or what counted in those six hours is `null`.
    pub gone_at: Option<UnixMillis>,
    /// Whether every request of the window is counted.
    pub is_complete: bool,
}

/// How an objective stands at a moment.
pub async fn level_now(
    shared: &Shared,
    objective: &Objective,
    at: UnixMillis,
) -> Result<LevelNow, StoreError> {
    let body = &objective.body;
    let whole = counted(shared, body, By::Arrival, body.window_ms(), at).await?;
    let budget = whole.counted.map(|counted| body.budget(counted));
    let mut burn = Vec::new();
    let mut gone_at = None;
    let since = shared.store.rolled_up_since().await?;
    let lived_ms = |ms: i64| lived(since, at).min(ms);
    for (window, ms) in BURN_WINDOWS {
        let counts = counted(shared, body, By::End, *ms, at).await?.counted;
        let rate = counts.and_then(|counts| body.burn_rate(counts));
        if *window == FORECAST_BY {
            let lately = counts.map(|counted| Pace {
                counted,
                ms: lived_ms(*ms),
            });
            gone_at = whole.counted.zip(lately).and_then(|(counted, lately)| {
                body.gone_at(counted, lately, lived_ms(body.window_ms()), at)
            });
        }
        burn.push(Burn {
            window,
            counted: counts,
            rate,
        });
    }
    Ok(LevelNow {
        start_time: whole.start,
        end_time: at,
        counted: whole.counted,
        budget,
        burn,
        gone_at,
        is_complete: whole.is_complete,
    })
}

/// For how long requests have been counted.
pub(super) fn lived(since: Option<UnixMillis>, at: UnixMillis) -> i64 {
    since.map_or(0, |since| at.0.saturating_sub(since.0).max(0))
}

/// What counts for an objective in a window.
#[derive(Debug, Clone, Copy)]
pub(super) struct Counting {
    /// `None`: it is not known whole yet.
    pub(super) counted: Option<Counted>,
    /// Where the window begins.
    start: UnixMillis,
    is_complete: bool,
}

/// What counts for an objective in the last `ms` before `at`. Its window is of what arrived in it, as statements are;
/// burn rates are of what ended.
pub(super) async fn counted(
    shared: &Shared,
    body: &ObjectiveBody,
    by: By,
    ms: i64,
    at: UnixMillis,
) -> Result<Counting, StoreError> {
    let query = RollupQuery {
        causes: false,
        by,
        sketches: measures(body.goal),
        ignore: shared.chosen().ignore(),
        ..RollupQuery::whole(at.plus_ms(-ms), at, RollupOf::One(scope(body)))
    };
    let answer = shared.store.rollups(query).await?;
    Ok(Counting {
        counted: (!answer.is_behind).then(|| of_bucket(body, &answer.total())),
        start: answer.start,
        is_complete: answer.is_complete,
    })
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

/// What has to be in time for a goal.
pub(super) fn measures(goal: Goal) -> &'static [Measure] {
    match goal {
        Goal::Availability => &[],
        Goal::TimeToFirstToken => &[Measure::FirstToken],
        Goal::Latency => &[Measure::Duration],
    }
}

/// What counts of a bucket, and what of it was bad. A success that took too long is bad; one without a first token, of
/// which no time is known, is not.
pub(crate) fn of_bucket(body: &ObjectiveBody, bucket: &Bucket) -> Counted {
    let counts = &bucket.counts;
    let within = u64::from(body.within_ms.unwrap_or(u32::MAX));
    let late = |measure: &Measure| {
        let sketch = bucket.sketches.get(*measure);
        sketch.count().saturating_sub(sketch.at_most(within))
    };
    let seen = match body.side {
        Side::Client => counts.client_side(),
        Side::Provider => counts.provider_side(),
    };
    Counted {
        total: seen.total,
        bad: seen.bad + measures(body.goal).iter().map(late).sum::<u64>(),
    }
}
