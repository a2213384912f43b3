//! Alerts: which numbers wake somebody, and when.
//!
//! Promises: closed sets and pure functions. A rule names a [`Metric`] and where it breaks ([`rule`]); what it reads is
//! judged, and [`turn`] says from that and from the clock alone whether somebody is told: once when it begins, once
//! when it is over.
//!
//! Must not know: where numbers come from, who is told, and how.

mod metric;
mod reading;
mod rule;
mod sentence;
mod silence;
mod turn;
mod view;

pub use metric::{Metric, MetricInfo, MetricKind, Unit};
pub use reading::of_window;
pub use rule::{AlertRuleBody, Filter, Invalid, Missing, Operator, Reading, default_rules};
pub use sentence::{amount, sentence};
pub use silence::{SilenceBody, Subject};
pub use turn::{News, Phase, Said, Stand, Timing, turn};
pub use view::{AlertEvent, AlertRule, Evidence, Objective, RuleStand, Silence, Written};

use crate::words;

words! {
    /// How an event stands.
    pub enum EventStatus {
        /// It goes on.
        Firing = "firing",
        /// The numbers are well again.
        Resolved = "resolved",
        /// Somebody said that it is over.
        ManualResolved = "manual_resolved",
    }
}
