//! Provider protocols: bytes in, facts out.
//!
//! Promises: every function is pure (no I/O, no clock, no randomness), bounded in work and memory by
//! its input, and never panics on any input.
//!
//! Must not know: servers, accounts, the database.
//!
//! In the order of a request's way: [`endpoint`] names what was asked for, [`peek`] reads the body,
//! [`splice`] changes the model in it, [`stream`] and [`usage`] read the answer, [`error`] and [`reset`]
//! read what a provider said when it failed, [`render`] writes errors of our own. [`translate`] stands between
//! a client and a provider of different languages.

pub mod endpoint;
pub mod error;
pub mod limits;
pub mod peek;
pub mod render;
pub mod reset;
pub mod splice;
pub mod stream;
pub mod translate;
pub mod usage;
