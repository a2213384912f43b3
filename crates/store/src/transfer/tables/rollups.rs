//! Roll-ups, and how far they are folded.

use super::shape::{Table, bytes, int, text};

pub(super) const ROLLUPS: Table = Table::new(
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
        int("attempts_cut_off"),
        bytes("duration"),
        bytes("first_token"),
        bytes("auth"),
        bytes("routing"),
        bytes("upstream"),
        bytes("response"),
    ],
);

pub(super) const ROLLUP_CAUSES: Table = Table::new(
    "rollup_causes",
    &[
        "span_ms",
        "facet",
        "begins_at",
        "value",
        "generation",
        "side",
        "cause",
        "phase",
        "owner",
        "is_business_limited",
        "status",
    ],
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
);

pub(super) const ROLLUP_FOLD: Table = Table::new(
    "rollup_fold",
    &["id"],
    &[
        int("id"),
        int("folded_to"),
        int("newest_at"),
        int("oldest_at"),
        int("judgements"),
        int("given_up"),
        int("given_up_from"),
        int("given_up_to"),
    ],
);

pub(super) const ROLLUP_KEPT: Table = Table::new(
    "rollup_kept",
    &["span_ms"],
    &[int("span_ms"), int("kept_from")],
);

pub(super) const RETENTION_CLOCK: Table =
    Table::new("retention_clock", &["id"], &[int("id"), int("at")]);

pub(super) const ROLLUP_MODELS: Table = Table::new(
    "rollup_models",
    &["model"],
    &[
        text("model"),
        int("used_on"),
        int("since_id"),
        int("since_at"),
    ],
);
