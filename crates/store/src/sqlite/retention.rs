//! Removing what is old, then what is too much, oldest first.
//!
//! Promises: the right to write is held for one small batch at a time, and given up in between; the
//! file really shrinks; a run that nobody waits for ends at the next batch; an error never loses its events or keeps orphans of them.
//!
//! Must not know: when it runs; the caller says what time it is.

mod states;

use std::{
    sync::atomic::{AtomicU64, Ordering},
    thread,
    time::Duration,
};

use waybill_model::time::UnixMillis;

use crate::{
    RetentionPolicy, RetentionReport, StoreError,
    connections::{Caller, Turn, in_transaction},
    issues::retention::{remove_hours, remove_issues},
    parts::TOUCH_MS,
    replays::remove_replays,
    rollups,
    sql::{Connection, Db, Result, int, values},
};

/// Rows per batch: some milliseconds of work, so a commit of the journal hardly waits.
const BATCH_ROWS: i64 = 100;

/// Parts of replay copies per batch: smaller than rows.
const BATCH_PARTS: i64 = 500;

/// Free pages given back per batch, for the same reason.
const BATCH_PAGES: i64 = 256;

/// Requests wait for so long to be folded before they go for want of room.
const WAITS_TO_BE_FOLDED_MS: i64 = 3_600_000;

/// Pause between batches. A lock handed back and taken again at once would starve the journal.
const PAUSE: Duration = Duration::from_millis(1);

/// One kind of row to be removed, oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    ReplayBodies,
    Details,
    Errors,
    /// Those that are folded into roll-ups.
    Requests,
    /// Those that are not.
    Unfolded,
    Noise,
    SetAside,
    Audit,
    Sessions,
}

/// What goes first when there is too much: what strangers made us write, then what is least missed
/// per byte.
const BY_SIZE: [Kind; 7] = [
    Kind::Noise,
    Kind::ReplayBodies,
    Kind::Details,
    Kind::Requests,
    Kind::Unfolded,
    Kind::Errors,
    Kind::SetAside,
];

pub(super) fn run(
    connection: &dyn Connection,
    turn: &Turn,
    caller: &Caller,
    policy: &RetentionPolicy,
    now: UnixMillis,
    given_up: &AtomicU64,
) -> Result<RetentionReport> {
    let mut worker = Worker {
        connection,
        turn,
        caller,
        given_up,
        report: RetentionReport::default(),
    };
    let by_age = [
        (Kind::ReplayBodies, policy.replay_max_age_ms),
        (Kind::Errors, policy.errors_max_age_ms),
        (Kind::Requests, policy.requests_max_age_ms),
        (Kind::Noise, policy.errors_max_age_ms),
        (Kind::SetAside, policy.errors_max_age_ms),
        (Kind::Audit, policy.audit_max_age_ms),
        (Kind::Sessions, Some(0)),
    ];
    for (kind, max_age_ms) in by_age {
        if let Some(max_age_ms) = max_age_ms {
            let before = now.plus_ms(max_age_ms.saturating_neg());
            while worker.remove_batch(kind, before)? == BATCH_ROWS {}
        }
    }
    if let Some(max_age_ms) = policy.errors_max_age_ms {
        let before = now.plus_ms(max_age_ms.saturating_neg());
        worker.remove_account_events(before)?;
        worker.write(|tx| remove_replays(tx, before))?;
    }
    worker.remove_usage()?;
    if let Some(max_age_ms) = policy.issues_max_age_ms {
        let before = now.plus_ms(max_age_ms.saturating_neg());
        loop {
            let removed = worker.write(|tx| remove_issues(tx, before))?;
            worker.report.issues += removed;
            worker.pause()?;
            if removed == 0 {
                break;
            }
        }
    }
    while worker.write(|tx| remove_hours(tx, now).map(u64::from))? > 0 {
        worker.pause()?;
    }
    while worker.write(|tx| rollups::retention::remove(tx, policy, now).map(u64::from))? > 0 {
        worker.pause()?;
    }
    if let Some(max_bytes) = policy.replay_max_bytes {
        worker.shrink_replays_to(max_bytes)?;
    }
    if let Some(max_bytes) = policy.max_bytes {
        worker.shrink_to(max_bytes, now)?;
    }
    worker.give_back_pages()?;
    worker.report.bytes_used = worker.bytes_used()?;
    Ok(worker.report)
}

struct Worker<'a> {
    connection: &'a dyn Connection,
    turn: &'a Turn,
    caller: &'a Caller,
    /// Whatever becomes of the run: it counts what is committed.
    given_up: &'a AtomicU64,
    report: RetentionReport,
}

impl Worker<'_> {
    fn shrink_to(&mut self, max_bytes: u64, now: UnixMillis) -> Result<()> {
        for kind in BY_SIZE {
            let before = match kind {
                // What came just now will be folded; what did not for so long waits in vain.
                Kind::Unfolded => now.plus_ms(-WAITS_TO_BE_FOLDED_MS),
                _ => UnixMillis(i64::MAX),
            };
            while self.bytes_used()? > max_bytes {
                if self.remove_batch(kind, before)? == 0 {
                    break;
                }
            }
        }
        if self.bytes_used()? > max_bytes {
            self.remove_account_events(UnixMillis(i64::MAX))?;
        }
        Ok(())
    }

    /// What replay copies and their parts take is counted as they come and go.
    fn shrink_replays_to(&mut self, max_bytes: u64) -> Result<()> {
        loop {
            let db = self.connection.db();
            if db.count("SELECT bytes FROM replay_size", &[])? <= max_bytes
                || self.remove_batch(Kind::ReplayBodies, UnixMillis(i64::MAX))? == 0
            {
                return Ok(());
            }
        }
    }

    /// Removes parts that no replay copy has any more.
    fn remove_parts(&mut self) -> Result<()> {
        loop {
            let removed = self.write(parts)?;
            self.report.replay_parts += removed;
            if int(removed) < BATCH_PARTS {
                return Ok(());
            }
            self.pause()?;
        }
    }

    /// Removes up to a batch of the oldest rows from before an instant; returns how many.
    fn remove_batch(&mut self, kind: Kind, before: UnixMillis) -> Result<i64> {
        let removed = self.write(|tx| remove(tx, kind, before))?;
        let counter = match kind {
            Kind::ReplayBodies => &mut self.report.replay_bodies,
            Kind::Details => &mut self.report.details,
            Kind::Errors => &mut self.report.errors,
            Kind::Requests => &mut self.report.requests,
            Kind::Unfolded => &mut self.report.requests_given_up,
            Kind::Noise => &mut self.report.noise,
            Kind::SetAside => &mut self.report.set_aside,
            Kind::Audit => &mut self.report.audit,
            Kind::Sessions => &mut self.report.sessions,
        };
        *counter += removed;
        if kind == Kind::Unfolded {
            self.given_up.fetch_add(removed, Ordering::Relaxed);
        }
        if kind == Kind::ReplayBodies {
            self.remove_parts()?;
        }
        self.pause()?;
        Ok(int(removed))
    }

    /// One short transaction, in turn with other writers.
    fn write(&mut self, work: impl FnOnce(&dyn Db) -> Result<u64>) -> Result<u64> {
        let _turn = self.turn.take();
        in_transaction(self.connection, work)
    }

    /// Lets others write; the end of the run, if nobody waits for it any more.
    fn pause(&self) -> Result<()> {
        thread::sleep(PAUSE);
        if self.caller.is_gone() {
            return Err(StoreError::Closed);
        }
        Ok(())
    }

    /// Gives free pages back to the file system, at the end of the file, a few at a time.
    fn give_back_pages(&mut self) -> Result<()> {
        let page_bytes = self.pragma("page_size")?;
        let free_before = self.pragma("freelist_count")?;
        let mut free = free_before;
        while free > 0 {
            {
                let _turn = self.turn.take();
                // Each step of the statement gives back one page, so it must be run to its end.
                let vacuum = format!("PRAGMA incremental_vacuum({BATCH_PAGES})");
                self.connection.db().each(&vacuum, &[], &mut |_| Ok(()))?;
            }
            self.pause()?;
            let left = self.pragma("freelist_count")?;
            if left >= free {
                break;
            }
            free = left;
        }
        self.report.bytes_freed = free_before.saturating_sub(free) * page_bytes;
        if self.report.bytes_freed > 0 {
            let _turn = self.turn.take();
            // The file itself shrinks when the log is moved into it. Readers may delay that: no error.
            self.connection
                .db()
                .each("PRAGMA wal_checkpoint(PASSIVE)", &[], &mut |_| Ok(()))?;
        }
        Ok(())
    }

    /// Bytes of all pages that hold something.
    fn bytes_used(&self) -> Result<u64> {
        let pages = self
            .pragma("page_count")?
            .saturating_sub(self.pragma("freelist_count")?);
        Ok(pages * self.pragma("page_size")?)
    }

    fn pragma(&self, name: &str) -> Result<u64> {
        let db = self.connection.db();
        db.count(&format!("PRAGMA {name}"), &[])
    }
}

fn remove(db: &dyn Db, kind: Kind, before: UnixMillis) -> Result<u64> {
    let removed = match kind {
        Kind::ReplayBodies => db.execute(
            "DELETE FROM replay_bodies WHERE error_id IN (SELECT error_id FROM replay_bodies
                 WHERE created_at < ?1 ORDER BY created_at LIMIT ?2)",
            values![before, BATCH_ROWS],
        )?,
        Kind::Details => details(db)?,
        Kind::Errors => errors(db, before)?,
        Kind::Requests => requests(db, before, "<=")?,
        Kind::Unfolded => requests(db, before, ">")?,
        Kind::Noise => db.execute(
            "DELETE FROM noise WHERE id IN (SELECT id FROM noise
                 WHERE minute < ?1 ORDER BY minute LIMIT ?2)",
            values![before, BATCH_ROWS],
        )?,
        Kind::SetAside => db.execute(
            "DELETE FROM set_aside WHERE id IN (SELECT id FROM set_aside
                 WHERE created_at < ?1 ORDER BY id LIMIT ?2)",
            values![before, BATCH_ROWS],
        )?,
        Kind::Audit => db.execute(
            "DELETE FROM audit_log WHERE id IN (SELECT id FROM audit_log
                 WHERE at < ?1 ORDER BY at LIMIT ?2)",
            values![before, BATCH_ROWS],
        )?,
        Kind::Sessions => db.execute(
            "DELETE FROM admin_sessions WHERE id IN (SELECT id FROM admin_sessions
                 WHERE expires_at < ?1 ORDER BY expires_at LIMIT ?2)",
            values![before, BATCH_ROWS],
        )?,
    };
    Ok(removed)
}

/// The oldest requests, of those whose ids compare so with how far requests are folded.
fn requests(db: &dyn Db, before: UnixMillis, which: &str) -> Result<u64> {
    let folded_to = rollups::retention::folded_to(db)?;
    // The newest one stays: its id must not be given once more, for requests are folded in that order.
    let some = format!(
        "SELECT id, created_at FROM requests WHERE created_at < ?1 AND id {which} ?3
         AND id < (SELECT max(id) FROM requests) ORDER BY created_at LIMIT ?2"
    );
    let values = values![before, BATCH_ROWS, folded_to];
    let sql = format!("SELECT min(created_at), max(created_at) FROM ({some})");
    let between: Option<(Option<UnixMillis>, Option<UnixMillis>)> =
        db.first(&sql, values, |cells| Ok((cells.next()?, cells.next()?)))?;
    let Some((Some(first), Some(last))) = between else {
        return Ok(0);
    };
    let sql = format!("DELETE FROM requests WHERE id IN (SELECT id FROM ({some}))");
    let removed = db.execute(&sql, values)?;
    rollups::retention::rows_gone(db, last.plus_ms(1))?;
    if which == ">" {
        rollups::retention::give_up(db, removed, (first, last))?;
    }
    Ok(removed)
}

/// Parts that can be no copy's: each was used at most [`TOUCH_MS`] after it says so, and before the oldest copy.
fn parts(db: &dyn Db) -> Result<u64> {
    let oldest: Option<Option<i64>> = db.cell("SELECT min(created_at) FROM replay_bodies", &[])?;
    let before = oldest
        .flatten()
        .map_or(i64::MAX, |oldest| oldest.saturating_sub(TOUCH_MS));
    let unused =
        "SELECT id FROM replay_chunks WHERE last_used < ?1 ORDER BY last_used, id LIMIT ?2";
    let mut removed = 0;
    // The names go last: they say which ones.
    for table in ["replay_chunk_bytes", "replay_chunks"] {
        removed = db.execute(
            &format!("DELETE FROM {table} WHERE id IN ({unused})"),
            values![before, BATCH_PARTS],
        )?;
    }
    Ok(removed)
}

/// The details of the oldest errors that have any, and of their events.
fn details(db: &dyn Db) -> Result<u64> {
    let last: Option<Option<i64>> = db.cell(
        "SELECT max(error_id) FROM (SELECT error_id FROM error_details ORDER BY error_id LIMIT ?1)",
        values![BATCH_ROWS],
    )?;
    let Some(last) = last.flatten() else {
        return Ok(0);
    };
    db.execute(
        "DELETE FROM event_details WHERE event_id IN (SELECT id FROM upstream_events
         WHERE error_id IN (SELECT error_id FROM error_details WHERE error_id <= ?1))",
        values![last],
    )?;
    // The shown copy is gone, so it is shorter than the body, if there was one.
    db.execute(
        "UPDATE errors SET request_body_truncated = 1 WHERE request_body_bytes > 0 AND id IN
         (SELECT error_id FROM error_details WHERE error_id <= ?1)",
        values![last],
    )?;
    db.execute(
        "DELETE FROM error_details WHERE error_id <= ?1",
        values![last],
    )
}

/// The oldest errors with all that belongs to them. The two halves of the time index are read apart,
/// so that each is walked from its oldest end.
fn errors(db: &dyn Db, before: UnixMillis) -> Result<u64> {
    let ids: Vec<i64> = db.rows(
        "SELECT id FROM (
         SELECT * FROM (SELECT id, created_at FROM errors WHERE recovered = 0 AND created_at < ?1
                        ORDER BY created_at LIMIT ?2)
         UNION ALL
         SELECT * FROM (SELECT id, created_at FROM errors WHERE recovered = 1 AND created_at < ?1
                        ORDER BY created_at LIMIT ?2)
         ) ORDER BY created_at LIMIT ?2",
        values![before, BATCH_ROWS],
        |cells| cells.next(),
    )?;
    for id in &ids {
        for statement in [
            "DELETE FROM event_details WHERE event_id IN (SELECT id FROM upstream_events WHERE error_id = ?1)",
            "DELETE FROM upstream_events WHERE error_id = ?1",
            "DELETE FROM replay_bodies WHERE error_id = ?1",
            "DELETE FROM retry_attempts WHERE source_error_id = ?1",
            "DELETE FROM replay_items WHERE source_error_id = ?1",
            "DELETE FROM error_details WHERE error_id = ?1",
            "DELETE FROM errors WHERE id = ?1",
        ] {
            db.execute(statement, values![*id])?;
        }
    }
    Ok(ids.len() as u64)
}
