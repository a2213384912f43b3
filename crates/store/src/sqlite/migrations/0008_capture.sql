-- Replay copies that share what they have in common. Of a copy that is in parts, `sealed` says how they are put
-- together and `chunks` which ones they are, as a list of ids; NULL: `sealed` is all of it.
ALTER TABLE replay_bodies ADD COLUMN chunks BLOB;

-- The parts, each once. `name` is a keyed hash of what is in it; `last_used` at most a minute older than the
-- newest copy that has it. What is touched often lies apart from what is large.
CREATE TABLE replay_chunks (
    id                      INTEGER PRIMARY KEY,
    name                    BLOB    NOT NULL,
    last_used               INTEGER NOT NULL
) STRICT;
CREATE UNIQUE INDEX replay_chunks_by_name ON replay_chunks (name);
CREATE INDEX replay_chunks_by_use ON replay_chunks (last_used);

CREATE TABLE replay_chunk_bytes (
    id                      INTEGER PRIMARY KEY,
    sealed                  BLOB    NOT NULL
) STRICT;

-- Bytes of all copies and parts, kept as they come and go: adding them up would read everything.
CREATE TABLE replay_size (
    bytes                   INTEGER NOT NULL
) STRICT;
INSERT INTO replay_size SELECT coalesce(sum(length(sealed)), 0) FROM replay_bodies;
CREATE TRIGGER replay_body_added AFTER INSERT ON replay_bodies BEGIN
    UPDATE replay_size SET bytes = bytes + length(new.sealed);
END;
CREATE TRIGGER replay_body_removed AFTER DELETE ON replay_bodies BEGIN
    UPDATE replay_size SET bytes = bytes - length(old.sealed);
END;
CREATE TRIGGER replay_chunk_added AFTER INSERT ON replay_chunk_bytes BEGIN
    UPDATE replay_size SET bytes = bytes + length(new.sealed);
END;
CREATE TRIGGER replay_chunk_removed AFTER DELETE ON replay_chunk_bytes BEGIN
    UPDATE replay_size SET bytes = bytes - length(old.sealed);
END;
