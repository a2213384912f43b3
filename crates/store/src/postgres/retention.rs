//! Removing what is old, then what is too much: whole days at a time.
//!
//! Promises: a day of a table goes at once and in no time, however much is in it, and is waited for by
//! nobody; a day that is being read goes another time; what is kept is kept for at least as long as the
//! policy says, and up to a day longer.
//!
//! Must not know: when it runs; the caller says what time it is.

use std::sync::atomic::{AtomicU64, Ordering};

use waybill_model::{id::AccountId, time::UnixMillis};

use crate::{
    RetentionPolicy, RetentionReport, StoreError,
    connections::{Caller, in_transaction},
    issues::retention::{remove_hours, remove_issues},
    parts::TOUCH_MS,
    query::{account_events::Moment, states},
    replays::remove_replays,
    rollups,
    sql::{Connection, Db, Result, Value, values},
};

const DAY_MS: i64 = 86_400_000;

/// Days that are made ahead: nobody has to make one while records wait.
const DAYS_AHEAD: i64 = 2;

/// Rows that are removed one by one go in batches of so many.
const BATCH_ROWS: i64 = 5_000;

/// Tables that go by day, what goes first when there is too much: what is least missed per byte. And whether also
/// days go of which requests are not folded yet.
const BY_SIZE: [(&[&str], bool); 5] = [
    (&["replay_bodies"], false),
    (&["error_details", "event_details"], false),
    (&["requests"], false),
    (&["requests"], true),
    (&["errors", "upstream_events"], false),
];

/// One day of one table.
struct Day {
    table: String,
    start: i64,
    bytes: u64,
    rows: u64,
}

pub(super) fn run(
    connection: &dyn Connection,
    caller: &Caller,
    policy: &RetentionPolicy,
    now: UnixMillis,
    given_up: &AtomicU64,
) -> Result<RetentionReport> {
    let mut worker = Worker {
        connection,
        caller,
        given_up,
        report: RetentionReport::default(),
    };
    worker.make_days(now)?;
    let errors = [
        "errors",
        "error_details",
        "upstream_events",
        "event_details",
        "replay_bodies",
    ];
    let by_age: [(&[&str], Option<i64>); 3] = [
        (&["replay_bodies"], policy.replay_max_age_ms),
        (&["requests"], policy.requests_max_age_ms),
        (&errors, policy.errors_max_age_ms),
    ];
    for (tables, max_age_ms) in by_age {
        if let Some(max_age_ms) = max_age_ms {
            worker.drop_days_before(tables, now.plus_ms(max_age_ms.saturating_neg()))?;
        }
    }
    if let Some(max_age_ms) = policy.errors_max_age_ms {
        let before = now.plus_ms(max_age_ms.saturating_neg());
        worker.report.noise += worker.delete("noise", "minute < ?1", before)?;
        worker.report.set_aside += worker.delete("set_aside", "created_at < ?1", before)?;
        worker.remove_account_events(before)?;
        in_transaction(worker.connection, |db| remove_replays(db, before))?;
    }
    if let Some(max_age_ms) = policy.audit_max_age_ms {
        let before = now.plus_ms(max_age_ms.saturating_neg());
        worker.report.audit += worker.delete("audit_log", "at < ?1", before)?;
    }
    worker.report.sessions += worker.delete("admin_sessions", "expires_at < ?1", now)?;
    worker.remove_usage(now)?;
    worker.remove_issues(policy.issues_max_age_ms, now)?;
    worker.remove_rollups(policy, now)?;
    if let Some(max_bytes) = policy.replay_max_bytes {
        worker.shrink_replays_to(max_bytes, now)?;
    }
    if let Some(max_bytes) = policy.max_bytes {
        worker.shrink_to(max_bytes, now)?;
    }
    worker.remove_parts()?;
    worker.remove_retries()?;
    worker.report.bytes_used = worker.bytes_used()?;
    Ok(worker.report)
}

struct Worker<'a> {
    connection: &'a dyn Connection,
    caller: &'a Caller,
    /// Whatever becomes of the run: it counts what is committed.
    given_up: &'a AtomicU64,
    report: RetentionReport,
}

impl Worker<'_> {
    fn db(&self) -> &dyn Db {
        self.connection.db()
    }

    /// Today's partitions, and those of the days to come.
    fn make_days(&mut self, now: UnixMillis) -> Result<()> {
        for ahead in 0..=DAYS_AHEAD {
            self.db().execute(
                "SELECT waybill_ensure_day(?1)",
                values![now.plus_ms(ahead * DAY_MS)],
            )?;
        }
        Ok(())
    }

    fn days(&self) -> Result<Vec<Day>> {
        self.db().rows(
            "SELECT d.table_name, d.day_start_ms, d.bytes,
             coalesce((SELECT CAST(greatest(c.reltuples, 0) AS BIGINT) FROM pg_class c
              WHERE c.oid = to_regclass(d.table_name || '_' || waybill_day_name(d.day_start_ms))), 0)
             FROM waybill_days() d ORDER BY d.day_start_ms",
            &[],
            |cells| {
                Ok(Day {
                    table: cells.next()?,
                    start: cells.next()?,
                    bytes: cells.count()?,
                    rows: cells.count()?,
                })
            },
        )
    }

    fn drop_days_before(&mut self, tables: &[&str], before: UnixMillis) -> Result<()> {
        let old = self.days()?.into_iter().filter(|day| {
            tables.contains(&&*day.table) && day.start.saturating_add(DAY_MS) <= before.0
        });
        for day in old {
            self.drop_day(&day, false)?;
        }
        Ok(())
    }

    /// Drops a day of a table, unless it is being read; one of which requests are not folded only if it must go.
    fn drop_day(&mut self, day: &Day, must_go: bool) -> Result<bool> {
        self.look_for_caller()?;
        let is_of_requests = day.table == "requests";
        let unfolded = match is_of_requests {
            true => self.unfolded(day)?,
            false => None,
        };
        if unfolded.is_some() && !must_go {
            return Ok(false);
        }
        let dropped = in_transaction(self.connection, |db| {
            let dropped: Option<bool> = db.cell(
                "SELECT waybill_drop_day(ARRAY[CAST(?1 AS TEXT)], ?2)",
                values![&day.table, day.start],
            )?;
            let dropped = dropped.unwrap_or(false);
            if dropped && is_of_requests {
                rollups::retention::rows_gone(db, UnixMillis(day.start.saturating_add(DAY_MS)))?;
                if let Some((count, first, last)) = unfolded {
                    rollups::retention::give_up(db, count, (first, last))?;
                }
            }
            Ok(dropped)
        })?;
        if dropped {
            let given_up = unfolded.map_or(0, |(count, ..)| count);
            self.report.requests_given_up += given_up;
            self.given_up.fetch_add(given_up, Ordering::Relaxed);
            let report = &mut self.report;
            report.bytes_freed += day.bytes;
            match &*day.table {
                "requests" => report.requests += day.rows,
                "errors" => report.errors += day.rows,
                "error_details" => report.details += day.rows,
                "replay_bodies" => report.replay_bodies += day.rows,
                _ => {}
            }
        }
        Ok(dropped)
    }

    /// How many requests of a day are not folded, and when the first and last of them arrived.
    fn unfolded(&self, day: &Day) -> Result<Option<(u64, UnixMillis, UnixMillis)>> {
        let folded_to = rollups::retention::folded_to(self.db())?;
        let found = self.db().first(
            "SELECT count(*), min(created_at), max(created_at) FROM requests
             WHERE id > ?1 AND created_at >= ?2 AND created_at < ?3",
            values![folded_to, day.start, day.start.saturating_add(DAY_MS)],
            |cells| {
                let count = cells.count()?;
                let between: (Option<UnixMillis>, Option<UnixMillis>) =
                    (cells.next()?, cells.next()?);
                Ok(between
                    .0
                    .zip(between.1)
                    .map(|(first, last)| (count, first, last)))
            },
        )?;
        Ok(found.flatten())
    }

    /// Whole days, oldest first; never today's.
    fn shrink_to(&mut self, max_bytes: u64, now: UnixMillis) -> Result<()> {
        for (tables, must_go) in BY_SIZE {
            let today = now.0.div_euclid(DAY_MS) * DAY_MS;
            let days = self.days()?.into_iter();
            for day in days.filter(|day| tables.contains(&&*day.table) && day.start < today) {
                if self.bytes_used()? <= max_bytes {
                    return Ok(());
                }
                self.drop_day(&day, must_go)?;
            }
        }
        Ok(())
    }

    /// Whole days of replay copies, oldest first; never today's.
    fn shrink_replays_to(&mut self, max_bytes: u64, now: UnixMillis) -> Result<()> {
        let today = now.0.div_euclid(DAY_MS) * DAY_MS;
        let mut days = self.days()?;
        days.retain(|day| day.table == "replay_bodies");
        let mut used: u64 = days.iter().map(|day| day.bytes).sum();
        for day in days.iter().filter(|day| day.start < today) {
            if used <= max_bytes {
                break;
            }
            if self.drop_day(day, false)? {
                used -= day.bytes;
            }
        }
        Ok(())
    }

    /// Parts that came with an import go when no copy can have them any more.
    fn remove_parts(&mut self) -> Result<()> {
        let kept = self.days()?.into_iter();
        let oldest = kept
            .filter(|day| day.table == "replay_bodies")
            .map(|day| day.start)
            .min()
            .unwrap_or(i64::MAX);
        let before = UnixMillis(oldest.saturating_sub(TOUCH_MS));
        self.report.replay_parts += self.delete("replay_chunks", "last_used < ?1", before)?;
        Ok(())
    }

    fn bytes_used(&self) -> Result<u64> {
        self.db()
            .count("SELECT pg_database_size(current_database())", &[])
    }

    /// Attempts to send a failure again go with the failure's day.
    fn remove_retries(&mut self) -> Result<()> {
        let kept = self.days()?.into_iter();
        let oldest = kept
            .filter(|day| day.table == "errors")
            .map(|day| day.start)
            .min();
        if let Some(oldest) = oldest {
            self.delete("retry_attempts", "source_error_at < ?1", UnixMillis(oldest))?;
            self.delete("replay_items", "source_error_at < ?1", UnixMillis(oldest))?;
        }
        Ok(())
    }

    /// Deletes rows of a table that is not kept by day, a batch at a time.
    fn delete(&mut self, table: &str, condition: &str, before: UnixMillis) -> Result<u64> {
        let sql = format!(
            "DELETE FROM {table} WHERE ctid = ANY (ARRAY(
             SELECT ctid FROM {table} WHERE {condition} LIMIT ?2))"
        );
        let mut removed = 0;
        loop {
            self.look_for_caller()?;
            let batch = self.db().execute(&sql, values![before, BATCH_ROWS])?;
            removed += batch;
            if batch < BATCH_ROWS as u64 {
                return Ok(removed);
            }
        }
    }

    /// Removes events from before an instant, but for those that make up the states of that instant.
    fn remove_account_events(&mut self, before: UnixMillis) -> Result<()> {
        let accounts: Vec<AccountId> = self.db().rows(
            "SELECT DISTINCT account_id FROM account_events WHERE at < ?1",
            values![before],
            |cells| cells.next(),
        )?;
        for account in accounts {
            self.look_for_caller()?;
            self.report.account_events +=
                in_transaction(self.connection, |db| remove_events(db, account, before))?;
        }
        Ok(())
    }

    /// Removes what consumers used that are no longer there, and what is over. What a replica counted in all
    /// stays under its id when it is gone: the others, and Redis, know it by that id, and would count it once
    /// more under another.
    fn remove_usage(&mut self, now: UnixMillis) -> Result<()> {
        let gone = "(consumer = 'user' AND consumer_id NOT IN (SELECT id FROM users))
             OR (consumer = 'key' AND consumer_id NOT IN (SELECT id FROM api_keys))
             OR (consumer = 'account' AND consumer_id NOT IN (SELECT id FROM accounts))";
        let over = "(\"window\" = 'minute' AND started_at < ?1) OR (\"window\" = 'day' AND started_at < ?2)
             OR (\"window\" = 'month' AND started_at < ?3)";
        let ago = |days: i64| Value::from(now.plus_ms(-days * DAY_MS));
        self.report.usage += self.db().execute(
            &format!("DELETE FROM usage WHERE {gone} OR {over}"),
            &[ago(1), ago(3), ago(70)],
        )?;
        Ok(())
    }

    fn remove_issues(&mut self, max_age_ms: Option<i64>, now: UnixMillis) -> Result<()> {
        while let Some(max_age_ms) = max_age_ms {
            self.look_for_caller()?;
            let before = now.plus_ms(max_age_ms.saturating_neg());
            let removed = in_transaction(self.connection, |db| remove_issues(db, before))?;
            self.report.issues += removed;
            if removed == 0 {
                break;
            }
        }
        while in_transaction(self.connection, |db| remove_hours(db, now))? {
            self.look_for_caller()?;
        }
        Ok(())
    }

    fn remove_rollups(&mut self, policy: &RetentionPolicy, now: UnixMillis) -> Result<()> {
        while in_transaction(self.connection, |db| {
            rollups::retention::remove(db, policy, now)
        })? {
            self.look_for_caller()?;
        }
        Ok(())
    }

    fn look_for_caller(&self) -> Result<()> {
        if self.caller.is_gone() {
            return Err(StoreError::Closed);
        }
        Ok(())
    }
}

fn remove_events(db: &dyn Db, account: AccountId, before: UnixMillis) -> Result<u64> {
    let Some(moment) = Moment::of(db, account, before.plus_ms(-1))? else {
        return Ok(0);
    };
    let there: Option<i64> = db.cell("SELECT id FROM accounts WHERE id = ?1", values![account])?;
    let needed: Vec<String> = match there {
        Some(_) => states::needed(db, account, moment)?
            .iter()
            .map(i64::to_string)
            .collect(),
        None => Vec::new(),
    };
    let keep = match needed.as_slice() {
        [] => String::new(),
        ids => format!(" AND id NOT IN ({})", ids.join(", ")),
    };
    db.execute(
        &format!("DELETE FROM account_events WHERE account_id = ?1 AND at < ?2 AND id <= ?3{keep}"),
        values![account, before, moment.id],
    )
}
