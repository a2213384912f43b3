//! What an operator configures: accounts, groups, users and API keys.
//!
//! These are the stored definitions. Run-time state (in flight, cool-downs) lives with routing.

use serde::{Deserialize, Serialize};

use crate::{
    cause::Cause,
    id::{AccountId, ApiKeyId, GroupId, UserId},
    limits::{Limits, Quota},
    money::MicroUsd,
    protocol::{OpenAiApi, Platform, Protocol},
    state::MarkKind,
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

words! {
    /// What ties the requests of one conversation to one account, for the provider's prompt cache.
    pub enum Sticky {
        /// Nothing.
        Off = "off",
        /// The id a client sends: `metadata.user_id`, `session_id` or `prompt_cache_key`.
        Session = "session",
        /// That id, else how a conversation of several turns begins.
        Prefix = "prefix",
    }
}

words! {
    /// What part of an account a rule stops.
    pub enum RuleScope {
        /// The account.
        Account = "account",
        /// The model that was asked for.
        Model = "model",
    }
}

/// A rule of the operator's: which failure stops an account, as what, and for how long. All conditions
/// that are given must hold. The first rule that fits decides, the account's before the group's, both
/// before the built-in table.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StateRule {
    /// Its name, shown with what it did.
    pub name: String,
    /// Provider statuses it is for; empty is any.
    #[serde(default)]
    pub statuses: Vec<u16>,
    /// Text that the provider's message, name or body must contain, whatever its case.
    #[serde(default)]
    pub contains: Option<String>,
    /// The cause it is for.
    #[serde(default)]
    pub cause: Option<Cause>,
    /// What the account is then; `null`: nothing happens to it.
    #[serde(default)]
    pub state: Option<MarkKind>,
    /// For how long; a wait the provider states is longer or does not count.
    #[serde(default)]
    pub for_seconds: u64,
    /// What is stopped.
    #[serde(default = "whole_account")]
    pub scope: RuleScope,
}

fn whole_account() -> RuleScope {
    RuleScope::Account
}

/// How an account is asked whether it serves again, without a client's request.
#[derive(Clone, PartialEq, Eq, Debug, Default, Serialize, Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Probe {
    /// A model to ask for one token; `null`: the provider's list of models is asked for, which tells
    /// whether the credential works, but uses no quota and proves no capacity.
    pub model: Option<String>,
    /// While a limit lasts, ask this often whether it has ended early; `null`: at its deadline only.
    pub every_seconds: Option<u64>,
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
    /// Further addresses of the same server, tried in order when the first does not answer.
    pub fallback_urls: Vec<String>,
    /// Which of OpenAI's APIs its server speaks; empty on other platforms.
    pub apis: Vec<OpenAiApi>,
    /// The Google Cloud project that an Antigravity account works in.
    pub project: Option<String>,
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
    /// What the provider is known to allow.
    pub quota: Quota,
    /// Provider statuses that may stop the account; `null`: those of the built-in table.
    pub counted_statuses: Option<Vec<u16>>,
    /// Rules for its failures, first match first.
    pub state_rules: Vec<StateRule>,
    /// How it is asked whether it serves again; `null`: by a client's request.
    pub probe: Option<Probe>,
    /// Whether it may be used.
    pub status: Status,
    /// The sealed credential; never serialised.
    #[serde(skip)]
    pub credential: Sealed,
    /// The sealed address of the proxy it is reached through (it may hold a password); never serialised.
    #[serde(skip)]
    pub proxy: Option<Sealed>,
    /// Sealed headers to send along, a JSON object (they may hold keys); never serialised.
    #[serde(skip)]
    pub headers: Option<Sealed>,
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
    /// Whose clients it serves; those of other platforms than its own by translation.
    pub protocols: Vec<Protocol>,
    /// Model names to send under another name; applied before the account's own.
    pub model_mapping: Vec<ModelRule>,
    /// What ties a conversation to one account.
    pub sticky: Sticky,
    /// Rules for failures of its accounts, after an account's own.
    pub state_rules: Vec<StateRule>,
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
    /// What they may use, all keys together.
    pub limits: Limits,
    /// Money paid in advance, ever; what is left of it is this less what was used. `null`: no balance
    /// is kept.
    pub credit_usd: Option<MicroUsd>,
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
    /// What it may use.
    pub limits: Limits,
    /// Whether it works.
    pub status: Status,
    /// After this instant it no longer works.
    pub expires_at: Option<UnixMillis>,
    /// When it was made.
    pub created_at: UnixMillis,
    /// When it was last changed.
    pub updated_at: UnixMillis,
}
