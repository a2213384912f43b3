-- Failed requests that are sent again. What such a request comes to is recorded like any other, apart from what
-- clients sent.
ALTER TABLE requests ADD COLUMN replay_of INTEGER;
ALTER TABLE errors ADD COLUMN replay_of INTEGER;
CREATE INDEX errors_of_clients ON errors (recovered, created_at) WHERE replay_of IS NULL;
CREATE INDEX errors_by_replay ON errors (replay_of) WHERE replay_of IS NOT NULL;

-- One row per attempt to send a failed request again. `holder` is who runs it: whoever starts under the same
-- name knows that it does no longer.
CREATE TABLE retry_attempts (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at              INTEGER NOT NULL,
    requested_by_user_id    INTEGER,
    source_error_id         INTEGER NOT NULL,
    source_error_at         INTEGER NOT NULL,
    mode                    TEXT    NOT NULL,
    pinned_account_id       INTEGER,
    status                  TEXT    NOT NULL,
    holder                  TEXT    NOT NULL,
    started_at              INTEGER NOT NULL,
    finished_at             INTEGER,
    duration_ms             INTEGER,
    result_request_id       TEXT,
    error_message           TEXT,
    http_status_code        INTEGER,
    upstream_request_id     TEXT,
    used_account_id         INTEGER,
    response_preview        TEXT,
    response_truncated      INTEGER NOT NULL DEFAULT 0
) STRICT;
-- One at a time per failure: decided here, whoever asks.
CREATE UNIQUE INDEX retry_attempts_running ON retry_attempts (source_error_id) WHERE status = 'running';
CREATE INDEX retry_attempts_by_error ON retry_attempts (source_error_id, id);
