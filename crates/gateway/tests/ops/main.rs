//! What operators and admin users ask and are told, and what the gateway does by itself for them.
//!
//! One binary: a file is a module, `cargo test --test ops issues::`.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)]

mod accounts;
mod admin;
mod admin_cli;
mod alerts;
mod api_docs;
mod books;
mod config;
mod console;
mod dashboard;
mod deploy;
mod differences;
mod issues;
mod notifications;
mod people;
mod projects;
mod replay;
mod replays;
mod reports;
mod rules;
mod settings;
#[path = "../support/mod.rs"]
mod support;
mod tail;
mod what_if;
