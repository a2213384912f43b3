//! Answers to an operator's questions.
//!
//! Each list is a source (the table in the index's order), conditions from the filter, and one page
//! of it. Lists of records are ordered by `(created_at, id)`, so that a cursor is a place in that order and
//! stays right while rows come and go.

pub(crate) mod account_events;
pub(crate) mod audit;
mod condition;
pub(crate) mod deliveries;
pub(crate) mod differences;
pub(crate) mod errors;
mod events;
mod noise;
pub(crate) mod numbered;
mod page;
pub(crate) mod past;
#[cfg(test)]
mod plans;
#[cfg(test)]
mod plans_postgres;
mod requests;
pub(crate) mod states;
mod stepped;
pub(crate) mod tail;
pub(crate) mod usage;
mod walk;
mod wanted;

pub(crate) use condition::like_pattern;
