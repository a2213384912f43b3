//! Who uses the admin API: people, their tokens and sessions, and the log of what they did.
//!
//! Promises: passwords, tokens and sessions are here as hashes alone; somebody who is switched off has no
//! token and no session that works; the last admin who can sign in stays, where that is asked for; secrets of second
//! factors are here sealed, and a code of theirs is accepted once.
//!
//! Must not know: how a password is checked, or who may do what.

mod audit;
mod sessions;
mod tokens;
mod totp;
mod users;

pub use audit::{AuditFilter, NewAuditEntry};
pub use sessions::{NewSession, Session};
pub use tokens::NewAdminToken;
pub use totp::{MOST_WRONG_CODES, RightCode, Totp};
pub use users::{AdminUserChange, Keep, NewAdminUser};

use crate::sql::{Db, Result, values};

/// Lets those who change admin users have their turn one after the other, over all replicas.
fn take_turn(db: &dyn Db) -> Result<()> {
    let sql = "UPDATE admin_setup SET turns = turns + 1 WHERE id = 1";
    db.execute(sql, values![]).map(drop)
}
