//! What an operator gives to make or change a configuration entity. Ids and times are not among it:
//! the store assigns ids, and the caller says what time it is.

use waybill_model::{
    classify::ruling::RuleSet,
    entity::{
        Account, ApiKey, Group, HttpVersion, ModelRule, Probe, Sealed, StateRule, Status, Sticky,
        User,
    },
    id::{GroupId, UserId},
    limits::{Limits, Price, Quota},
    money::MicroUsd,
    protocol::{OpenAiApi, Platform, Protocol},
    settings::Chosen,
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
    /// The price table, by model.
    pub prices: Vec<Price>,
    /// The classification rules in force.
    pub rules: RuleSet,
    /// What operators chose.
    pub settings: Chosen,
}

/// A group to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewGroup {
    /// Unique name.
    pub name: String,
    /// Platform of its accounts.
    pub platform: Platform,
    /// Whose clients it serves.
    pub protocols: Vec<Protocol>,
    /// Model names to send under another name.
    pub model_mapping: Vec<ModelRule>,
    /// What ties a conversation to one account.
    pub sticky: Sticky,
    /// Rules for failures of its accounts.
    pub state_rules: Vec<StateRule>,
    /// Whether it may be used.
    pub status: Status,
}

/// What to change about a group; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct GroupChange {
    /// Unique name.
    pub name: Option<String>,
    /// Whose clients it serves: all of them.
    pub protocols: Option<Vec<Protocol>>,
    /// Model names to send under another name.
    pub model_mapping: Option<Vec<ModelRule>>,
    /// What ties a conversation to one account.
    pub sticky: Option<Sticky>,
    /// Rules for failures of its accounts: the whole list.
    pub state_rules: Option<Vec<StateRule>>,
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
    /// Further addresses, tried in order when the first does not answer.
    pub fallback_urls: Vec<String>,
    /// Which of OpenAI's APIs its server speaks; empty on other platforms.
    pub apis: Vec<OpenAiApi>,
    /// The Google Cloud project that an Antigravity account works in.
    pub project: Option<String>,
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
    /// What the provider is known to allow.
    pub quota: Quota,
    /// Provider statuses that may stop it; `None`: those of the built-in table.
    pub counted_statuses: Option<Vec<u16>>,
    /// Rules for its failures.
    pub state_rules: Vec<StateRule>,
    /// How it is asked whether it serves again.
    pub probe: Option<Probe>,
    /// Whether it may be used.
    pub status: Status,
    /// The sealed credential.
    pub credential: Sealed,
    /// The sealed address of its proxy.
    pub proxy: Option<Sealed>,
    /// Sealed headers to send along, a JSON object.
    pub headers: Option<Sealed>,
}

/// What to change about an account; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct AccountChange {
    /// Unique name.
    pub name: Option<String>,
    /// Scheme and host, no version segment.
    pub base_url: Option<String>,
    /// Further addresses: the whole list.
    pub fallback_urls: Option<Vec<String>>,
    /// Which of OpenAI's APIs its server speaks: all of them.
    pub apis: Option<Vec<OpenAiApi>>,
    /// The Google Cloud project; `Some(None)`: none.
    pub project: Option<Option<String>>,
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
    /// What the provider is known to allow.
    pub quota: Option<Quota>,
    /// Provider statuses that may stop it; `Some(None)`: those of the built-in table.
    pub counted_statuses: Option<Option<Vec<u16>>>,
    /// Rules for its failures: the whole list.
    pub state_rules: Option<Vec<StateRule>>,
    /// How it is asked whether it serves again; `Some(None)`: by a client's request.
    pub probe: Option<Option<Probe>>,
    /// Whether it may be used.
    pub status: Option<Status>,
    /// The sealed credential.
    pub credential: Option<Sealed>,
    /// The sealed address of its proxy; `Some(None)`: none.
    pub proxy: Option<Option<Sealed>>,
    /// Sealed headers to send along; `Some(None)`: none.
    pub headers: Option<Option<Sealed>>,
}

/// A user to be made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewUser {
    /// Unique name.
    pub name: String,
    /// What they may use, all keys together.
    pub limits: Limits,
    /// Money paid in advance, ever; `None`: no balance is kept.
    pub credit_usd: Option<MicroUsd>,
    /// Whether their keys work.
    pub status: Status,
}

/// What to change about a user; `None` leaves a field as it is.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct UserChange {
    /// Unique name.
    pub name: Option<String>,
    /// What they may use: the whole set.
    pub limits: Option<Limits>,
    /// Money paid in advance, ever; `Some(None)`: no balance is kept.
    pub credit_usd: Option<Option<MicroUsd>>,
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
    /// What it may use.
    pub limits: Limits,
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
    /// What it may use: the whole set.
    pub limits: Option<Limits>,
    /// Whether it works.
    pub status: Option<Status>,
    /// After this instant it no longer works; `Some(None)` lets it work for ever.
    pub expires_at: Option<Option<UnixMillis>>,
}
