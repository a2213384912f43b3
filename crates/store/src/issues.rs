//! Issues: failures of one kind as one thing, folded from the stored errors.
//!
//! Promises: every error is folded once, whoever folds, however often it is tried: what it adds and how far the
//! errors are folded are one transaction. Ids are in the order of commits, so that nothing is passed over.
//! Errors that retention removed stay counted, until a rule has a kind counted anew.
//!
//! Must not know: what time it is; when a state changes (that is `waybill_model::issue`'s).

mod change;
mod fold;
mod judged;
mod list;
pub(crate) mod retention;
mod row;
mod rules;
mod tally;

pub use change::{IssueChange, ResolvedBy};
pub use fold::FoldReport;
pub(crate) use judged::judged_anew;
pub use list::IssueInState;
pub(crate) use list::{Attributes, Belonging, link, resolve};
