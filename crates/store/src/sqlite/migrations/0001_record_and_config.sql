-- The record: what happened. Times are epoch milliseconds; words are spelled as in the API.
-- Strict tables: a value of the wrong type is refused instead of stored as something else.

CREATE TABLE requests (
    id                      INTEGER PRIMARY KEY,
    request_id              TEXT    NOT NULL,
    created_at              INTEGER NOT NULL,
    client_request_id       TEXT,
    platform                TEXT    NOT NULL,
    endpoint                TEXT,
    model                   TEXT,
    stream                  INTEGER NOT NULL,
    status_code             INTEGER NOT NULL,
    latency_ms              INTEGER NOT NULL,
    time_to_first_token_ms  INTEGER,
    user_id                 INTEGER,
    api_key_id              INTEGER,
    account_id              INTEGER,
    group_id                INTEGER,
    attempts                INTEGER NOT NULL,
    cause                   TEXT,
    recovered               INTEGER NOT NULL,
    input_tokens            INTEGER,
    output_tokens           INTEGER,
    cache_read_tokens       INTEGER,
    cache_write_tokens      INTEGER
) STRICT;
CREATE UNIQUE INDEX requests_by_request_id ON requests (request_id);
CREATE INDEX requests_by_time ON requests (created_at);
CREATE INDEX requests_by_client_request_id ON requests (client_request_id) WHERE client_request_id IS NOT NULL;

-- What lists show and filters read. Everything long is in error_details, so that a list reads few pages.
CREATE TABLE errors (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id              TEXT    NOT NULL,
    created_at              INTEGER NOT NULL,
    client_request_id       TEXT,
    platform                TEXT    NOT NULL,
    endpoint                TEXT,
    model                   TEXT,
    stream                  INTEGER NOT NULL,
    status_code             INTEGER NOT NULL,
    latency_ms              INTEGER NOT NULL,
    time_to_first_token_ms  INTEGER,
    user_id                 INTEGER,
    api_key_id              INTEGER,
    account_id              INTEGER,
    group_id                INTEGER,
    attempts                INTEGER NOT NULL,
    phase                   TEXT    NOT NULL,
    error_type              TEXT    NOT NULL,
    cause                   TEXT    NOT NULL,
    severity                TEXT    NOT NULL,
    owner                   TEXT    NOT NULL,
    source                  TEXT    NOT NULL,
    is_retryable            INTEGER NOT NULL,
    is_business_limited     INTEGER NOT NULL,
    rules_version           INTEGER NOT NULL,
    message                 TEXT    NOT NULL,
    fingerprint             BLOB    NOT NULL,
    recovered               INTEGER NOT NULL,
    upstream_error_count    INTEGER NOT NULL,
    user_name               TEXT,
    api_key_name            TEXT,
    account_name            TEXT,
    group_name              TEXT,
    client_ip               TEXT    NOT NULL,
    request_path            TEXT    NOT NULL,
    upstream_status_code    INTEGER,
    upstream_error_message  TEXT,
    auth_latency_ms         INTEGER,
    routing_latency_ms      INTEGER,
    upstream_latency_ms     INTEGER,
    response_latency_ms     INTEGER,
    request_body_truncated  INTEGER NOT NULL,
    request_body_bytes      INTEGER NOT NULL,
    resolved                INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX errors_by_request_id ON errors (request_id);
CREATE INDEX errors_by_time ON errors (recovered, created_at);
CREATE INDEX errors_by_account ON errors (account_id, created_at);
CREATE INDEX errors_by_user ON errors (user_id, created_at);
CREATE INDEX errors_by_api_key ON errors (api_key_id, created_at);
CREATE INDEX errors_by_fingerprint ON errors (fingerprint, created_at);
CREATE INDEX errors_by_client_request_id ON errors (client_request_id) WHERE client_request_id IS NOT NULL;

CREATE TABLE error_details (
    error_id                INTEGER PRIMARY KEY,
    user_agent              TEXT,
    error_body              TEXT,
    upstream_error_detail   TEXT,
    request_headers         TEXT,
    route                   TEXT    NOT NULL,
    request_body            TEXT
) STRICT;

CREATE TABLE upstream_events (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    error_id                INTEGER NOT NULL,
    created_at              INTEGER NOT NULL,
    attempt                 INTEGER NOT NULL,
    platform                TEXT    NOT NULL,
    model                   TEXT,
    account_id              INTEGER NOT NULL,
    account_name            TEXT    NOT NULL,
    upstream_host           TEXT    NOT NULL,
    upstream_status_code    INTEGER,
    upstream_request_id     TEXT,
    kind                    TEXT    NOT NULL,
    cause                   TEXT    NOT NULL,
    name                    TEXT,
    message                 TEXT    NOT NULL,
    connect_ms              INTEGER,
    first_byte_ms           INTEGER,
    duration_ms             INTEGER NOT NULL,
    retry_after_ms          INTEGER,
    retry_after_source      TEXT,
    decision                TEXT    NOT NULL,
    decision_reason         TEXT    NOT NULL
) STRICT;
CREATE INDEX events_by_error ON upstream_events (error_id);
CREATE INDEX events_by_time ON upstream_events (created_at);
CREATE INDEX events_by_account ON upstream_events (account_id, created_at);

CREATE TABLE event_details (
    event_id                INTEGER PRIMARY KEY,
    detail                  TEXT,
    request_headers         TEXT,
    response_headers        TEXT,
    response_body           TEXT
) STRICT;

CREATE TABLE replay_bodies (
    error_id                INTEGER PRIMARY KEY,
    created_at              INTEGER NOT NULL,
    body_bytes              INTEGER NOT NULL,
    sealed                  BLOB    NOT NULL
) STRICT;
CREATE INDEX replay_bodies_by_time ON replay_bodies (created_at);

CREATE TABLE noise (
    id                      INTEGER PRIMARY KEY,
    minute                  INTEGER NOT NULL,
    client_ip               TEXT    NOT NULL,
    cause                   TEXT    NOT NULL,
    count                   INTEGER NOT NULL,
    samples                 TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX noise_by_minute ON noise (minute, client_ip, cause);

-- Where every due record went: one row, changed in the transaction that stores the records.
CREATE TABLE books (
    id                      INTEGER PRIMARY KEY CHECK (id = 1),
    due                     INTEGER NOT NULL,
    stored                  INTEGER NOT NULL,
    counted_lost            INTEGER NOT NULL,
    without_body            INTEGER NOT NULL,
    without_detail          INTEGER NOT NULL,
    set_aside               INTEGER NOT NULL,
    CHECK (due = stored + counted_lost)
) STRICT;
INSERT INTO books VALUES (1, 0, 0, 0, 0, 0, 0);

-- What remains of lost records. '' and x'' stand for unknown, because a key must not hold NULL.
CREATE TABLE losses (
    reason                  TEXT    NOT NULL,
    cause                   TEXT    NOT NULL,
    fingerprint             BLOB    NOT NULL,
    count                   INTEGER NOT NULL,
    first_at                INTEGER,
    last_at                 INTEGER,
    PRIMARY KEY (reason, cause, fingerprint)
) STRICT, WITHOUT ROWID;

CREATE TABLE set_aside (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    request_id              TEXT    NOT NULL,
    created_at              INTEGER NOT NULL,
    reason                  TEXT    NOT NULL,
    summary                 TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX set_aside_by_request_id ON set_aside (request_id);

-- The configuration: what an operator set up.

CREATE TABLE groups (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    name                    TEXT    NOT NULL UNIQUE,
    platform                TEXT    NOT NULL,
    model_mapping           TEXT    NOT NULL,
    status                  TEXT    NOT NULL,
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;

CREATE TABLE accounts (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    name                    TEXT    NOT NULL UNIQUE,
    platform                TEXT    NOT NULL,
    base_url                TEXT    NOT NULL,
    priority                INTEGER NOT NULL,
    concurrency             INTEGER,
    models                  TEXT    NOT NULL,
    model_mapping           TEXT    NOT NULL,
    http_version            TEXT    NOT NULL,
    status                  TEXT    NOT NULL,
    credential              BLOB    NOT NULL,
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;

CREATE TABLE account_groups (
    account_id              INTEGER NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    group_id                INTEGER NOT NULL REFERENCES groups (id),
    PRIMARY KEY (account_id, group_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX account_groups_by_group ON account_groups (group_id);

CREATE TABLE users (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    name                    TEXT    NOT NULL UNIQUE,
    status                  TEXT    NOT NULL,
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;

CREATE TABLE api_keys (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    name                    TEXT    NOT NULL UNIQUE,
    hash                    BLOB    NOT NULL UNIQUE,
    prefix                  TEXT    NOT NULL,
    user_id                 INTEGER NOT NULL REFERENCES users (id),
    status                  TEXT    NOT NULL,
    expires_at              INTEGER,
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;
CREATE INDEX api_keys_by_user ON api_keys (user_id);

-- Order matters: the first group that fits serves.
CREATE TABLE api_key_groups (
    api_key_id              INTEGER NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    position                INTEGER NOT NULL,
    group_id                INTEGER NOT NULL REFERENCES groups (id),
    PRIMARY KEY (api_key_id, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_groups_by_group ON api_key_groups (group_id);
