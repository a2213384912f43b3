//! What an operator gives to make or change a configuration entity. Ids and times are not among it:
//! the store assigns ids, and the caller says what time it is.

use waybill_model::{
    entity::{Account, ApiKey, Group, HttpVersion, ModelRule, Sealed, Status, User},
    id::{GroupId, UserId},
    protocol::Platform,
    time::UnixMillis,
};

/// Every configured entity, read at one instant.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// All groups, by id.
    pub groups: Vec<Group>,
    /// All accounts, by id.
    pub accounts: Vec<Account>,
    /// All users, by id.
    pub users: Vec<User>,
    /// All API keys, by id.
    pub api_keys: Vec<ApiKey>,
}

/// A group to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGroup {
    /// Unique name.
    pub name: String,
    /// Platform of its accounts.
    pub platform: Platform,
    /// Model names to send under another name.
    pub model_mapping: Vec<ModelRule>,
    /// Whether it may be used.
    pub status: Status,
}

/// What to change about a group; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupChange {
    /// Unique name.
    pub name: Option<String>,
    /// Model names to send under another name.
    pub model_mapping: Option<Vec<ModelRule>>,
    /// Whether it may be used.
    pub status: Option<Status>,
}

/// An account to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewAccount {
    /// Unique name.
    pub name: String,
    /// Whose API it speaks.
    pub platform: Platform,
    /// Scheme and host, no version segment.
    pub base_url: String,
    /// Groups it belongs to.
    pub group_ids: Vec<GroupId>,
    /// Lower is tried first.
    pub priority: i32,
    /// Most requests at once; `None` is no limit.
    pub concurrency: Option<u32>,
    /// Models it serves (exact or `prefix*`); empty is all.
    pub models: Vec<String>,
    /// Model names to send under another name.
    pub model_mapping: Vec<ModelRule>,
    /// Which HTTP version to speak.
    pub http_version: HttpVersion,
    /// Whether it may be used.
    pub status: Status,
    /// The sealed credential.
    pub credential: Sealed,
}

/// What to change about an account; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccountChange {
    /// Unique name.
    pub name: Option<String>,
    /// Scheme and host, no version segment.
    pub base_url: Option<String>,
    /// Groups it belongs to: the whole set.
    pub group_ids: Option<Vec<GroupId>>,
    /// Lower is tried first.
    pub priority: Option<i32>,
    /// Most requests at once; `Some(None)` takes the limit away.
    pub concurrency: Option<Option<u32>>,
    /// Models it serves.
    pub models: Option<Vec<String>>,
    /// Model names to send under another name.
    pub model_mapping: Option<Vec<ModelRule>>,
    /// Which HTTP version to speak.
    pub http_version: Option<HttpVersion>,
    /// Whether it may be used.
    pub status: Option<Status>,
    /// The sealed credential.
    pub credential: Option<Sealed>,
}

/// A user to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewUser {
    /// Unique name.
    pub name: String,
    /// Whether their keys work.
    pub status: Status,
}

/// What to change about a user; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserChange {
    /// Unique name.
    pub name: Option<String>,
    /// Whether their keys work.
    pub status: Option<Status>,
}

/// An API key to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewApiKey {
    /// Unique name.
    pub name: String,
    /// Keyed hash of the key; unique.
    pub hash: [u8; 32],
    /// The first characters, to tell keys apart.
    pub prefix: String,
    /// Its owner.
    pub user_id: UserId,
    /// Groups it may use, in order.
    pub group_ids: Vec<GroupId>,
    /// Whether it works.
    pub status: Status,
    /// After this instant it no longer works.
    pub expires_at: Option<UnixMillis>,
}

/// What to change about an API key; `None` leaves a field as it is. The key itself never changes.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct ApiKeyChange {
    /// Unique name.
    pub name: Option<String>,
    /// Groups it may use, in order: the whole list.
    pub group_ids: Option<Vec<GroupId>>,
    /// Whether it works.
    pub status: Option<Status>,
    /// After this instant it no longer works; `Some(None)` lets it work for ever.
    pub expires_at: Option<Option<UnixMillis>>,
}
