//! What is kept about accounts and consumers: removed when it is old and no state needs it, or when
//! nobody it is about is there any more.
//!
//! Promises: the state of an account that exists is the same after a run as before, for every moment
//! since the instant up to which events are removed; so is what a consumer that exists has used.

use waybill_model::{id::AccountId, time::UnixMillis};

use super::{BATCH_ROWS, Worker};
use crate::{
    query::{account_events::Moment, states},
    sql::{Db, Result, values},
};

/// Ids looked up at once: an account may have very many events.
const LOOKED_UP: u64 = 10_000;

impl Worker<'_> {
    /// Removes events from before an instant, but for those that make up the states of that instant.
    pub(super) fn remove_account_events(&mut self, before: UnixMillis) -> Result<()> {
        let mut last = i64::MIN;
        while let Some(account) = next_account(self.connection.db(), last)? {
            loop {
                let old = removable(self.connection.db(), AccountId(account), before)?;
                for ids in old.chunks(usize::try_from(BATCH_ROWS).unwrap_or(1)) {
                    self.report.account_events += self.write(|tx| remove(tx, ids))?;
                    self.pause()?;
                }
                if (old.len() as u64) < LOOKED_UP {
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
                &[],
            )?;
            Ok(removed)
        })?;
        self.pause()
    }
}

/// The next account that has events, whether or not it is still there.
fn next_account(db: &dyn Db, last: i64) -> Result<Option<i64>> {
    let next: Option<Option<i64>> = db.cell(
        "SELECT min(account_id) FROM account_events WHERE account_id > ?1",
        values![last],
    )?;
    Ok(next.flatten())
}

/// The oldest events of an account from before an instant that no state since then is made of.
fn removable(db: &dyn Db, account: AccountId, before: UnixMillis) -> Result<Vec<i64>> {
    let Some(moment) = Moment::of(db, account, before.plus_ms(-1))? else {
        return Ok(Vec::new());
    };
    let account_row: Option<i64> =
        db.cell("SELECT id FROM accounts WHERE id = ?1", values![account])?;
    let needed = if account_row.is_some() {
        states::needed(db, account, moment)?
    } else {
        Default::default()
    };
    let mut old: Vec<i64> = db.rows(
        "SELECT id FROM account_events INDEXED BY account_events_by_time
         WHERE account_id = ?1 AND at < ?2 AND id <= ?3 ORDER BY at, id LIMIT ?4",
        values![account, before, moment.id, LOOKED_UP + needed.len() as u64],
        |cells| cells.next(),
    )?;
    old.retain(|id| !needed.contains(id));
    old.truncate(LOOKED_UP as usize);
    Ok(old)
}

fn remove(db: &dyn Db, ids: &[i64]) -> Result<u64> {
    for id in ids {
        db.execute("DELETE FROM account_events WHERE id = ?1", values![*id])?;
    }
    Ok(ids.len() as u64)
}
