//! What a configuration creates or updates at start: groups, accounts, users and client keys.

use waybill_model::{
    entity::{HttpVersion, ModelRule, Probe, StateRule, Status, Sticky},
    limits::{Limits, Quota},
    money::MicroUsd,
    protocol::{OpenAiApi, Platform, Protocol},
    secret::Secret,
    time::UnixMillis,
};

use crate::{credential::Definition, egress::CustomHeaders};

/// A group of the file.
#[derive(Debug, Clone)]
pub struct GroupSeed {
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
    /// Whether it may be used; `None`: as before, and at first it may.
    pub status: Option<Status>,
}

/// An account of the file.
#[derive(Debug, Clone)]
pub struct AccountSeed {
    /// Unique name.
    pub name: String,
    /// Whose API it speaks.
    pub platform: Platform,
    /// Names of groups.
    pub groups: Vec<String>,
    /// Scheme and host.
    pub base_url: String,
    /// Further addresses, tried in order when the first does not answer.
    pub fallback_urls: Vec<String>,
    /// Which of OpenAI's APIs its server speaks; empty on other platforms.
    pub apis: Vec<OpenAiApi>,
    /// The Google Cloud project that an Antigravity account works in.
    pub project: Option<String>,
    /// What it presents, in the clear.
    pub credential: Definition,
    /// Lower first.
    pub priority: i32,
    /// Most requests at once.
    pub concurrency: Option<u32>,
    /// Models it serves.
    pub models: Vec<String>,
    /// Model names to send under another name.
    pub model_mapping: Vec<ModelRule>,
    /// Which HTTP to speak.
    pub http_version: HttpVersion,
    /// What the provider is known to allow.
    pub quota: Quota,
    /// Provider statuses that may stop it; `None`: those of the built-in table.
    pub counted_statuses: Option<Vec<u16>>,
    /// Rules for its failures.
    pub state_rules: Vec<StateRule>,
    /// How it is asked whether it serves again.
    pub probe: Option<Probe>,
    /// The address of its proxy, which may hold a password.
    pub proxy: Option<Secret>,
    /// Headers to send along.
    pub headers: CustomHeaders,
    /// Whether it may be used; `None`: as before, and at first it may.
    pub status: Option<Status>,
}

impl AccountSeed {
    /// Everywhere it may be reached.
    pub fn urls(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.base_url)
            .chain(&self.fallback_urls)
            .map(String::as_str)
    }
}

/// A user of the file.
#[derive(Debug, Clone)]
pub struct UserSeed {
    /// Unique name.
    pub name: String,
    /// What they may use, all keys together; `None`: as before.
    pub limits: Option<Limits>,
    /// Money paid in advance, ever; `None`: as before, and at first no balance is kept.
    pub credit_usd: Option<MicroUsd>,
    /// Whether their keys work; `None`: as before, and at first they do.
    pub status: Option<Status>,
}

/// A client key of the file.
#[derive(Debug, Clone)]
pub struct ApiKeySeed {
    /// Unique name.
    pub name: String,
    /// The key in the clear; `None`: made on first start.
    pub key: Option<Secret>,
    /// Name of its user.
    pub user: String,
    /// Names of groups, in order; `None`: every group there is.
    pub groups: Option<Vec<String>>,
    /// What it may use; `None`: as before.
    pub limits: Option<Limits>,
    /// After this instant it no longer works.
    pub expires_at: Option<UnixMillis>,
    /// Whether it works; `None`: as before, and at first it does.
    pub status: Option<Status>,
}

/// User of keys that name none.
pub const DEFAULT_USER: &str = "default";

/// What ties a conversation to one account where nothing is said: providers' prompt caches are per
/// account, and worth most to conversations of many turns.
pub const DEFAULT_STICKY: Sticky = Sticky::Prefix;
