//! Configuration from the environment: every scalar key of the file as `WAYBILL_…`, and provider keys
//! under the names their own SDKs use.

use toml::{Table, Value};
use waybill_model::protocol::Platform;

/// Every scalar key of the file. `timeouts.connect_ms` is `WAYBILL_TIMEOUTS_CONNECT_MS`.
pub const KEYS: &[&str] = &[
    "listen",
    "public_url",
    "data_dir",
    "database_url",
    "database_ca",
    "redis_url",
    "replica_name",
    "admin_token",
    "secret_key",
    "workers",
    "durability",
    "upstream_ca",
    "limits.request_bytes",
    "limits.header_bytes",
    "limits.response_bytes",
    "limits.in_flight",
    "limits.live_readers",
    "limits.live_behind",
    "timeouts.connect_ms",
    "timeouts.first_byte_ms",
    "timeouts.idle_ms",
    "timeouts.header_read_ms",
    "timeouts.body_idle_ms",
    "timeouts.body_read_ms",
    "timeouts.write_stall_ms",
    "timeouts.attempts_ms",
    "timeouts.drain_ms",
    "timeouts.notice_ms",
    "timeouts.keep_alive_ms",
    "failover.max_attempts",
    "queue.timeout_ms",
    "queue.max_waiting",
    "queue.max_waiting_per_key",
    "capture.request_body_bytes",
    "capture.detail_bytes",
    "capture.replay",
    "capture.replay_body_bytes",
    "capture.queue_bytes",
    "capture.queue_records",
    "requests.keep",
    "requests.share",
    "replay.timeout_ms",
    "replay.mark_header",
    "retention.errors_days",
    "retention.requests_days",
    "retention.replay_days",
    "retention.issues_days",
    "retention.issue_quiet_days",
    "retention.rollup_minutes_days",
    "retention.rollup_hours_days",
    "retention.rollup_days_days",
    "retention.replay_max_bytes",
    "retention.audit_days",
    "retention.notifications_days",
    "retention.alert_events_days",
    "retention.max_bytes",
    "spool.max_bytes",
    "telemetry.otlp_endpoint",
    "telemetry.otlp_headers",
    "telemetry.service_name",
    "telemetry.sample_ratio",
    "telemetry.sample_failures",
    "telemetry.metrics_every_ms",
    "telemetry.propagate",
    "notifications.timeout_ms",
    "notifications.answer_timeout_ms",
];

/// Keys whose value is text even where it looks like a number.
const TEXT_KEYS: &[&str] = &[
    "listen",
    "data_dir",
    "admin_token",
    "secret_key",
    "database_url",
    "database_ca",
    "redis_url",
    "replica_name",
    "upstream_ca",
    "replay.mark_header",
    "telemetry.otlp_endpoint",
    "telemetry.otlp_headers",
    "telemetry.service_name",
];

/// Where each provider's SDK looks for a key.
pub const PROVIDER_KEYS: &[(Platform, &str)] = &[
    (Platform::Anthropic, "ANTHROPIC_API_KEY"),
    (Platform::OpenAi, "OPENAI_API_KEY"),
    (Platform::Gemini, "GEMINI_API_KEY"),
];

/// The variable that sets a key.
pub fn variable(key: &str) -> String {
    format!("WAYBILL_{}", key.to_ascii_uppercase().replace('.', "_"))
}

/// Puts the environment's values over the file's. Answers which keys were set, and by which variable.
pub fn overlay(file: &mut Table, var: impl Fn(&str) -> Option<String>) -> Vec<(String, String)> {
    let mut set = Vec::new();
    for key in KEYS {
        let variable = variable(key);
        let Some(text) = var(&variable).filter(|text| !text.is_empty()) else {
            continue;
        };
        set.push(((*key).to_owned(), variable));
        let value = match TEXT_KEYS.contains(key) {
            true => Value::String(text),
            false => scalar(text),
        };
        match key.split_once('.') {
            None => {
                file.insert((*key).to_owned(), value);
            }
            Some((section, key)) => {
                let section = file
                    .entry(section)
                    .or_insert_with(|| Value::Table(Table::new()));
                if let Value::Table(section) = section {
                    section.insert(key.to_owned(), value);
                }
            }
        }
    }
    set
}

fn scalar(text: String) -> Value {
    if let Ok(number) = text.parse::<i64>() {
        Value::Integer(number)
    } else if let Ok(number) = text.parse::<f64>() {
        Value::Float(number)
    } else if let Ok(flag) = text.parse::<bool>() {
        Value::Boolean(flag)
    } else {
        Value::String(text)
    }
}
