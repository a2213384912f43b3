//! Replay: a failed request, sent again exactly as it was.
//!
//! In: what an operator wishes ([`Wish`]). Out: the attempt as it is recorded, or why there is none ([`Refused`]).
//!
//! Promises: the bytes are the ones that came, or nothing is sent; one attempt at a time per failure, over all
//! replicas; an attempt has an end on record whatever happens to whoever asked, or to this process; it goes the
//! way of a client's request, on a worker, and counts in nobody's quota and against nobody's account.
//!
//! Must not know: HTTP of the admin API.
//!
//! Reading order: [`ask`] checks and begins, [`queue`] hands over to a worker, [`run`](mod@run) sends, [`prove`] says
//! what a success means for the failure and its issue; [`many`] sends a whole issue, or what a filter chooses.

mod ask;
pub mod code;
mod keep;
pub mod many;
mod prove;
mod queue;
mod run;

use waybill_store::StoreError;

pub use ask::{Refused, Wish, recall, replay, unreplayable};
pub use keep::{bounds, sweep, take_over};
pub use queue::{Place, Queue, Task};
pub use run::run;

/// Whether a store's failure goes by itself: not a question that takes too long, which takes as long the next time.
fn passes(error: &StoreError) -> bool {
    error.is_of_the_moment() && !matches!(error, StoreError::TooSlow)
}
