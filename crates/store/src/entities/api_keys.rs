//! API keys: what clients are let in with. The key itself is never here, only its keyed hash.

use waybill_model::{
    entity::ApiKey,
    id::{ApiKeyId, GroupId},
    time::UnixMillis,
};

use super::{check_name, check_reference, delete, distinct, id_of, json, one, put};
use crate::{ApiKeyChange, Kind, NewApiKey, StoreError};
use crate::{
    Store,
    sql::{Db, Result, values},
};

impl Store {
    /// All API keys, by id.
    pub async fn api_keys(&self) -> Result<Vec<ApiKey>> {
        self.readers.run(|db| read(db, None)).await
    }

    /// One API key.
    pub async fn api_key(&self, id: ApiKeyId) -> Result<Option<ApiKey>> {
        self.readers
            .run(move |db| Ok(read(db, Some(id))?.pop()))
            .await
    }

    /// Makes an API key.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], [`StoreError::KeyTaken`] for the same key under another name,
    /// [`StoreError::UnknownReference`] for `user_id` and `group_ids`.
    pub async fn create_api_key(&self, new: NewApiKey, now: UnixMillis) -> Result<ApiKey> {
        self.desk.change(move |db| save(db, None, &new, now)).await
    }

    /// Makes an API key, or changes the one of that name into it, its hash included. Where there is no
    /// such name, the same key under a name that is not among `named` is renamed.
    ///
    /// # Errors
    /// As for [`create_api_key`](Store::create_api_key).
    pub async fn upsert_api_key(
        &self,
        new: NewApiKey,
        named: Vec<String>,
        now: UnixMillis,
    ) -> Result<ApiKey> {
        self.desk
            .change(move |db| {
                let id = match id_of(db, Kind::ApiKey, &new.name)? {
                    Some(id) => Some(id),
                    None => same_key(db, &new.hash)?
                        .filter(|(_, name)| !named.contains(name))
                        .map(|(id, _)| id),
                };
                save(db, id.map(ApiKeyId), &new, now)
            })
            .await
    }

    /// Makes an API key, or changes the one of that name into it but for the key itself, which stays: of many
    /// who bring one at once, one is taken. Answers whether this one was.
    ///
    /// # Errors
    /// As for [`create_api_key`](Store::create_api_key).
    pub async fn ensure_api_key(&self, new: NewApiKey, now: UnixMillis) -> Result<bool> {
        self.desk
            .change(move |db| {
                let known = match id_of(db, Kind::ApiKey, &new.name)? {
                    Some(id) => read(db, Some(ApiKeyId(id)))?.pop(),
                    None => None,
                };
                let Some(known) = known else {
                    return save(db, None, &new, now).map(|_| true);
                };
                let new = NewApiKey {
                    hash: known.hash,
                    prefix: known.prefix,
                    ..new
                };
                save(db, Some(known.id), &new, now).map(|_| false)
            })
            .await
    }

    /// Changes an API key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], and as for [`create_api_key`](Store::create_api_key).
    pub async fn update_api_key(
        &self,
        id: ApiKeyId,
        change: ApiKeyChange,
        now: UnixMillis,
    ) -> Result<ApiKey> {
        self.desk
            .change(move |db| {
                let now_is = one(Kind::ApiKey, id.0, read(db, Some(id))?)?;
                let changed = NewApiKey {
                    name: change.name.unwrap_or(now_is.name),
                    hash: now_is.hash,
                    prefix: now_is.prefix,
                    user_id: now_is.user_id,
                    group_ids: change.group_ids.unwrap_or(now_is.group_ids),
                    limits: change.limits.unwrap_or(now_is.limits),
                    status: change.status.unwrap_or(now_is.status),
                    expires_at: change.expires_at.unwrap_or(now_is.expires_at),
                };
                save(db, Some(id), &changed, now)
            })
            .await
    }

    /// Deletes an API key.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_api_key(&self, id: ApiKeyId) -> Result<()> {
        self.desk
            .change(move |db| delete(db, Kind::ApiKey, id.0))
            .await
    }
}

/// All API keys, or the one with the id, by id.
pub(super) fn read(db: &dyn Db, id: Option<ApiKeyId>) -> Result<Vec<ApiKey>> {
    let groups = db.dialect().json_array("group_id", "position");
    db.rows(
        &format!(
            "SELECT id, name, hash, prefix, user_id,
         (SELECT {groups} FROM api_key_groups
          WHERE api_key_id = api_keys.id),
         limits, status, expires_at, created_at, updated_at
         FROM api_keys WHERE CAST(?1 AS BIGINT) IS NULL OR id = ?1 ORDER BY id"
        ),
        values![id],
        |cells| {
            Ok(ApiKey {
                id: cells.next()?,
                name: cells.next()?,
                hash: cells.next()?,
                prefix: cells.next()?,
                user_id: cells.next()?,
                group_ids: cells.json::<Vec<GroupId>>("group_ids")?,
                limits: cells.json("limits")?,
                status: cells.word("status")?,
                expires_at: cells.next()?,
                created_at: cells.time()?,
                updated_at: cells.time()?,
            })
        },
    )
}

fn save(db: &dyn Db, id: Option<ApiKeyId>, key: &NewApiKey, now: UnixMillis) -> Result<ApiKey> {
    check_name(db, Kind::ApiKey, &key.name, id.map(|id| id.0))?;
    let stored = same_key(db, &key.hash)?;
    if let Some((_, name)) = stored.filter(|(other, _)| Some(*other) != id.map(|id| id.0)) {
        return Err(StoreError::KeyTaken { name });
    }
    check_reference(db, "user_id", Kind::User, key.user_id.0)?;
    for group in &key.group_ids {
        check_reference(db, "group_ids", Kind::Group, group.0)?;
    }
    let columns = [
        ("name", key.name.as_str().into()),
        ("hash", key.hash.as_slice().into()),
        ("prefix", key.prefix.as_str().into()),
        ("user_id", key.user_id.into()),
        ("limits", json(&key.limits)?),
        ("status", key.status.as_str().into()),
        ("expires_at", key.expires_at.into()),
    ];
    let id = put(db, Kind::ApiKey, id.map(|id| id.0), &columns, now).map(ApiKeyId)?;
    db.execute(
        "DELETE FROM api_key_groups WHERE api_key_id = ?1",
        values![id],
    )?;
    for (position, group) in (0_i64..).zip(distinct(&key.group_ids)) {
        db.execute(
            "INSERT INTO api_key_groups (api_key_id, position, group_id) VALUES (?1, ?2, ?3)",
            values![id, position, group],
        )?;
    }
    one(Kind::ApiKey, id.0, read(db, Some(id))?)
}

/// The row that has the key, and its name.
fn same_key(db: &dyn Db, hash: &[u8; 32]) -> Result<Option<(i64, String)>> {
    db.first(
        "SELECT id, name FROM api_keys WHERE hash = ?1",
        values![&hash[..]],
        |cells| Ok((cells.next()?, cells.next()?)),
    )
}
