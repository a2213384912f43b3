//! Several replicas: what they share, and what happens when what they share it through is away.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod judge;
mod protocol;
mod replicas;
mod script;
mod shared_store;
mod sharing;
#[path = "../support/mod.rs"]
mod support;
