-- What wakes somebody: rules, where each stands for each of its subjects, what happened, who is not told; and
-- what is promised. A body is JSON, as it was written.
CREATE TABLE alert_rules (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    name                    TEXT    NOT NULL UNIQUE,
    body                    TEXT    NOT NULL,
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL,
    updated_by              TEXT
) STRICT;

CREATE TABLE alert_stands (
    rule_id                 INTEGER NOT NULL REFERENCES alert_rules (id) ON DELETE CASCADE,
    subject                 TEXT    NOT NULL,
    phase                   TEXT    NOT NULL,
    since                   INTEGER NOT NULL,
    ended_at                INTEGER,
    PRIMARY KEY (rule_id, subject)
) STRICT, WITHOUT ROWID;

CREATE TABLE alert_events (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    rule_id                 INTEGER NOT NULL,
    subject                 TEXT    NOT NULL,
    severity                TEXT    NOT NULL,
    status                  TEXT    NOT NULL,
    fired_at                INTEGER NOT NULL,
    resolved_at             INTEGER,
    resolved_by             TEXT,
    acknowledged_at         INTEGER,
    acknowledged_by         TEXT,
    told                    INTEGER NOT NULL,
    evidence                TEXT    NOT NULL,
    scope                   TEXT    NOT NULL
) STRICT;
-- One at a time of each subject, whoever evaluates.
CREATE UNIQUE INDEX alert_events_firing ON alert_events (rule_id, subject) WHERE status = 'firing';
CREATE INDEX alert_events_by_status ON alert_events (status, id);
CREATE INDEX alert_events_by_rule ON alert_events (rule_id, id);

CREATE TABLE alert_silences (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    body                    TEXT    NOT NULL,
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL,
    updated_by              TEXT
) STRICT;

CREATE TABLE objectives (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    name                    TEXT    NOT NULL UNIQUE,
    body                    TEXT    NOT NULL,
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL,
    updated_by              TEXT
) STRICT;

-- Whether the rules of a new installation were written, and up to when all rules are evaluated. No row: neither.
CREATE TABLE alert_progress (
    id                      INTEGER PRIMARY KEY CHECK (id = 1),
    seeded                  INTEGER NOT NULL,
    evaluated_to            INTEGER NOT NULL
) STRICT;
