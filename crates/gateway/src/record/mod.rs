//! Record: one record per waybill, written before the client has the end of a bad answer.
//!
//! In: a [`Finished`](waybill_model::waybill::Finished) waybill. Out: a [`Commit`] to wait for.
//! Request threads only put facts in a queue; one recorder thread classifies, redacts and writes them
//! in groups, and with them changes of accounts' states and what was used. Only this module, `ops` and `admin` touch the store.

pub mod capture;
mod compose;
mod counters;
mod cut;
mod journey;
mod moved;
mod noise;
mod queue;
#[cfg(test)]
mod tests;
mod thread;
mod usage;

pub use compose::{Composer, RulesInForce};
pub use journey::{CLIENT_CLOSED_REQUEST, Ended, Journey, millis_since};
pub use queue::{Commit, Recorder};
pub use thread::{RecorderThread, spawn};
