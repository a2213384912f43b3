//! What can go wrong in the store, as types a caller can answer with.
//!
//! Promises: no variant carries SQL text or stored data, so every one may be logged.
//!
//! Must not know: which database raised it, beyond its name for the log.

use waybill_model::words;

words! {
    /// What an error is about.
    pub enum Kind {
        /// A group.
        Group = "group",
        /// An account.
        Account = "account",
        /// A user.
        User = "user",
        /// An API key.
        ApiKey = "api_key",
        /// A row of the error log.
        Error = "error",
        /// An issue.
        Issue = "issue",
        /// A rule for issues.
        IssueRule = "issue_rule",
        /// A classification rule.
        ClassificationRule = "classification_rule",
        /// An admin user.
        AdminUser = "admin_user",
        /// A personal token.
        AdminToken = "admin_token",
        /// A rule of alerts.
        AlertRule = "alert_rule",
        /// An event of an alert.
        AlertEvent = "alert_event",
        /// A silence.
        Silence = "silence",
        /// An objective.
        Objective = "objective",
        /// Where somebody is told of something.
        Channel = "notification_channel",
        /// One notice to one channel.
        Notification = "notification",
        /// A report that comes by itself.
        Schedule = "report_schedule",
    }
}

/// A failure of a store operation.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The row that was to be changed or deleted does not exist.
    #[error("there is no {kind} {id}")]
    NotFound {
        /// What was looked for.
        kind: Kind,
        /// Its id.
        id: i64,
    },
    /// Another row of the kind has the name.
    #[error("the {kind} name `{name}` is taken")]
    NameTaken {
        /// What was to be named.
        kind: Kind,
        /// The name.
        name: String,
    },
    /// The key itself is already stored, under this name.
    #[error("this key is already stored as `{name}`")]
    KeyTaken {
        /// Name of the API key that has the same hash.
        name: String,
    },
    /// A field names a row that does not exist.
    #[error("`{field}` names {kind} {id}, which does not exist")]
    UnknownReference {
        /// The input's field.
        field: &'static str,
        /// What it should name.
        kind: Kind,
        /// The id it names.
        id: i64,
    },
    /// It cannot be deleted while others refer to it.
    #[error("{kind} {id} is still used by {count} {by}(s)")]
    InUse {
        /// What was to be deleted.
        kind: Kind,
        /// Its id.
        id: i64,
        /// What refers to it.
        by: Kind,
        /// How many do.
        count: u64,
    },
    /// Another version is in force than the one that was to be replaced.
    #[error("it was changed meanwhile: version {found} is in force")]
    Outdated {
        /// The one in force.
        found: i64,
    },
    /// Nobody would be left who is an admin and can sign in.
    #[error("this is the last admin who can sign in: make another one first")]
    LastAdmin,
    /// Not a cursor that this list, in this order, gave out.
    #[error("the cursor is not one that this list gave out")]
    BadCursor,
    /// The database was written by a newer version of the program.
    #[error(
        "the database has schema version {found}, this program knows versions up to {known}: \
         start a newer version of the program, or restore a backup made before the upgrade"
    )]
    Newer {
        /// Version of the database.
        found: u32,
        /// Newest version this program knows.
        known: u32,
    },
    /// The database was written by an older version of the program, and is only to be looked at.
    #[error(
        "the database has schema version {found}, this program needs {known}: start the gateway on it, or run \
         `waybill migrate`"
    )]
    Older {
        /// Version of the database.
        found: u32,
        /// Version this program needs.
        known: u32,
    },
    /// The journal has been taken already: there is one writer.
    #[error("the journal is already taken")]
    JournalTaken,
    /// No space is left: the disk, or the size the database may have.
    #[error("no space is left for the database")]
    Full,
    /// The shared database does not answer: it is down, or the way to it is.
    #[error("the database cannot be reached")]
    Away,
    /// The shared database takes no changes: a standby, or switched to read-only.
    #[error("the database is read-only")]
    ReadOnly,
    /// The shared database's address, or what is needed to trust it, cannot be read.
    #[error("the database's address: {0}")]
    BadAddress(String),
    /// The role that the shared database is used as may not do what was to be done.
    #[error(
        "the database's role may not do this ({0}): let database_url name the role that owns the database's \
         tables, which makes the days that records are kept in, and drops them"
    )]
    NoRights(String),
    /// As many replicas as there may be were there within a day.
    #[error(
        "all 63 numbers of replicas are taken; one is free a day after its replica was last seen"
    )]
    NoNumber,
    /// The database was held by another process for too long.
    #[error("the database is held by another process")]
    Busy,
    /// A stored value is none of the words this program knows.
    #[error("the stored value of `{column}` is not readable")]
    Unreadable {
        /// The column.
        column: &'static str,
    },
    /// The query took longer than a query may; it was stopped.
    #[error("the query took too long")]
    TooSlow,
    /// The query was ended before its answer was ready.
    #[error("the store was closed while it worked on this")]
    Closed,
    /// Anything else the database reports.
    #[error("the database failed")]
    Database(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl StoreError {
    /// Whether it is about the moment rather than about what was asked: the database is away, full, held or
    /// takes no changes, and may be well in a while.
    pub fn is_of_the_moment(&self) -> bool {
        match self {
            StoreError::Away
            | StoreError::ReadOnly
            | StoreError::TooSlow
            | StoreError::Full
            | StoreError::Busy => true,
            StoreError::NotFound { .. }
            | StoreError::NameTaken { .. }
            | StoreError::KeyTaken { .. }
            | StoreError::UnknownReference { .. }
            | StoreError::InUse { .. }
            | StoreError::Outdated { .. }
            | StoreError::LastAdmin
            | StoreError::BadCursor
            | StoreError::Newer { .. }
            | StoreError::Older { .. }
            | StoreError::JournalTaken
            | StoreError::BadAddress(_)
            | StoreError::NoRights(_)
            | StoreError::NoNumber
            | StoreError::Unreadable { .. }
            | StoreError::Closed
            | StoreError::Database(_) => false,
        }
    }
}
