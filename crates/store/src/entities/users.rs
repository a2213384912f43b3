//! Users: whom API keys belong to.

use waybill_model::{entity::User, id::UserId, time::UnixMillis};

use super::{check_name, check_unused, delete, id_of, json, one, put};
use crate::{Kind, NewUser, UserChange};
use crate::{
    Store,
    sql::{Db, Result, values},
};

impl Store {
    /// All users, by id.
    pub async fn users(&self) -> Result<Vec<User>> {
        self.readers.run(|db| read(db, None)).await
    }

    /// One user.
    pub async fn user(&self, id: UserId) -> Result<Option<User>> {
        self.readers
            .run(move |db| Ok(read(db, Some(id))?.pop()))
            .await
    }

    /// Makes a user.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`](crate::StoreError::NameTaken).
    pub async fn create_user(&self, new: NewUser, now: UnixMillis) -> Result<User> {
        self.desk.change(move |db| save(db, None, &new, now)).await
    }

    /// Makes a user, or changes the one of that name into it.
    pub async fn upsert_user(&self, new: NewUser, now: UnixMillis) -> Result<User> {
        self.desk
            .change(move |db| {
                let id = id_of(db, Kind::User, &new.name)?.map(UserId);
                save(db, id, &new, now)
            })
            .await
    }

    /// Changes a user.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound),
    /// [`StoreError::NameTaken`](crate::StoreError::NameTaken).
    pub async fn update_user(
        &self,
        id: UserId,
        change: UserChange,
        now: UnixMillis,
    ) -> Result<User> {
        self.desk
            .change(move |db| {
                let now_is = one(Kind::User, id.0, read(db, Some(id))?)?;
                let changed = NewUser {
                    name: change.name.unwrap_or(now_is.name),
                    limits: change.limits.unwrap_or(now_is.limits),
                    credit_usd: change.credit_usd.unwrap_or(now_is.credit_usd),
                    status: change.status.unwrap_or(now_is.status),
                };
                save(db, Some(id), &changed, now)
            })
            .await
    }

    /// Deletes a user who has no keys.
    ///
    /// # Errors
    /// [`StoreError::NotFound`](crate::StoreError::NotFound),
    /// [`StoreError::InUse`](crate::StoreError::InUse).
    pub async fn delete_user(&self, id: UserId) -> Result<()> {
        self.desk
            .change(move |db| {
                check_unused(db, (Kind::User, id.0), Kind::ApiKey, "api_keys", "user_id")?;
                delete(db, Kind::User, id.0)
            })
            .await
    }
}

/// All users, or the one with the id, by id.
pub(super) fn read(db: &dyn Db, id: Option<UserId>) -> Result<Vec<User>> {
    db.rows(
        "SELECT id, name, limits, credit_micro_usd, status, created_at, updated_at FROM users
         WHERE CAST(?1 AS BIGINT) IS NULL OR id = ?1 ORDER BY id",
        values![id],
        |cells| {
            Ok(User {
                id: cells.next()?,
                name: cells.next()?,
                limits: cells.json("limits")?,
                credit_usd: cells.next()?,
                status: cells.word("status")?,
                created_at: cells.time()?,
                updated_at: cells.time()?,
            })
        },
    )
}

fn save(db: &dyn Db, id: Option<UserId>, user: &NewUser, now: UnixMillis) -> Result<User> {
    check_name(db, Kind::User, &user.name, id.map(|id| id.0))?;
    let columns = [
        ("name", user.name.as_str().into()),
        ("limits", json(&user.limits)?),
        ("credit_micro_usd", user.credit_usd.into()),
        ("status", user.status.as_str().into()),
    ];
    let id = put(db, Kind::User, id.map(|id| id.0), &columns, now).map(UserId)?;
    one(Kind::User, id.0, read(db, Some(id))?)
}
