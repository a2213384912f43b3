//! Configuration as it is written: the TOML file, key for key. What must not be missing is found missing
//! by the check, so that it is reported with everything else.

use std::collections::BTreeMap;

use serde::Deserialize;
use waybill_model::secret::Secret;

/// The whole file. Every key is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    /// `host:port`.
    pub listen: Option<String>,
    /// Folder.
    pub data_dir: Option<String>,
    /// `postgres://…`
    pub database_url: Option<String>,
    /// `redis://…`
    pub redis_url: Option<String>,
    /// Bearer token of the admin API.
    pub admin_token: Option<Secret>,
    /// Instance key.
    pub secret_key: Option<Secret>,
    /// Worker threads; 0 is one per processor.
    pub workers: Option<usize>,
    /// `process` or `power`.
    pub durability: Option<String>,
    /// PEM file with further certificates to trust.
    pub upstream_ca: Option<String>,
    /// Sizes and counts.
    pub limits: RawLimits,
    /// Times.
    pub timeouts: RawTimeouts,
    /// Failover.
    pub failover: RawFailover,
    /// Waiting for an account.
    pub queue: RawQueue,
    /// Capture.
    pub capture: RawCapture,
    /// Request rows.
    pub requests: RawRequests,
    /// Retention.
    pub retention: RawRetention,
    /// Where accounts may lead.
    pub egress: RawEgress,
    /// Groups.
    pub group: Vec<RawGroup>,
    /// Accounts.
    pub account: Vec<RawAccount>,
    /// Users.
    pub user: Vec<RawUser>,
    /// Client keys.
    pub api_key: Vec<RawApiKey>,
    /// What models cost.
    pub price: Vec<RawPrice>,
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$kdoc:meta])* $key:ident: $ty:ty),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Debug, Default, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub struct $name { $($(#[$kdoc])* pub $key: Option<$ty>),* }
    };
}

section! {
    /// `[limits]`
    RawLimits {
        /// Largest request body.
        request_bytes: usize,
        /// All request headers together.
        header_bytes: usize,
        /// Largest unstreamed answer.
        response_bytes: usize,
        /// Requests in flight.
        in_flight: usize,
    }
}

section! {
    /// `[timeouts]`, in milliseconds.
    RawTimeouts {
        /// Name, TCP and TLS.
        connect_ms: u64,
        /// To the answer's head.
        first_byte_ms: u64,
        /// Silence inside an answer.
        idle_ms: u64,
        /// A client's headers.
        header_read_ms: u64,
        /// Silence while a client sends its body.
        body_idle_ms: u64,
        /// A client's whole body.
        body_read_ms: u64,
        /// A client that does not read.
        write_stall_ms: u64,
        /// No further attempt after this.
        attempts_ms: u64,
        /// Running requests after SIGTERM.
        drain_ms: u64,
    }
}

section! {
    /// `[failover]`
    RawFailover {
        /// Attempts per request.
        max_attempts: u32,
    }
}

section! {
    /// `[queue]`
    RawQueue {
        /// Longest wait for an account; 0 switches waiting off.
        timeout_ms: u64,
        /// Requests that wait at once.
        max_waiting: usize,
        /// The same of one key.
        max_waiting_per_key: usize,
    }
}

section! {
    /// `[capture]`
    RawCapture {
        /// Shown copy of a request body.
        request_body_bytes: usize,
        /// Each error body, detail and header list.
        detail_bytes: usize,
        /// Keep the exact bytes, sealed.
        replay: bool,
        /// Larger bodies are not kept.
        replay_body_bytes: usize,
        /// Bytes of bodies that may wait for the recorder.
        queue_bytes: usize,
        /// Records that may wait for the recorder.
        queue_records: usize,
    }
}

section! {
    /// `[requests]`
    RawRequests {
        /// `all`, `sampled` or `errors`.
        keep: String,
        /// Share of successes kept under `sampled`, 0 to 1.
        share: f64,
    }
}

section! {
    /// `[egress]`
    RawEgress {
        /// Ranges of addresses that are allowed, though they are private, loopback or the like.
        allow: Vec<String>,
    }
}

section! {
    /// `[retention]`
    RawRetention {
        /// Errors and upstream events.
        errors_days: f64,
        /// Request rows.
        requests_days: f64,
        /// Replay bodies.
        replay_days: f64,
        /// Size of the store.
        max_bytes: u64,
    }
}

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
    /// `"client's name" = "provider's name"`.
    #[serde(default)]
    pub model_mapping: BTreeMap<String, String>,
    /// `off`, `session` or `prefix`.
    pub sticky: Option<String>,
    /// Rules for failures of its accounts.
    #[serde(default)]
    pub state_rules: Vec<RawStateRule>,
    /// Whether it may be used.
    #[serde(default = "yes")]
    pub enabled: bool,
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
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// `credential = { … }`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawCredential {
    /// The key, or `env:NAME`, or `file:PATH`.
    pub api_key: Option<Secret>,
}

/// `[[user]]`
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RawUser {
    /// Unique name.
    #[serde(default)]
    pub name: String,
    /// What they may use, all keys together.
    #[serde(default)]
    pub limits: RawUseLimits,
    /// US dollars paid in advance, ever.
    pub credit_usd: Option<f64>,
    /// Whether their keys work.
    #[serde(default = "yes")]
    pub enabled: bool,
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
    #[serde(default)]
    pub limits: RawUseLimits,
    /// RFC 3339.
    pub expires_at: Option<String>,
    /// Whether it works.
    #[serde(default = "yes")]
    pub enabled: bool,
}

fn yes() -> bool {
    true
}
