-- What is to be moved to the shared store, in the order in which it came. An id is never given twice:
-- the shared store remembers how far it has got.
CREATE TABLE spool (
    id                      INTEGER PRIMARY KEY,
    kind                    INTEGER NOT NULL,
    -- Of records: which columns they were made for, and when their request arrived.
    layout                  INTEGER NOT NULL,
    at                      INTEGER NOT NULL,
    payload                 BLOB    NOT NULL
) STRICT;

-- The columns of each table, in the order in which a program wrote them: a newer one can move them.
CREATE TABLE layouts (
    id                      INTEGER PRIMARY KEY,
    columns                 TEXT    NOT NULL UNIQUE
) STRICT;

-- One row: whose spool this is, what the shared store knows it as, how far it has been moved, and what became of its records there. Those
-- stored include those refused, of which a summary is kept.
CREATE TABLE moved (
    id                      INTEGER PRIMARY KEY CHECK (id = 1),
    -- The replica: stays. The name is another once the shared store knows something else under it.
    replica                 TEXT    NOT NULL,
    spool                   TEXT    NOT NULL,
    position                INTEGER NOT NULL DEFAULT 0,
    stored                  INTEGER NOT NULL DEFAULT 0,
    refused                 INTEGER NOT NULL DEFAULT 0,
    unkept                  INTEGER NOT NULL DEFAULT 0,
    doubled                 INTEGER NOT NULL DEFAULT 0,
    -- The last id when the file was opened, as long as the shared store has not been seen since: what it
    -- knows beyond was moved from another copy of the file.
    opened_at_id            INTEGER
) STRICT;

-- What was seen last of the shared store: a replica can start while that is away.
CREATE TABLE picture (
    id                      INTEGER PRIMARY KEY CHECK (id = 1),
    content                 BLOB    NOT NULL
) STRICT;

-- Every record that was due, and what became of it here: `stored` is "in the spool, now or before".
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
