-- Failures of one kind as one thing: what was folded from the errors, and what people say of it.

-- How far the errors are folded; a second way over them while kinds are counted anew.
CREATE TABLE issue_fold (
    id                      INTEGER PRIMARY KEY CHECK (id = 1),
    folded_to               INTEGER NOT NULL,
    recounted_to            INTEGER NOT NULL,
    recount_end             INTEGER NOT NULL,
    rules_version           INTEGER NOT NULL
) STRICT;

-- Every fingerprint that was met, and the issue that it is part of, before any is divided.
CREATE TABLE issue_kinds (
    fingerprint             BLOB PRIMARY KEY,
    issue                   BLOB NOT NULL,
    platform                TEXT NOT NULL,
    phase                   TEXT NOT NULL,
    cause                   TEXT NOT NULL,
    status_code             INTEGER,
    provider_code           TEXT,
    title                   TEXT NOT NULL,
    recounting              INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX issue_kinds_by_issue ON issue_kinds (issue);

CREATE TABLE issues (
    issue                   BLOB PRIMARY KEY,
    title                   TEXT NOT NULL,
    platform                TEXT NOT NULL,
    phase                   TEXT NOT NULL,
    cause                   TEXT NOT NULL,
    status_code             INTEGER,
    provider_code           TEXT,
    owner                   TEXT NOT NULL,
    severity                TEXT NOT NULL,
    state                   TEXT NOT NULL,
    state_since             INTEGER NOT NULL,
    why                     TEXT NOT NULL,
    actor                   TEXT,
    ignore_until            INTEGER,
    ignore_count            INTEGER,
    ignore_escalation       INTEGER NOT NULL,
    first_seen              INTEGER NOT NULL,
    last_seen               INTEGER NOT NULL,
    first_error_id          INTEGER NOT NULL,
    last_error_id           INTEGER NOT NULL,
    sample_error_id         INTEGER NOT NULL,
    seen                    INTEGER NOT NULL,
    hidden                  INTEGER NOT NULL,
    total                   INTEGER NOT NULL,
    users                   INTEGER NOT NULL,
    api_keys                INTEGER NOT NULL,
    accounts                INTEGER NOT NULL,
    models                  INTEGER NOT NULL,
    group_count             INTEGER NOT NULL,
    is_bounded              INTEGER NOT NULL,
    weight                  INTEGER NOT NULL,
    impact                  INTEGER NOT NULL,
    next_look               INTEGER,
    part_of                 BLOB,
    part_by                 TEXT,
    part_value              TEXT,
    recounting              INTEGER NOT NULL
) STRICT;
CREATE INDEX issues_by_impact ON issues (impact, issue);
CREATE INDEX issues_by_last_seen ON issues (last_seen, issue);
CREATE INDEX issues_by_first_seen ON issues (first_seen, issue);
CREATE INDEX issues_by_total ON issues (total, issue);
CREATE INDEX issues_by_next_look ON issues (next_look) WHERE next_look IS NOT NULL;

CREATE TABLE issue_hours (
    issue                   BLOB NOT NULL,
    hour                    INTEGER NOT NULL,
    seen                    INTEGER NOT NULL,
    hidden                  INTEGER NOT NULL,
    PRIMARY KEY (issue, hour)
) STRICT, WITHOUT ROWID;
CREATE INDEX issue_hours_by_hour ON issue_hours (hour);

-- Whom and what it met. The member '' stands for those beyond the bound.
CREATE TABLE issue_members (
    issue                   BLOB NOT NULL,
    sort                    TEXT NOT NULL,
    member                  TEXT NOT NULL,
    name                    TEXT,
    seen                    INTEGER NOT NULL,
    hidden                  INTEGER NOT NULL,
    last_seen               INTEGER NOT NULL,
    PRIMARY KEY (issue, sort, member)
) STRICT, WITHOUT ROWID;
CREATE INDEX issue_members_by_member ON issue_members (sort, member, issue);

CREATE TABLE issue_history (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    issue                   BLOB NOT NULL,
    at                      INTEGER NOT NULL,
    from_state              TEXT,
    to_state                TEXT NOT NULL,
    why                     TEXT NOT NULL,
    actor                   TEXT,
    detail                  TEXT
) STRICT;
CREATE INDEX issue_history_by_issue ON issue_history (issue, id);

CREATE TABLE issue_notes (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    issue                   BLOB NOT NULL,
    at                      INTEGER NOT NULL,
    author                  TEXT,
    note                    TEXT NOT NULL
) STRICT;
CREATE INDEX issue_notes_by_issue ON issue_notes (issue, id);

-- Which kinds are one issue, and which issue is several.
CREATE TABLE issue_rules (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    body                    TEXT NOT NULL,
    created_at              INTEGER NOT NULL,
    created_by              TEXT
) STRICT;
