-- How long the stages of requests took, successes too, and whether no account could be asked because of providers.
ALTER TABLE requests ADD COLUMN auth_latency_ms BIGINT;
ALTER TABLE requests ADD COLUMN routing_latency_ms BIGINT;
ALTER TABLE requests ADD COLUMN upstream_latency_ms BIGINT;
ALTER TABLE requests ADD COLUMN response_latency_ms BIGINT;
ALTER TABLE requests ADD COLUMN unserved BIGINT;

-- What requests add up to, per minute, hour and day (`span_ms`), and per value of a facet. Of a day that is being
-- counted anew there are several generations; which one counts is in rollup_days.
CREATE TABLE rollups (
    span_ms                 BIGINT NOT NULL,
    facet                   TEXT COLLATE "C" NOT NULL,
    begins_at               BIGINT NOT NULL,
    value                   TEXT COLLATE "C" NOT NULL,
    generation              BIGINT NOT NULL,
    requests                BIGINT NOT NULL,
    successes               BIGINT NOT NULL,
    recovered               BIGINT NOT NULL,
    failures                BIGINT NOT NULL,
    broken_answers          BIGINT NOT NULL,
    unserved                BIGINT NOT NULL,
    client_errors           BIGINT NOT NULL,
    business_limited        BIGINT NOT NULL,
    client_gone             BIGINT NOT NULL,
    token_counts            BIGINT NOT NULL,
    token_count_failures    BIGINT NOT NULL,
    attempts                BIGINT NOT NULL,
    attempts_failed         BIGINT NOT NULL,
    attempts_client         BIGINT NOT NULL,
    attempts_429            BIGINT NOT NULL,
    attempts_529            BIGINT NOT NULL,
    input_tokens            BIGINT NOT NULL,
    output_tokens           BIGINT NOT NULL,
    cache_read_tokens       BIGINT NOT NULL,
    cache_write_tokens      BIGINT NOT NULL,
    cost_micro_usd          BIGINT NOT NULL,
    duration                BYTEA,
    first_token             BYTEA,
    auth                    BYTEA,
    routing                 BYTEA,
    upstream                BYTEA,
    response                BYTEA,
    PRIMARY KEY (span_ms, facet, begins_at, value, generation)
) WITH (fillfactor = 70);
CREATE INDEX rollups_by_value ON rollups (span_ms, facet, value, begins_at);

-- Why requests and attempts failed, per the same.
CREATE TABLE rollup_causes (
    span_ms                 BIGINT NOT NULL,
    facet                   TEXT COLLATE "C" NOT NULL,
    begins_at               BIGINT NOT NULL,
    value                   TEXT COLLATE "C" NOT NULL,
    generation              BIGINT NOT NULL,
    side                    TEXT COLLATE "C" NOT NULL,
    cause                   TEXT COLLATE "C" NOT NULL,
    phase                   TEXT COLLATE "C" NOT NULL,
    owner                   TEXT COLLATE "C" NOT NULL,
    is_business_limited     BIGINT NOT NULL,
    status                  BIGINT NOT NULL,
    count                   BIGINT NOT NULL,
    PRIMARY KEY (span_ms, facet, begins_at, value, generation, side, cause, phase, owner, is_business_limited, status)
) WITH (fillfactor = 70);
CREATE INDEX rollup_causes_by_value ON rollup_causes (span_ms, facet, value, begins_at);

-- How far the requests are folded: their ids are in the order in which they were committed. `oldest_at`: when the
-- first that was folded arrived; `judgements` changes whenever stored failures are judged anew.
CREATE TABLE rollup_fold (
    id                      BIGINT  PRIMARY KEY CHECK (id = 1),
    folded_to               BIGINT NOT NULL,
    newest_at               BIGINT NOT NULL,
    oldest_at               BIGINT NOT NULL,
    judgements              BIGINT NOT NULL
);

-- From when on the roll-ups of a length are whole: what is older has gone, and nothing is added to it any more.
CREATE TABLE rollup_kept (
    span_ms                 BIGINT PRIMARY KEY,
    kept_from               BIGINT NOT NULL
);

-- Days that were or are counted anew: the generation that counts, the newest that was begun, and how far the one
-- that is being made has come over the requests that were folded when it began.
CREATE TABLE rollup_days (
    day                     BIGINT PRIMARY KEY,
    generation              BIGINT NOT NULL,
    newest                  BIGINT NOT NULL,
    building                BIGINT,
    read_at                 BIGINT NOT NULL,
    read_id                 BIGINT NOT NULL,
    end_id                  BIGINT NOT NULL,
    missing                 BIGINT NOT NULL,
    outcome                 TEXT COLLATE "C",
    swept                   BIGINT NOT NULL
);

-- Models that are counted by name, up to a bound: clients may send any.
CREATE TABLE rollup_models (
    model                   TEXT COLLATE "C" PRIMARY KEY,
    used_on                 BIGINT NOT NULL
);
