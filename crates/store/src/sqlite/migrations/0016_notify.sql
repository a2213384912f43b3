-- Who is told. `body` holds what may be shown, `secrets` what may not, sealed.
CREATE TABLE notification_channels (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    name                    TEXT    NOT NULL UNIQUE,
    body                    TEXT    NOT NULL,
    secrets                 BLOB    NOT NULL,
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;

-- The outbox, which is the log of deliveries, too: one row per notice and channel. `message_id` is the first row of
-- the message that a row went in, or is about to go in.
CREATE TABLE notifications (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    channel_id              INTEGER NOT NULL,
    channel                 TEXT    NOT NULL,
    kind                    TEXT    NOT NULL,
    topic                   TEXT    NOT NULL,
    event_id                INTEGER,
    severity                TEXT    NOT NULL,
    notice                  TEXT    NOT NULL,
    state                   TEXT    NOT NULL,
    reason                  TEXT,
    attempts                INTEGER NOT NULL,
    message_id              INTEGER,
    last_error              TEXT,
    created_at              INTEGER NOT NULL,
    queued_at               INTEGER NOT NULL,
    next_at                 INTEGER NOT NULL,
    sent_at                 INTEGER
) STRICT;
-- Nobody is told the same twice: decided here, whoever writes.
CREATE UNIQUE INDEX notifications_once ON notifications (topic, kind, channel_id);
CREATE INDEX notifications_waiting ON notifications (channel_id, id) WHERE state = 'pending';
CREATE INDEX notifications_by_time ON notifications (created_at, id);
CREATE INDEX notifications_by_sending ON notifications (channel_id, sent_at) WHERE sent_at IS NOT NULL;

-- Reports that come by themselves. `next_at` is when the next one is due; who moves it on has made that one.
CREATE TABLE report_schedules (
    id                      INTEGER PRIMARY KEY AUTOINCREMENT,
    name                    TEXT    NOT NULL UNIQUE,
    body                    TEXT    NOT NULL,
    next_at                 INTEGER,
    last_at                 INTEGER,
    created_at              INTEGER NOT NULL,
    updated_at              INTEGER NOT NULL
) STRICT;
