//! Requests, failures, and the attempts behind them.

use super::shape::{Table, bytes, derived, flag, int, text};

/// Of an attempt or of an error's details: the day of the error.
const ERROR_AT: &str = "(SELECT e.created_at FROM errors e WHERE e.id = t.error_id)";

/// Of an attempt's details: the same.
const ERROR_AT_OF_EVENT: &str = "(SELECT e.created_at FROM upstream_events u JOIN errors e ON e.id = u.error_id \
    WHERE u.id = t.event_id)";

/// Of an error: what is looked for in its attempts, as far as the row itself does not say it.
const EVENTS_TEXT: &str = "(SELECT group_concat(x, char(31)) FROM (SELECT DISTINCT x FROM (
    SELECT message AS x, id FROM upstream_events WHERE error_id = t.id
    UNION ALL SELECT model, id FROM upstream_events WHERE error_id = t.id
    UNION ALL SELECT upstream_request_id, id FROM upstream_events WHERE error_id = t.id)
    WHERE x IS NOT NULL AND x <> t.message AND x IS NOT t.model AND x IS NOT t.upstream_error_message))";

pub(super) const REQUESTS: Table = Table::new(
    "requests",
    &["id"],
    &[
        int("id"),
        text("request_id"),
        int("created_at"),
        text("client_request_id"),
        text("platform"),
        text("endpoint"),
        text("model"),
        flag("stream"),
        int("status_code"),
        int("latency_ms"),
        int("time_to_first_token_ms"),
        int("user_id"),
        int("api_key_id"),
        int("account_id"),
        int("group_id"),
        int("attempts"),
        int("replay_of"),
        text("client"),
        text("traits"),
        int("config_version"),
        text("egress"),
        text("cause"),
        flag("recovered"),
        int("input_tokens"),
        int("output_tokens"),
        int("cache_read_tokens"),
        int("cache_write_tokens"),
        int("cost_micro_usd"),
        int("body_bytes"),
        int("auth_latency_ms"),
        int("routing_latency_ms"),
        int("upstream_latency_ms"),
        int("response_latency_ms"),
        int("unserved"),
    ],
)
.by_day("created_at")
.ids_from("requests_id_seq");

pub(super) const ERRORS: Table = Table::new(
    "errors",
    &["id"],
    &[
        int("id"),
        text("request_id"),
        int("created_at"),
        text("client_request_id"),
        text("platform"),
        text("endpoint"),
        text("model"),
        flag("stream"),
        int("status_code"),
        int("latency_ms"),
        int("time_to_first_token_ms"),
        int("user_id"),
        int("api_key_id"),
        int("account_id"),
        int("group_id"),
        int("attempts"),
        int("replay_of"),
        text("client"),
        text("traits"),
        int("config_version"),
        text("egress"),
        text("phase"),
        text("error_type"),
        text("cause"),
        text("severity"),
        text("owner"),
        text("source"),
        flag("is_retryable"),
        flag("is_business_limited"),
        int("rules_version"),
        text("message"),
        bytes("fingerprint"),
        flag("recovered"),
        int("upstream_error_count"),
        text("user_name"),
        text("api_key_name"),
        text("account_name"),
        text("group_name"),
        text("client_ip"),
        text("request_path"),
        int("upstream_status_code"),
        text("upstream_error_message"),
        int("auth_latency_ms"),
        int("routing_latency_ms"),
        int("upstream_latency_ms"),
        int("response_latency_ms"),
        flag("request_body_truncated"),
        int("request_body_bytes"),
        flag("resolved"),
        int("queued_ahead"),
        int("queued_ms"),
        int("ruled_version"),
        int("ruled_by"),
        text("found"),
        derived(text("events_text"), EVENTS_TEXT),
    ],
)
.by_day("created_at")
.ids_from("errors_id_seq");

pub(super) const ERROR_DETAILS: Table = Table::new(
    "error_details",
    &["error_id"],
    &[
        int("error_id"),
        text("user_agent"),
        text("error_body"),
        text("upstream_error_detail"),
        text("request_headers"),
        text("route"),
        text("request_body"),
        derived(int("error_at"), ERROR_AT),
    ],
)
.by_day("error_at");

pub(super) const UPSTREAM_EVENTS: Table = Table::new(
    "upstream_events",
    &["id"],
    &[
        int("id"),
        int("error_id"),
        int("created_at"),
        int("attempt"),
        text("platform"),
        text("model"),
        int("account_id"),
        text("account_name"),
        text("upstream_host"),
        int("upstream_status_code"),
        text("upstream_request_id"),
        text("kind"),
        text("cause"),
        text("name"),
        text("message"),
        int("connect_ms"),
        int("first_byte_ms"),
        int("duration_ms"),
        int("retry_after_ms"),
        text("retry_after_source"),
        text("decision"),
        text("decision_reason"),
        derived(int("error_at"), ERROR_AT),
    ],
)
.by_day("error_at")
.ids_from("upstream_events_id_seq");

pub(super) const EVENT_DETAILS: Table = Table::new(
    "event_details",
    &["event_id"],
    &[
        int("event_id"),
        text("detail"),
        text("request_headers"),
        text("response_headers"),
        text("response_body"),
        derived(int("error_at"), ERROR_AT_OF_EVENT),
    ],
)
.by_day("error_at");
