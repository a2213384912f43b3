//! The question of `ops/what-if/scheduler`: a window, a scope, and the rules that are tried.
//!
//! Promises: what cannot be asked is refused by its field. Must not know: what comes of it.

use serde::Deserialize;
use waybill_model::{
    id::{AccountId, GroupId},
    protocol::Platform,
    time::UnixMillis,
};

use super::{
    query::{BadParameter, Mistake, Pairs},
    time_range::{self, TimeRange},
};
use crate::{
    standing::CoolDown,
    whatif::{OtherPriority, Policy, Scope},
};

/// Longest window, in days.
const MOST_DAYS: i64 = 7;

/// Rules to be tried over what is on record.
#[derive(Debug, Clone, Default, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct WhatIfQuestion {
    /// A window that ends now; without any window an hour. At most `7d`.
    pub time_range: Option<TimeRange>,
    /// From then on.
    pub start_time: Option<UnixMillis>,
    /// Before then.
    pub end_time: Option<UnixMillis>,
    /// Requests of this group are counted. All are replayed: they use the same accounts.
    pub group_id: Option<GroupId>,
    /// Of this platform.
    pub platform: Option<Platform>,
    /// For this model, as clients name it.
    pub model: Option<String>,
    /// Other cool-downs: the first that is for a failure's cause decides.
    pub cooldown: Vec<CoolDown>,
    /// Other priorities.
    pub priority: Vec<OtherPriority>,
    /// Accounts that are not asked.
    pub disable: Vec<AccountId>,
}

impl WhatIfQuestion {
    /// From when on, and before when.
    pub fn window(&self, now: UnixMillis) -> Result<(UnixMillis, UnixMillis), BadParameter> {
        let given = [
            ("time_range", self.time_range.map(|range| range.to_string())),
            ("start_time", self.start_time.map(|at| at.to_string())),
            ("end_time", self.end_time.map(|at| at.to_string())),
        ];
        let pairs: Vec<String> = given
            .into_iter()
            .filter_map(|(name, value)| Some(format!("{name}={}", value?)))
            .collect();
        let pairs = Pairs::parse(Some(&pairs.join("&")))?;
        let (start, end) = time_range::window(&pairs, TimeRange::Hour, now)?;
        if end.0.saturating_sub(start.0) > TimeRange::Week.millis() {
            let at_fault = match (self.time_range, self.start_time) {
                (Some(_), _) => "time_range",
                (None, Some(_)) => "start_time",
                (None, None) => "end_time",
            };
            return Err(BadParameter {
                parameter: at_fault.to_owned(),
                mistake: Mistake::WindowTooLong,
                message: format!(
                    "the window is longer than {MOST_DAYS} days; ask for a shorter one"
                ),
            });
        }
        Ok((start, end))
    }

    /// Which requests are counted, and what is tried.
    pub fn split(self) -> (Scope, Policy) {
        let scope = Scope {
            group_id: self.group_id,
            platform: self.platform,
            model: self.model,
        };
        let policy = Policy {
            cooldown: self.cooldown,
            priority: self.priority,
            disable: self.disable,
        };
        (scope, policy)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    const NOW: UnixMillis = UnixMillis(1_800_000_000_000);

    #[test]
    fn an_hour_is_the_default_and_a_week_the_most() {
        let hour = WhatIfQuestion::default().window(NOW).unwrap();
        assert_eq!(hour.1.0 - hour.0.0, TimeRange::Hour.millis());
        let month = WhatIfQuestion {
            time_range: Some(TimeRange::Month),
            ..WhatIfQuestion::default()
        };
        let refused = month.window(NOW).unwrap_err();
        assert_eq!(
            (refused.parameter.as_str(), refused.mistake),
            ("time_range", Mistake::WindowTooLong)
        );
        let from = |days: i64| WhatIfQuestion {
            start_time: Some(NOW.plus_ms(1 - days * 86_400_000)),
            end_time: Some(NOW),
            ..WhatIfQuestion::default()
        };
        assert!(from(7).window(NOW).is_ok());
        assert_eq!(from(8).window(NOW).unwrap_err().parameter, "start_time");
    }
}
