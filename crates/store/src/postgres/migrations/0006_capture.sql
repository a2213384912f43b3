-- Replay copies in parts, as the embedded store makes them: here they come with an import, and nowhere else from.
-- `chunks`: the ids of a copy's parts; NULL: `sealed` is all of it.
ALTER TABLE replay_bodies ADD COLUMN chunks BYTEA;

CREATE TABLE replay_chunks (
    id                      BIGINT  PRIMARY KEY,
    last_used               BIGINT  NOT NULL,
    name                    BYTEA   NOT NULL
);
CREATE INDEX replay_chunks_by_use ON replay_chunks (last_used);

CREATE TABLE replay_chunk_bytes (
    id                      BIGINT  PRIMARY KEY REFERENCES replay_chunks ON DELETE CASCADE,
    sealed                  BYTEA   NOT NULL
);
ALTER TABLE replay_chunk_bytes ALTER COLUMN sealed SET STORAGE EXTERNAL;
