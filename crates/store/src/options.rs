//! How a store is opened and how long it keeps what it holds.

use std::{path::PathBuf, time::Duration};

use waybill_model::secret::Secret;

use crate::StoreError;

/// How a store is opened.
#[derive(Debug, Clone)]
pub struct StoreOptions {
    /// The database file; its folder must exist. Two more files beside it (`-wal`, `-shm`) belong to it.
    pub path: PathBuf,
    /// What a commit survives.
    pub durability: Durability,
    /// How many queries may run at once; at least 1. Each holds one connection and one blocking thread.
    pub readers: usize,
    /// The longest a query may take, waiting for a connection included, before it is stopped.
    pub query_limit: Duration,
    /// The largest the file may grow, in bytes; `None` leaves it to the disk. At the limit records
    /// degrade in steps, as on a full disk.
    pub max_file_bytes: Option<u64>,
    /// For tools that only look: nothing is made, brought up to date or written, whoever else has the file
    /// open.
    pub read_only: bool,
}

impl StoreOptions {
    /// The defaults for a file: survives the process, four queries at once of ten seconds at most, no size
    /// limit of its own.
    pub fn at(path: impl Into<PathBuf>) -> Self {
        StoreOptions {
            path: path.into(),
            durability: Durability::Process,
            readers: 4,
            query_limit: Duration::from_secs(10),
            max_file_bytes: None,
            read_only: false,
        }
    }
}

/// How a shared store is reached.
#[derive(Debug, Clone)]
pub struct PostgresOptions {
    /// `postgres://user:password@host:port/database`, or `key=value` pairs; never shown.
    pub url: Secret,
    /// A PEM file with further certificates to trust.
    pub ca: Option<PathBuf>,
    /// How many queries may run at once; at least 1. Each holds one connection.
    pub readers: usize,
    /// The longest a query may take, waiting for a connection included, before it is stopped.
    pub query_limit: Duration,
    /// The longest a batch of records may take on its way there, waiting for other replicas' included.
    /// Beyond, the network is taken to be gone.
    pub batch_limit: Duration,
}

impl PostgresOptions {
    /// The defaults for an address: eight queries at once of ten seconds at most, half a minute for a batch.
    pub fn at(url: Secret) -> Self {
        PostgresOptions {
            url,
            ca: None,
            readers: 8,
            query_limit: Duration::from_secs(10),
            batch_limit: Duration::from_secs(30),
        }
    }

    /// Whether the address can be read. Connects to nothing.
    ///
    /// # Errors
    /// [`StoreError::BadAddress`].
    pub fn check(&self) -> Result<(), StoreError> {
        crate::postgres::check_address(self)
    }
}

/// What a commit survives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Durability {
    /// The end of the process, `kill -9` included: the commit was handed to the operating system.
    Process,
    /// Also the loss of power: the commit waited for the disk.
    Power,
}

/// How long and how much is kept. `None` sets no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionPolicy {
    /// Age of errors, their events and details, set-aside records, noise and changes of accounts' states,
    /// in milliseconds. Changes that a state since then is made of stay while the account is there.
    pub errors_max_age_ms: Option<i64>,
    /// Age of request rows, in milliseconds.
    pub requests_max_age_ms: Option<i64>,
    /// Age of replay bodies, in milliseconds.
    pub replay_max_age_ms: Option<i64>,
    /// Time without a failure after which an issue goes, with all that is known of it, in milliseconds. Its
    /// counts per hour go after a year.
    pub issues_max_age_ms: Option<i64>,
    /// Age of roll-ups of minutes, in milliseconds.
    pub rollup_minutes_max_age_ms: Option<i64>,
    /// Age of those of hours.
    pub rollup_hours_max_age_ms: Option<i64>,
    /// Age of those of days.
    pub rollup_days_max_age_ms: Option<i64>,
    /// Sealed bytes of replay bodies, with the parts that they share. Above it the oldest go.
    pub replay_max_bytes: Option<u64>,
    /// Age of entries of the audit log, in milliseconds.
    pub audit_max_age_ms: Option<i64>,
    /// Bytes in use by the database. Above it the counts of refused requests go first, then the oldest
    /// replay bodies, then the oldest details, then the oldest rows.
    pub max_bytes: Option<u64>,
}

/// What one run of retention removed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RetentionReport {
    /// Error rows, with their events.
    pub errors: u64,
    /// Request rows.
    pub requests: u64,
    /// Request rows that were in no roll-up yet, and had to go for want of room.
    pub requests_given_up: u64,
    /// Replay bodies.
    pub replay_bodies: u64,
    /// Parts that no replay body has any more.
    pub replay_parts: u64,
    /// Details of errors that stay.
    pub details: u64,
    /// Noise rows.
    pub noise: u64,
    /// Set-aside records.
    pub set_aside: u64,
    /// Entries of the audit log.
    pub audit: u64,
    /// Sessions of the admin API that are over.
    pub sessions: u64,
    /// Changes of accounts' states that no state needs.
    pub account_events: u64,
    /// Issues.
    pub issues: u64,
    /// Usage of consumers that no longer exist, by window.
    pub usage: u64,
    /// Bytes in use afterwards.
    pub bytes_used: u64,
    /// Bytes given back to the file system.
    pub bytes_freed: u64,
}
