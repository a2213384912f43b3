//! Which events an account's state is made of, now or at a past moment.
//!
//! Promises: folded in the order of their ids they give the very state that all events give, though
//! they are few, however many there are: per scope and kind the newest event, what took it back, and
//! the mark that ended last with what ended it. Finding them takes a few steps in an index each.
//!
//! Must not know: what a state means for requests.

use std::collections::{BTreeMap, BTreeSet};

use waybill_model::{
    id::AccountId,
    state::{AccountEvent, AccountEventKind, AccountState},
    time::UnixMillis,
};

use super::account_events::{self, COLUMNS, Moment, by_index};
use crate::{
    Store,
    sql::{Db, Result, values},
};

impl Store {
    /// The events that the states of all accounts that there are come from, by id: folding each
    /// account's gives its state of now. Among them is the newest of each account, scope and kind.
    pub async fn account_states(&self) -> Result<Vec<AccountEvent>> {
        self.readers.run(|db| all(db)).await
    }

    /// An account's state after its last event at or before `at`. Exact for every moment since the age
    /// at which events are removed.
    pub async fn account_state_at(
        &self,
        account: AccountId,
        at: UnixMillis,
    ) -> Result<AccountState> {
        self.readers
            .run(move |db| {
                let Some(moment) = Moment::of(db, account, at)? else {
                    return Ok(AccountState::default());
                };
                Ok(AccountState::of(&read(db, account, moment)?))
            })
            .await
    }
}

/// The events that the states of all accounts come from, by id.
pub(crate) fn all(db: &dyn Db) -> Result<Vec<AccountEvent>> {
    let accounts: Vec<AccountId> = db.rows("SELECT id FROM accounts", &[], |cells| cells.next())?;
    let mut events = Vec::new();
    for account in accounts {
        events.extend(read(db, account, Moment::END)?);
    }
    events.sort_by_key(|event| event.id);
    Ok(events)
}

pub(super) fn read(db: &dyn Db, account: AccountId, until: Moment) -> Result<Vec<AccountEvent>> {
    let sql = format!("SELECT {COLUMNS} FROM account_events WHERE id = ?1");
    let mut events = Vec::new();
    for id in needed(db, account, until)? {
        events.extend(account_events::read_all(db, &sql, values![id])?);
    }
    Ok(events)
}

/// The ids of the events that an account's state at a moment is made of.
pub(crate) fn needed(db: &dyn Db, account: AccountId, until: Moment) -> Result<BTreeSet<i64>> {
    let events = Events { db, account, until };
    let mut newest = BTreeMap::new();
    for scope in events.scopes()? {
        for kind in AccountEventKind::ALL {
            if let Some(id) = events.newest(&scope, *kind, i64::MAX)? {
                newest.insert((scope.clone(), *kind), id);
            }
        }
    }
    let mut needed: BTreeSet<i64> = newest.values().copied().collect();
    for ((scope, kind), set) in &newest {
        if kind.sets().is_none() {
            continue;
        }
        needed.extend(events.undoing(*set)?);
        if *kind != AccountEventKind::Disabled
            && let Some((set, recovered)) = events.last_ended(scope, *kind, *set)?
        {
            needed.extend([set, recovered]);
        }
    }
    Ok(needed)
}

/// An account's events up to a moment.
struct Events<'c> {
    db: &'c dyn Db,
    account: AccountId,
    until: Moment,
}

impl Events<'_> {
    fn from(&self) -> String {
        by_index(self.db, "account_events_by_state")
    }

    /// Every scope that there was ever an event of, each found by one step in the index.
    fn scopes(&self) -> Result<Vec<String>> {
        let from = self.from();
        let sql = format!("SELECT min(scope) FROM {from} WHERE account_id = ?1 AND scope > ?2");
        let mut scopes: Vec<String> = Vec::new();
        loop {
            let last = scopes.last().map_or("", String::as_str);
            let scope: Option<Option<String>> = self.db.cell(&sql, values![self.account, last])?;
            let Some(scope) = scope.flatten() else {
                return Ok(scopes);
            };
            scopes.push(scope);
        }
    }

    /// The newest event of a scope and kind before an id.
    fn newest(&self, scope: &str, kind: AccountEventKind, before: i64) -> Result<Option<i64>> {
        let last = self.until.id.min(before.saturating_sub(1));
        let sql = format!(
            "SELECT id FROM {}
             WHERE account_id = ?1 AND scope = ?2 AND kind = ?3 AND id <= ?4 AND at <= ?5
             ORDER BY id DESC LIMIT 1",
            self.from()
        );
        let values = values![self.account, scope, kind.as_str(), last, self.until.at];
        self.db.cell(&sql, values)
    }

    /// The event by which a scope recovered first after an id.
    fn recovery_after(&self, scope: &str, after: i64) -> Result<Option<i64>> {
        let sql = format!(
            "SELECT id FROM {}
             WHERE account_id = ?1 AND scope = ?2 AND kind = 'recovered' AND id > ?3 AND id <= ?4 AND at <= ?5
             ORDER BY id LIMIT 1",
            self.from()
        );
        let Moment { id, at } = self.until;
        self.db
            .cell(&sql, values![self.account, scope, after, id, at])
    }

    /// The event that took an event back.
    fn undoing(&self, event: i64) -> Result<Option<i64>> {
        let sql = format!(
            "SELECT id FROM {}
             WHERE undoes = ?1 AND account_id = ?2 AND kind = 'compensated' AND id > ?1 AND id <= ?3 AND at <= ?4
             ORDER BY id LIMIT 1",
            by_index(self.db, "account_events_by_undoes")
        );
        let Moment { id, at } = self.until;
        self.db.cell(&sql, values![event, self.account, id, at])
    }

    /// The mark of a scope and kind that ended last by recovery, and that recovery: strikes are
    /// remembered from it. Goes back from the newest mark, over those that did not end so. A reset in
    /// between is of no matter: the newest one is folded, too, and forgets what it should.
    fn last_ended(
        &self,
        scope: &str,
        kind: AccountEventKind,
        newest: i64,
    ) -> Result<Option<(i64, i64)>> {
        let mut set = newest;
        loop {
            if let Some(recovered) = self.recovery_after(scope, set)?
                && self.undoing(set)?.is_none_or(|undone| undone > recovered)
            {
                return Ok(Some((set, recovered)));
            }
            // What was set between two recoveries was replaced by what was set later.
            let Some(before) = self.newest(scope, AccountEventKind::Recovered, set)? else {
                return Ok(None);
            };
            let Some(older) = self.newest(scope, kind, before)? else {
                return Ok(None);
            };
            set = older;
        }
    }
}
