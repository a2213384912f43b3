//! What is kept to send failures again, and what came of it.

use super::shape::{Table, bytes, flag, int, text};

pub(super) const REPLAY_BODIES: Table = Table::new(
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
.by_day("created_at");

pub(super) const REPLAY_CHUNKS: Table = Table::new(
    "replay_chunks",
    &["id"],
    &[int("id"), bytes("name"), int("last_used")],
);

pub(super) const REPLAY_CHUNK_BYTES: Table =
    Table::new("replay_chunk_bytes", &["id"], &[int("id"), bytes("sealed")]);

pub(super) const RETRY_ATTEMPTS: Table = Table::new(
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
.ids_from("retry_attempts_id_seq");

pub(super) const REPLAYS: Table = Table::new(
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
.ids_from("replays_id_seq");

pub(super) const REPLAY_ITEMS: Table = Table::new(
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
.ids_from("replay_items_id_seq");
