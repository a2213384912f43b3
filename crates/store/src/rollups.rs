//! Roll-ups: what requests add up to, folded from the stored rows, per minute, hour and day.
//!
//! Promises: every request is counted once, whoever folds, however often it is tried: what a batch adds and how far
//! requests are folded are one transaction. Ids are in the order of commits, so that nothing is passed over, and a
//! request that is stored late counts where it arrived. What was sent again by an operator is not counted. A window
//! is the sum of its parts, and what is not folded yet is added to it as it is asked for: the answer is that of the
//! rows themselves.
//!
//! Must not know: what counts as what (that is `waybill_model::rollup`'s); what time it is.

mod answer;
mod fold;
pub(crate) mod judged;
mod name;
mod read;
mod recount;
pub(crate) mod retention;
mod strangers;
mod tally;
mod write;

pub use answer::{RollupOf, RollupQuery, Rollups};
pub use fold::RollupReport;

use waybill_model::rollup::Span;

/// Every length, the shortest first.
const SPANS: [Span; 3] = [Span::Minute, Span::Hour, Span::Day];
