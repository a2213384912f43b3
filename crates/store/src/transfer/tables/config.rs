//! The configuration.

use super::shape::{Table, bytes, int, text};

pub(super) const GROUPS: Table = Table::new(
    "groups",
    &["id"],
    &[
        int("id"),
        text("name"),
        text("platform"),
        text("model_mapping"),
        text("status"),
        int("created_at"),
        int("updated_at"),
        text("sticky"),
        text("state_rules"),
        text("protocols"),
    ],
)
.ids_from("groups_id_seq");

pub(super) const ACCOUNTS: Table = Table::new(
    "accounts",
    &["id"],
    &[
        int("id"),
        text("name"),
        text("platform"),
        text("base_url"),
        int("priority"),
        int("concurrency"),
        text("models"),
        text("model_mapping"),
        text("http_version"),
        text("status"),
        bytes("credential"),
        int("created_at"),
        int("updated_at"),
        text("quota"),
        text("counted_statuses"),
        text("state_rules"),
        text("probe"),
        bytes("proxy"),
        bytes("headers"),
        text("fallback_urls"),
        text("apis"),
        text("project"),
    ],
)
.ids_from("accounts_id_seq");

pub(super) const ACCOUNT_GROUPS: Table = Table::new(
    "account_groups",
    &["account_id", "group_id"],
    &[int("account_id"), int("group_id")],
);

pub(super) const USERS: Table = Table::new(
    "users",
    &["id"],
    &[
        int("id"),
        text("name"),
        text("status"),
        int("created_at"),
        int("updated_at"),
        text("limits"),
        int("credit_micro_usd"),
    ],
)
.ids_from("users_id_seq");

pub(super) const API_KEYS: Table = Table::new(
    "api_keys",
    &["id"],
    &[
        int("id"),
        text("name"),
        bytes("hash"),
        text("prefix"),
        int("user_id"),
        text("status"),
        int("expires_at"),
        int("created_at"),
        int("updated_at"),
        text("limits"),
    ],
)
.ids_from("api_keys_id_seq");

pub(super) const API_KEY_GROUPS: Table = Table::new(
    "api_key_groups",
    &["api_key_id", "position"],
    &[int("api_key_id"), int("position"), int("group_id")],
);

pub(super) const PRICES: Table = Table::new(
    "prices",
    &["model"],
    &[
        text("model"),
        int("input"),
        int("output"),
        int("cache_read"),
        int("cache_write"),
    ],
);

pub(super) const CLASSIFICATION_RULES: Table = Table::new(
    "classification_rules",
    &["id"],
    &[int("id"), int("version"), int("last_id"), text("rules")],
);

pub(super) const SETTINGS: Table = Table::new(
    "settings",
    &["id"],
    &[
        int("id"),
        int("version"),
        text("body"),
        int("updated_at"),
        text("updated_by"),
    ],
);
