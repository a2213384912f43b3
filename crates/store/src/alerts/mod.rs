//! Alerts: rules, where each stands, events, silences; and objectives.
//!
//! Promises: a round of readings is one transaction, in which stands, events and what is told of them change
//! together; of one subject of a rule one event goes on at a time, whoever evaluates; a rule that waits keeps no other waiting.
//!
//! Must not know: where readings come from, or how anybody is told.

mod events;
mod issue;
mod losses;
mod marks;
mod retention;
mod round;
mod written;

pub use events::EventChange;
pub use marks::AlertMarks;
pub(crate) use round::begin_anew;
pub use round::{Judged, Round, RoundReport, RuleRound};
