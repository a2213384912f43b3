//! Checked configuration, with its defaults and the reason for each.

use std::{net::SocketAddr, path::PathBuf, time::Duration};

use http::{HeaderName, HeaderValue};
use waybill_model::{limits::Price, secret::Secret, settings::ChosenRetention};
use waybill_store::Durability;

use crate::{cluster::RedisUrl, egress::EgressPolicy, routing::LineSettings, telemetry};

use super::{AccountSeed, ApiKeySeed, GroupSeed, UserSeed};

/// Everything the server needs to start.
#[derive(Debug, Clone)]
pub struct Config {
    /// Where to listen.
    pub listen: SocketAddr,
    /// Where the store, the instance key and the admin token live.
    pub data_dir: PathBuf,
    /// Where replicas share the record and the configuration; `None`: in `data_dir`.
    pub database: Option<Database>,
    /// Bearer token of the admin API; `None`: made on first start and kept in `data_dir`.
    pub admin_token: Option<Secret>,
    /// Key that seals what rests in the store; `None`: made on first start and kept in `data_dir`.
    pub secret_key: Option<Secret>,
    /// Threads that serve requests; 0 is one per processor.
    pub workers: usize,
    /// What a commit waits for.
    pub durability: Durability,
    /// PEM file with further certificates to trust upstream.
    pub upstream_ca: Option<PathBuf>,
    /// The rest.
    pub settings: Settings,
    /// Groups, created or updated by name at start.
    pub groups: Vec<GroupSeed>,
    /// Accounts.
    pub accounts: Vec<AccountSeed>,
    /// Users.
    pub users: Vec<UserSeed>,
    /// Client keys.
    pub api_keys: Vec<ApiKeySeed>,
    /// What models cost; added or changed by model at start.
    pub prices: Vec<Price>,
}

/// A database that replicas share.
#[derive(Debug, Clone)]
pub struct Database {
    /// `postgres://…`, password and all.
    pub url: Secret,
    /// PEM file with further certificates to trust.
    pub ca: Option<PathBuf>,
    /// What this replica is called.
    pub replica_name: String,
    /// The largest the spool may grow, in bytes; beyond, records degrade in steps.
    pub spool_max_bytes: u64,
    /// Where replicas meet within milliseconds; `None`: each has its own view.
    pub redis_url: Option<RedisUrl>,
}

/// The largest a spool grows where nothing is said: some hours of failures, in less than any disk has.
pub const DEFAULT_SPOOL_BYTES: u64 = 4 << 30;

/// What the way of a request is bounded by.
#[derive(Debug, Clone, Default)]
pub struct Settings {
    /// Sizes and counts.
    pub limits: Limits,
    /// Times.
    pub timeouts: Timeouts,
    /// How often another account is tried.
    pub failover: Failover,
    /// How requests wait for an account.
    pub queue: LineSettings,
    /// What is kept of a failed request.
    pub capture: Capture,
    /// What is kept of every request.
    pub requests: RequestLogging,
    /// For how long.
    pub retention: Retention,
    /// How failed requests are sent again.
    pub replay: ReplaySettings,
    /// Where accounts and their proxies may lead.
    pub egress: EgressPolicy,
    /// What is collected of requests, and where it is sent.
    pub telemetry: telemetry::Settings,
    /// How somebody is told of something.
    pub notifications: NotificationSettings,
}

/// Sizes and counts.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Largest request body. Providers take 32 MiB at most (Anthropic Messages), Gemini 20 MiB inline.
    pub request_bytes: usize,
    /// All request headers together.
    pub header_bytes: usize,
    /// Largest answer that is not streamed. Such an answer is held until it is whole, so that one that
    /// breaks can be failed over.
    pub response_bytes: usize,
    /// Requests in flight over all workers; more are refused at once rather than queued.
    pub in_flight: usize,
    /// Readers of the live stream of failures at once.
    pub live_readers: usize,
    /// A reader of it that has more errors than this before it is moved to the newest one.
    pub live_behind: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Limits {
            request_bytes: 32 << 20,
            header_bytes: 64 << 10,
            response_bytes: 64 << 20,
            in_flight: 50_000,
            live_readers: 64,
            live_behind: 10_000,
        }
    }
}

/// Times.
#[derive(Debug, Clone)]
pub struct Timeouts {
    /// Name, TCP and TLS together.
    pub connect: Duration,
    /// From sending to the answer's head. Long, because an unstreamed answer of a reasoning model comes
    /// only when it is complete.
    pub first_byte: Duration,
    /// Silence inside an answer.
    pub idle: Duration,
    /// For a client to send a request's headers, from the connection's opening or the end of the last
    /// answer: longer than the minute for which proxies keep idle connections.
    pub header_read: Duration,
    /// Silence while a client sends its body.
    pub body_idle: Duration,
    /// For a client to send its whole body.
    pub body_read: Duration,
    /// For a client to take the bytes that are ready for it.
    pub write_stall: Duration,
    /// After this no further attempt is begun.
    pub attempts: Duration,
    /// For running requests to end after SIGTERM.
    pub drain: Duration,
    /// From SIGTERM to the end of taking requests: for load balancers to see that it is not ready.
    pub notice: Duration,
    /// Silence of a provider inside a stream after which its client is sent a comment; zero: never.
    pub keep_alive: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Timeouts {
            connect: Duration::from_secs(10),
            first_byte: Duration::from_secs(600),
            idle: Duration::from_secs(120),
            header_read: Duration::from_secs(75),
            body_idle: Duration::from_secs(30),
            body_read: Duration::from_secs(300),
            write_stall: Duration::from_secs(120),
            attempts: Duration::from_secs(600),
            drain: Duration::from_secs(30),
            notice: Duration::ZERO,
            keep_alive: Duration::from_secs(15),
        }
    }
}

/// How often another account is tried.
#[derive(Debug, Clone)]
pub struct Failover {
    /// Attempts per request, the first included.
    pub max_attempts: u32,
}

impl Default for Failover {
    fn default() -> Self {
        Failover { max_attempts: 8 }
    }
}

/// What is kept of a failed request.
#[derive(Debug, Clone)]
pub struct Capture {
    /// Shown copy of the request body; longer ones are trimmed to the newest turns.
    pub request_body_bytes: usize,
    /// Each error body, detail and header list.
    pub detail_bytes: usize,
    /// Whether the exact bytes are kept, sealed, for sending again.
    pub replay: bool,
    /// Bodies larger than this are not kept for sending again.
    pub replay_body_bytes: usize,
    /// Bytes of request bodies that may wait for the recorder; beyond, records go without their body.
    pub queue_bytes: usize,
    /// Records that may wait for the recorder; beyond, they are lost, and counted.
    pub queue_records: usize,
}

impl Default for Capture {
    fn default() -> Self {
        Capture {
            request_body_bytes: 16 << 10,
            detail_bytes: 16 << 10,
            replay: true,
            replay_body_bytes: 32 << 20,
            queue_bytes: 128 << 20,
            queue_records: 100_000,
        }
    }
}

/// What is kept of every request.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub enum RequestLogging {
    /// A row each.
    #[default]
    All,
    /// Failures, and this share of the successes (0 to 1).
    Sampled(f64),
    /// Failures alone.
    ErrorsOnly,
}

/// How failed requests are sent again.
#[derive(Debug, Clone)]
pub struct ReplaySettings {
    /// The longest it may take, to the end of the answer.
    pub timeout: Duration,
    /// What providers are to know it by; `None`: it looks as it did the first time.
    pub mark_header: Option<(HeaderName, HeaderValue)>,
}

impl Default for ReplaySettings {
    fn default() -> Self {
        ReplaySettings {
            timeout: Duration::from_secs(60),
            mark_header: None,
        }
    }
}

/// How somebody is told of something.
#[derive(Debug, Clone)]
pub struct NotificationSettings {
    /// Where people find this gateway, without a slash at the end; `None`: messages have no links.
    pub public_url: Option<String>,
    /// The longest that connecting to a receiver may take.
    pub timeout: Duration,
    /// The longest that the answer to what was sent may take. A mail server has ten times as long for what it says to
    /// a mail.
    pub answer_timeout: Duration,
}

impl NotificationSettings {
    /// The longest that either may be: a mail takes eleven times as long, which is less than what is put off may wait
    /// for.
    pub const MOST: Duration = Duration::from_secs(300);
}

impl Default for NotificationSettings {
    fn default() -> Self {
        NotificationSettings {
            public_url: None,
            timeout: Duration::from_secs(10),
            answer_timeout: Duration::from_secs(60),
        }
    }
}

/// For how long.
#[derive(Debug, Clone)]
pub struct Retention {
    /// Errors and upstream events.
    pub errors: Duration,
    /// Request rows.
    pub requests: Duration,
    /// Replay bodies.
    pub replay: Duration,
    /// Issues without a failure.
    pub issues: Duration,
    /// An issue without a failure for so long is resolved.
    pub issue_quiet: Duration,
    /// Roll-ups of minutes.
    pub rollup_minutes: Duration,
    /// Roll-ups of hours.
    pub rollup_hours: Duration,
    /// Roll-ups of days.
    pub rollup_days: Duration,
    /// Size of all replay bodies; the oldest go first.
    pub replay_max_bytes: u64,
    /// The audit log.
    pub audit: Duration,
    /// The log of notifications.
    pub notifications: Duration,
    /// Events of alerts that are over.
    pub alert_events: Duration,
    /// The store's size; the oldest go first.
    pub max_bytes: u64,
}

impl Default for Retention {
    fn default() -> Self {
        const DAY: Duration = Duration::from_secs(24 * 3600);
        Retention {
            errors: DAY * 30,
            requests: DAY * 7,
            replay: DAY * 3,
            issues: DAY * 90,
            issue_quiet: DAY * 7,
            rollup_minutes: DAY * 3,
            rollup_hours: DAY * 92,
            rollup_days: DAY * 731,
            replay_max_bytes: 4 << 30,
            audit: DAY * 365,
            notifications: DAY * 30,
            alert_events: DAY * 365,
            max_bytes: 10 << 30,
        }
    }
}

impl Retention {
    /// What is in force, where operators chose otherwise for some.
    pub fn chosen(&self, chosen: &ChosenRetention) -> Retention {
        let or = |chosen: Option<f64>, configured| {
            chosen
                .and_then(|days| Duration::try_from_secs_f64(days * 86_400.0).ok())
                .unwrap_or(configured)
        };
        Retention {
            errors: or(chosen.errors_days, self.errors),
            requests: or(chosen.requests_days, self.requests),
            replay: or(chosen.replay_days, self.replay),
            issues: or(chosen.issues_days, self.issues),
            issue_quiet: self.issue_quiet,
            rollup_minutes: or(chosen.rollup_minutes_days, self.rollup_minutes),
            rollup_hours: or(chosen.rollup_hours_days, self.rollup_hours),
            rollup_days: or(chosen.rollup_days_days, self.rollup_days),
            replay_max_bytes: self.replay_max_bytes,
            audit: or(chosen.audit_days, self.audit),
            notifications: or(chosen.notifications_days, self.notifications),
            alert_events: or(chosen.alert_events_days, self.alert_events),
            max_bytes: self.max_bytes,
        }
    }
}
