//! The only place with SQL: what happened, and what is configured, on disk.
//!
//! A [`Journal`] is the one writer of records; it is synchronous and belongs to one thread. A
//! [`Store`] answers queries, keeps the configuration and removes what is old; it is cheap to clone,
//! its methods are async and never block the thread that awaits them.
//!
//! Promises: what [`Journal::commit`] reports as kept survives the end of the process; every record
//! has exactly one [`Fate`], and the books balance after any crash.
//!
//! Must not know: HTTP, providers, secrets in the clear, what time it is.

mod batch;
mod change;
mod connections;
mod entities;
mod error;
mod fate;
mod jobs;
mod journal;
mod options;
mod postgres;
mod query;
mod replicas;
mod spool;
mod sql;
mod sqlite;
mod store;

pub use batch::{AccountEventFilter, Batch};
pub use change::{
    AccountChange, ApiKeyChange, Config, GroupChange, NewAccount, NewApiKey, NewGroup, NewUser,
    UserChange,
};
pub use error::{Kind, StoreError};
pub use fate::{CommitReport, Fate, LossCount, LossReason, SetAside};
pub use journal::Journal;
pub use options::{Durability, PostgresOptions, RetentionPolicy, RetentionReport, StoreOptions};
pub use postgres::{Change, Changes, DatabaseFacts, Forwarder, ForwarderThread, Forwarding};
pub use replicas::{Deployment, Replica, Replicas};
pub use store::Store;
