//! The choice of an account, without a server: slots, order, and the explanation.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod choice;
mod explanation;
mod groups;
mod pool;
mod share;
mod slots;
