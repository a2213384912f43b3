//! Groups, accounts, users, client keys and prices as they are written.

use std::collections::BTreeMap;

use serde::Deserialize;
use waybill_model::secret::Secret;

section! {
    /// `limits = { … }` of a user or a key.
    RawUseLimits {
        /// Most requests at once.
        concurrency: u32,
        /// Requests in any minute.
        requests_per_minute: u32,
        /// Tokens in any minute.
        tokens_per_minute: u64,
        /// Requests in a day.
        requests_per_day: u64,
        /// Tokens in a day.
        tokens_per_day: u64,
        /// US dollars in a day.
        usd_per_day: f64,
        /// Requests in a month.
        requests_per_month: u64,
        /// Tokens in a month.
        tokens_per_month: u64,
        /// US dollars in a month.
        usd_per_month: f64,
    }
}

section! {
    /// `quota = { … }` of an account.
    RawQuota {
        /// Requests in any minute.
        requests_per_minute: u32,
        /// Tokens in any minute.
        tokens_per_minute: u64,
        /// Requests in a day.
        requests_per_day: u64,
        /// Tokens in a day.
        tokens_per_day: u64,
    }
}

section! {
    /// `probe = { … }` of an account.
    RawProbe {
        /// A model to ask for one token.
        model: String,
        /// Ask this often while a limit lasts.
        every_seconds: u64,
    }
}

section! {
    /// `[[account.state_rules]]` and `[[group.state_rules]]`
    RawStateRule {
        /// Its name.
        name: String,
        /// Provider statuses.
        statuses: Vec<u16>,
        /// Text in what the provider said.
        contains: String,
        /// A cause.
        cause: String,
        /// What the account is then.
        state: String,
        /// For how long.
        for_seconds: u64,
        /// `account` or `model`.
        scope: String,
    }
}

section! {
    /// `[[price]]`, in US dollars per million tokens.
    RawPrice {
        /// Model name, or the beginning of one and `*`.
        model: String,
        /// Prompt tokens.
        input: f64,
        /// Answer tokens.
        output: f64,
        /// Prompt tokens read from the provider's cache.
        cache_read: f64,
        /// Prompt tokens written to the provider's cache.
        cache_write: f64,
    }
}

/// `[[group]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawGroup {
    /// Unique name.
    #[serde(default)]
    pub name: String,
    /// `anthropic`, `openai`, `gemini` or `antigravity`.
    pub platform: Option<String>,
    /// `anthropic`, `openai`, `gemini`: whose clients it serves.
    pub protocols: Option<Vec<String>>,
    /// `"client's name" = "provider's name"`.
    #[serde(default)]
    pub model_mapping: BTreeMap<String, String>,
    /// `off`, `session` or `prefix`.
    pub sticky: Option<String>,
    /// Rules for failures of its accounts.
    #[serde(default)]
    pub state_rules: Vec<RawStateRule>,
    /// Whether it may be used.
    pub enabled: Option<bool>,
}

/// `[[account]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawAccount {
    /// Unique name.
    #[serde(default)]
    pub name: String,
    /// As for groups.
    pub platform: Option<String>,
    /// Names of groups.
    #[serde(default)]
    pub groups: Vec<String>,
    /// Scheme and host.
    pub base_url: Option<String>,
    /// Further addresses.
    #[serde(default)]
    pub fallback_urls: Vec<String>,
    /// `chat_completions`, `responses`.
    pub apis: Option<Vec<String>>,
    /// A Google Cloud project.
    pub project: Option<String>,
    /// What it presents.
    pub credential: Option<RawCredential>,
    /// Lower first.
    #[serde(default)]
    pub priority: i32,
    /// Most requests at once.
    pub concurrency: Option<u32>,
    /// Models it serves.
    #[serde(default)]
    pub models: Vec<String>,
    /// As for groups.
    #[serde(default)]
    pub model_mapping: BTreeMap<String, String>,
    /// `auto`, `1.1` or `2`.
    pub http_version: Option<String>,
    /// What the provider is known to allow.
    #[serde(default)]
    pub quota: RawQuota,
    /// Provider statuses that may stop it.
    pub counted_statuses: Option<Vec<u16>>,
    /// Rules for its failures.
    #[serde(default)]
    pub state_rules: Vec<RawStateRule>,
    /// How it is asked whether it serves again.
    pub probe: Option<RawProbe>,
    /// Address of the proxy it is reached through, or `env:NAME`, or `file:PATH`.
    pub proxy: Option<Secret>,
    /// Headers to send along: values, or `env:NAME`, or `file:PATH`.
    #[serde(default)]
    pub headers: BTreeMap<String, Secret>,
    /// Whether it may be used.
    pub enabled: Option<bool>,
}

/// `credential = { … }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCredential {
    /// The key, or `env:NAME`, or `file:PATH`.
    pub api_key: Option<Secret>,
    /// A refresh token, or `env:NAME`, or `file:PATH`.
    pub refresh_token: Option<Secret>,
    /// The client it was given to.
    pub client_id: Option<String>,
    /// Its secret, or `env:NAME`, or `file:PATH`.
    pub client_secret: Option<Secret>,
    /// Where access tokens are had.
    pub token_url: Option<String>,
    /// A service account's key file: its text, or `env:NAME`, or `file:PATH`.
    pub service_account: Option<Secret>,
    /// What its tokens are for.
    pub scopes: Option<Vec<String>>,
}

/// `[[user]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawUser {
    /// Unique name.
    #[serde(default)]
    pub name: String,
    /// What they may use, all keys together.
    pub limits: Option<RawUseLimits>,
    /// US dollars paid in advance, ever.
    pub credit_usd: Option<f64>,
    /// Whether their keys work.
    pub enabled: Option<bool>,
}

/// `[[api_key]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawApiKey {
    /// Unique name.
    #[serde(default)]
    pub name: String,
    /// The key, or `env:NAME`, or `file:PATH`; absent: made on first start and shown once.
    pub key: Option<Secret>,
    /// Name of its user; absent: `default`.
    pub user: Option<String>,
    /// Names of groups, in order.
    #[serde(default)]
    pub groups: Vec<String>,
    /// What it may use.
    pub limits: Option<RawUseLimits>,
    /// RFC 3339.
    pub expires_at: Option<String>,
    /// Whether it works.
    pub enabled: Option<bool>,
}
