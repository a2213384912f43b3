-- Many failed requests that are sent again. Which ones: `filter` (names and values of the list's filters), no newer
-- than `newest_error_id`, newest first; `place_at` and `place_id` say where that is. What came of them is counted
-- in the transaction in which it came.
CREATE TABLE replays (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at              INTEGER NOT NULL,
    requested_by_user_id    INTEGER,
    note                    TEXT,
    filter                  TEXT    NOT NULL,
    mode                    TEXT    NOT NULL,
    pinned_account_id       INTEGER,
    max_count               INTEGER NOT NULL,
    per_minute              INTEGER NOT NULL,
    max_micro_usd           INTEGER,
    newest_error_id         INTEGER NOT NULL,
    candidates              INTEGER NOT NULL,
    candidates_is_estimate  INTEGER NOT NULL,
    status                  TEXT    NOT NULL,
    stopped_because         TEXT,
    place_at                INTEGER,
    place_id                INTEGER,
    sent                    INTEGER NOT NULL DEFAULT 0,
    would_succeed           INTEGER NOT NULL DEFAULT 0,
    fails_the_same          INTEGER NOT NULL DEFAULT 0,
    fails_differently       INTEGER NOT NULL DEFAULT 0,
    not_replayable          INTEGER NOT NULL DEFAULT 0,
    not_run                 INTEGER NOT NULL DEFAULT 0,
    interrupted             INTEGER NOT NULL DEFAULT 0,
    not_sent_in_a_row       INTEGER NOT NULL DEFAULT 0,
    spent_micro_usd         INTEGER NOT NULL DEFAULT 0,
    unpriced                INTEGER NOT NULL DEFAULT 0,
    started_at              INTEGER,
    last_began_at           INTEGER,
    finished_at             INTEGER
) STRICT;
CREATE INDEX replays_running ON replays (id) WHERE status = 'running';

-- One failure of one of them; without a verdict while it is under way.
CREATE TABLE replay_items (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    created_at              INTEGER NOT NULL,
    replay_id               INTEGER NOT NULL,
    source_error_id         INTEGER NOT NULL,
    source_error_at         INTEGER NOT NULL,
    attempt_id              INTEGER,
    verdict                 TEXT,
    reason                  TEXT
) STRICT;
-- No failure has two turns, whoever gives them.
CREATE UNIQUE INDEX replay_items_once ON replay_items (replay_id, source_error_id);
CREATE INDEX replay_items_in_order ON replay_items (replay_id, id);
CREATE INDEX replay_items_by_error ON replay_items (source_error_id);
CREATE INDEX replay_items_under_way ON replay_items (replay_id) WHERE verdict IS NULL;

ALTER TABLE retry_attempts ADD COLUMN replay_id INTEGER;
ALTER TABLE retry_attempts ADD COLUMN verdict TEXT;
ALTER TABLE retry_attempts ADD COLUMN result_cause TEXT;
ALTER TABLE retry_attempts ADD COLUMN result_fingerprint BLOB;
ALTER TABLE retry_attempts ADD COLUMN cost_micro_usd INTEGER;
