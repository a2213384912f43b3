//! Configuration: what the operator wrote ([`raw`]), and what it means ([`Config`]).
//!
//! Promises: a [`Config`] is complete and checked; every mistake of a file is reported at once, each
//! with its key. Must not know: the store, HTTP.

mod check;
mod env;
pub mod raw;
mod settings;

pub use check::{AccountSeed, ApiKeySeed, ConfigError, DEFAULT_USER, GroupSeed, Problem, UserSeed};
pub use settings::{
    Capture, Config, Failover, Limits, RequestLogging, Retention, Settings, Timeouts,
};
