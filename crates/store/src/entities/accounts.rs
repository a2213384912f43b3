//! Accounts: upstream credentials and what they may be used for.

use waybill_model::{
    entity::{Account, Sealed},
    id::{AccountId, GroupId},
    protocol::Platform,
    time::UnixMillis,
};

use super::{check_name, check_reference, delete, distinct, id_of, json, one, put};
use crate::{AccountChange, Kind, NewAccount};
use crate::{
    Store,
    sql::{Db, Result, values},
};

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
                    fallback_urls: change.fallback_urls.unwrap_or(now_is.fallback_urls),
                    apis: change.apis.unwrap_or(now_is.apis),
                    project: change.project.unwrap_or(now_is.project),
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

    /// Puts a renewed credential in place of the one that is sealed as `was`; says whether that is what there
    /// was. No change of an operator's: when the account was changed last stays as it is.
    pub async fn renew_credential(&self, id: AccountId, was: Sealed, new: Sealed) -> Result<bool> {
        self.desk
            .change(move |db| {
                let sql = "UPDATE accounts SET credential = ?2 WHERE id = ?1 AND credential = ?3";
                Ok(db.execute(sql, values![id, new.0, was.0])? > 0)
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
pub(super) fn read(db: &dyn Db, id: Option<AccountId>) -> Result<Vec<Account>> {
    let groups = db.dialect().json_array("group_id", "group_id");
    db.rows(
        &format!(
            "SELECT id, name, platform, base_url, fallback_urls, apis, project,
         (SELECT {groups} FROM account_groups WHERE account_id = accounts.id),
         priority, concurrency, models, model_mapping, http_version, quota, counted_statuses, state_rules,
         probe, status, credential, proxy, headers, created_at, updated_at
         FROM accounts WHERE CAST(?1 AS BIGINT) IS NULL OR id = ?1 ORDER BY id"
        ),
        values![id],
        |cells| {
            let (id, name) = (cells.next()?, cells.next()?);
            let platform: Platform = cells.word("platform")?;
            Ok(Account {
            id,
            name,
            platform,
            base_url: cells.next()?,
            // What a program wrote that did not know these columns is nothing.
            fallback_urls: cells.optional_json("fallback_urls")?.unwrap_or_default(),
            apis: cells
                .optional_json("apis")?
                .unwrap_or_else(|| platform.default_apis().to_vec()),
            project: cells.next()?,
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
        })
        },
    )
}

fn save(
    db: &dyn Db,
    id: Option<AccountId>,
    account: &NewAccount,
    now: UnixMillis,
) -> Result<Account> {
    check_name(db, Kind::Account, &account.name, id.map(|id| id.0))?;
    for group in &account.group_ids {
        check_reference(db, "group_ids", Kind::Group, group.0)?;
    }
    let proxy = account.proxy.as_ref().map(|proxy| proxy.0.clone());
    let headers = account.headers.as_ref().map(|headers| headers.0.clone());
    let columns = [
        ("name", account.name.as_str().into()),
        ("platform", account.platform.as_str().into()),
        ("base_url", account.base_url.as_str().into()),
        ("fallback_urls", json(&account.fallback_urls)?),
        ("apis", json(&account.apis)?),
        ("project", account.project.as_deref().into()),
        ("priority", account.priority.into()),
        ("concurrency", account.concurrency.into()),
        ("models", json(&account.models)?),
        ("model_mapping", json(&account.model_mapping)?),
        ("http_version", account.http_version.as_str().into()),
        ("quota", json(&account.quota)?),
        ("counted_statuses", json(&account.counted_statuses)?),
        ("state_rules", json(&account.state_rules)?),
        ("probe", json(&account.probe)?),
        ("status", account.status.as_str().into()),
        ("credential", account.credential.0.clone().into()),
        ("proxy", proxy.into()),
        ("headers", headers.into()),
    ];
    let id = put(db, Kind::Account, id.map(|id| id.0), &columns, now).map(AccountId)?;
    db.execute(
        "DELETE FROM account_groups WHERE account_id = ?1",
        values![id],
    )?;
    for group in distinct(&account.group_ids) {
        db.execute(
            "INSERT INTO account_groups (account_id, group_id) VALUES (?1, ?2)",
            values![id, group],
        )?;
    }
    one(Kind::Account, id.0, read(db, Some(id))?)
}
