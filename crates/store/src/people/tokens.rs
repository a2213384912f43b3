//! Personal tokens.

use waybill_model::{
    entity::Status,
    id::{AdminTokenId, AdminUserId},
    people::{AdminToken, AdminUser, Area, Role},
    time::UnixMillis,
};

use super::users;
use crate::{
    Kind, Store, StoreError,
    entities::{json, one},
    sql::{Cells, Db, Result, values},
};

/// A personal token to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewAdminToken {
    /// Unique among its owner's.
    pub name: String,
    /// Whose it is.
    pub admin_user_id: AdminUserId,
    /// Keyed hash of the token; unique.
    pub hash: [u8; 32],
    /// The first characters.
    pub prefix: String,
    /// What it may be used for at most.
    pub role: Role,
    /// The areas it is kept to; empty is all of them.
    pub scopes: Vec<Area>,
    /// After this instant it no longer works.
    pub expires_at: Option<UnixMillis>,
}

const COLUMNS: &str = "t.id, t.name, t.admin_user_id, t.prefix, t.role, t.scopes, t.expires_at, t.last_used_at, \
    t.created_at";

impl Store {
    /// Personal tokens, by id: all of them, or those of one admin user.
    pub async fn admin_tokens(&self, of: Option<AdminUserId>) -> Result<Vec<AdminToken>> {
        self.quick
            .run(move |db| {
                let sql = format!(
                    "SELECT {COLUMNS} FROM admin_tokens t
                     WHERE CAST(?1 AS BIGINT) IS NULL OR t.admin_user_id = ?1 ORDER BY t.id"
                );
                db.rows(&sql, values![of], read)
            })
            .await
    }

    /// The token with this hash, and its owner, if that is somebody who is not switched off. Whether it has
    /// expired is the caller's to see.
    pub async fn admin_token_by_hash(
        &self,
        hash: [u8; 32],
    ) -> Result<Option<(AdminToken, AdminUser)>> {
        self.quick
            .run(move |db| {
                let sql = format!(
                    "SELECT {COLUMNS}, {} FROM admin_tokens t JOIN admin_users a ON a.id = t.admin_user_id
                     WHERE t.hash = ?1 AND a.status = ?2",
                    users::COLUMNS
                );
                let values = values![&hash[..], Status::Active.as_str()];
                db.first(&sql, values, |cells| Ok((read(cells)?, users::read(cells)?)))
            })
            .await
    }

    /// Makes a personal token.
    ///
    /// # Errors
    /// [`StoreError::NameTaken`], [`StoreError::NotFound`] for its owner.
    pub async fn create_admin_token(
        &self,
        new: NewAdminToken,
        now: UnixMillis,
    ) -> Result<AdminToken> {
        self.quick_desk()
            .change(move |db| save(db, &new, now))
            .await
    }

    /// Deletes a personal token, of one admin user's where one is given.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn delete_admin_token(
        &self,
        id: AdminTokenId,
        of: Option<AdminUserId>,
    ) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                let sql = "DELETE FROM admin_tokens
                     WHERE id = ?1 AND (CAST(?2 AS BIGINT) IS NULL OR admin_user_id = ?2)";
                match db.execute(sql, values![id, of])? {
                    0 => Err(StoreError::NotFound {
                        kind: Kind::AdminToken,
                        id: id.0,
                    }),
                    _ => Ok(()),
                }
            })
            .await
    }

    /// Notes when a token was last used.
    pub async fn admin_token_used(&self, id: AdminTokenId, now: UnixMillis) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                let sql = "UPDATE admin_tokens SET last_used_at = ?2
                     WHERE id = ?1 AND (last_used_at IS NULL OR last_used_at < ?2)";
                db.execute(sql, values![id, now]).map(drop)
            })
            .await
    }
}

fn save(db: &dyn Db, new: &NewAdminToken, now: UnixMillis) -> Result<AdminToken> {
    let owner = new.admin_user_id;
    let there: Option<i64> = db.cell("SELECT id FROM admin_users WHERE id = ?1", values![owner])?;
    if there.is_none() {
        return Err(StoreError::NotFound {
            kind: Kind::AdminUser,
            id: owner.0,
        });
    }
    let taken: Option<i64> = db.cell(
        "SELECT id FROM admin_tokens WHERE admin_user_id = ?1 AND name = ?2",
        values![owner, &new.name],
    )?;
    if taken.is_some() {
        return Err(StoreError::NameTaken {
            kind: Kind::AdminToken,
            name: new.name.clone(),
        });
    }
    let id: Option<i64> = db.cell(
        "INSERT INTO admin_tokens (name, admin_user_id, hash, prefix, role, scopes, expires_at, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) RETURNING id",
        values![
            &new.name,
            owner,
            &new.hash[..],
            &new.prefix,
            new.role.as_str(),
            json(&new.scopes)?,
            new.expires_at,
            now
        ],
    )?;
    let id = id.ok_or(StoreError::Unreadable { column: "id" })?;
    let sql = format!("SELECT {COLUMNS} FROM admin_tokens t WHERE t.id = ?1");
    one(Kind::AdminToken, id, db.rows(&sql, values![id], read)?)
}

fn read(cells: &mut Cells<'_>) -> Result<AdminToken> {
    Ok(AdminToken {
        id: cells.next()?,
        name: cells.next()?,
        admin_user_id: cells.next()?,
        prefix: cells.next()?,
        role: cells.word("role")?,
        scopes: cells.json("scopes")?,
        expires_at: cells.next()?,
        last_used_at: cells.next()?,
        created_at: cells.time()?,
    })
}
