//! What replicas tell each other through the shared store: who is there, which configuration is in force,
//! what happened to accounts, what was used.
//!
//! Must not know: what a replica does with it.

use std::sync::Arc;

use waybill_model::{entity::Sealed, limits::UsageCount, state::AccountEvent, time::UnixMillis};

use crate::{
    DatabaseFacts, Store, StoreError,
    jobs::CLOCK,
    postgres::{Changes, Shared},
    query::{account_events, usage},
    sql::{Db, Result, values},
};

/// Numbers that replicas may have: 0 is an embedded store's.
const NUMBERS: std::ops::RangeInclusive<i64> = 1..=63;

/// Whoever has not been seen for so long may lose its number.
const NUMBER_KEPT_MS: i64 = 86_400_000;

/// Whoever has not been seen for so long is not taken to run.
const GONE_AFTER_MS: i64 = 60_000;

/// What a replica says of itself when it leaves.
const LEFT: &str = "{\"left\":true}";

/// The shared side of a store.
#[derive(Debug, Clone)]
pub struct Replicas {
    pub(crate) store: Store,
    pub(crate) shared: Arc<Shared>,
}

/// The deployment that replicas are part of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployment {
    /// Its name: random, made with the database.
    pub name: String,
    /// Grows with every change of the configuration.
    pub config_version: i64,
    /// The database's clock.
    pub now: UnixMillis,
}

/// A replica, as it was last heard of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Replica {
    /// Stable for a data folder.
    pub id: String,
    /// Tells apart what it makes; from 1 on.
    pub number: u16,
    /// What its operator calls it.
    pub name: String,
    /// The program's version.
    pub version: String,
    /// When it was started.
    pub started_at: UnixMillis,
    /// When it was last heard of, by the database's clock.
    pub seen_at: UnixMillis,
    /// How long ago that is.
    pub seen_ms_ago: i64,
    /// What it says of itself, a JSON text.
    pub status: String,
}

impl Replicas {
    /// This replica's own id: it lies in its spool, and stays.
    pub fn own_id(&self) -> &str {
        self.shared.spool.replica()
    }

    /// What can be found out about the database without changing it.
    pub async fn inspect(&self) -> Result<DatabaseFacts> {
        self.shared.inspect().await
    }

    /// The deployment, and the configuration that is in force.
    pub async fn deployment(&self) -> Result<Deployment> {
        self.store
            .quick
            .run(|db| {
                let sql = format!("SELECT name, config_version, {CLOCK} FROM deployment");
                let found = db.first(&sql, &[], |cells| {
                    Ok(Deployment {
                        name: cells.next()?,
                        config_version: cells.next()?,
                        now: cells.next()?,
                    })
                })?;
                found.ok_or(StoreError::Unreadable {
                    column: "deployment",
                })
            })
            .await
    }

    /// Whether `check`, made of this replica's instance key, is the deployment's. Where nothing says which
    /// that is, the first one that asks decides, if its key `opens` something of what is sealed there already.
    /// A key that nothing is sealed or hashed with, and nobody runs with, decides nothing: one that was wrong
    /// is put right by a start with the right one.
    pub async fn has_key(
        &self,
        check: String,
        opens: impl Fn(&Sealed) -> bool + Send + 'static,
    ) -> Result<bool> {
        let own = self.own_id().to_owned();
        self.store
            .desk
            .change(move |db| {
                let known: Option<Option<String>> =
                    db.cell("SELECT key_check FROM deployment FOR UPDATE", &[])?;
                let may_be = match known.flatten() {
                    Some(known) if known == check => return Ok(true),
                    Some(_) => is_unused(db)? && !has_others(db, &own)?,
                    None => {
                        let sealed: Vec<Vec<u8>> =
                            db.rows("SELECT credential FROM accounts", &[], |cells| cells.next())?;
                        sealed.is_empty() || sealed.into_iter().any(|one| opens(&Sealed(one)))
                    }
                };
                if may_be {
                    db.execute("UPDATE deployment SET key_check = ?1", values![&check])?;
                }
                Ok(may_be)
            })
            .await
    }

    /// Makes this replica known, and gives it a number: the one it had before, if it had one.
    ///
    /// # Errors
    /// [`StoreError::NoNumber`] where as many replicas as there may be were seen within a day.
    pub async fn join(&self, name: &str, version: &str, started_at: UnixMillis) -> Result<u16> {
        let (id, name, version) = (
            self.own_id().to_owned(),
            name.to_owned(),
            version.to_owned(),
        );
        self.store
            .desk
            .change(move |db| {
                let number = number_for(db, &id)?;
                db.execute(
                    "DELETE FROM replicas WHERE number = ?1 AND id <> ?2",
                    values![number, &id],
                )?;
                let sql = format!(
                    "INSERT INTO replicas (id, number, name, version, started_at, seen_at, status)
                     VALUES (?1, ?2, ?3, ?4, ?5, {CLOCK}, '{{}}')
                     ON CONFLICT (id) DO UPDATE SET name = excluded.name, version = excluded.version,
                     started_at = excluded.started_at, seen_at = excluded.seen_at, status = excluded.status"
                );
                db.execute(&sql, values![&id, number, &name, &version, started_at])?;
                u16::try_from(number).map_err(|_| StoreError::Unreadable { column: "number" })
            })
            .await
    }

    /// Says that this replica is there, and what it says of itself.
    pub async fn beat(&self, status: String) -> Result<()> {
        let id = self.own_id().to_owned();
        self.store
            .quick_desk()
            .change(move |db| {
                let sql =
                    format!("UPDATE replicas SET seen_at = {CLOCK}, status = ?2 WHERE id = ?1");
                db.execute(&sql, values![&id, status]).map(drop)
            })
            .await
    }

    /// Says that this replica is gone. It keeps its number for a day.
    pub async fn leave(&self) -> Result<()> {
        self.beat(LEFT.to_owned()).await
    }

    /// Every replica that is known, by number.
    pub async fn list(&self) -> Result<Vec<Replica>> {
        self.store
            .quick
            .run(|db| {
                let sql = format!(
                    "SELECT id, number, name, version, started_at, seen_at, {CLOCK} - seen_at, status
                     FROM replicas ORDER BY number"
                );
                db.rows(&sql, &[], |cells| {
                    Ok(Replica {
                        id: cells.next()?,
                        number: cells.next()?,
                        name: cells.next()?,
                        version: cells.next()?,
                        started_at: cells.next()?,
                        seen_at: cells.next()?,
                        seen_ms_ago: cells.next()?,
                        status: cells.next()?,
                    })
                })
            })
            .await
    }

    /// Changes of accounts' states that were stored after `seq`, whoever made them, in the order in which
    /// they were stored, each with its own `seq`.
    pub async fn account_events_after(
        &self,
        seq: i64,
        most: u32,
    ) -> Result<Vec<(i64, AccountEvent)>> {
        self.store
            .quick
            .run(move |db| {
                let sql = format!(
                    "SELECT seq, {} FROM account_events WHERE seq > ?1 ORDER BY seq LIMIT ?2",
                    account_events::COLUMNS
                );
                db.rows(&sql, values![seq, most], |cells| {
                    Ok((cells.next()?, account_events::read(cells)?))
                })
            })
            .await
    }

    /// The last `seq` there is; 0 where there is none.
    pub async fn last_account_event(&self) -> Result<i64> {
        self.store
            .quick
            .run(|db| {
                let last = db.cell("SELECT coalesce(max(seq), 0) FROM account_events", &[])?;
                Ok(last.unwrap_or(0))
            })
            .await
    }

    /// Changes of accounts' states that are in this replica's spool, and not yet in the shared store.
    pub async fn spooled_account_events(&self) -> Result<Vec<AccountEvent>> {
        self.shared.spool.account_events().await
    }

    /// What every replica counted, those that are gone included, by replica: an empty id stands for what was
    /// imported.
    pub async fn usage(&self) -> Result<Vec<(String, UsageCount)>> {
        self.store.readers.run(usage_by_replica).await
    }

    /// What every replica counted, as [`usage`](Replicas::usage), and what this one counted besides: what is in
    /// its spool and was not moved yet. For a start, before anything is moved.
    pub async fn usage_and_spooled(&self) -> Result<(Vec<(String, UsageCount)>, Vec<UsageCount>)> {
        let spool = self.shared.spool.name().await?;
        let (usage, moved) = self
            .store
            .readers
            .run(move |db| Ok((usage_by_replica(db)?, moved(db, &spool)?)))
            .await?;
        Ok((usage, self.spooled_usage(moved).await?))
    }

    /// What this replica counted, as far as it is in its spool after what was `moved`.
    pub async fn spooled_usage(&self, moved: i64) -> Result<Vec<UsageCount>> {
        self.shared.spool.usage(moved).await
    }

    /// Told at once when the configuration or accounts' states change, as far as the network lets.
    pub fn changes(&self) -> Changes {
        self.shared.changes()
    }
}

/// What every replica counted.
pub(crate) fn usage_by_replica(db: &dyn Db) -> Result<Vec<(String, UsageCount)>> {
    let sql = format!("SELECT replica, {} FROM usage", usage::COLUMNS);
    db.rows(&sql, &[], |cells| {
        Ok((cells.next()?, usage::read_one(cells)?))
    })
}

/// How far a spool has been moved.
pub(crate) fn moved(db: &dyn Db, spool: &str) -> Result<i64> {
    let position = "SELECT position FROM spools WHERE id = ?1";
    Ok(db.cell(position, values![spool])?.unwrap_or(0))
}

/// Whether nothing is there that needs an instance key to be read or recognised.
fn is_unused(db: &dyn Db) -> Result<bool> {
    let needing = "SELECT EXISTS (SELECT FROM accounts) OR EXISTS (SELECT FROM api_keys)
                   OR EXISTS (SELECT FROM replay_bodies)";
    Ok(db.cell::<bool>(needing, &[])? == Some(false))
}

/// Whether another replica is there, or was a moment ago.
fn has_others(db: &dyn Db, own: &str) -> Result<bool> {
    let others = format!(
        "SELECT EXISTS (SELECT FROM replicas WHERE id <> ?1 AND seen_at > {CLOCK} - ?2 AND status <> ?3)"
    );
    Ok(db.cell::<bool>(&others, values![own, GONE_AFTER_MS, LEFT])? == Some(true))
}

fn number_for(db: &dyn Db, id: &str) -> Result<i64> {
    let own: Option<i64> = db.cell("SELECT number FROM replicas WHERE id = ?1", values![id])?;
    if let Some(own) = own {
        return Ok(own);
    }
    let sql = format!("SELECT number FROM replicas WHERE seen_at > {CLOCK} - ?1");
    let taken: Vec<i64> = db.rows(&sql, values![NUMBER_KEPT_MS], |cells| cells.next())?;
    NUMBERS
        .into_iter()
        .find(|number| !taken.contains(number))
        .ok_or(StoreError::NoNumber)
}
