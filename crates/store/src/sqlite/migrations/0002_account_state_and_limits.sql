-- What an account's provider allows, which failures stop it, and how it is reached and asked.
ALTER TABLE accounts ADD COLUMN quota TEXT NOT NULL DEFAULT '{}';
ALTER TABLE accounts ADD COLUMN counted_statuses TEXT NOT NULL DEFAULT 'null';
ALTER TABLE accounts ADD COLUMN state_rules TEXT NOT NULL DEFAULT '[]';
ALTER TABLE accounts ADD COLUMN probe TEXT NOT NULL DEFAULT 'null';
ALTER TABLE accounts ADD COLUMN proxy BLOB;
ALTER TABLE accounts ADD COLUMN headers BLOB;
ALTER TABLE groups ADD COLUMN sticky TEXT NOT NULL DEFAULT 'prefix';
ALTER TABLE groups ADD COLUMN state_rules TEXT NOT NULL DEFAULT '[]';

-- What users and keys may use. Money is in millionths of a US dollar.
ALTER TABLE users ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE users ADD COLUMN credit_micro_usd INTEGER;
ALTER TABLE api_keys ADD COLUMN limits TEXT NOT NULL DEFAULT '{}';
ALTER TABLE requests ADD COLUMN cost_micro_usd INTEGER;

-- How a request waited for a slot: how many before it, and for how long.
ALTER TABLE errors ADD COLUMN queued_ahead INTEGER;
ALTER TABLE errors ADD COLUMN queued_ms INTEGER;

-- Every change of an account's state, in order. An id is made by the gateway and grows with time.
CREATE TABLE account_events (
    id                      INTEGER PRIMARY KEY,
    at                      INTEGER NOT NULL,
    account_id              INTEGER NOT NULL,
    kind                    TEXT    NOT NULL,
    scope                   TEXT    NOT NULL,
    since                   INTEGER,
    until                   INTEGER,
    source                  TEXT,
    strikes                 INTEGER NOT NULL,
    cause                   TEXT,
    status_code             INTEGER,
    reason                  TEXT    NOT NULL,
    request_id              TEXT,
    attempt                 INTEGER,
    actor                   TEXT,
    undoes                  INTEGER
) STRICT;
CREATE INDEX account_events_by_account ON account_events (account_id, id);
CREATE INDEX account_events_by_kind ON account_events (account_id, kind, id);
CREATE INDEX account_events_by_time ON account_events (account_id, at, id);
-- A state is made of the newest event of each scope and kind, and of what took events back.
CREATE INDEX account_events_by_state ON account_events (account_id, scope, kind, id, at);
CREATE INDEX account_events_by_undoes ON account_events (undoes) WHERE undoes IS NOT NULL;
CREATE INDEX account_events_by_request ON account_events (request_id) WHERE request_id IS NOT NULL;

-- What was used in the window that is current, or was when the consumer was last seen.
CREATE TABLE usage (
    consumer                TEXT    NOT NULL,
    consumer_id             INTEGER NOT NULL,
    window                  TEXT    NOT NULL,
    started_at              INTEGER NOT NULL,
    requests                INTEGER NOT NULL,
    tokens                  INTEGER NOT NULL,
    micro_usd               INTEGER NOT NULL,
    PRIMARY KEY (consumer, consumer_id, window)
) STRICT, WITHOUT ROWID;

-- US dollars per million tokens, in millionths of a dollar.
CREATE TABLE prices (
    model                   TEXT    PRIMARY KEY,
    input                   INTEGER NOT NULL,
    output                  INTEGER NOT NULL,
    cache_read              INTEGER,
    cache_write             INTEGER
) STRICT, WITHOUT ROWID;
