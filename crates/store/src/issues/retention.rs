//! Removing issues that nobody met for long, and counts of hours that are long ago.

use waybill_model::time::UnixMillis;

use super::tally::Key;
use crate::sql::{Db, Result, values};

/// Issues of one batch: each has some hundred rows at most.
pub(crate) const BATCH: i64 = 20;

/// Rows of hours in one batch.
const HOURS: i64 = 500;

/// Counts per hour are kept for so long.
const HOURS_MAX_AGE_MS: i64 = 366 * 24 * 3_600_000;

/// Removes some issues without a failure since an instant; answers how many.
pub(crate) fn remove_issues(db: &dyn Db, before: UnixMillis) -> Result<u64> {
    let old: Vec<Key> = db.rows(
        "SELECT issue FROM issues WHERE last_seen < ?1 AND recounting = 0 ORDER BY last_seen LIMIT ?2",
        values![before, BATCH],
        |cells| cells.next(),
    )?;
    for key in &old {
        for table in [
            "issue_hours",
            "issue_members",
            "issue_history",
            "issue_notes",
            "issues",
        ] {
            db.execute(
                &format!("DELETE FROM {table} WHERE issue = ?1"),
                values![key.as_slice()],
            )?;
        }
        // What its kinds were called is told anew by the next failure.
        db.execute(
            "DELETE FROM issue_kinds WHERE issue = ?1 AND recounting = 0
             AND NOT EXISTS (SELECT 1 FROM issues i WHERE i.part_of = issue_kinds.issue)",
            values![key.as_slice()],
        )?;
    }
    Ok(old.len() as u64)
}

/// Removes some counts of hours more than a year ago; whether there may be more.
pub(crate) fn remove_hours(db: &dyn Db, now: UnixMillis) -> Result<bool> {
    let before = now.plus_ms(-HOURS_MAX_AGE_MS);
    let old: Vec<(Key, i64)> = db.rows(
        "SELECT issue, hour FROM issue_hours WHERE hour < ?1 ORDER BY hour LIMIT ?2",
        values![before, HOURS],
        |cells| Ok((cells.next()?, cells.next()?)),
    )?;
    for (key, hour) in &old {
        db.execute(
            "DELETE FROM issue_hours WHERE issue = ?1 AND hour = ?2",
            values![key.as_slice(), *hour],
        )?;
    }
    Ok(old.len() as i64 >= HOURS)
}
