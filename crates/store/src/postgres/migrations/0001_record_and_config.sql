-- The record and the configuration, as many replicas share them.
--
-- Tables and columns are named as in the embedded store, so that the same questions are asked of both.
-- Integers, instants (epoch milliseconds) and durations are BIGINT; words and JSON are TEXT. Text is
-- compared byte by byte (COLLATE "C") whatever the database's own collation is, as in the embedded store.
--
-- What grows is partitioned by the day its request arrived, in UTC: all of one record lies in the
-- partitions of one day, and a day is removed by dropping them. `waybill_ensure_day` makes a day.
-- Columns of fixed width come first, those that are always there before those that are not: rows are
-- shorter and cheaper to read that way.

-- Text search, and one index over many columns. Both are part of PostgreSQL's "contrib" package; since
-- version 13 whoever may create objects in the database may create them, without being a superuser. Who
-- takes this step owns everything, and has to be who uses it: only an owner makes and drops days.
CREATE EXTENSION IF NOT EXISTS pg_trgm;
CREATE EXTENSION IF NOT EXISTS btree_gin;

-- ── ids ──
-- Given out in blocks by `waybill_begin_forward`, in the order in which transactions commit.

CREATE SEQUENCE requests_id_seq AS BIGINT;
CREATE SEQUENCE errors_id_seq AS BIGINT;
CREATE SEQUENCE upstream_events_id_seq AS BIGINT;

-- ── the record ──

CREATE TABLE requests (
    id                      BIGINT  NOT NULL,
    created_at              BIGINT  NOT NULL,
    status_code             BIGINT  NOT NULL,
    latency_ms              BIGINT  NOT NULL,
    attempts                BIGINT  NOT NULL,
    stream                  BOOLEAN NOT NULL,
    recovered               BOOLEAN NOT NULL,
    user_id                 BIGINT,
    api_key_id              BIGINT,
    account_id              BIGINT,
    group_id                BIGINT,
    time_to_first_token_ms  BIGINT,
    input_tokens            BIGINT,
    output_tokens           BIGINT,
    cache_read_tokens       BIGINT,
    cache_write_tokens      BIGINT,
    cost_micro_usd          BIGINT,
    request_id              TEXT COLLATE "C" NOT NULL,
    platform                TEXT COLLATE "C" NOT NULL,
    client_request_id       TEXT COLLATE "C",
    endpoint                TEXT COLLATE "C",
    model                   TEXT COLLATE "C",
    cause                   TEXT COLLATE "C"
) PARTITION BY RANGE (created_at);
CREATE UNIQUE INDEX requests_by_request_id ON requests (request_id, created_at);
CREATE INDEX requests_by_id ON requests (id);
CREATE INDEX requests_by_time ON requests (created_at, id);
CREATE INDEX requests_by_value ON requests USING gin (
    account_id, user_id, api_key_id, group_id, model, cause, status_code, platform, client_request_id,
    (recovered::INT), (stream::INT)
) WITH (gin_pending_list_limit = 1024);

-- What lists show and filters read. Everything long is in error_details, so that a list reads few pages.
CREATE TABLE errors (
    id                      BIGINT  NOT NULL,
    created_at              BIGINT  NOT NULL,
    status_code             BIGINT  NOT NULL,
    latency_ms              BIGINT  NOT NULL,
    attempts                BIGINT  NOT NULL,
    rules_version           BIGINT  NOT NULL,
    upstream_error_count    BIGINT  NOT NULL,
    request_body_bytes      BIGINT  NOT NULL,
    recovered               BOOLEAN NOT NULL,
    stream                  BOOLEAN NOT NULL,
    resolved                BOOLEAN NOT NULL DEFAULT FALSE,
    is_retryable            BOOLEAN NOT NULL,
    is_business_limited     BOOLEAN NOT NULL,
    request_body_truncated  BOOLEAN NOT NULL,
    user_id                 BIGINT,
    api_key_id              BIGINT,
    account_id              BIGINT,
    group_id                BIGINT,
    time_to_first_token_ms  BIGINT,
    upstream_status_code    BIGINT,
    auth_latency_ms         BIGINT,
    routing_latency_ms      BIGINT,
    upstream_latency_ms     BIGINT,
    response_latency_ms     BIGINT,
    queued_ahead            BIGINT,
    queued_ms               BIGINT,
    request_id              TEXT COLLATE "C" NOT NULL,
    fingerprint             BYTEA   NOT NULL,
    cause                   TEXT COLLATE "C" NOT NULL,
    phase                   TEXT COLLATE "C" NOT NULL,
    error_type              TEXT COLLATE "C" NOT NULL,
    severity                TEXT COLLATE "C" NOT NULL,
    owner                   TEXT COLLATE "C" NOT NULL,
    source                  TEXT COLLATE "C" NOT NULL,
    platform                TEXT COLLATE "C" NOT NULL,
    message                 TEXT COLLATE "C" NOT NULL,
    client_ip               TEXT COLLATE "C" NOT NULL,
    request_path            TEXT COLLATE "C" NOT NULL,
    client_request_id       TEXT COLLATE "C",
    endpoint                TEXT COLLATE "C",
    model                   TEXT COLLATE "C",
    upstream_error_message  TEXT COLLATE "C",
    -- What the attempts' messages, models and upstream request ids say that the row itself does not,
    -- joined by U+001F: so that one index on text serves attempts, too.
    events_text             TEXT COLLATE "C",
    user_name               TEXT COLLATE "C",
    api_key_name            TEXT COLLATE "C",
    account_name            TEXT COLLATE "C",
    group_name              TEXT COLLATE "C"
) PARTITION BY RANGE (created_at);
CREATE UNIQUE INDEX errors_by_request_id ON errors (request_id, created_at);
CREATE INDEX errors_by_id ON errors (id);
CREATE INDEX errors_by_time ON errors (created_at, id);
CREATE INDEX errors_resolved ON errors (created_at, id) WHERE resolved;
-- Every value that a list is narrowed by, and any of them together: for each value, which rows have it.
-- One such index costs a fifth of what one in the order of time for each column would, and a thirtieth of the space.
-- Flags are numbers here, because this kind of index is not asked about flags.
CREATE INDEX errors_by_value ON errors USING gin (
    account_id, user_id, api_key_id, group_id, model, cause, status_code, platform, fingerprint, phase,
    error_type, severity, owner, source, client_request_id, (recovered::INT), (stream::INT),
    (CASE WHEN owner = 'client' OR is_business_limited THEN 'excluded' ELSE 'errors' END)
) WITH (gin_pending_list_limit = 1024);
-- Text is looked for in all of these columns at once. U+001F between them keeps a match inside one.
CREATE INDEX errors_by_text ON errors USING gin (lower(
    message || E'\x1f' || request_id || E'\x1f' || coalesce(client_request_id, '') || E'\x1f' ||
    coalesce(model, '') || E'\x1f' || coalesce(nullif(upstream_error_message, message), '') || E'\x1f' ||
    coalesce(events_text, '')) gin_trgm_ops);

-- `error_at` is the error row's `created_at`: it leads to the day, in every join and every look-up.
CREATE TABLE error_details (
    error_id                BIGINT  NOT NULL,
    error_at                BIGINT  NOT NULL,
    user_agent              TEXT COLLATE "C",
    error_body              TEXT COLLATE "C",
    upstream_error_detail   TEXT COLLATE "C",
    request_headers         TEXT COLLATE "C",
    route                   TEXT COLLATE "C" NOT NULL,
    request_body            TEXT COLLATE "C"
) PARTITION BY RANGE (error_at);
CREATE INDEX error_details_by_error ON error_details (error_id);

CREATE TABLE upstream_events (
    id                      BIGINT  NOT NULL,
    error_id                BIGINT  NOT NULL,
    error_at                BIGINT  NOT NULL,
    created_at              BIGINT  NOT NULL,
    attempt                 BIGINT  NOT NULL,
    account_id              BIGINT  NOT NULL,
    duration_ms             BIGINT  NOT NULL,
    upstream_status_code    BIGINT,
    connect_ms              BIGINT,
    first_byte_ms           BIGINT,
    retry_after_ms          BIGINT,
    platform                TEXT COLLATE "C" NOT NULL,
    cause                   TEXT COLLATE "C" NOT NULL,
    kind                    TEXT COLLATE "C" NOT NULL,
    message                 TEXT COLLATE "C" NOT NULL,
    account_name            TEXT COLLATE "C" NOT NULL,
    upstream_host           TEXT COLLATE "C" NOT NULL,
    decision                TEXT COLLATE "C" NOT NULL,
    decision_reason         TEXT COLLATE "C" NOT NULL,
    model                   TEXT COLLATE "C",
    upstream_request_id     TEXT COLLATE "C",
    name                    TEXT COLLATE "C",
    retry_after_source      TEXT COLLATE "C"
) PARTITION BY RANGE (error_at);
CREATE INDEX events_by_id ON upstream_events (id);
CREATE INDEX events_by_error ON upstream_events (error_id);
CREATE INDEX events_by_time ON upstream_events (created_at, id);
CREATE INDEX events_by_value ON upstream_events USING gin (
    account_id, cause, upstream_status_code, platform, model
) WITH (gin_pending_list_limit = 1024);

CREATE TABLE event_details (
    event_id                BIGINT  NOT NULL,
    error_at                BIGINT  NOT NULL,
    detail                  TEXT COLLATE "C",
    request_headers         TEXT COLLATE "C",
    response_headers        TEXT COLLATE "C",
    response_body           TEXT COLLATE "C"
) PARTITION BY RANGE (error_at);
CREATE INDEX event_details_by_event ON event_details (event_id);

CREATE TABLE replay_bodies (
    error_id                BIGINT  NOT NULL,
    created_at              BIGINT  NOT NULL,
    body_bytes              BIGINT  NOT NULL,
    sealed                  BYTEA   NOT NULL
) PARTITION BY RANGE (created_at);
-- Sealed bytes do not get shorter: do not try.
ALTER TABLE replay_bodies ALTER COLUMN sealed SET STORAGE EXTERNAL;
CREATE INDEX replay_bodies_by_error ON replay_bodies (error_id);

-- Long texts are compressed the cheap way, where this PostgreSQL was built with it; 14 is the first that can
-- be told. Days inherit it.
DO $$
DECLARE
    c RECORD;
BEGIN
    FOR c IN SELECT attrelid::REGCLASS AS parent, attname FROM pg_attribute
             WHERE attrelid IN ('error_details'::REGCLASS, 'event_details'::REGCLASS) AND atttypid = 'TEXT'::REGTYPE LOOP
        EXECUTE format('ALTER TABLE %s ALTER COLUMN %I SET COMPRESSION lz4', c.parent, c.attname);
    END LOOP;
EXCEPTION WHEN feature_not_supported THEN
    NULL;
END $$;

CREATE TABLE noise (
    id                      BIGINT  GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    minute                  BIGINT  NOT NULL,
    count                   BIGINT  NOT NULL,
    client_ip               TEXT COLLATE "C" NOT NULL,
    cause                   TEXT COLLATE "C" NOT NULL,
    samples                 TEXT COLLATE "C" NOT NULL
);
CREATE UNIQUE INDEX noise_by_minute ON noise (minute, client_ip, cause);
CREATE INDEX noise_by_time ON noise (minute, id);

-- How far each spool has been moved here, and what became of its records: changed in
-- the transaction that stores them.
CREATE TABLE spools (
    id                      TEXT COLLATE "C" PRIMARY KEY,
    position                BIGINT  NOT NULL DEFAULT 0,
    stored                  BIGINT  NOT NULL DEFAULT 0,
    counted_lost            BIGINT  NOT NULL DEFAULT 0,
    without_body            BIGINT  NOT NULL DEFAULT 0,
    without_detail          BIGINT  NOT NULL DEFAULT 0,
    set_aside               BIGINT  NOT NULL DEFAULT 0,
    -- Of those stored: refused here, so that a summary is kept. Beside them: of which nothing could be
    -- kept, and which were stored already.
    refused                 BIGINT  NOT NULL DEFAULT 0,
    unkept                  BIGINT  NOT NULL DEFAULT 0,
    doubled                 BIGINT  NOT NULL DEFAULT 0
);

-- Where every due record of the deployment went.
CREATE VIEW books AS
SELECT 1::BIGINT AS id,
       coalesce(sum(stored + counted_lost + unkept), 0)::BIGINT AS due,
       coalesce(sum(stored), 0)::BIGINT AS stored,
       coalesce(sum(counted_lost + unkept), 0)::BIGINT AS counted_lost,
       coalesce(sum(without_body), 0)::BIGINT AS without_body,
       coalesce(sum(without_detail), 0)::BIGINT AS without_detail,
       coalesce(sum(set_aside + refused), 0)::BIGINT AS set_aside
FROM spools;

-- What remains of lost records. '' and '\x' stand for unknown, because a key must not hold NULL.
CREATE TABLE losses (
    spool                   TEXT COLLATE "C" NOT NULL,
    reason                  TEXT COLLATE "C" NOT NULL,
    cause                   TEXT COLLATE "C" NOT NULL,
    fingerprint             BYTEA   NOT NULL,
    count                   BIGINT  NOT NULL,
    first_at                BIGINT,
    last_at                 BIGINT,
    PRIMARY KEY (spool, reason, cause, fingerprint)
);

CREATE TABLE set_aside (
    id                      BIGINT  GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    created_at              BIGINT  NOT NULL,
    request_id              TEXT COLLATE "C" NOT NULL,
    reason                  TEXT COLLATE "C" NOT NULL,
    summary                 TEXT COLLATE "C" NOT NULL,
    payload                 BYTEA
);
CREATE UNIQUE INDEX set_aside_by_request_id ON set_aside (request_id);

-- Every change of an account's state. An id is made by the gateway and grows with time; states are
-- made in the order of ids. `seq` grows in the order of commits: what came after a `seq` that was read
-- is all that is new, whoever wrote it and however long its transaction took.
CREATE TABLE account_events (
    id                      BIGINT  PRIMARY KEY,
    seq                     BIGINT  GENERATED ALWAYS AS IDENTITY,
    at                      BIGINT  NOT NULL,
    account_id              BIGINT  NOT NULL,
    strikes                 BIGINT  NOT NULL,
    since                   BIGINT,
    until                   BIGINT,
    status_code             BIGINT,
    attempt                 BIGINT,
    undoes                  BIGINT,
    kind                    TEXT COLLATE "C" NOT NULL,
    scope                   TEXT COLLATE "C" NOT NULL,
    reason                  TEXT COLLATE "C" NOT NULL,
    source                  TEXT COLLATE "C",
    cause                   TEXT COLLATE "C",
    request_id              TEXT COLLATE "C",
    actor                   TEXT COLLATE "C"
);
CREATE UNIQUE INDEX account_events_by_seq ON account_events (seq);
CREATE INDEX account_events_by_account ON account_events (account_id, id);
CREATE INDEX account_events_by_kind ON account_events (account_id, kind, id);
CREATE INDEX account_events_by_time ON account_events (account_id, at, id);
-- A state is made of the newest event of each scope and kind, and of what took events back.
CREATE INDEX account_events_by_state ON account_events (account_id, scope, kind, id, at);
CREATE INDEX account_events_by_undoes ON account_events (undoes) WHERE undoes IS NOT NULL;
CREATE INDEX account_events_by_request ON account_events (request_id) WHERE request_id IS NOT NULL;

-- What was used in the window that is current, or was when the consumer was last seen: one row per
-- replica, so that replicas do not wait for each other; together they are what was used.
CREATE TABLE usage (
    consumer                TEXT COLLATE "C" NOT NULL,
    consumer_id             BIGINT  NOT NULL,
    "window"                TEXT COLLATE "C" NOT NULL,
    replica                 TEXT COLLATE "C" NOT NULL,
    started_at              BIGINT  NOT NULL,
    requests                BIGINT  NOT NULL,
    tokens                  BIGINT  NOT NULL,
    micro_usd               BIGINT  NOT NULL,
    PRIMARY KEY (consumer, consumer_id, "window", replica)
) WITH (fillfactor = 50);

-- ── the configuration: what an operator set up ──

CREATE TABLE groups (
    id                      BIGINT  GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name                    TEXT COLLATE "C" NOT NULL UNIQUE,
    platform                TEXT COLLATE "C" NOT NULL,
    model_mapping           TEXT COLLATE "C" NOT NULL,
    status                  TEXT COLLATE "C" NOT NULL,
    created_at              BIGINT  NOT NULL,
    updated_at              BIGINT  NOT NULL,
    sticky                  TEXT COLLATE "C" NOT NULL DEFAULT 'prefix',
    state_rules             TEXT COLLATE "C" NOT NULL DEFAULT '[]'
);

CREATE TABLE accounts (
    id                      BIGINT  GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name                    TEXT COLLATE "C" NOT NULL UNIQUE,
    platform                TEXT COLLATE "C" NOT NULL,
    base_url                TEXT COLLATE "C" NOT NULL,
    priority                BIGINT  NOT NULL,
    concurrency             BIGINT,
    models                  TEXT COLLATE "C" NOT NULL,
    model_mapping           TEXT COLLATE "C" NOT NULL,
    http_version            TEXT COLLATE "C" NOT NULL,
    status                  TEXT COLLATE "C" NOT NULL,
    credential              BYTEA   NOT NULL,
    created_at              BIGINT  NOT NULL,
    updated_at              BIGINT  NOT NULL,
    quota                   TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    counted_statuses        TEXT COLLATE "C" NOT NULL DEFAULT 'null',
    state_rules             TEXT COLLATE "C" NOT NULL DEFAULT '[]',
    probe                   TEXT COLLATE "C" NOT NULL DEFAULT 'null',
    proxy                   BYTEA,
    headers                 BYTEA
);

CREATE TABLE account_groups (
    account_id              BIGINT  NOT NULL REFERENCES accounts (id) ON DELETE CASCADE,
    group_id                BIGINT  NOT NULL REFERENCES groups (id),
    PRIMARY KEY (account_id, group_id)
);
CREATE INDEX account_groups_by_group ON account_groups (group_id);

CREATE TABLE users (
    id                      BIGINT  GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name                    TEXT COLLATE "C" NOT NULL UNIQUE,
    status                  TEXT COLLATE "C" NOT NULL,
    created_at              BIGINT  NOT NULL,
    updated_at              BIGINT  NOT NULL,
    limits                  TEXT COLLATE "C" NOT NULL DEFAULT '{}',
    credit_micro_usd        BIGINT
);

CREATE TABLE api_keys (
    id                      BIGINT  GENERATED BY DEFAULT AS IDENTITY PRIMARY KEY,
    name                    TEXT COLLATE "C" NOT NULL UNIQUE,
    hash                    BYTEA   NOT NULL UNIQUE,
    prefix                  TEXT COLLATE "C" NOT NULL,
    user_id                 BIGINT  NOT NULL REFERENCES users (id),
    status                  TEXT COLLATE "C" NOT NULL,
    expires_at              BIGINT,
    created_at              BIGINT  NOT NULL,
    updated_at              BIGINT  NOT NULL,
    limits                  TEXT COLLATE "C" NOT NULL DEFAULT '{}'
);
CREATE INDEX api_keys_by_user ON api_keys (user_id);

-- Order matters: the first group that fits serves.
CREATE TABLE api_key_groups (
    api_key_id              BIGINT  NOT NULL REFERENCES api_keys (id) ON DELETE CASCADE,
    position                BIGINT  NOT NULL,
    group_id                BIGINT  NOT NULL REFERENCES groups (id),
    PRIMARY KEY (api_key_id, position)
);
CREATE INDEX api_key_groups_by_group ON api_key_groups (group_id);

-- US dollars per million tokens, in millionths of a dollar.
CREATE TABLE prices (
    model                   TEXT COLLATE "C" PRIMARY KEY,
    input                   BIGINT  NOT NULL,
    output                  BIGINT  NOT NULL,
    cache_read              BIGINT,
    cache_write             BIGINT
);

-- ── the deployment and its replicas ──

-- One row: which deployment this is, and how often its configuration has changed.
CREATE TABLE deployment (
    id                      BIGINT  PRIMARY KEY CHECK (id = 1),
    name                    TEXT COLLATE "C" NOT NULL,
    config_version          BIGINT  NOT NULL,
    -- Tells whether a replica's instance key is the one that everything here is sealed with.
    key_check               TEXT COLLATE "C"
);
INSERT INTO deployment VALUES (1, gen_random_uuid()::TEXT, 1, NULL);

CREATE TABLE replicas (
    id                      TEXT COLLATE "C" PRIMARY KEY,
    number                  BIGINT  NOT NULL UNIQUE,
    name                    TEXT COLLATE "C" NOT NULL,
    version                 TEXT COLLATE "C" NOT NULL,
    started_at              BIGINT  NOT NULL,
    seen_at                 BIGINT  NOT NULL,
    status                  TEXT COLLATE "C" NOT NULL
) WITH (fillfactor = 50);

-- What runs on one replica at a time: whoever holds the lease.
CREATE TABLE jobs (
    name                    TEXT COLLATE "C" PRIMARY KEY,
    holder                  TEXT COLLATE "C",
    lease_until             BIGINT,
    heartbeat_at            BIGINT,
    started_at              BIGINT,
    finished_at             BIGINT,
    outcome                 TEXT COLLATE "C",
    detail                  TEXT COLLATE "C",
    runs                    BIGINT  NOT NULL DEFAULT 0,
    failures                BIGINT  NOT NULL DEFAULT 0
) WITH (fillfactor = 50);

-- ── functions ──
-- The first number of an advisory lock says "Waybill" ('Wayb'); the second, what for:
-- 1 the order of ids, 2 making days, 3 the order of account events.

-- Begins the transaction that moves a batch of a spool: one at a time in the whole deployment, so that
-- ids are given in the order of commits, and "everything after this id" misses nothing. Returns how far
-- the spool has been moved, and the first of as many ids of each kind as were asked for.
CREATE FUNCTION waybill_begin_forward(spool TEXT, requests BIGINT, errors BIGINT, events BIGINT)
RETURNS TABLE ("position" BIGINT, first_request_id BIGINT, first_error_id BIGINT, first_event_id BIGINT)
LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
    PERFORM pg_advisory_xact_lock(1466005858, 1);
    INSERT INTO spools (id) VALUES (waybill_begin_forward.spool) ON CONFLICT (id) DO NOTHING;
    SELECT s."position" INTO "position" FROM spools s WHERE s.id = waybill_begin_forward.spool;
    first_request_id := waybill_take_ids('requests_id_seq', waybill_begin_forward.requests);
    first_error_id := waybill_take_ids('errors_id_seq', waybill_begin_forward.errors);
    first_event_id := waybill_take_ids('upstream_events_id_seq', waybill_begin_forward.events);
    RETURN NEXT;
END $$;

-- Takes so many ids in a row and returns the first; none are taken for 0. Only under the lock above.
CREATE FUNCTION waybill_take_ids(sequence REGCLASS, how_many BIGINT) RETURNS BIGINT
LANGUAGE plpgsql AS $$
DECLARE
    first BIGINT := 0;
BEGIN
    IF how_many > 0 THEN
        first := nextval(sequence);
        PERFORM setval(sequence, first + how_many - 1);
    END IF;
    RETURN first;
END $$;

-- The tables that have a partition per day.
CREATE FUNCTION waybill_daily_tables() RETURNS TEXT[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT ARRAY['requests', 'errors', 'error_details', 'upstream_events', 'event_details', 'replay_bodies']
$$;

CREATE FUNCTION waybill_day_start(at BIGINT) RETURNS BIGINT
LANGUAGE sql IMMUTABLE AS $$ SELECT at - ((at % 86400000) + 86400000) % 86400000 $$;

CREATE FUNCTION waybill_day_name(at BIGINT) RETURNS TEXT
LANGUAGE sql IMMUTABLE AS $$ SELECT to_char(to_timestamp(at / 1000) AT TIME ZONE 'UTC', 'YYYYMMDD') $$;

-- Makes the partitions of the day that an instant lies in, those that are missing; returns how many.
-- Readers and writers of other days are not held up: a partition is made by itself, then attached.
CREATE FUNCTION waybill_ensure_day(day_start_ms BIGINT) RETURNS BIGINT
LANGUAGE plpgsql AS $$
DECLARE
    start    CONSTANT BIGINT := waybill_day_start(day_start_ms);
    parent   TEXT;
    made     BIGINT := 0;
BEGIN
    IF NOT EXISTS (SELECT FROM waybill_missing(start)) THEN
        RETURN 0;
    END IF;
    -- Whoever waited here looks again: another may have made them meanwhile.
    PERFORM pg_advisory_xact_lock(1466005858, 2);
    FOR parent IN SELECT waybill_missing(start) LOOP
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING ALL)', parent || '_' || waybill_day_name(start), parent);
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)',
                       parent, parent || '_' || waybill_day_name(start), start, start + 86400000);
        made := made + 1;
    END LOOP;
    RETURN made;
END $$;

-- The tables that have no partition of a day. Read from the catalogue's own tables: what looks names up
-- there may remember that there was none.
CREATE FUNCTION waybill_missing(day_start BIGINT) RETURNS SETOF TEXT
LANGUAGE sql VOLATILE AS $$
    SELECT p.relname::TEXT FROM pg_class p
    WHERE p.relname = ANY (waybill_daily_tables()) AND p.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'errors'::REGCLASS)
      AND NOT EXISTS (SELECT FROM pg_class c WHERE c.relnamespace = p.relnamespace
                      AND c.relname = p.relname || '_' || waybill_day_name(day_start))
    ORDER BY p.relname
$$;

-- Drops the partitions of one day of these tables, all or none; false if it could not, to be tried again.
-- It waits for the batch that is being moved, which holds up nobody but the next batch; for readers it
-- hardly waits, because whoever came after would wait behind it. In a transaction of its own.
CREATE FUNCTION waybill_drop_day(tables TEXT[], day_start_ms BIGINT) RETURNS BOOLEAN
LANGUAGE plpgsql SET lock_timeout = '10s' AS $$
DECLARE
    suffix   CONSTANT TEXT := '_' || waybill_day_name(waybill_day_start(day_start_ms));
    parent   TEXT;
BEGIN
    PERFORM pg_advisory_xact_lock(1466005858, 1);
    PERFORM set_config('lock_timeout', '100ms', true);
    FOREACH parent IN ARRAY tables LOOP
        EXECUTE format('DROP TABLE IF EXISTS %I', parent || suffix);
    END LOOP;
    RETURN TRUE;
EXCEPTION WHEN lock_not_available THEN
    RETURN FALSE;
END $$;

-- Every day of every table, and the bytes it takes with its indexes.
CREATE FUNCTION waybill_days()
RETURNS TABLE (table_name TEXT, day_start_ms BIGINT, bytes BIGINT)
LANGUAGE sql STABLE AS $$
    SELECT parent.relname::TEXT,
           (substring(pg_get_expr(child.relpartbound, child.oid) FROM '''(-?[0-9]+)'''))::BIGINT,
           pg_total_relation_size(child.oid)
    FROM pg_inherits i
    JOIN pg_class parent ON parent.oid = i.inhparent AND parent.relkind = 'p'
    JOIN pg_class child ON child.oid = i.inhrelid AND child.relispartition
    WHERE parent.relname = ANY (waybill_daily_tables())
      AND parent.relnamespace = (SELECT relnamespace FROM pg_class WHERE oid = 'errors'::REGCLASS)
    ORDER BY 2, 1
$$;

-- Account events are numbered one transaction after the other.
CREATE FUNCTION waybill_order_account_events() RETURNS TRIGGER
LANGUAGE plpgsql AS $$
BEGIN
    PERFORM pg_advisory_xact_lock(1466005858, 3);
    RETURN NULL;
END $$;
CREATE TRIGGER account_events_in_order BEFORE INSERT ON account_events
FOR EACH STATEMENT EXECUTE FUNCTION waybill_order_account_events();

-- Every change of the configuration has a number, in the order of commits, and is told at once.
CREATE FUNCTION waybill_config_changed() RETURNS TRIGGER
LANGUAGE plpgsql AS $$
DECLARE
    version BIGINT;
BEGIN
    UPDATE deployment SET config_version = config_version + 1 WHERE id = 1
    RETURNING config_version INTO version;
    PERFORM pg_notify('waybill_config', version::TEXT);
    RETURN NULL;
END $$;
CREATE TRIGGER groups_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON groups
FOR EACH STATEMENT EXECUTE FUNCTION waybill_config_changed();
CREATE TRIGGER accounts_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON accounts
FOR EACH STATEMENT EXECUTE FUNCTION waybill_config_changed();
CREATE TRIGGER account_groups_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON account_groups
FOR EACH STATEMENT EXECUTE FUNCTION waybill_config_changed();
CREATE TRIGGER users_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON users
FOR EACH STATEMENT EXECUTE FUNCTION waybill_config_changed();
CREATE TRIGGER api_keys_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON api_keys
FOR EACH STATEMENT EXECUTE FUNCTION waybill_config_changed();
CREATE TRIGGER api_key_groups_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON api_key_groups
FOR EACH STATEMENT EXECUTE FUNCTION waybill_config_changed();
CREATE TRIGGER prices_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON prices
FOR EACH STATEMENT EXECUTE FUNCTION waybill_config_changed();
