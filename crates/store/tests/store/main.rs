//! The contracts of the store, against both databases.
//!
//! One binary, and one PostgreSQL server for all of it: a file is a module, `cargo test --test store rollups::`.
#![allow(clippy::unwrap_used, clippy::panic)]

#[macro_use]
#[path = "../common/mod.rs"]
mod common;

mod alerts;
mod along;
mod config;
mod differences;
mod filters;
mod issues;
mod notify;
mod parts;
mod past;
mod people;
mod postgres;
mod record;
mod replays;
mod retries;
mod rollups;
mod rules;
mod settings;
mod spool;
mod sqlite;
mod states;
mod tail;
mod transfer;
