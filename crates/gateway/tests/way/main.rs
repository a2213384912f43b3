//! The way of a request: from what clients send over accounts that fail to what they are answered.
//!
//! One binary: a file is a module, `cargo test --test way failover::`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod bad_input;
mod bridges;
mod capture;
mod crash;
mod credentials;
mod day;
mod egress;
mod failover;
mod limits;
mod passing;
mod private;
mod queue;
mod quotas;
mod secrets;
mod sparing;
mod states;
mod streams;
#[path = "../support/mod.rs"]
mod support;
mod tls;
