//! Several replicas: what they share, and what happens when what they share it through is away.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod judge;
mod protocol;
