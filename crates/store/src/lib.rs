//! The only place with SQL: what happened, and what is configured, on disk.
//!
//! A [`Journal`] is the one writer of records; it is synchronous and belongs to one thread. A
//! [`Store`] answers queries, keeps the configuration and removes what is old; it is cheap to clone,
//! its methods are async and never block the thread that awaits them.
//!
//! Everything rests in one SQLite file, or in a PostgreSQL that replicas share. In front of that each
//! replica has a spool, a SQLite file too: records are committed there, and a [`Forwarder`] moves them.
//!
//! Promises: what [`Journal::commit`] reports as kept survives the end of the process; every record
//! has exactly one [`Fate`], and the books balance after any crash; a record is moved exactly once; both
//! databases give the same answers.
//!
//! Must not know: HTTP, providers, secrets in the clear, what time it is.

mod alerts;
mod batch;
mod blocks;
mod change;
mod classification;
mod connections;
mod entities;
mod error;
mod fate;
mod issues;
mod jobs;
mod journal;
mod notify;
mod options;
mod parts;
mod people;
mod picture;
mod postgres;
mod query;
mod replays;
mod replicas;
mod retries;
mod rollups;
mod settings;
mod spool;
mod sql;
mod sqlite;
mod store;
mod transfer;

pub use alerts::{AlertMarks, EventChange, Judged, Round, RoundReport, RuleRound};
pub use batch::{AccountEventFilter, Batch};
pub use blocks::IndexReport;
pub use change::{
    AccountChange, ApiKeyChange, Config, GroupChange, NewAccount, NewApiKey, NewGroup, NewUser,
    UserChange,
};
pub use classification::{DecidedBy, JudgeReport, JudgedBy, NewRules};
pub use error::{Kind, StoreError};
pub use fate::{CommitReport, Fate, LossCount, LossReason, SetAside};
pub use issues::{FoldReport, IssueChange, IssueInState, ResolvedBy};
pub use journal::Journal;
pub use notify::{DeliveryFilter, DeliveryUpdate, NewChannel, Outbox, Waiting, Waits};
pub use options::{Durability, PostgresOptions, RetentionPolicy, RetentionReport, StoreOptions};
pub use people::{
    AdminUserChange, AuditFilter, Keep, MOST_WRONG_CODES, NewAdminToken, NewAdminUser,
    NewAuditEntry, NewSession, RightCode, Session, Totp,
};
pub use picture::Picture;
pub use postgres::{Change, Changes, DatabaseFacts, Forwarder, ForwarderThread, Forwarding};
pub use query::{
    differences::DifferenceBounds,
    past::{PastAttempt, PastPlace, PastRequest},
    tail::{Newer, TailBounds},
    usage::add_up_usage,
};
pub use replays::{Course, IssueTurns, NewReplay, Proof, Turn};
pub use replicas::{Deployment, Replica, Replicas};
pub use retries::{Begun, NewRetry, RetryBounds, RetryOutcome};
pub use rollups::{RollupOf, RollupQuery, RollupReport, Rollups};
pub use settings::StoredSettings;
pub use store::Store;
pub use transfer::{TransferError, Transferred};
