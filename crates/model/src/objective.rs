//! Objectives: what is promised, how much of the allowance for failure is spent, and when it will be gone.
//!
//! Promises: pure functions over exact counts. Must not know: where counts come from.
//!
//! An objective of 99.5 % over 30 days allows that one request in two hundred of those 30 days is bad: that is its
//! budget. A burn rate of 1 spends it in just those 30 days; one of 14.4 spends a fiftieth of it in an hour.

use serde::{Deserialize, Serialize};

use crate::{id::GroupId, protocol::Platform, time::UnixMillis, words};

/// Longest window, in days: what roll-ups of hours reach.
pub const MOST_DAYS: u32 = 90;

const HOUR_MS: i64 = 3_600_000;
const DAY_MS: i64 = 24 * HOUR_MS;

/// Longest name, in bytes.
const MOST_NAME: usize = 128;

words! {
    /// Whose view it is.
    pub enum Side {
        /// What clients saw, after failover.
        Client = "client",
        /// What providers delivered: attempts, before failover.
        Provider = "provider",
    }
}

words! {
    /// What makes a request good.
    pub enum Goal {
        /// It was served.
        Availability = "availability",
        /// It was served, and its first token came in time.
        TimeToFirstToken = "time_to_first_token",
        /// It was served, and took no longer.
        Latency = "latency",
    }
}

/// What is promised.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveBody {
    /// Unique name.
    pub name: String,
    /// Of one platform.
    #[serde(default)]
    pub platform: Option<Platform>,
    /// Of one group.
    #[serde(default)]
    pub group_id: Option<GroupId>,
    /// Of one model; with a group, of that.
    #[serde(default)]
    pub model: Option<String>,
    /// Whose view.
    #[serde(default = "client")]
    pub side: Side,
    /// What is good.
    #[serde(default = "availability")]
    pub goal: Goal,
    /// For times: at most so many milliseconds.
    #[serde(default)]
    pub within_ms: Option<u32>,
    /// How much of what counts is to be good, in percent.
    pub target_percent: f64,
    /// Over so many days.
    #[serde(default = "month")]
    pub window_days: u32,
}

const fn client() -> Side {
    Side::Client
}
const fn availability() -> Goal {
    Goal::Availability
}
const fn month() -> u32 {
    30
}

/// What is wrong with an objective.
pub type Invalid = crate::alert::Invalid;

impl ObjectiveBody {
    /// Checks what types alone do not.
    pub fn check(&self) -> Result<(), Invalid> {
        let wrong = |field, problem: String| Err(Invalid { field, problem });
        if self.name.trim().is_empty() || self.name.len() > MOST_NAME {
            return wrong("name", format!("must have 1 to {MOST_NAME} bytes"));
        }
        if !(self.target_percent > 0.0 && self.target_percent < 100.0) {
            return wrong(
                "target_percent",
                "must be above 0 and below 100: without an allowance there is no budget".to_owned(),
            );
        }
        if !(1..=MOST_DAYS).contains(&self.window_days) {
            return wrong("window_days", format!("must be 1 to {MOST_DAYS}"));
        }
        match (self.goal, self.within_ms) {
            (Goal::Availability, Some(_)) => {
                return wrong("within_ms", "is of goals that are times".to_owned());
            }
            (Goal::TimeToFirstToken | Goal::Latency, None | Some(0)) => {
                return wrong(
                    "within_ms",
                    "must be given, and be above 0, for a goal that is a time".to_owned(),
                );
            }
            _ => {}
        }
        if self.platform.is_some() && (self.group_id.is_some() || self.model.is_some()) {
            return wrong(
                "platform",
                "stands alone: a group has one platform".to_owned(),
            );
        }
        if self.side == Side::Provider && self.goal != Goal::Availability {
            return wrong(
                "goal",
                "of the provider's side is `availability`: attempts have no sketch of times"
                    .to_owned(),
            );
        }
        Ok(())
    }

    /// The window, in milliseconds.
    pub fn window_ms(&self) -> i64 {
        i64::from(self.window_days) * DAY_MS
    }

    fn allowance(&self) -> f64 {
        1.0 - self.target_percent / 100.0
    }

    /// How much of the budget is spent by `counted`, all of the window's.
    pub fn budget(&self, counted: Counted) -> Budget {
        let allowed = counted.total as f64 * self.allowance();
        Budget {
            achieved_percent: counted.good_percent(),
            allowed,
            bad: counted.bad,
            left_percent: match counted.total {
                0 => 100.0,
                _ => 100.0 * (1.0 - counted.bad as f64 / allowed),
            },
        }
    }

    /// How many times faster than allowed the budget is spent; `None` where nothing counts.
    pub fn burn_rate(&self, counted: Counted) -> Option<f64> {
        let share = counted.bad as f64 / counted.total as f64;
        (counted.total > 0).then(|| share / self.allowance())
    }

    /// When the budget is gone, if requests come and fail on as they lately did. `None`: not within the window's
    /// length; what is spent now will have left it before.
    ///
    /// As long as the window is not lived through (`lived_ms`), every request that comes adds to what is allowed, and
    /// nothing leaves. From then on what is allowed stays as it is; and nothing is counted on that leaves the window
    /// until then: it might be all good.
    pub fn gone_at(
        &self,
        counted: Counted,
        lately: Pace,
        lived_ms: i64,
        now: UnixMillis,
    ) -> Option<UnixMillis> {
        if counted.total == 0 {
            return None;
        }
        let left = counted.total as f64 * self.allowance() - counted.bad as f64;
        if left <= 0.0 {
            return Some(now);
        }
        if lately.counted.bad == 0 || lately.ms <= 0 {
            return None;
        }
        let per_ms = |count: f64| count / lately.ms as f64;
        let spent = per_ms(lately.counted.bad as f64);
        let earned = per_ms(lately.counted.total as f64 * self.allowance());
        let grows_ms = self.window_ms().saturating_sub(lived_ms).max(0) as f64;
        let soon = left / (spent - earned);
        let ms = match spent > earned && soon <= grows_ms {
            true => soon,
            false => (left + earned * grows_ms) / spent,
        };
        // Whole ones: a target is no exact fraction.
        let ms = ms as i64;
        (ms <= self.window_ms()).then(|| now.plus_ms(ms))
    }
}

/// What counted lately, and in how long a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pace {
    /// What counted.
    pub counted: Counted,
    /// In so many milliseconds.
    pub ms: i64,
}

/// What counts, and what of it was bad.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, utoipa::ToSchema)]
pub struct Counted {
    /// All that counts.
    pub total: u64,
    /// What was bad.
    pub bad: u64,
}

impl Counted {
    /// What was good, of a hundred; `None` where nothing counts.
    pub fn good_percent(self) -> Option<f64> {
        let good = self.total.saturating_sub(self.bad);
        (self.total > 0).then(|| 100.0 * good as f64 / self.total as f64)
    }
}

/// How a budget stands.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, utoipa::ToSchema)]
pub struct Budget {
    /// What was reached; `null` where nothing counted.
    pub achieved_percent: Option<f64>,
    /// How many may be bad, of what there was so far.
    pub allowed: f64,
    /// How many were.
    pub bad: u64,
    /// What is left, in percent of what is allowed; negative when it is overdrawn.
    pub left_percent: f64,
}

/// The short window beside a long one: an alert is over soon after its cause is. A twelfth, as is usual.
pub const fn short_window_ms(long_ms: i64) -> i64 {
    let short = long_ms / 12;
    if short < 60_000 { 60_000 } else { short }
}

#[cfg(test)]
mod tests;
