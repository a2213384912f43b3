//! What is kept about accounts and consumers: removed when it is old and no state needs it, or when
//! nobody it is about is there any more.
//!
//! Promises: the state of an account that exists is the same after a run as before, for every moment
//! since the instant up to which events are removed; so is what a consumer that exists has used.

use rusqlite::{Connection, OptionalExtension, params};
use waybill_model::{id::AccountId, time::UnixMillis};

use super::{BATCH_ROWS, Result, Worker};
use crate::sqlite::query::{account_events::Moment, states};

/// Ids looked up at once: an account may have very many events.
const LOOKED_UP: usize = 10_000;

impl Worker<'_> {
    /// Removes events from before an instant, but for those that make up the states of that instant.
    pub(super) fn remove_account_events(&mut self, before: UnixMillis) -> Result<()> {
        let mut last = i64::MIN;
        while let Some(account) = next_account(self.connection, last)? {
            loop {
                let old = removable(self.connection, AccountId(account), before)?;
                for ids in old.chunks(usize::try_from(BATCH_ROWS).unwrap_or(1)) {
                    self.report.account_events += self.write(|tx| remove(tx, ids))?;
                    self.pause()?;
                }
                if old.len() < LOOKED_UP {
                    break;
                }
            }
            last = account;
        }
        Ok(())
    }

    /// Removes what consumers used that are no longer there.
    pub(super) fn remove_usage(&mut self) -> Result<()> {
        self.report.usage += self.write(|tx| {
            let removed = tx.execute(
                "DELETE FROM usage WHERE
                 (consumer = 'user' AND consumer_id NOT IN (SELECT id FROM users))
                 OR (consumer = 'key' AND consumer_id NOT IN (SELECT id FROM api_keys))
                 OR (consumer = 'account' AND consumer_id NOT IN (SELECT id FROM accounts))",
                [],
            )?;
            Ok(removed as u64)
        })?;
        self.pause()
    }
}

/// The next account that has events, whether or not it is still there.
fn next_account(db: &Connection, last: i64) -> Result<Option<i64>> {
    Ok(db.query_row(
        "SELECT min(account_id) FROM account_events WHERE account_id > ?1",
        [last],
        |r| r.get(0),
    )?)
}

/// The oldest events of an account from before an instant that no state since then is made of.
fn removable(db: &Connection, account: AccountId, before: UnixMillis) -> Result<Vec<i64>> {
    let Some(moment) = Moment::of(db, account, before.plus_ms(-1))? else {
        return Ok(Vec::new());
    };
    let exists = db
        .query_row("SELECT 1 FROM accounts WHERE id = ?1", [account.0], |_| {
            Ok(())
        })
        .optional()?
        .is_some();
    let needed = if exists {
        states::needed(db, account, moment)?
    } else {
        Default::default()
    };
    let mut oldest = db.prepare_cached(
        "SELECT id FROM account_events INDEXED BY account_events_by_time
         WHERE account_id = ?1 AND at < ?2 AND id <= ?3 ORDER BY at, id",
    )?;
    let mut rows = oldest.query(params![account.0, before.0, moment.id])?;
    let mut ids = Vec::new();
    while ids.len() < LOOKED_UP
        && let Some(row) = rows.next()?
    {
        let id = row.get(0)?;
        if !needed.contains(&id) {
            ids.push(id);
        }
    }
    Ok(ids)
}

fn remove(db: &Connection, ids: &[i64]) -> Result<u64> {
    let mut statement = db.prepare_cached("DELETE FROM account_events WHERE id = ?1")?;
    for id in ids {
        statement.execute([id])?;
    }
    Ok(ids.len() as u64)
}
