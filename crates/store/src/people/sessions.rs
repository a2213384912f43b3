//! Sessions that sign-ins began.

use waybill_model::{entity::Status, id::AdminUserId, people::AdminUser, time::UnixMillis};

use super::{
    totp::{RightCode, accept},
    users,
};
use crate::{
    Store,
    sql::{Result, values},
};

/// A session to be begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Whose it is.
    pub admin_user_id: AdminUserId,
    /// The password that was checked, as it was stored: the session is for whoever knows this one.
    pub password_hash: String,
    /// The code of the second factor that is right, where one is needed.
    pub code: Option<RightCode>,
    /// Keyed hash of what the cookie holds; unique.
    pub hash: [u8; 32],
    /// After this instant it no longer works, however it is used.
    pub expires_at: UnixMillis,
}

/// A session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Row id.
    pub id: i64,
    /// When it was last used, to within a minute.
    pub seen_at: UnixMillis,
    /// After this instant it no longer works.
    pub expires_at: UnixMillis,
}

impl Store {
    /// Begins a session, and notes the sign-in. `false`: the password is another one by now, its owner was
    /// switched off or removed, or a second factor turned on or off, since it was checked, or the code was used
    /// already; nothing began.
    pub async fn begin_session(&self, new: NewSession, now: UnixMillis) -> Result<bool> {
        self.quick_desk()
            .change(move |db| {
                // The row first: whoever changes it, and ends its sessions, comes before or after all of this.
                if let Some(code) = &new.code
                    && !accept(db, new.admin_user_id, code)?
                {
                    return Ok(false);
                }
                let signed_in = db.execute(
                    "UPDATE admin_users SET last_sign_in_at = ?2
                     WHERE id = ?1 AND password_hash = ?3 AND status = ?4 AND totp_on = ?5",
                    values![
                        new.admin_user_id,
                        now,
                        new.password_hash,
                        Status::Active.as_str(),
                        new.code.is_some()
                    ],
                )?;
                if signed_in == 0 {
                    return Ok(false);
                }
                db.execute(
                    "INSERT INTO admin_sessions (admin_user_id, hash, created_at, seen_at, expires_at)
                     VALUES (?1, ?2, ?3, ?3, ?4)",
                    values![new.admin_user_id, &new.hash[..], now, new.expires_at],
                )?;
                Ok(true)
            })
            .await
    }

    /// The session with this hash, and whose it is, if that is somebody who is not switched off. Whether it
    /// is over is the caller's to see.
    pub async fn session_by_hash(&self, hash: [u8; 32]) -> Result<Option<(Session, AdminUser)>> {
        self.quick
            .run(move |db| {
                let sql = format!(
                    "SELECT s.id, s.seen_at, s.expires_at, {}
                     FROM admin_sessions s JOIN admin_users a ON a.id = s.admin_user_id
                     WHERE s.hash = ?1 AND a.status = ?2",
                    users::COLUMNS
                );
                let values = values![&hash[..], Status::Active.as_str()];
                db.first(&sql, values, |cells| {
                    let session = Session {
                        id: cells.next()?,
                        seen_at: cells.time()?,
                        expires_at: cells.time()?,
                    };
                    Ok((session, users::read(cells)?))
                })
            })
            .await
    }

    /// Notes when a session was last used.
    pub async fn session_seen(&self, id: i64, now: UnixMillis) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                let sql = "UPDATE admin_sessions SET seen_at = ?2 WHERE id = ?1 AND seen_at < ?2";
                db.execute(sql, values![id, now]).map(drop)
            })
            .await
    }

    /// Ends one session.
    pub async fn end_session(&self, id: i64) -> Result<()> {
        self.quick_desk()
            .change(move |db| {
                let sql = "DELETE FROM admin_sessions WHERE id = ?1";
                db.execute(sql, values![id]).map(drop)
            })
            .await
    }

    /// Ends every session of somebody's; answers how many there were.
    pub async fn end_sessions(&self, of: AdminUserId) -> Result<u64> {
        self.quick_desk()
            .change(move |db| {
                let sql = "DELETE FROM admin_sessions WHERE admin_user_id = ?1";
                db.execute(sql, values![of])
            })
            .await
    }
}
