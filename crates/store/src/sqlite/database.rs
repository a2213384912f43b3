//! The file, and how connections to it are set up.
//!
//! Promises: every connection has the same settings; a database is migrated before anyone uses it,
//! forwards only, and one written by a newer program is refused untouched; one that is only to be looked
//! at is not changed in any way.
//!
//! Must not know: what the tables mean.

use std::{os::unix::ffi::OsStrExt as _, path::Path, time::Duration};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::{Durability, StoreError, StoreOptions};

/// One step of the schema per entry, in order. An entry that was released never changes.
const MIGRATIONS: &[&str] = &[
    include_str!("migrations/0001_record_and_config.sql"),
    include_str!("migrations/0002_account_state_and_limits.sql"),
    include_str!("migrations/0003_jobs.sql"),
    include_str!("migrations/0004_bridges.sql"),
    include_str!("migrations/0005_people.sql"),
    include_str!("migrations/0006_replays.sql"),
    include_str!("migrations/0007_issues.sql"),
    include_str!("migrations/0008_capture.sql"),
    include_str!("migrations/0009_traits.sql"),
    include_str!("migrations/0010_replays_of_many.sql"),
    include_str!("migrations/0011_classification.sql"),
    include_str!("migrations/0012_blocks.sql"),
    include_str!("migrations/0013_rollups.sql"),
    include_str!("migrations/0014_changes.sql"),
    include_str!("migrations/0015_alerts.sql"),
    include_str!("migrations/0016_notify.sql"),
    include_str!("migrations/0017_replays_and_issues.sql"),
    include_str!("migrations/0018_settings.sql"),
    include_str!("migrations/0019_numbers.sql"),
    include_str!("migrations/0020_unanswered.sql"),
    include_str!("migrations/0021_totp.sql"),
    include_str!("migrations/0022_alert_waits.sql"),
];

/// Longest wait for another process that holds the file. Within this process writers take turns, so
/// that only a backup or a command line tool can make anyone wait.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// The same for the journal, which comes back with what it could not write: it must soon look after
/// its queue again.
const JOURNAL_BUSY_TIMEOUT: Duration = Duration::from_millis(500);

/// The write-ahead log is moved into the database by a commit when it has this many pages (64 MiB):
/// upkeep does it every second, so a commit pays for it only when that falls behind. Rarely enough
/// that few commits pay for it, often enough that reads stay quick.
const CHECKPOINT_PAGES: i64 = 16_384;

/// What is left of the write-ahead log after a checkpoint, so that a burst does not keep its disk space.
const LOG_BYTES_KEPT: i64 = 64 << 20;

/// Page cache of the connections that write; the hot ends of all indexes fit.
const WRITER_CACHE_KIB: i64 = 16 << 10;

/// Page cache of each connection that reads.
const READER_CACHE_KIB: i64 = 4 << 10;

/// Opens the first connection to an embedded store and brings its schema up to date.
pub(crate) fn prepare(options: &StoreOptions) -> Result<Connection, StoreError> {
    prepare_with(options, MIGRATIONS)
}

/// The same for a file with a schema of its own.
pub(crate) fn prepare_with(
    options: &StoreOptions,
    migrations: &[&str],
) -> Result<Connection, StoreError> {
    let mut first = match options.read_only {
        true => open_to_look(&options.path)?,
        false => Connection::open(&options.path)?,
    };
    first.busy_timeout(BUSY_TIMEOUT)?;
    let found: u32 = first.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let known = u32::try_from(migrations.len()).unwrap_or(u32::MAX);
    if found > known {
        return Err(StoreError::Newer { found, known });
    }
    if options.read_only {
        return match found < known {
            true => Err(StoreError::Older { found, known }),
            false => Ok(first),
        };
    }
    // Only an empty file can take this on: it lets retention give pages back to the file system.
    first.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    first.pragma_update_and_check(None, "journal_mode", "WAL", |_| Ok(()))?;
    set_up_writer(&first, options)?;
    for (index, migration) in migrations.iter().enumerate().skip(found as usize) {
        let step = first.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
        step.execute_batch(migration)?;
        step.pragma_update(
            None,
            "user_version",
            u32::try_from(index + 1).unwrap_or(u32::MAX),
        )?;
        step.commit()?;
    }
    Ok(first)
}

/// An embedded store in memory, for as long as the connection lives.
pub(crate) fn in_memory() -> Result<Connection, StoreError> {
    let db = Connection::open_in_memory()?;
    for migration in MIGRATIONS {
        db.execute_batch(migration)?;
    }
    Ok(db)
}

/// The connection that writes records.
pub(crate) fn open_journal(options: &StoreOptions) -> Result<Connection, StoreError> {
    let connection = open_writer(options)?;
    connection.busy_timeout(JOURNAL_BUSY_TIMEOUT)?;
    Ok(connection)
}

/// A further connection that writes; where that is not to be, one that fails when it is asked to.
pub(crate) fn open_writer(options: &StoreOptions) -> Result<Connection, StoreError> {
    if options.read_only {
        return open_reader(options);
    }
    let connection = Connection::open(&options.path)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    set_up_writer(&connection, options)?;
    Ok(connection)
}

/// A further connection that only reads.
pub(super) fn open_reader(options: &StoreOptions) -> Result<Connection, StoreError> {
    let connection = match options.read_only {
        true => open_to_look(&options.path)?,
        false => Connection::open(&options.path)?,
    };
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "cache_size", -READER_CACHE_KIB)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

/// A connection that changes nothing: not the file, nor the log beside it. Where there is no log nobody has the
/// file open, and none is made.
fn open_to_look(path: &Path) -> Result<Connection, StoreError> {
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    let mut uri = "file:".to_owned();
    for byte in path.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                uri.push(char::from(*byte));
            }
            byte => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    if !Path::new(&log).exists() {
        uri.push_str("?immutable=1");
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_URI
        | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    Ok(Connection::open_with_flags(uri, flags)?)
}

/// No memory-mapped I/O anywhere: there a failing disk is a signal that ends the process, instead of
/// an error that is counted.
fn set_up_writer(connection: &Connection, options: &StoreOptions) -> Result<(), StoreError> {
    let synchronous = match options.durability {
        Durability::Process => "NORMAL",
        Durability::Power => "FULL",
    };
    connection.pragma_update(None, "synchronous", synchronous)?;
    connection.pragma_update(None, "cache_size", -WRITER_CACHE_KIB)?;
    connection.pragma_update(None, "foreign_keys", true)?;
    connection.pragma_update_and_check(None, "wal_autocheckpoint", CHECKPOINT_PAGES, |_| Ok(()))?;
    connection.pragma_update_and_check(None, "journal_size_limit", LOG_BYTES_KEPT, |_| Ok(()))?;
    if let Some(max_bytes) = options.max_file_bytes {
        let page_bytes: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
        let pages = i64::try_from(max_bytes).unwrap_or(i64::MAX) / page_bytes.max(1);
        connection.pragma_update_and_check(None, "max_page_count", pages.max(1), |_| Ok(()))?;
    }
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => StoreError::Full,
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy,
            Some(ErrorCode::OperationInterrupted) => StoreError::Closed,
            Some(ErrorCode::ReadOnly) => StoreError::ReadOnly,
            _ => StoreError::Database(Box::new(error)),
        }
    }
}
