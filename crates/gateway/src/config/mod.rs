//! Configuration: what the operator wrote ([`raw`]), and what it means ([`Config`]).
//!
//! Promises: a [`Config`] is complete and checked; every mistake of a file is reported at once, each
//! with its key. Must not know: the store, HTTP.

mod check;
mod env;
mod problem;
pub mod raw;
mod read;
pub mod rules;
mod seeds;
mod settings;

pub use problem::{ConfigError, Place, Problem};
pub use seeds::{AccountSeed, ApiKeySeed, DEFAULT_STICKY, DEFAULT_USER, GroupSeed, UserSeed};
pub use settings::{
    Capture, Config, DEFAULT_SPOOL_BYTES, Database, Failover, Limits, NotificationSettings,
    ReplaySettings, RequestLogging, Retention, Settings, Timeouts,
};
