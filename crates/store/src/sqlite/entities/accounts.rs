//! Accounts: upstream credentials and what they may be used for.

use rusqlite::{Connection, params};
use waybill_model::{
    entity::{Account, Sealed},
    id::{AccountId, GroupId},
    time::UnixMillis,
};

use super::super::{Result, Store, row};
use super::{check_name, check_reference, delete, distinct, id_of, json, one};
use crate::{AccountChange, Kind, NewAccount};

impl Store {
    /// All accounts, by id.
    pub async fn accounts(&self) -> Result<Vec<Account>> {
        self.readers.run(|db| read(db, None)).await
    }

    /// One account.
    pub async fn account(&self, id: AccountId) -> Result<Option<Account>> {
        self.readers
            .run(move |db| Ok(read(db, Some(id))?.pop()))
            .await
    }

    /// Makes an account.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`](crate::StoreError::NameTaken),
    /// [`StoreError::UnknownReference`](crate::StoreError::UnknownReference) for `group_ids`.
    pub async fn create_account(&self, new: NewAccount, now: UnixMillis) -> Result<Account> {
        self.desk.change(move |db| save(db, None, &new, now)).await
    }

    /// Makes an account, or changes the one of that name into it.
    pub async fn upsert_account(&self, new: NewAccount, now: UnixMillis) -> Result<Account> {
        self.desk
            .change(move |db| {
                let id = id_of(db, Kind::Account, &new.name)?.map(AccountId);
                save(db, id, &new, now)
            })
            .await
    }

    /// Changes an account.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound), and as for
    /// [`create_account`](Store::create_account).
    pub async fn update_account(
        &self,
        id: AccountId,
        change: AccountChange,
        now: UnixMillis,
    ) -> Result<Account> {
        self.desk
            .change(move |db| {
                let now_is = one(Kind::Account, id.0, read(db, Some(id))?)?;
                let changed = NewAccount {
                    name: change.name.unwrap_or(now_is.name),
                    platform: now_is.platform,
                    base_url: change.base_url.unwrap_or(now_is.base_url),
                    group_ids: change.group_ids.unwrap_or(now_is.group_ids),
                    priority: change.priority.unwrap_or(now_is.priority),
                    concurrency: change.concurrency.unwrap_or(now_is.concurrency),
                    models: change.models.unwrap_or(now_is.models),
                    model_mapping: change.model_mapping.unwrap_or(now_is.model_mapping),
                    http_version: change.http_version.unwrap_or(now_is.http_version),
                    quota: change.quota.unwrap_or(now_is.quota),
                    counted_statuses: change.counted_statuses.unwrap_or(now_is.counted_statuses),
                    state_rules: change.state_rules.unwrap_or(now_is.state_rules),
                    probe: change.probe.unwrap_or(now_is.probe),
                    status: change.status.unwrap_or(now_is.status),
                    credential: change.credential.unwrap_or(now_is.credential),
                    proxy: change.proxy.unwrap_or(now_is.proxy),
                    headers: change.headers.unwrap_or(now_is.headers),
                };
                save(db, Some(id), &changed, now)
            })
            .await
    }

    /// Deletes an account. Its failures stay in the record, under the name it had.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound).
    pub async fn delete_account(&self, id: AccountId) -> Result<()> {
        self.desk
            .change(move |db| delete(db, Kind::Account, id.0))
            .await
    }
}

/// All accounts, or the one with the id, by id.
pub(super) fn read(db: &Connection, id: Option<AccountId>) -> Result<Vec<Account>> {
    let mut statement = db.prepare_cached(
        "SELECT id, name, platform, base_url,
         (SELECT json_group_array(group_id ORDER BY group_id) FROM account_groups WHERE account_id = accounts.id),
         priority, concurrency, models, model_mapping, http_version, quota, counted_statuses, state_rules,
         probe, status, credential, proxy, headers, created_at, updated_at
         FROM accounts WHERE ?1 IS NULL OR id = ?1 ORDER BY id",
    )?;
    let mut rows = statement.query([id.map(|id| id.0)])?;
    let mut accounts = Vec::new();
    while let Some(r) = rows.next()? {
        let mut cells = row::Cells::of(r);
        accounts.push(Account {
            id: AccountId(cells.next()?),
            name: cells.next()?,
            platform: cells.word("platform")?,
            base_url: cells.next()?,
            group_ids: cells.json::<Vec<GroupId>>("group_ids")?,
            priority: cells.next()?,
            concurrency: cells.next()?,
            models: cells.json("models")?,
            model_mapping: cells.json("model_mapping")?,
            http_version: cells.word("http_version")?,
            quota: cells.json("quota")?,
            counted_statuses: cells.json("counted_statuses")?,
            state_rules: cells.json("state_rules")?,
            probe: cells.json("probe")?,
            status: cells.word("status")?,
            credential: Sealed(cells.next()?),
            proxy: cells.next::<Option<_>>()?.map(Sealed),
            headers: cells.next::<Option<_>>()?.map(Sealed),
            created_at: cells.time()?,
            updated_at: cells.time()?,
        });
    }
    Ok(accounts)
}

fn save(
    db: &Connection,
    id: Option<AccountId>,
    account: &NewAccount,
    now: UnixMillis,
) -> Result<Account> {
    check_name(db, Kind::Account, &account.name, id.map(|id| id.0))?;
    for group in &account.group_ids {
        check_reference(db, "group_ids", Kind::Group, group.0)?;
    }
    db.execute(
        "INSERT INTO accounts (id, name, platform, base_url, priority, concurrency, models, model_mapping,
         http_version, quota, counted_statuses, state_rules, probe, status, credential, proxy, headers,
         created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?18)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, platform = excluded.platform,
         base_url = excluded.base_url, priority = excluded.priority, concurrency = excluded.concurrency,
         models = excluded.models, model_mapping = excluded.model_mapping,
         http_version = excluded.http_version, quota = excluded.quota,
         counted_statuses = excluded.counted_statuses, state_rules = excluded.state_rules,
         probe = excluded.probe, status = excluded.status, credential = excluded.credential,
         proxy = excluded.proxy, headers = excluded.headers, updated_at = excluded.updated_at",
        params![
            id.map(|id| id.0),
            account.name,
            account.platform.as_str(),
            account.base_url,
            account.priority,
            account.concurrency,
            json(&account.models)?,
            json(&account.model_mapping)?,
            account.http_version.as_str(),
            json(&account.quota)?,
            json(&account.counted_statuses)?,
            json(&account.state_rules)?,
            json(&account.probe)?,
            account.status.as_str(),
            account.credential.0,
            account.proxy.as_ref().map(|proxy| &proxy.0),
            account.headers.as_ref().map(|headers| &headers.0),
            now.0
        ],
    )?;
    let id = id.unwrap_or_else(|| AccountId(db.last_insert_rowid()));
    db.execute("DELETE FROM account_groups WHERE account_id = ?1", [id.0])?;
    for group in distinct(&account.group_ids) {
        db.execute(
            "INSERT INTO account_groups (account_id, group_id) VALUES (?1, ?2)",
            [id.0, group.0],
        )?;
    }
    one(Kind::Account, id.0, read(db, Some(id))?)
}
