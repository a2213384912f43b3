//! Classification rules: their versions, rules tried over stored failures, and failures judged anew.
//!
//! Promises: two changes at once cannot both be made; every version is kept, with who made it; a failure is judged
//! by the version in force however late it comes and by whatever version it was written: failures are judged in
//! the order of ids, which is that of commits, and how far that is, is written in the transaction that changes
//! them. Of a failure that a rule decided, what the built-in table had said is kept beside, so that no version
//! depends on the ones before.
//!
//! Must not know: what a rule makes of a failure (that is `waybill_model::classify::ruling`'s).

mod facts;
mod fold;
mod preview;
mod ruled;
mod rules;

pub(crate) use facts::found;
pub use fold::JudgeReport;
pub(crate) use fold::judged_to;
pub use ruled::{DecidedBy, JudgedBy};
pub use rules::NewRules;
pub(crate) use rules::{in_force, name_of};
