//! API keys: what clients are let in with. The key itself is never here, only its keyed hash.

use rusqlite::{Connection, OptionalExtension, params};
use waybill_model::{
    entity::ApiKey,
    id::{ApiKeyId, GroupId, UserId},
    time::UnixMillis,
};

use super::super::{Result, Store, row};
use super::{check_name, check_reference, delete, distinct, id_of, json, one};
use crate::{ApiKeyChange, Kind, NewApiKey, StoreError};

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
pub(super) fn read(db: &Connection, id: Option<ApiKeyId>) -> Result<Vec<ApiKey>> {
    let mut statement = db.prepare_cached(
        "SELECT id, name, hash, prefix, user_id,
         (SELECT json_group_array(group_id ORDER BY position) FROM api_key_groups
          WHERE api_key_id = api_keys.id),
         limits, status, expires_at, created_at, updated_at
         FROM api_keys WHERE ?1 IS NULL OR id = ?1 ORDER BY id",
    )?;
    let mut rows = statement.query([id.map(|id| id.0)])?;
    let mut keys = Vec::new();
    while let Some(r) = rows.next()? {
        let mut cells = row::Cells::of(r);
        keys.push(ApiKey {
            id: ApiKeyId(cells.next()?),
            name: cells.next()?,
            hash: cells.next()?,
            prefix: cells.next()?,
            user_id: UserId(cells.next()?),
            group_ids: cells.json::<Vec<GroupId>>("group_ids")?,
            limits: cells.json("limits")?,
            status: cells.word("status")?,
            expires_at: cells.next::<Option<i64>>()?.map(UnixMillis),
            created_at: cells.time()?,
            updated_at: cells.time()?,
        });
    }
    Ok(keys)
}

fn save(db: &Connection, id: Option<ApiKeyId>, key: &NewApiKey, now: UnixMillis) -> Result<ApiKey> {
    check_name(db, Kind::ApiKey, &key.name, id.map(|id| id.0))?;
    let stored = same_key(db, &key.hash)?;
    if let Some((_, name)) = stored.filter(|(other, _)| Some(*other) != id.map(|id| id.0)) {
        return Err(StoreError::KeyTaken { name });
    }
    check_reference(db, "user_id", Kind::User, key.user_id.0)?;
    for group in &key.group_ids {
        check_reference(db, "group_ids", Kind::Group, group.0)?;
    }
    db.execute(
        "INSERT INTO api_keys (id, name, hash, prefix, user_id, limits, status, expires_at, created_at, updated_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9)
         ON CONFLICT (id) DO UPDATE SET name = excluded.name, hash = excluded.hash, prefix = excluded.prefix,
         user_id = excluded.user_id, limits = excluded.limits, status = excluded.status, expires_at = excluded.expires_at,
         updated_at = excluded.updated_at",
        params![
            id.map(|id| id.0),
            key.name,
            &key.hash[..],
            key.prefix,
            key.user_id.0,
            json(&key.limits)?,
            key.status.as_str(),
            key.expires_at.map(|at| at.0),
            now.0
        ],
    )?;
    let id = id.unwrap_or_else(|| ApiKeyId(db.last_insert_rowid()));
    db.execute("DELETE FROM api_key_groups WHERE api_key_id = ?1", [id.0])?;
    for (position, group) in (0_i64..).zip(distinct(&key.group_ids)) {
        db.execute(
            "INSERT INTO api_key_groups (api_key_id, position, group_id) VALUES (?1, ?2, ?3)",
            [id.0, position, group.0],
        )?;
    }
    one(Kind::ApiKey, id.0, read(db, Some(id))?)
}

/// The row that has the key, and its name.
fn same_key(db: &Connection, hash: &[u8; 32]) -> Result<Option<(i64, String)>> {
    Ok(db
        .query_row(
            "SELECT id, name FROM api_keys WHERE hash = ?1",
            [&hash[..]],
            |r| Ok((r.get(0)?, r.get(1)?)),
        )
        .optional()?)
}
