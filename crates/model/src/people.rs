//! Who uses the admin API: roles, areas, and through what somebody is known.
//!
//! Promises: closed sets, and one order of roles: each may do what the one before may. Must not know: HTTP,
//! passwords, where any of it rests.

use serde::{Deserialize, Serialize};

use crate::{
    id::{AdminTokenId, AdminUserId, AuditId},
    time::UnixMillis,
    words,
};

words! {
    /// What somebody may do. Each may do all that the one before may.
    pub enum Role {
        /// Reads what shows no body and no header of a failed request; of an answer the message alone.
        Viewer = "viewer",
        /// Also reads those, marks, resets, tests, switches accounts and sends failed requests again.
        Operator = "operator",
        /// Also changes the configuration, people and rules.
        Admin = "admin",
    }
}

impl Role {
    /// Whether whoever has this role may do what `needed` is needed for.
    pub fn reaches(self, needed: Role) -> bool {
        self >= needed
    }
}

words! {
    /// What part of the API a personal token may be kept to.
    pub enum Area {
        /// What happened: failures, attempts, requests, and what is done about them.
        Errors = "errors",
        /// The pool: accounts, how they stand, and what is done to them.
        Accounts = "accounts",
        /// Groups, users, API keys, prices.
        Config = "config",
        /// What wakes somebody, and what is promised.
        Alerts = "alerts",
        /// How the gateway itself does: books, jobs, replicas, metrics.
        Ops = "ops",
        /// Admin users, tokens, sessions, the audit log.
        People = "people",
    }
}

words! {
    /// Through what somebody is known.
    pub enum Through {
        /// The configured admin token.
        AdminToken = "admin_token",
        /// A token of an admin user's own.
        PersonalToken = "personal_token",
        /// A session that a sign-in began.
        Session = "session",
        /// Through nothing: a sign-in, the first set-up, or somebody who was refused.
        Nothing = "nothing",
    }
}

/// Somebody who uses the admin API by name.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AdminUser {
    /// Row id.
    pub id: AdminUserId,
    /// Unique name, which they sign in with.
    pub name: String,
    /// What they may do.
    pub role: Role,
    /// Whether they may sign in, and whether their tokens and sessions work.
    pub status: crate::entity::Status,
    /// The hash of their password; never serialised.
    #[serde(skip)]
    pub password_hash: String,
    /// Whether signing in takes a code of an authenticator app besides.
    pub totp: bool,
    /// When they last signed in.
    pub last_sign_in_at: Option<UnixMillis>,
    /// When they were made.
    pub created_at: UnixMillis,
    /// When they were last changed.
    pub updated_at: UnixMillis,
}

impl std::fmt::Debug for AdminUser {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdminUser")
            .field("id", &self.id)
            .field("name", &self.name)
            .field("role", &self.role)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

/// A personal token. The token itself is stored as a keyed hash only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AdminToken {
    /// Row id.
    pub id: AdminTokenId,
    /// Its name, unique among its owner's.
    pub name: String,
    /// Whose it is.
    pub admin_user_id: AdminUserId,
    /// The first characters, to tell tokens apart.
    pub prefix: String,
    /// What it may be used for at most; never more than its owner may.
    pub role: Role,
    /// The areas it is kept to; empty is all of them.
    pub scopes: Vec<Area>,
    /// After this instant it no longer works.
    pub expires_at: Option<UnixMillis>,
    /// When it was last used, to within a minute.
    pub last_used_at: Option<UnixMillis>,
    /// When it was made.
    pub created_at: UnixMillis,
}

/// One entry of the audit log: what somebody did, or was refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, utoipa::ToSchema)]
pub struct AuditEntry {
    /// Row id.
    pub id: AuditId,
    /// When it began.
    pub at: UnixMillis,
    /// Who did it; `null` for the configured admin token and for strangers.
    pub actor_id: Option<AdminUserId>,
    /// Their name then; of a failed sign-in the name that was given.
    pub actor: String,
    /// What they may do; `null`: nobody known.
    pub role: Option<Role>,
    /// Through what they were known.
    pub through: Through,
    /// The peer's address.
    pub client_ip: String,
    /// What was done, such as `accounts.disable`.
    pub action: String,
    /// What kind of thing it was done to.
    pub subject: String,
    /// Which one.
    pub subject_id: Option<String>,
    /// The status of the answer; `null`: the process ended before there was one.
    pub status: Option<u16>,
    /// How often: refusals of one kind, name and address are counted for a minute.
    pub count: u64,
    /// Which fields were given, and what else is worth knowing. Never a secret.
    #[schema(value_type = Object)]
    pub detail: serde_json::Value,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_role_may_do_what_the_one_before_may() {
        for (index, role) in Role::ALL.iter().enumerate() {
            for (other, needed) in Role::ALL.iter().enumerate() {
                assert_eq!(role.reaches(*needed), index >= other, "{role} {needed}");
            }
        }
    }
}
