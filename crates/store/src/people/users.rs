//! Admin users.

use waybill_model::{
    entity::Status,
    id::AdminUserId,
    people::{AdminUser, Role},
    time::UnixMillis,
};

use super::take_turn;
use crate::{
    Kind, Store, StoreError,
    entities::{check_name, delete, one, put},
    sql::{Cells, Db, Result, values},
};

/// An admin user to be made.
#[derive(Clone, PartialEq, Eq)]
pub struct NewAdminUser {
    /// Unique name.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may sign in.
    pub status: Status,
    /// The hash of their password.
    pub password_hash: String,
}

/// What to change about an admin user; `None` leaves a field as it is.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct AdminUserChange {
    /// Unique name.
    pub name: Option<String>,
    /// What they may do.
    pub role: Option<Role>,
    /// Whether they may sign in.
    pub status: Option<Status>,
    /// The hash of their password. Another one ends their sessions.
    pub password_hash: Option<String>,
    /// Whether codes of their second factor are taken again after too many wrong ones: whoever guessed no longer
    /// knows the password.
    pub forgets_wrong_codes: bool,
}

/// Whether an admin who can sign in must remain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Keep {
    /// At least one.
    AnAdmin,
    /// None need be: there is another way in.
    Nobody,
}

/// In the order `read` reads them.
pub(super) const COLUMNS: &str = "a.id, a.name, a.role, a.status, a.password_hash, a.totp_on, a.last_sign_in_at, \
    a.created_at, a.updated_at";

impl Store {
    /// All admin users, by id.
    pub async fn admin_users(&self) -> Result<Vec<AdminUser>> {
        self.quick.run(|db| all(db, None)).await
    }

    /// One admin user.
    pub async fn admin_user(&self, id: AdminUserId) -> Result<Option<AdminUser>> {
        self.quick.run(move |db| Ok(all(db, Some(id))?.pop())).await
    }

    /// The admin user of a name.
    pub async fn admin_user_named(&self, name: String) -> Result<Option<AdminUser>> {
        self.quick
            .run(move |db| {
                let sql = format!("SELECT {COLUMNS} FROM admin_users a WHERE a.name = ?1");
                db.first(&sql, values![&name], read)
            })
            .await
    }

    /// Whether there is any admin user.
    pub async fn has_admin_users(&self) -> Result<bool> {
        self.quick.run(has_any).await
    }

    /// Makes an admin user.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`].
    pub async fn create_admin_user(&self, new: NewAdminUser, now: UnixMillis) -> Result<AdminUser> {
        self.quick_desk()
            .change(move |db| save(db, None, &new, now))
            .await
    }

    /// Makes the first admin user; `None`: there is one. What the set-up token opened is closed by it.
    pub async fn create_first_admin_user(
        &self,
        new: NewAdminUser,
        now: UnixMillis,
    ) -> Result<Option<AdminUser>> {
        self.quick_desk()
            .change(move |db| {
                take_turn(db)?;
                if has_any(db)? {
                    return Ok(None);
                }
                let made = save(db, None, &new, now)?;
                db.execute("UPDATE admin_setup SET token_hash = NULL WHERE id = 1", &[])?;
                Ok(Some(made))
            })
            .await
    }

    /// Keeps the hash of a set-up token, where there is no admin user and no token yet. Says whether it is
    /// this one that counts.
    pub async fn open_setup(&self, token_hash: [u8; 32]) -> Result<bool> {
        self.quick_desk()
            .change(move |db| {
                take_turn(db)?;
                if has_any(db)? {
                    return Ok(false);
                }
                let sql =
                    "UPDATE admin_setup SET token_hash = ?1 WHERE id = 1 AND token_hash IS NULL";
                Ok(db.execute(sql, values![&token_hash[..]])? > 0)
            })
            .await
    }

    /// The hash of the set-up token, if one is open.
    pub async fn setup_token(&self) -> Result<Option<[u8; 32]>> {
        self.quick
            .run(|db| {
                let sql = "SELECT token_hash FROM admin_setup WHERE id = 1";
                let found: Option<Option<[u8; 32]>> = db.cell(sql, &[])?;
                Ok(found.flatten())
            })
            .await
    }

    /// Changes an admin user. Another password, and being switched off, end their sessions.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::NameTaken`], [`StoreError::LastAdmin`].
    pub async fn update_admin_user(
        &self,
        id: AdminUserId,
        change: AdminUserChange,
        keep: Keep,
        now: UnixMillis,
    ) -> Result<AdminUser> {
        self.quick_desk()
            .change(move |db| {
                take_turn(db)?;
                let now_is = one(Kind::AdminUser, id.0, all(db, Some(id))?)?;
                let ends_sessions = change.password_hash.is_some()
                    || change.status.is_some_and(|status| status != Status::Active);
                let changed = NewAdminUser {
                    name: change.name.unwrap_or(now_is.name),
                    role: change.role.unwrap_or(now_is.role),
                    status: change.status.unwrap_or(now_is.status),
                    password_hash: change.password_hash.unwrap_or(now_is.password_hash),
                };
                let saved = save(db, Some(id), &changed, now)?;
                if change.forgets_wrong_codes {
                    let sql = "UPDATE admin_users SET totp_wrong = 0 WHERE id = ?1";
                    db.execute(sql, values![id])?;
                }
                if ends_sessions {
                    let sql = "DELETE FROM admin_sessions WHERE admin_user_id = ?1";
                    db.execute(sql, values![id])?;
                }
                check_kept(db, keep)?;
                Ok(saved)
            })
            .await
    }

    /// Deletes an admin user with their tokens and sessions. What they did stays in the audit log.
    ///
    /// # Errors
    /// [`StoreError::NotFound`], [`StoreError::LastAdmin`].
    pub async fn delete_admin_user(&self, id: AdminUserId, keep: Keep) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                take_turn(db)?;
                delete(db, Kind::AdminUser, id.0)?;
                check_kept(db, keep)
            })
            .await
    }

    /// Notes that somebody signed in.
    pub async fn signed_in(&self, id: AdminUserId, now: UnixMillis) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                let sql = "UPDATE admin_users SET last_sign_in_at = ?2 WHERE id = ?1";
                db.execute(sql, values![id, now]).map(drop)
            })
            .await
    }
}

fn has_any(db: &dyn Db) -> Result<bool> {
    let found: Option<i64> = db.cell("SELECT id FROM admin_users LIMIT 1", &[])?;
    Ok(found.is_some())
}

/// Fails, and so undoes the change, where nobody is left who could undo it.
fn check_kept(db: &dyn Db, keep: Keep) -> Result<()> {
    let sql = "SELECT id FROM admin_users WHERE role = ?1 AND status = ?2 LIMIT 1";
    let admin = values![Role::Admin.as_str(), Status::Active.as_str()];
    match (keep, db.cell::<i64>(sql, admin)?) {
        (Keep::AnAdmin, None) => Err(StoreError::LastAdmin),
        (Keep::Nobody, None) | (_, Some(_)) => Ok(()),
    }
}

fn all(db: &dyn Db, id: Option<AdminUserId>) -> Result<Vec<AdminUser>> {
    let sql = format!(
        "SELECT {COLUMNS} FROM admin_users a WHERE CAST(?1 AS BIGINT) IS NULL OR a.id = ?1 ORDER BY a.id"
    );
    db.rows(&sql, values![id], read)
}

pub(super) fn read(cells: &mut Cells<'_>) -> Result<AdminUser> {
    Ok(AdminUser {
        id: cells.next()?,
        name: cells.next()?,
        role: cells.word("role")?,
        status: cells.word("status")?,
        password_hash: cells.next()?,
        totp: cells.next()?,
        last_sign_in_at: cells.next()?,
        created_at: cells.time()?,
        updated_at: cells.time()?,
    })
}

fn save(
    db: &dyn Db,
    id: Option<AdminUserId>,
    user: &NewAdminUser,
    now: UnixMillis,
) -> Result<AdminUser> {
    check_name(db, Kind::AdminUser, &user.name, id.map(|id| id.0))?;
    let columns = [
        ("name", user.name.as_str().into()),
        ("role", user.role.as_str().into()),
        ("status", user.status.as_str().into()),
        ("password_hash", user.password_hash.as_str().into()),
    ];
    let id = put(db, Kind::AdminUser, id.map(|id| id.0), &columns, now).map(AdminUserId)?;
    one(Kind::AdminUser, id.0, all(db, Some(id))?)
}
