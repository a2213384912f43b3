//! What is taken along from one database to another: tables and columns that both have.
//!
//! Promises: what only one of them keeps, and can be derived, is derived on the way.

use crate::sql::Dialect;

/// What a column holds; any of them may hold nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A number, an id, an instant.
    Int,
    /// Yes or no.
    Flag,
    /// Text.
    Text,
    /// Bytes; base64 on the way.
    Bytes,
}

/// A column.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) kind: Kind,
    /// Where only the shared store has it: what it is in the embedded one, of a row `t`.
    pub(crate) derived: Option<&'static str>,
    /// Whether only the embedded one keeps it.
    embedded_only: bool,
}

impl Column {
    /// How it is read from a row `t`.
    pub(crate) fn read(&self, dialect: Dialect) -> String {
        match (self.derived, dialect) {
            (Some(term), Dialect::Sqlite) => term.to_owned(),
            _ => format!("t.\"{}\"", self.name),
        }
    }

    /// Whether a database keeps it.
    pub(crate) fn is_kept_in(&self, dialect: Dialect) -> bool {
        match dialect {
            Dialect::Sqlite => self.derived.is_none(),
            Dialect::Postgres => !self.embedded_only,
        }
    }
}

/// A table.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Table {
    pub(crate) name: &'static str,
    pub(crate) columns: &'static [Column],
    /// Its rows are read in this order. Together unique.
    pub(crate) key: &'static [&'static str],
    /// Where the shared store keeps several rows of what is one here: the one they make up.
    shared: Option<&'static str>,
    /// What the shared store wants to know besides: table, columns and values.
    shared_into: Option<(&'static str, &'static str, &'static str)>,
    /// Which of its columns says on which day it is, where the shared store keeps it by day.
    pub(crate) day: Option<&'static str>,
    /// What gives out its ids in the shared store.
    pub(crate) sequence: Option<&'static str>,
}

impl Table {
    const fn new(
        name: &'static str,
        key: &'static [&'static str],
        columns: &'static [Column],
    ) -> Self {
        Table {
            name,
            columns,
            key,
            shared: None,
            shared_into: None,
            day: None,
            sequence: None,
        }
    }

    const fn by_day(self, day: &'static str) -> Self {
        Table {
            day: Some(day),
            ..self
        }
    }

    const fn ids_from(self, sequence: &'static str) -> Self {
        Table {
            sequence: Some(sequence),
            ..self
        }
    }

    const fn shared_as(
        self,
        made_up: &'static str,
        into: (&'static str, &'static str, &'static str),
    ) -> Self {
        Table {
            shared: Some(made_up),
            shared_into: Some(into),
            ..self
        }
    }

    /// What its rows are read from.
    pub(crate) fn source(&self, dialect: Dialect) -> String {
        match (self.shared, dialect) {
            (Some(made_up), Dialect::Postgres) => format!("({made_up}) t"),
            _ => format!("{} t", self.name),
        }
    }

    /// Where its rows go: the table, and further columns with their values.
    pub(crate) fn target(&self, dialect: Dialect) -> (&'static str, &'static str, &'static str) {
        match (self.shared_into, dialect) {
            (Some(into), Dialect::Postgres) => into,
            _ => (self.name, "", ""),
        }
    }
}

const fn int(name: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Int,
        derived: None,
        embedded_only: false,
    }
}

const fn flag(name: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Flag,
        derived: None,
        embedded_only: false,
    }
}

const fn text(name: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Text,
        derived: None,
        embedded_only: false,
    }
}

const fn bytes(name: &'static str) -> Column {
    Column {
        name,
        kind: Kind::Bytes,
        derived: None,
        embedded_only: false,
    }
}

const fn derived(column: Column, term: &'static str) -> Column {
    Column {
        derived: Some(term),
        ..column
    }
}

const fn embedded_only(column: Column) -> Column {
    Column {
        embedded_only: true,
        ..column
    }
}

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

/// The configuration.
pub(crate) const CONFIG: &[Table] = &[
    Table::new(
        "groups",
        &["id"],
        &[
            int("id"),
            text("name"),
            text("platform"),
            text("model_mapping"),
            text("status"),
            int("created_at"),
            int("updated_at"),
            text("sticky"),
            text("state_rules"),
            text("protocols"),
        ],
    )
    .ids_from("groups_id_seq"),
    Table::new(
        "accounts",
        &["id"],
        &[
            int("id"),
            text("name"),
            text("platform"),
            text("base_url"),
            int("priority"),
            int("concurrency"),
            text("models"),
            text("model_mapping"),
            text("http_version"),
            text("status"),
            bytes("credential"),
            int("created_at"),
            int("updated_at"),
            text("quota"),
            text("counted_statuses"),
            text("state_rules"),
            text("probe"),
            bytes("proxy"),
            bytes("headers"),
            text("fallback_urls"),
            text("apis"),
            text("project"),
        ],
    )
    .ids_from("accounts_id_seq"),
    Table::new(
        "account_groups",
        &["account_id", "group_id"],
        &[int("account_id"), int("group_id")],
    ),
    Table::new(
        "users",
        &["id"],
        &[
            int("id"),
            text("name"),
            text("status"),
            int("created_at"),
            int("updated_at"),
            text("limits"),
            int("credit_micro_usd"),
        ],
    )
    .ids_from("users_id_seq"),
    Table::new(
        "api_keys",
        &["id"],
        &[
            int("id"),
            text("name"),
            bytes("hash"),
            text("prefix"),
            int("user_id"),
            text("status"),
            int("expires_at"),
            int("created_at"),
            int("updated_at"),
            text("limits"),
        ],
    )
    .ids_from("api_keys_id_seq"),
    Table::new(
        "api_key_groups",
        &["api_key_id", "position"],
        &[int("api_key_id"), int("position"), int("group_id")],
    ),
    Table::new(
        "prices",
        &["model"],
        &[
            text("model"),
            int("input"),
            int("output"),
            int("cache_read"),
            int("cache_write"),
        ],
    ),
    Table::new(
        "classification_rules",
        &["id"],
        &[int("id"), int("version"), int("last_id"), text("rules")],
    ),
    Table::new(
        "settings",
        &["id"],
        &[
            int("id"),
            int("version"),
            text("body"),
            int("updated_at"),
            text("updated_by"),
        ],
    ),
];

/// What accounts' states are made of.
const ACCOUNT_EVENTS: Table = Table::new(
    "account_events",
    &["id"],
    &[
        int("id"),
        int("at"),
        int("account_id"),
        text("kind"),
        text("scope"),
        int("since"),
        int("until"),
        text("source"),
        int("strikes"),
        text("cause"),
        int("status_code"),
        text("reason"),
        text("request_id"),
        int("attempt"),
        text("actor"),
        int("undoes"),
    ],
);

/// Who uses the admin API. Sessions and the first set-up stay where they are.
const ADMIN_USERS: Table = Table::new(
    "admin_users",
    &["id"],
    &[
        int("id"),
        text("name"),
        text("role"),
        text("status"),
        text("password_hash"),
        int("last_sign_in_at"),
        int("created_at"),
        int("updated_at"),
    ],
)
.ids_from("admin_users_id_seq");

/// Their tokens.
const ADMIN_TOKENS: Table = Table::new(
    "admin_tokens",
    &["id"],
    &[
        int("id"),
        text("name"),
        int("admin_user_id"),
        bytes("hash"),
        text("prefix"),
        text("role"),
        text("scopes"),
        int("expires_at"),
        int("last_used_at"),
        int("created_at"),
    ],
)
.ids_from("admin_tokens_id_seq");

/// What they did.
const AUDIT_LOG: Table = Table::new(
    "audit_log",
    &["id"],
    &[
        int("id"),
        int("at"),
        int("actor_id"),
        text("actor"),
        text("role"),
        text("through"),
        text("client_ip"),
        text("action"),
        text("subject"),
        text("subject_id"),
        int("status"),
        int("count"),
        text("detail"),
    ],
)
.ids_from("audit_log_id_seq");

/// The record.
pub(crate) const RECORD: &[Table] = &[
    ADMIN_USERS,
    ADMIN_TOKENS,
    AUDIT_LOG,
    ACCOUNT_EVENTS,
    Table::new(
        "usage",
        &["consumer", "consumer_id", "window"],
        &[
            text("consumer"),
            int("consumer_id"),
            text("window"),
            int("started_at"),
            int("requests"),
            int("tokens"),
            int("micro_usd"),
        ],
    )
    .shared_as(
        "SELECT consumer, consumer_id, \"window\", started_at, CAST(sum(requests) AS BIGINT) AS requests,
         CAST(sum(tokens) AS BIGINT) AS tokens, CAST(sum(micro_usd) AS BIGINT) AS micro_usd FROM usage u
         WHERE started_at = (SELECT max(l.started_at) FROM usage l WHERE l.consumer = u.consumer
         AND l.consumer_id = u.consumer_id AND l.\"window\" = u.\"window\")
         GROUP BY consumer, consumer_id, \"window\", started_at",
        // Of no replica's that is here.
        ("usage", "replica", "''"),
    ),
    Table::new(
        "books",
        &["id"],
        &[
            embedded_only(int("id")),
            embedded_only(int("due")),
            int("stored"),
            int("counted_lost"),
            int("without_body"),
            int("without_detail"),
            int("set_aside"),
        ],
    )
    .shared_as(
        "SELECT id, due, stored, counted_lost, without_body, without_detail, set_aside FROM books",
        ("spools", "id", "'imported'"),
    ),
    Table::new(
        "losses",
        &["reason", "cause", "fingerprint"],
        &[
            text("reason"),
            text("cause"),
            bytes("fingerprint"),
            int("count"),
            int("first_at"),
            int("last_at"),
        ],
    )
    .shared_as(
        "SELECT reason, cause, fingerprint, CAST(sum(count) AS BIGINT) AS count, min(first_at) AS first_at,
         max(last_at) AS last_at FROM losses GROUP BY reason, cause, fingerprint",
        ("losses", "spool", "'imported'"),
    ),
    Table::new(
        "set_aside",
        &["id"],
        &[
            int("id"),
            text("request_id"),
            int("created_at"),
            text("reason"),
            text("summary"),
        ],
    )
    .ids_from("set_aside_id_seq"),
    Table::new(
        "noise",
        &["id"],
        &[
            int("id"),
            int("minute"),
            text("client_ip"),
            text("cause"),
            int("count"),
            text("samples"),
        ],
    )
    .ids_from("noise_id_seq"),
    Table::new(
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
    .ids_from("requests_id_seq"),
    Table::new(
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
    .ids_from("errors_id_seq"),
    Table::new(
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
    .by_day("error_at"),
    Table::new(
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
    .ids_from("upstream_events_id_seq"),
    Table::new(
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
    .by_day("error_at"),
    Table::new(
        "replay_bodies",
        &["error_id"],
        &[
            int("error_id"),
            int("created_at"),
            int("body_bytes"),
            bytes("sealed"),
            bytes("chunks"),
        ],
    )
    .by_day("created_at"),
    Table::new(
        "replay_chunks",
        &["id"],
        &[int("id"), bytes("name"), int("last_used")],
    ),
    Table::new(
        "replay_chunk_bytes",
        &["id"],
        &[int("id"), bytes("sealed")],
    ),
    Table::new(
        "retry_attempts",
        &["id"],
        &[
            int("id"),
            int("created_at"),
            int("requested_by_user_id"),
            int("source_error_id"),
            int("source_error_at"),
            text("mode"),
            int("pinned_account_id"),
            text("status"),
            text("holder"),
            int("started_at"),
            int("finished_at"),
            int("duration_ms"),
            text("result_request_id"),
            text("error_message"),
            int("http_status_code"),
            text("upstream_request_id"),
            int("used_account_id"),
            text("response_preview"),
            flag("response_truncated"),
            int("replay_id"),
            text("verdict"),
            text("result_cause"),
            bytes("result_fingerprint"),
            int("cost_micro_usd"),
        ],
    )
    .ids_from("retry_attempts_id_seq"),
    Table::new(
        "replays",
        &["id"],
        &[
            int("id"),
            int("created_at"),
            int("requested_by_user_id"),
            text("note"),
            text("filter"),
            text("mode"),
            int("pinned_account_id"),
            int("max_count"),
            int("per_minute"),
            int("max_micro_usd"),
            int("newest_error_id"),
            int("candidates"),
            flag("candidates_is_estimate"),
            text("status"),
            text("stopped_because"),
            int("place_at"),
            int("place_id"),
            int("sent"),
            int("would_succeed"),
            int("fails_the_same"),
            int("fails_differently"),
            int("not_replayable"),
            int("not_run"),
            int("interrupted"),
            int("not_sent_in_a_row"),
            int("spent_micro_usd"),
            int("unpriced"),
            int("started_at"),
            int("last_began_at"),
            int("finished_at"),
            text("issues"),
        ],
    )
    .ids_from("replays_id_seq"),
    Table::new(
        "replay_items",
        &["id"],
        &[
            int("id"),
            int("created_at"),
            int("replay_id"),
            int("source_error_id"),
            int("source_error_at"),
            int("attempt_id"),
            text("verdict"),
            text("reason"),
        ],
    )
    .ids_from("replay_items_id_seq"),
    Table::new(
        "issue_fold",
        &["id"],
        &[
            int("id"),
            int("folded_to"),
            int("recounted_to"),
            int("recount_end"),
            int("rules_version"),
        ],
    ),
    Table::new(
        "issue_kinds",
        &["fingerprint"],
        &[
            bytes("fingerprint"),
            bytes("issue"),
            text("platform"),
            text("phase"),
            text("cause"),
            int("status_code"),
            text("provider_code"),
            text("title"),
            int("recounting"),
        ],
    ),
    Table::new(
        "issues",
        &["issue"],
        &[
            bytes("issue"),
            text("title"),
            text("platform"),
            text("phase"),
            text("cause"),
            int("status_code"),
            text("provider_code"),
            text("owner"),
            text("severity"),
            text("state"),
            int("state_since"),
            text("why"),
            text("actor"),
            int("ignore_until"),
            int("ignore_count"),
            int("ignore_escalation"),
            int("first_seen"),
            int("last_seen"),
            int("first_error_id"),
            int("last_error_id"),
            int("sample_error_id"),
            int("seen"),
            int("hidden"),
            int("total"),
            int("users"),
            int("api_keys"),
            int("accounts"),
            int("models"),
            int("group_count"),
            int("is_bounded"),
            int("weight"),
            int("impact"),
            int("next_look"),
            bytes("part_of"),
            text("part_by"),
            text("part_value"),
            int("recounting"),
        ],
    ),
    Table::new(
        "issue_hours",
        &["issue", "hour"],
        &[
            bytes("issue"),
            int("hour"),
            int("seen"),
            int("hidden"),
        ],
    ),
    Table::new(
        "issue_members",
        &["issue", "sort", "member"],
        &[
            bytes("issue"),
            text("sort"),
            text("member"),
            text("name"),
            int("seen"),
            int("hidden"),
            int("last_seen"),
        ],
    ),
    Table::new(
        "issue_history",
        &["id"],
        &[
            int("id"),
            bytes("issue"),
            int("at"),
            text("from_state"),
            text("to_state"),
            text("why"),
            text("actor"),
            text("detail"),
        ],
    )
    .ids_from("issue_history_id_seq"),
    Table::new(
        "issue_notes",
        &["id"],
        &[
            int("id"),
            bytes("issue"),
            int("at"),
            text("author"),
            text("note"),
        ],
    )
    .ids_from("issue_notes_id_seq"),
    Table::new(
        "issue_rules",
        &["id"],
        &[
            int("id"),
            text("body"),
            int("created_at"),
            text("created_by"),
        ],
    )
    .ids_from("issue_rules_id_seq"),
    Table::new(
        "rollups",
        &["span_ms", "facet", "begins_at", "value", "generation"],
        &[
            int("span_ms"),
            text("facet"),
            int("begins_at"),
            text("value"),
            int("generation"),
            int("requests"),
            int("successes"),
            int("recovered"),
            int("failures"),
            int("broken_answers"),
            int("unserved"),
            int("client_errors"),
            int("business_limited"),
            int("client_gone"),
            int("token_counts"),
            int("token_count_failures"),
            int("attempts"),
            int("attempts_failed"),
            int("attempts_client"),
            int("attempts_429"),
            int("attempts_529"),
            int("input_tokens"),
            int("output_tokens"),
            int("cache_read_tokens"),
            int("cache_write_tokens"),
            int("cost_micro_usd"),
            bytes("duration"),
            bytes("first_token"),
            bytes("auth"),
            bytes("routing"),
            bytes("upstream"),
            bytes("response"),
        ],
    ),
    Table::new(
        "rollup_causes",
        &["span_ms", "facet", "begins_at", "value", "generation", "side", "cause", "phase", "owner", "is_business_limited", "status"],
        &[
            int("span_ms"),
            text("facet"),
            int("begins_at"),
            text("value"),
            int("generation"),
            text("side"),
            text("cause"),
            text("phase"),
            text("owner"),
            int("is_business_limited"),
            int("status"),
            int("count"),
        ],
    ),
    Table::new(
        "rollup_fold",
        &["id"],
        &[
            int("id"),
            int("folded_to"),
            int("newest_at"),
            int("oldest_at"),
            int("judgements"),
        ],
    ),
    Table::new(
        "rollup_kept",
        &["span_ms"],
        &[
            int("span_ms"),
            int("kept_from"),
        ],
    ),
    Table::new(
        "rollup_days",
        &["day"],
        &[
            int("day"),
            int("generation"),
            int("newest"),
            int("building"),
            int("read_at"),
            int("read_id"),
            int("end_id"),
            int("missing"),
            text("outcome"),
            int("swept"),
        ],
    ),
    Table::new(
        "rollup_models",
        &["model"],
        &[
            text("model"),
            int("used_on"),
        ],
    ),
    Table::new(
        "alert_rules",
        &["id"],
        &[
            int("id"),
            text("name"),
            text("body"),
            int("created_at"),
            int("updated_at"),
            text("updated_by"),
        ],
    )
    .ids_from("alert_rules_id_seq"),
    Table::new(
        "alert_silences",
        &["id"],
        &[
            int("id"),
            text("body"),
            int("created_at"),
            int("updated_at"),
            text("updated_by"),
        ],
    )
    .ids_from("alert_silences_id_seq"),
    Table::new(
        "objectives",
        &["id"],
        &[
            int("id"),
            text("name"),
            text("body"),
            int("created_at"),
            int("updated_at"),
            text("updated_by"),
        ],
    )
    .ids_from("objectives_id_seq"),
    Table::new(
        "alert_progress",
        &["id"],
        &[int("id"), flag("seeded"), int("evaluated_to")],
    ),
    Table::new(
        "alert_stands",
        &["rule_id", "subject"],
        &[
            int("rule_id"),
            text("subject"),
            text("phase"),
            int("since"),
            int("ended_at"),
        ],
    ),
    Table::new(
        "alert_events",
        &["id"],
        &[
            int("id"),
            int("rule_id"),
            text("subject"),
            text("severity"),
            text("status"),
            int("fired_at"),
            int("resolved_at"),
            text("resolved_by"),
            int("acknowledged_at"),
            text("acknowledged_by"),
            flag("told"),
            text("evidence"),
            text("scope"),
        ],
    )
    .ids_from("alert_events_id_seq"),
    Table::new(
        "classification_versions",
        &["version"],
        &[
            int("version"),
            int("at"),
            text("actor"),
            text("note"),
            text("rules"),
        ],
    ),
    Table::new(
        "classification_fold",
        &["id"],
        &[
            int("id"),
            int("version"),
            int("judged_to"),
            int("changed"),
        ],
    ),
    Table::new(
        "notification_channels",
        &["id"],
        &[
            int("id"),
            text("name"),
            text("body"),
            bytes("secrets"),
            int("created_at"),
            int("updated_at"),
        ],
    )
    .ids_from("notification_channels_id_seq"),
    Table::new(
        "notifications",
        &["id"],
        &[
            int("id"),
            int("channel_id"),
            text("channel"),
            text("kind"),
            text("topic"),
            int("event_id"),
            text("severity"),
            text("notice"),
            text("state"),
            text("reason"),
            int("attempts"),
            int("message_id"),
            text("last_error"),
            int("created_at"),
            int("queued_at"),
            int("next_at"),
            int("sent_at"),
        ],
    )
    .ids_from("notifications_id_seq"),
    Table::new(
        "report_schedules",
        &["id"],
        &[
            int("id"),
            text("name"),
            text("body"),
            int("next_at"),
            int("last_at"),
            int("created_at"),
            int("updated_at"),
        ],
    )
    .ids_from("report_schedules_id_seq"),
];

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;
    use crate::{StoreOptions, sqlite::database};

    #[test]
    fn every_column_of_the_embedded_store_is_taken_along() {
        let folder = tempfile::tempdir().unwrap();
        let db = database::prepare(&StoreOptions::at(folder.path().join("waybill.db"))).unwrap();
        for table in CONFIG.iter().chain(RECORD) {
            let mut listed: Vec<String> = table
                .columns
                .iter()
                .filter(|column| column.is_kept_in(Dialect::Sqlite))
                .map(|column| column.name.to_owned())
                .collect();
            listed.sort();
            let mut there: Vec<String> = db
                .prepare("SELECT name FROM pragma_table_info(?1)")
                .unwrap()
                .query_map([table.name], |row| row.get(0))
                .unwrap()
                .map(Result::unwrap)
                .collect();
            there.sort();
            assert_eq!(listed, there, "{}", table.name);
        }
    }
}
