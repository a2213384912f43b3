-- How long the stages of requests took, successes too, and whether no account could be asked because of providers.
ALTER TABLE requests ADD COLUMN auth_latency_ms INTEGER;
ALTER TABLE requests ADD COLUMN routing_latency_ms INTEGER;
ALTER TABLE requests ADD COLUMN upstream_latency_ms INTEGER;
ALTER TABLE requests ADD COLUMN response_latency_ms INTEGER;
ALTER TABLE requests ADD COLUMN unserved INTEGER;

-- What requests add up to, per minute, hour and day (`span_ms`), and per value of a facet. Of a day that is being
-- counted anew there are several generations; which one counts is in rollup_days.
CREATE TABLE rollups (
    span_ms                 INTEGER NOT NULL,
    facet                   TEXT NOT NULL,
    begins_at               INTEGER NOT NULL,
    value                   TEXT NOT NULL,
    generation              INTEGER NOT NULL,
    requests                INTEGER NOT NULL,
    successes               INTEGER NOT NULL,
    recovered               INTEGER NOT NULL,
    failures                INTEGER NOT NULL,
    broken_answers          INTEGER NOT NULL,
    unserved                INTEGER NOT NULL,
    client_errors           INTEGER NOT NULL,
    business_limited        INTEGER NOT NULL,
    client_gone             INTEGER NOT NULL,
    token_counts            INTEGER NOT NULL,
    token_count_failures    INTEGER NOT NULL,
    attempts                INTEGER NOT NULL,
    attempts_failed         INTEGER NOT NULL,
    attempts_client         INTEGER NOT NULL,
    attempts_429            INTEGER NOT NULL,
    attempts_529            INTEGER NOT NULL,
    input_tokens            INTEGER NOT NULL,
    output_tokens           INTEGER NOT NULL,
    cache_read_tokens       INTEGER NOT NULL,
    cache_write_tokens      INTEGER NOT NULL,
    cost_micro_usd          INTEGER NOT NULL,
    duration                BLOB,
    first_token             BLOB,
    auth                    BLOB,
    routing                 BLOB,
    upstream                BLOB,
    response                BLOB,
    PRIMARY KEY (span_ms, facet, begins_at, value, generation)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollups_by_value ON rollups (span_ms, facet, value, begins_at);

-- Why requests and attempts failed, per the same.
CREATE TABLE rollup_causes (
    span_ms                 INTEGER NOT NULL,
    facet                   TEXT NOT NULL,
    begins_at               INTEGER NOT NULL,
    value                   TEXT NOT NULL,
    generation              INTEGER NOT NULL,
    side                    TEXT NOT NULL,
    cause                   TEXT NOT NULL,
    phase                   TEXT NOT NULL,
    owner                   TEXT NOT NULL,
    is_business_limited     INTEGER NOT NULL,
    status                  INTEGER NOT NULL,
    count                   INTEGER NOT NULL,
    PRIMARY KEY (span_ms, facet, begins_at, value, generation, side, cause, phase, owner, is_business_limited, status)
) STRICT, WITHOUT ROWID;
CREATE INDEX rollup_causes_by_value ON rollup_causes (span_ms, facet, value, begins_at);

-- How far the requests are folded: their ids are in the order in which they were committed. `oldest_at`: when the
-- first that was folded arrived; `judgements` changes whenever stored failures are judged anew.
CREATE TABLE rollup_fold (
    id                      INTEGER PRIMARY KEY CHECK (id = 1),
    folded_to               INTEGER NOT NULL,
    newest_at               INTEGER NOT NULL,
    oldest_at               INTEGER NOT NULL,
    judgements              INTEGER NOT NULL
) STRICT;

-- From when on the roll-ups of a length are whole: what is older has gone, and nothing is added to it any more.
CREATE TABLE rollup_kept (
    span_ms                 INTEGER PRIMARY KEY,
    kept_from               INTEGER NOT NULL
) STRICT;

-- Days that were or are counted anew: the generation that counts, the newest that was begun, and how far the one
-- that is being made has come over the requests that were folded when it began.
CREATE TABLE rollup_days (
    day                     INTEGER PRIMARY KEY,
    generation              INTEGER NOT NULL,
    newest                  INTEGER NOT NULL,
    building                INTEGER,
    read_at                 INTEGER NOT NULL,
    read_id                 INTEGER NOT NULL,
    end_id                  INTEGER NOT NULL,
    missing                 INTEGER NOT NULL,
    outcome                 TEXT,
    swept                   INTEGER NOT NULL
) STRICT;

-- Models that are counted by name, up to a bound: clients may send any.
CREATE TABLE rollup_models (
    model                   TEXT PRIMARY KEY,
    used_on                 INTEGER NOT NULL
) STRICT;
