//! Alerts and objectives: what every rule reads now, what a rule would have said, how budgets stand.
//!
//! In: rules, objectives, roll-ups, the pool. Out: a round that the store takes in at once.
//!
//! Promises: a round is of whole minutes, so that the present and history are read alike; what cannot be read is said
//! of nothing, and changes nothing.
//!
//! Must not know: HTTP of the admin API, and how anybody is told.
//!
//! Reading order: [`evaluate`] begins, [`run`] judges, [`arrived`] and [`waits`] say whether it is time to, [`read`] is where
//! numbers come from, [`named`] says what they are of, [`level`] is about objectives, [`statement`] hands out what they
//! came to, [`preview`] tries a rule over history.

mod arrived;
mod evaluate;
mod level;
mod named;
mod preview;
mod read;
mod run;
pub mod statement;
mod waits;

pub use evaluate::evaluate;
#[cfg(test)]
pub(crate) use level::of_bucket;
pub use level::{BURN_WINDOWS, Burn, LevelNow, level_now};
pub use preview::{NoPreview, Previewed, WouldBe, preview};
pub use statement::Statement;
pub use waits::Waits;
