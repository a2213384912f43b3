//! The second factor of admin users: a secret, sealed, and the last step of time whose code was accepted.
//!
//! Promises: a secret is not in force before a code of it was right; of one user's codes each step is accepted once,
//! over all replicas; after [`MOST_WRONG_CODES`] wrong ones in a row none is, until that is forgotten along with the
//! password.
//!
//! Must not know: how a code follows from a secret and a step.

use waybill_model::{entity::Sealed, id::AdminUserId, time::UnixMillis};

use crate::{
    Kind, Store, StoreError,
    sql::{Db, Result, values},
};

/// So many wrong codes in a row end it: who has a password alone does not get in by patience.
pub const MOST_WRONG_CODES: u32 = 100;

/// A second factor as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Totp {
    /// What codes are made from.
    pub secret: Sealed,
    /// Whether it is in force: a code of it was right.
    pub is_on: bool,
    /// The last step of time whose code was accepted.
    pub step: i64,
    /// Codes that were wrong since then.
    pub wrong: u32,
}

/// A code that is right: of which secret, and of which step of time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RightCode {
    /// The secret that it was checked against.
    pub secret: Sealed,
    /// Its step.
    pub step: i64,
}

impl Store {
    /// Somebody's second factor, in force or not.
    pub async fn totp(&self, of: AdminUserId) -> Result<Option<Totp>> {
        self.quick
            .run(move |db| {
                let sql = "SELECT totp_secret, totp_on, totp_step, totp_wrong FROM admin_users
                     WHERE id = ?1 AND totp_secret IS NOT NULL";
                db.first(sql, values![of], |cells| {
                    Ok(Totp {
                        secret: Sealed(cells.next()?),
                        is_on: cells.next()?,
                        step: cells.next()?,
                        wrong: cells.next()?,
                    })
                })
            })
            .await
    }

    /// Keeps a secret that is not in force yet, in place of one that was not either. `false`: one is in force.
    pub async fn begin_totp(
        &self,
        of: AdminUserId,
        secret: Sealed,
        now: UnixMillis,
    ) -> Result<bool> {
        self.quick_desk()
            .change(move |db| {
                let sql = "UPDATE admin_users SET totp_secret = ?2, totp_step = 0, totp_wrong = 0, updated_at = ?3
                     WHERE id = ?1 AND NOT totp_on";
                Ok(db.execute(sql, values![of, secret.0, now])? > 0)
            })
            .await
    }

    /// Puts the secret in force that a code was right for, and ends every session that began without it but
    /// `own`. `false`: it is another secret by now, or in force already.
    pub async fn confirm_totp(
        &self,
        of: AdminUserId,
        code: RightCode,
        own: Option<i64>,
        now: UnixMillis,
    ) -> Result<bool> {
        self.quick_desk()
            .change(move |db| {
                let confirmed = db.execute(
                    "UPDATE admin_users SET totp_on = TRUE, totp_step = ?3, updated_at = ?4
                     WHERE id = ?1 AND totp_secret = ?2 AND NOT totp_on",
                    values![of, code.secret.0, code.step, now],
                )?;
                if confirmed > 0 {
                    end_sessions(db, of, own)?;
                }
                Ok(confirmed > 0)
            })
            .await
    }

    /// Counts a wrong code.
    pub async fn code_was_wrong(&self, of: AdminUserId) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                let sql =
                    "UPDATE admin_users SET totp_wrong = totp_wrong + 1 WHERE id = ?1 AND totp_on";
                db.execute(sql, values![of]).map(drop)
            })
            .await
    }

    /// Turns a second factor off for whoever has a right code. `false`: the code was used, or is of another secret.
    pub async fn end_totp(
        &self,
        of: AdminUserId,
        code: RightCode,
        now: UnixMillis,
    ) -> Result<bool> {
        self.quick_desk()
            .change(move |db| Ok(accept(db, of, &code)? && forget(db, of, now)?))
            .await
    }

    /// Turns a second factor off without a code, and ends the sessions of whoever had it.
    ///
    /// # Errors
    /// [`StoreError::NotFound`].
    pub async fn reset_totp(&self, of: AdminUserId, now: UnixMillis) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                if !forget(db, of, now)? {
                    let (kind, id) = (Kind::AdminUser, of.0);
                    return Err(StoreError::NotFound { kind, id });
                }
                end_sessions(db, of, None)
            })
            .await
    }
}

/// Accepts a code, once. `false`: its step, or a later one, was accepted before, the secret is another one by now,
/// or too many were wrong.
pub(super) fn accept(db: &dyn Db, of: AdminUserId, code: &RightCode) -> Result<bool> {
    let sql = "UPDATE admin_users SET totp_step = ?3, totp_wrong = 0
         WHERE id = ?1 AND totp_on AND totp_secret = ?2 AND totp_step < ?3 AND totp_wrong < ?4";
    let values = values![of, &code.secret.0[..], code.step, MOST_WRONG_CODES];
    Ok(db.execute(sql, values)? > 0)
}

fn forget(db: &dyn Db, of: AdminUserId, now: UnixMillis) -> Result<bool> {
    let sql =
        "UPDATE admin_users SET totp_secret = NULL, totp_on = FALSE, totp_step = 0, totp_wrong = 0,
         updated_at = ?2 WHERE id = ?1";
    Ok(db.execute(sql, values![of, now])? > 0)
}

fn end_sessions(db: &dyn Db, of: AdminUserId, but: Option<i64>) -> Result<()> {
    let sql = "DELETE FROM admin_sessions
         WHERE admin_user_id = ?1 AND (CAST(?2 AS BIGINT) IS NULL OR id <> ?2)";
    db.execute(sql, values![of, but]).map(drop)
}
