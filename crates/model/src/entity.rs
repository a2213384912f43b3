//! What an operator configures: accounts, groups, users and API keys.
//!
//! These are the stored definitions. Run-time state (in flight, cool-downs) lives with routing.

use serde::{Deserialize, Serialize};

use crate::{
    id::{AccountId, ApiKeyId, GroupId, UserId},
    protocol::Platform,
    time::UnixMillis,
    words,
};

words! {
    /// Whether an operator lets something be used.
    pub enum Status {
        /// In use.
        Active = "active",
        /// Switched off by hand.
        Disabled = "disabled",
    }
}

words! {
    /// Which HTTP version is spoken to a provider.
    pub enum HttpVersion {
        /// HTTP/2 where TLS negotiates it, else HTTP/1.1.
        Auto = "auto",
        /// HTTP/1.1 only.
        Http1 = "1.1",
        /// HTTP/2 with prior knowledge.
        Http2 = "2",
    }
}

/// A credential as it rests: sealed with the instance's key. Only the vault opens it.
#[derive(Clone, PartialEq, Eq)]
pub struct Sealed(pub Vec<u8>);

impl std::fmt::Debug for Sealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Sealed({} bytes)", self.0.len())
    }
}

/// One rule of a model mapping: requests for names matching `from` are sent as `to`.
/// `from` may end in `*`; an exact rule beats a wildcard, a longer wildcard a shorter one.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
pub struct ModelRule {
    /// The name the client uses, or a prefix and `*`.
    pub from: String,
    /// The name the provider is sent.
    pub to: String,
}

/// An upstream account.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Account {
    /// Row id.
    pub id: AccountId,
    /// Unique name.
    pub name: String,
    /// Whose API it speaks.
    pub platform: Platform,
    /// Scheme and host, no version segment.
    pub base_url: String,
    /// Groups it belongs to, by id.
    pub group_ids: Vec<GroupId>,
    /// Lower is tried first.
    pub priority: i32,
    /// Most requests at once; `null` is no limit.
    pub concurrency: Option<u32>,
    /// Models it serves (exact or `prefix*`); empty is all.
    pub models: Vec<String>,
    /// Model names to send under another name.
    pub model_mapping: Vec<ModelRule>,
    /// Which HTTP version to speak.
    pub http_version: HttpVersion,
    /// Whether it may be used.
    pub status: Status,
    /// The sealed credential; never serialised.
    #[serde(skip)]
    pub credential: Sealed,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
}

/// A set of accounts of one platform.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct Group {
    /// Row id.
    pub id: GroupId,
    /// Unique name.
    pub name: String,
    /// Platform of its accounts.
    pub platform: Platform,
    /// Model names to send under another name; applied before the account's own.
    pub model_mapping: Vec<ModelRule>,
    /// Whether it may be used.
    pub status: Status,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
}

/// Whom API keys belong to.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct User {
    /// Row id.
    pub id: UserId,
    /// Unique name.
    pub name: String,
    /// Whether their keys work.
    pub status: Status,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
}

/// A client's key. The key itself is stored as a keyed hash only.
#[derive(Clone, PartialEq, Debug, Serialize, utoipa::ToSchema)]
pub struct ApiKey {
    /// Row id.
    pub id: ApiKeyId,
    /// Unique name.
    pub name: String,
    /// Keyed hash of the key; never serialised.
    #[serde(skip)]
    pub hash: [u8; 32],
    /// The first characters, to tell keys apart.
    pub prefix: String,
    /// Its owner.
    pub user_id: UserId,
    /// Groups it may use, in order; the first that speaks the protocol and has the model serves.
    pub group_ids: Vec<GroupId>,
    /// Whether it works.
    pub status: Status,
    /// After this instant it no longer works.
    pub expires_at: Option<UnixMillis>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
}
