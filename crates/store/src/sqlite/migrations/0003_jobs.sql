-- What runs by itself, when it last did, and how that went.
CREATE TABLE jobs (
    name                    TEXT    PRIMARY KEY,
    holder                  TEXT,
    lease_until             INTEGER,
    heartbeat_at            INTEGER,
    started_at              INTEGER,
    finished_at             INTEGER,
    outcome                 TEXT,
    detail                  TEXT,
    runs                    INTEGER NOT NULL DEFAULT 0,
    failures                INTEGER NOT NULL DEFAULT 0
) STRICT, WITHOUT ROWID;
