//! What PostgreSQL's errors mean.
//!
//! The codes are those of its manual, appendix A.

use tokio_postgres::error::SqlState;

use crate::StoreError;

impl From<tokio_postgres::Error> for StoreError {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(code) = error.code() else {
            return if error.is_closed() || is_io(&error) {
                StoreError::Away
            } else {
                StoreError::Database(Box::new(error))
            };
        };
        match *code {
            SqlState::QUERY_CANCELED => StoreError::TooSlow,
            SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::ReadOnly,
            SqlState::DISK_FULL => StoreError::Full,
            SqlState::INSUFFICIENT_PRIVILEGE => StoreError::NoRights(message(&error)),
            SqlState::UNDEFINED_DATABASE => StoreError::BadAddress(message(&error)),
            SqlState::LOCK_NOT_AVAILABLE
            | SqlState::T_R_SERIALIZATION_FAILURE
            | SqlState::T_R_DEADLOCK_DETECTED => StoreError::Busy,
            SqlState::ADMIN_SHUTDOWN
            | SqlState::CRASH_SHUTDOWN
            | SqlState::CANNOT_CONNECT_NOW
            | SqlState::TOO_MANY_CONNECTIONS
            | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => StoreError::Away,
            // The way there, and what the server has too little of: memory, connections.
            _ if ["08", "53"]
                .iter()
                .any(|class| code.code().starts_with(class)) =>
            {
                StoreError::Away
            }
            // Who may come in.
            _ if code.code().starts_with("28") => StoreError::BadAddress(message(&error)),
            _ => StoreError::Database(Box::new(error)),
        }
    }
}

/// Whether one record is refused whatever else is in its batch: what it holds is at fault (class 22, data
/// exceptions; 23, constraints; 54, limits), not the server.
pub(super) fn is_of_the_data(error: &tokio_postgres::Error) -> bool {
    error.code().is_some_and(|code| {
        ["22", "23", "54"]
            .iter()
            .any(|class| code.code().starts_with(class))
    })
}

/// Whether it is there already.
pub(super) fn is_duplicate(error: &tokio_postgres::Error) -> bool {
    error.code() == Some(&SqlState::UNIQUE_VIOLATION)
}

/// Whether the partitions of a record's day are not there.
pub(super) fn is_missing_day(error: &tokio_postgres::Error) -> bool {
    let said = error.as_db_error().map_or("", |error| error.message());
    error.code() == Some(&SqlState::CHECK_VIOLATION) && said.starts_with("no partition of relation")
}

/// What the database said in one line, where that holds no data.
pub(super) fn about_itself(
    error: &(dyn std::error::Error + Send + Sync + 'static),
) -> Option<String> {
    let error = error.downcast_ref::<tokio_postgres::Error>()?;
    let code = error.code()?.code();
    (!is_of_the_data(error)).then(|| format!("{} ({code})", message(error)))
}

fn message(error: &tokio_postgres::Error) -> String {
    let said = error.as_db_error().map(|error| error.message());
    said.unwrap_or_default().to_owned()
}

fn is_io(error: &tokio_postgres::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.is::<std::io::Error>() {
            return true;
        }
        source = error.source();
    }
    // Connecting fails without a source when no address answers in time.
    error.to_string().contains("connecting to server")
}
