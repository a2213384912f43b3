//! Telemetry: what leaves over `/metrics` and over OTLP, held to the formats and the conventions by a receiver of
//! our own that reads with the official messages.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod away;
mod context;
mod conventions;
mod files;
mod lint;
mod numbers;
mod page;
mod promql;
mod receiver;
mod settings;
#[path = "../support/mod.rs"]
mod support;
mod traces;
