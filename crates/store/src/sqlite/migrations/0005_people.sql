-- Who uses the admin API by name.
CREATE TABLE admin_users (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    name                    TEXT    NOT NULL UNIQUE,
    role                    TEXT    NOT NULL,
    status                  TEXT    NOT NULL,
    password_hash           TEXT    NOT NULL,
    last_sign_in_at         INTEGER,
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;

-- Tokens of theirs, as keyed hashes.
CREATE TABLE admin_tokens (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    name                    TEXT    NOT NULL,
    admin_user_id           INTEGER NOT NULL REFERENCES admin_users (id) ON DELETE CASCADE,
    hash                    BLOB    NOT NULL UNIQUE,
    prefix                  TEXT    NOT NULL,
    role                    TEXT    NOT NULL,
    scopes                  TEXT    NOT NULL,
    expires_at              INTEGER,
    last_used_at            INTEGER,
    created_at              INTEGER NOT NULL,
    UNIQUE (admin_user_id, name)
) STRICT;

-- Sessions that sign-ins began, as keyed hashes.
CREATE TABLE admin_sessions (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    admin_user_id           INTEGER NOT NULL REFERENCES admin_users (id) ON DELETE CASCADE,
    hash                    BLOB    NOT NULL UNIQUE,
    created_at              INTEGER NOT NULL,
    seen_at                 INTEGER NOT NULL,
    expires_at              INTEGER NOT NULL
) STRICT;
CREATE INDEX admin_sessions_by_user ON admin_sessions (admin_user_id);
CREATE INDEX admin_sessions_by_end ON admin_sessions (expires_at);

-- One row: what the first set-up needs, and what changes of admin users take turns by.
CREATE TABLE admin_setup (
    id                      INTEGER PRIMARY KEY CHECK (id = 1),
    token_hash              BLOB,
    turns                   INTEGER NOT NULL DEFAULT 0
) STRICT;
INSERT INTO admin_setup (id) VALUES (1);

-- What was done, by whom, and what was refused.
CREATE TABLE audit_log (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    at                      INTEGER NOT NULL,
    actor_id                INTEGER,
    actor                   TEXT    NOT NULL,
    role                    TEXT,
    through                 TEXT    NOT NULL,
    client_ip               TEXT    NOT NULL,
    action                  TEXT    NOT NULL,
    subject                 TEXT    NOT NULL,
    subject_id              TEXT,
    status                  INTEGER,
    count                   INTEGER NOT NULL,
    detail                  TEXT    NOT NULL
) STRICT;
CREATE INDEX audit_log_by_time ON audit_log (at, id);
CREATE INDEX audit_log_by_actor ON audit_log (actor, at, id);
CREATE INDEX audit_log_by_action ON audit_log (action, at, id);
CREATE INDEX audit_log_by_subject ON audit_log (subject, subject_id, at, id);
