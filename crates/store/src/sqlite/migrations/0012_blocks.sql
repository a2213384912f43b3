-- What errors with neighbouring ids have among them, so that a list looks only where something may be. A block is
-- 64 ids; it is taken in once they are all given. Times are those of its errors and of their attempts.
CREATE TABLE error_blocks (
    block                   INTEGER PRIMARY KEY,
    first_at                INTEGER NOT NULL,
    last_at                 INTEGER NOT NULL,
    first_attempt_at        INTEGER NOT NULL,
    last_attempt_at         INTEGER NOT NULL
) STRICT;
CREATE VIRTUAL TABLE error_words USING fts5 (words, content = '', contentless_delete = 1, detail = none, tokenize = 'ascii');

-- Blocks whose errors have changed since: they are always looked at, until they are taken in again.
CREATE TABLE error_blocks_stale (
    block                   INTEGER PRIMARY KEY,
    turns                   INTEGER NOT NULL
) STRICT;
CREATE TRIGGER error_changed AFTER UPDATE OF resolved, phase, error_type, cause, severity, owner, source,
    is_business_limited, fingerprint, message ON errors BEGIN
    INSERT INTO error_blocks_stale VALUES (new.id / 64, 1) ON CONFLICT (block) DO UPDATE SET turns = turns + 1;
END;
CREATE TRIGGER attempt_changed AFTER UPDATE OF cause, message ON upstream_events BEGIN
    INSERT INTO error_blocks_stale VALUES (new.error_id / 64, 1) ON CONFLICT (block) DO UPDATE SET turns = turns + 1;
END;
