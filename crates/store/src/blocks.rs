//! Which values and which pieces of text occur in which block of errors: what a list on the embedded store looks
//! through instead of all rows.
//!
//! A block is [`ROWS`] errors with neighbouring ids, with their attempts. What its rows say is a set of words: one
//! for each value that a filter may ask for, one for each piece of text. Whoever looks for something asks which
//! blocks have all of its words, and tests the rows of those.
//!
//! Promises: a row that matches is in a block that is answered, in one that has changed since, or behind all that
//! are taken in. The journal knows nothing of it: blocks are taken in later, a few at a time.
//!
//! What changes a block is bounded, too: whoever changes many waits until they are taken in again.
//!
//! Must not know: filters and lists.

mod take_in;
mod word;

pub use take_in::IndexReport;
pub(crate) use take_in::{CHANGING, is_far_ahead};
pub(crate) use word::{Word, pieces_of_query};

/// Errors of one block. Few, so that what is rare costs the test of few rows; not too few, so that there are few
/// blocks to go through.
pub(crate) const ROWS: i64 = 64;
