//! Configuration as it is written: the TOML file, key for key. What must not be missing is found missing
//! by the check, so that it is reported with everything else.

use serde::Deserialize;
use waybill_model::secret::Secret;

/// The whole file. Every key is optional.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RawConfig {
    /// `host:port`.
    pub listen: Option<String>,
    /// Where people find this gateway.
    pub public_url: Option<String>,
    /// Folder.
    pub data_dir: Option<String>,
    /// `postgres://…`
    pub database_url: Option<Secret>,
    /// PEM file with further certificates to trust.
    pub database_ca: Option<String>,
    /// `redis://…`
    pub redis_url: Option<Secret>,
    /// What this replica is called.
    pub replica_name: Option<String>,
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
    /// Sending again.
    pub replay: RawReplay,
    /// Retention.
    pub retention: RawRetention,
    /// Telling somebody.
    pub notifications: RawNotifications,
    /// What waits for the shared store.
    pub spool: RawSpool,
    /// Traces and metrics that are sent.
    pub telemetry: RawTelemetry,
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

mod entities;

pub use entities::{
    RawAccount, RawApiKey, RawGroup, RawPrice, RawProbe, RawQuota, RawStateRule, RawUseLimits,
    RawUser,
};

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
        /// Readers of the live stream of failures.
        live_readers: usize,
        /// How far one of them may be behind.
        live_behind: u32,
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
        /// Traffic goes on for so long after SIGTERM, so that it can be led elsewhere.
        notice_ms: u64,
        /// Silence of a provider inside a stream before its client is sent a comment.
        keep_alive_ms: u64,
    }
}

section! {
    /// `[notifications]`
    RawNotifications {
        /// Longest way to a receiver.
        timeout_ms: u64,
        /// Longest answer.
        answer_timeout_ms: u64,
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
    /// `[telemetry]`
    RawTelemetry {
        /// Address of the receiver.
        otlp_endpoint: String,
        /// Headers that it is sent.
        otlp_headers: Secret,
        /// What this service is called.
        service_name: String,
        /// Share of traces that are sent, 0 to 1.
        sample_ratio: f64,
        /// What failed is sent in any case.
        sample_failures: bool,
        /// How often metrics are sent; 0: never.
        metrics_every_ms: u64,
        /// `client`, `always` or `never`.
        propagate: String,
    }
}

section! {
    /// `[spool]`
    RawSpool {
        /// Size of the file.
        max_bytes: u64,
    }
}

section! {
    /// `[replay]`
    RawReplay {
        /// The longest it may take.
        timeout_ms: u64,
        /// `name: value` of a header that providers know it by.
        mark_header: String,
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
        /// Issues without a failure.
        issues_days: f64,
        /// An issue without a failure for so long is resolved.
        issue_quiet_days: f64,
        /// Roll-ups of minutes.
        rollup_minutes_days: f64,
        /// Roll-ups of hours.
        rollup_hours_days: f64,
        /// Roll-ups of days.
        rollup_days_days: f64,
        /// Size of all replay bodies.
        replay_max_bytes: u64,
        /// The audit log.
        audit_days: f64,
        /// The log of notifications.
        notifications_days: f64,
        /// Events of alerts that are over.
        alert_events_days: f64,
        /// Size of the store.
        max_bytes: u64,
    }
}
