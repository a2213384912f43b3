//! What users and keys have used, beside what they may use.

use serde::Serialize;
use waybill_model::{
    limits::{Used, Window},
    money::MicroUsd,
    time::UnixMillis,
};

use crate::quota::{Meter, Tally};

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
