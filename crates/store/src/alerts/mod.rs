//! Alerts: rules, where each stands, events, silences; and objectives.
//!
//! Promises: a round of readings is one transaction, in which stands, events and what is told of them change
//! together; of one subject of a rule one event goes on at a time, whoever evaluates.
//!
//! Must not know: where readings come from, or how anybody is told.

mod events;
mod issue;
mod losses;
mod retention;
mod round;
mod written;

pub use events::EventChange;
pub(crate) use round::begin_anew;
pub use round::{Judged, Round, RoundReport, RuleRound};
