//! What users, keys and accounts have used, beside what they may use.

use serde::Serialize;
use waybill_model::{
    limits::{Quota, Used, Window},
    money::MicroUsd,
    time::UnixMillis,
};

use crate::quota::{Meter, Tally, Unit};

/// What was used, by window. Days and months are UTC.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct UsageView {
    /// The last sixty seconds, estimated from this minute of the clock and the one before.
    minute: Used,
    /// Today.
    day: Used,
    /// This month.
    month: Used,
    /// Ever.
    total: Used,
}

impl UsageView {
    /// What a key, a user or an account has used.
    pub fn of(meter: &Meter, now: UnixMillis) -> UsageView {
        let used = |window| meter.used(window, now);
        UsageView {
            minute: used(Window::Minute),
            day: used(Window::Day),
            month: used(Window::Month),
            total: used(Window::Total),
        }
    }
}

/// What a user or a key uses now and has used.
#[derive(Debug, Default, Serialize, utoipa::ToSchema)]
pub struct Use {
    /// Requests in flight now.
    pub in_flight: u32,
    /// What was used.
    pub usage: UsageView,
}

impl Use {
    /// Of a tally; one that is not there yet has used nothing.
    pub fn of(tally: Option<&Tally>, now: UnixMillis) -> Use {
        tally.map_or_else(Use::default, |tally| Use {
            in_flight: tally.in_flight(),
            usage: UsageView::of(tally.meter(), now),
        })
    }
}

/// What is left of the money paid in advance; below 0 once the last requests cost more than was left.
pub fn balance(credit: Option<MicroUsd>, used: &Use) -> Option<MicroUsd> {
    credit.map(|credit| MicroUsd(credit.0.saturating_sub(used.usage.total.usd.0)))
}

/// How much of a quota is used.
#[derive(Debug, PartialEq, Serialize, utoipa::ToSchema)]
pub struct QuotaUse {
    /// What is counted.
    unit: Unit,
    /// In which window.
    window: Window,
    /// How much is used.
    used: u64,
    /// How much there is.
    limit: u64,
}

/// How much is used of what a provider is known to allow an account.
pub fn quota_use(quota: &Quota, meter: &Meter, now: UnixMillis) -> Vec<QuotaUse> {
    let Quota {
        requests_per_minute,
        tokens_per_minute,
        requests_per_day,
        tokens_per_day,
    } = *quota;
    let (minute, day) = (
        meter.used(Window::Minute, now),
        meter.used(Window::Day, now),
    );
    let row = |unit, window, limit: Option<u64>, used: Used| {
        limit.map(|limit| QuotaUse {
            unit,
            window,
            limit,
            used: match unit {
                Unit::Requests => used.requests,
                Unit::Tokens => used.tokens,
                Unit::Usd => used.usd.0.unsigned_abs(),
            },
        })
    };
    [
        row(
            Unit::Requests,
            Window::Minute,
            requests_per_minute.map(u64::from),
            minute,
        ),
        row(Unit::Tokens, Window::Minute, tokens_per_minute, minute),
        row(Unit::Requests, Window::Day, requests_per_day, day),
        row(Unit::Tokens, Window::Day, tokens_per_day, day),
    ]
    .into_iter()
    .flatten()
    .collect()
}
