//! Who uses the admin API, and what they did. Sessions and the first set-up stay where they are.

use super::shape::{Table, bytes, flag, int, text};

/// Who uses the admin API. Sessions and the first set-up stay where they are.
pub(super) const ADMIN_USERS: Table = Table::new(
    "admin_users",
    &["id"],
    &[
        int("id"),
        text("name"),
        text("role"),
        text("status"),
        text("password_hash"),
        bytes("totp_secret"),
        flag("totp_on"),
        int("totp_step"),
        int("totp_wrong"),
        int("last_sign_in_at"),
        int("created_at"),
        int("updated_at"),
    ],
)
.ids_from("admin_users_id_seq");

/// Their tokens.
pub(super) const ADMIN_TOKENS: Table = Table::new(
    "admin_tokens",
    &["id"],
    &[
        int("id"),
        text("name"),
        int("admin_user_id"),
        bytes("hash"),
        text("prefix"),
        text("role"),
        text("scopes"),
        int("expires_at"),
        int("last_used_at"),
        int("created_at"),
    ],
)
.ids_from("admin_tokens_id_seq");

/// What they did.
pub(super) const AUDIT_LOG: Table = Table::new(
    "audit_log",
    &["id"],
    &[
        int("id"),
        int("at"),
        int("actor_id"),
        text("actor"),
        text("role"),
        text("through"),
        text("client_ip"),
        text("action"),
        text("subject"),
        text("subject_id"),
        int("status"),
        int("count"),
        text("detail"),
    ],
)
.ids_from("audit_log_id_seq");
