//! Jobs: what one replica at a time does for all, and how it went.
//!
//! Promises: a lease is held by one at a time, by the database's own clock where replicas share it, and ends
//! by itself when its holder does not renew it.
//!
//! Must not know: what a job does.

use waybill_model::{
    time::UnixMillis,
    view::{Job, JobOutcome},
};

use crate::{
    Store,
    sql::{Dialect, Result, values},
};

impl Store {
    /// Takes, or renews, the lease of a job for `holder`, for `lease_ms` from now on. `false`: another one
    /// holds it.
    pub async fn lease_job(
        &self,
        name: &'static str,
        holder: &str,
        lease_ms: i64,
        now: UnixMillis,
    ) -> Result<bool> {
        let holder = holder.to_owned();
        self.desk
            .change(move |db| {
                let clock = clock(db.dialect(), now);
                let sql = format!(
                    "INSERT INTO jobs (name, holder, lease_until, heartbeat_at, runs, failures)
                     VALUES (?1, ?2, {clock} + ?3, {clock}, 0, 0)
                     ON CONFLICT (name) DO UPDATE SET holder = excluded.holder,
                     lease_until = excluded.lease_until, heartbeat_at = excluded.heartbeat_at
                     WHERE jobs.holder IS NULL OR jobs.holder = excluded.holder OR jobs.lease_until < {clock}
                     RETURNING name"
                );
                let got: Option<String> = db.cell(&sql, values![name, &holder, lease_ms])?;
                Ok(got.is_some())
            })
            .await
    }

    /// A run of a job has begun.
    pub async fn job_began(&self, name: &'static str, holder: &str, now: UnixMillis) -> Result<()> {
        let holder = holder.to_owned();
        self.desk
            .change(move |db| {
                let sql = format!(
                    "UPDATE jobs SET started_at = {} WHERE name = ?1 AND holder = ?2",
                    clock(db.dialect(), now)
                );
                db.execute(&sql, values![name, &holder]).map(drop)
            })
            .await
    }

    /// A run of a job has ended; `detail` says what it did, or what went wrong, in one line.
    pub async fn job_ended(
        &self,
        name: &'static str,
        holder: &str,
        outcome: JobOutcome,
        detail: String,
        now: UnixMillis,
    ) -> Result<()> {
        let holder = holder.to_owned();
        self.desk
            .change(move |db| {
                let sql = format!(
                    "UPDATE jobs SET finished_at = {}, outcome = ?3, detail = ?4, runs = runs + 1,
                     failures = failures + ?5 WHERE name = ?1 AND holder = ?2",
                    clock(db.dialect(), now)
                );
                let failed = i64::from(outcome == JobOutcome::Failed);
                let values = values![name, &holder, outcome.as_str(), detail, failed];
                db.execute(&sql, values).map(drop)
            })
            .await
    }

    /// Gives every lease of a holder back.
    pub async fn release_jobs(&self, holder: &str) -> Result<()> {
        let holder = holder.to_owned();
        self.desk
            .change(move |db| {
                let sql = "UPDATE jobs SET lease_until = 0 WHERE holder = ?1";
                db.execute(sql, values![&holder]).map(drop)
            })
            .await
    }

    /// Every job that ever ran, by name.
    pub async fn jobs(&self) -> Result<Vec<Job>> {
        self.quick
            .run(|db| {
                let sql = "SELECT name, holder, lease_until, heartbeat_at, started_at, finished_at, outcome, detail,
                     runs, failures FROM jobs ORDER BY name";
                db.rows(sql, &[], |cells| {
                    Ok(Job {
                        name: cells.next()?,
                        holder: cells.next()?,
                        lease_until: cells.next()?,
                        heartbeat_at: cells.next()?,
                        started_at: cells.next()?,
                        finished_at: cells.next()?,
                        outcome: cells.optional_word("outcome")?,
                        detail: cells.next()?,
                        runs: cells.count()?,
                        failures: cells.count()?,
                    })
                })
            })
            .await
    }
}

/// What time it is, as a term: the caller's word, or the shared database's.
pub(crate) fn clock(dialect: Dialect, now: UnixMillis) -> String {
    match dialect {
        Dialect::Sqlite => now.0.to_string(),
        Dialect::Postgres => CLOCK.to_owned(),
    }
}

/// The shared database's clock, in epoch milliseconds.
pub(crate) const CLOCK: &str = "CAST(extract(epoch FROM clock_timestamp()) * 1000 AS BIGINT)";
