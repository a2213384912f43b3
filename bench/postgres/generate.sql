-- Fills a migrated, empty database with failures of many days, the same ones on every run.
--
--   psql -d DATABASE -v rows=10000000 -v days=30 -f bench/postgres/generate.sql
--
-- Days end at 2026-11-29 00:00 UTC, so that windows can be named. What is skewed, as it is in practice:
-- users, keys, accounts, models and causes (a few make most of it; three causes occur some ten times in
-- all, one on a single old day only). 15 % of what could recover has. Each error has two attempts.
-- Left out: error_details, event_details and replay_bodies, which are read by id alone.
--
-- A day is loaded before its indexes are made, in one transaction. With `wal_level = minimal` none of it
-- is logged.

\set ON_ERROR_STOP on
\timing off
DROP SCHEMA IF EXISTS bench CASCADE;
CREATE SCHEMA bench;

-- code, phase, type, severity, owner, blame, retryable, business-limited, status, weight, phrase
CREATE TABLE bench.causes (
    code TEXT, phase TEXT, error_type TEXT, severity TEXT, owner TEXT, blame TEXT, retryable BOOLEAN,
    business BOOLEAN, status BIGINT, weight DOUBLE PRECISION, phrase TEXT, n INT GENERATED ALWAYS AS IDENTITY
);
INSERT INTO bench.causes (code, phase, error_type, severity, owner, blame, retryable, business, status, weight, phrase) VALUES
    ('rate_limit.requests', 'upstream', 'rate_limit_error', 'P2', 'provider', 'Account', true, false, 429, 250, 'Number of request tokens has exceeded your per-minute rate limit'),
    ('overloaded', 'upstream', 'overloaded_error', 'P1', 'provider', 'Transient', true, false, 529, 125, 'Overloaded'),
    ('rate_limit.tokens', 'upstream', 'rate_limit_error', 'P2', 'provider', 'Account', true, false, 429, 83, 'This request would exceed the input token rate limit of your organization'),
    ('client_closed_request', 'response', 'client_closed_request', 'P3', 'client', 'Request', true, false, 499, 62, 'The client closed the connection before the answer was complete'),
    ('invalid_request', 'upstream', 'invalid_request_error', 'P3', 'client', 'Request', false, false, 400, 50, 'messages: roles must alternate between user and assistant'),
    ('server_error', 'upstream', 'api_error', 'P1', 'provider', 'Transient', true, false, 500, 42, 'Internal server error'),
    ('gateway.rate_limit', 'concurrency', 'rate_limit_error', 'P3', 'client', 'Request', true, true, 429, 36, 'This key has used up its requests per minute'),
    ('context_length', 'upstream', 'invalid_request_error', 'P3', 'client', 'Request', false, false, 400, 31, 'prompt is too long for the maximum context length'),
    ('network.reset', 'network', 'upstream_error', 'P1', 'provider', 'Transient', true, false, 502, 28, 'connection closed before message completed'),
    ('upstream.timeout', 'upstream', 'timeout_error', 'P1', 'provider', 'Transient', true, false, 504, 25, 'The upstream timed out'),
    ('gateway.no_slot', 'scheduling', 'overloaded_error', 'P1', 'platform', 'Request', true, false, 503, 23, 'Every account that could serve this is at its limit'),
    ('quota.exhausted', 'upstream', 'rate_limit_error', 'P2', 'provider', 'Account', true, false, 429, 21, 'You exceeded your current quota, please check your plan and billing details'),
    ('gateway.concurrency_limit', 'concurrency', 'rate_limit_error', 'P3', 'client', 'Request', true, true, 429, 19, 'This key has as many requests in flight as it may'),
    ('stream.truncated', 'upstream', 'upstream_error', 'P1', 'provider', 'Transient', true, false, 502, 18, 'the stream ended without its end marker'),
    ('gateway.quota_exhausted', 'billing', 'rate_limit_error', 'P3', 'client', 'Request', false, true, 429, 17, 'The daily quota of this user is used up'),
    ('auth.invalid_key', 'upstream', 'authentication_error', 'P1', 'platform', 'Credential', false, false, 502, 15.6, 'invalid x-api-key'),
    ('upstream.bad_gateway', 'upstream', 'upstream_error', 'P1', 'provider', 'Transient', true, false, 502, 14.7, 'Bad gateway'),
    ('network.timeout', 'network', 'timeout_error', 'P1', 'provider', 'Transient', true, false, 504, 13.9, 'no answer within the configured time'),
    ('rate_limit.concurrency', 'upstream', 'rate_limit_error', 'P2', 'provider', 'Account', true, false, 429, 13.2, 'Too many concurrent connections'),
    ('content_filter', 'upstream', 'invalid_request_error', 'P3', 'client', 'Request', false, false, 400, 12.5, 'Output blocked by content filtering policy'),
    ('gateway.queue_timeout', 'scheduling', 'overloaded_error', 'P1', 'platform', 'Request', true, false, 503, 11.9, 'No account became free in time'),
    ('gateway.model_not_served', 'scheduling', 'not_found_error', 'P3', 'client', 'Request', false, false, 404, 11.4, 'No group of this key serves the requested model'),
    ('model_not_found', 'upstream', 'not_found_error', 'P2', 'client', 'Request', false, false, 404, 10.9, 'The model does not exist or you do not have access to it'),
    ('gateway.invalid_request', 'request', 'invalid_request_error', 'P3', 'client', 'Request', false, false, 400, 10.4, 'The body is no valid JSON'),
    ('stream.error_event', 'upstream', 'api_error', 'P1', 'provider', 'Transient', true, false, 502, 10, 'error event inside the stream'),
    ('stream.stalled', 'upstream', 'timeout_error', 'P1', 'provider', 'Transient', true, false, 504, 9.6, 'the stream went silent'),
    ('thinking_signature', 'upstream', 'invalid_request_error', 'P2', 'client', 'Request', false, false, 400, 9.3, 'Invalid signature in thinking block'),
    ('network.connect', 'network', 'upstream_error', 'P1', 'provider', 'Transient', true, false, 502, 8.9, 'tcp connect error: Connection refused'),
    ('gateway.no_account', 'scheduling', 'overloaded_error', 'P0', 'platform', 'Request', true, false, 503, 8.6, 'No account could take the request'),
    ('auth.permission', 'upstream', 'permission_error', 'P1', 'platform', 'Credential', false, false, 502, 8.3, 'Your API key does not have permission to use the specified resource'),
    ('billing.credit_exhausted', 'upstream', 'billing_error', 'P1', 'platform', 'Credential', false, false, 502, 8.1, 'Your credit balance is too low'),
    ('gateway.balance_exhausted', 'billing', 'billing_error', 'P3', 'client', 'Request', false, true, 402, 7.8, 'The balance of this user is used up'),
    ('request_too_large', 'upstream', 'request_too_large', 'P3', 'client', 'Request', false, false, 413, 7.6, 'Request exceeds the maximum size'),
    ('upstream.invalid_response', 'upstream', 'upstream_error', 'P1', 'provider', 'Transient', true, false, 502, 7.4, 'expected value at line one column one'),
    ('conversation_state', 'upstream', 'invalid_request_error', 'P3', 'client', 'Request', false, false, 400, 7.1, 'Previous response was not found'),
    ('billing.spend_limit', 'upstream', 'billing_error', 'P2', 'platform', 'Account', true, false, 429, 6.9, 'This organization has reached its spend limit'),
    ('gateway.invalid_key', 'auth', 'authentication_error', 'P3', 'client', 'Request', false, false, 401, 6.8, 'This API key is unknown'),
    ('not_found', 'upstream', 'not_found_error', 'P3', 'client', 'Request', false, false, 404, 6.6, 'No such file object'),
    ('gateway.key_disabled', 'auth', 'permission_error', 'P3', 'client', 'Request', false, true, 403, 6.4, 'This key has been disabled'),
    ('client_stalled', 'response', 'client_closed_request', 'P3', 'client', 'Request', true, false, 499, 6.2, 'The client stopped reading its answer'),
    ('network.tls', 'network', 'upstream_error', 'P1', 'platform', 'Transient', false, false, 502, 6.1, 'invalid peer certificate'),
    ('network.proxy', 'network', 'upstream_error', 'P1', 'platform', 'Transient', true, false, 502, 6, 'the proxy refused the connection'),
    ('billing.entitlement', 'upstream', 'billing_error', 'P2', 'platform', 'Account', false, false, 429, 5.8, 'Extra usage is required for long context requests'),
    ('auth.account_disabled', 'upstream', 'permission_error', 'P1', 'platform', 'Credential', false, false, 502, 5.7, 'This organization has been disabled'),
    ('edge.challenge', 'upstream', 'upstream_error', 'P1', 'platform', 'Transient', false, false, 502, 5.6, 'Just a moment'),
    ('request_too_large.token_budget', 'upstream', 'request_too_large', 'P3', 'client', 'Account', false, false, 413, 5, 'Request too large for model on tokens per minute'),
    ('gateway.request_too_large', 'request', 'request_too_large', 'P3', 'client', 'Request', false, false, 413, 4, 'The request is larger than this gateway accepts'),
    ('gateway.request_timeout', 'request', 'timeout_error', 'P3', 'client', 'Request', true, false, 408, 3, 'The request was not sent in time'),
    ('gateway.not_found', 'request', 'not_found_error', 'P3', 'client', 'Request', false, false, 404, 2, 'This path is not an endpoint'),
    ('gateway.queue_full', 'scheduling', 'overloaded_error', 'P1', 'platform', 'Request', true, false, 503, 1, 'As many requests are waiting as may'),
    ('gateway.overloaded', 'scheduling', 'overloaded_error', 'P0', 'platform', 'Request', true, false, 503, 0.5, 'The gateway has as many requests in flight as it may hold'),
    ('gateway.no_price', 'billing', 'billing_error', 'P2', 'platform', 'Request', false, true, 402, 0.3, 'The requested model has no price'),
    ('gateway.shutdown', 'internal', 'overloaded_error', 'P2', 'platform', 'Request', true, false, 503, 0.2, 'The gateway was stopped'),
    ('auth.region', 'upstream', 'permission_error', 'P1', 'platform', 'Credential', false, false, 502, 0.1, 'Request not allowed from this location'),
    ('gateway.method_not_allowed', 'request', 'invalid_request_error', 'P3', 'client', 'Request', false, false, 405, 0.05, 'This endpoint does not take that method'),
    ('network.forbidden', 'network', 'upstream_error', 'P1', 'platform', 'Transient', false, false, 502, 0.001, 'the address is not allowed by the configuration'),
    ('gateway.internal', 'internal', 'api_error', 'P0', 'platform', 'Request', true, false, 500, 0.001, 'Waybill itself failed'),
    ('upstream.response_too_large', 'upstream', 'upstream_error', 'P2', 'provider', 'Request', false, false, 502, 0.001, 'The answer is larger than the limit'),
    -- On one day only; see below.
    ('network.dns', 'network', 'upstream_error', 'P1', 'platform', 'Transient', true, false, 502, 0, 'failed to lookup address information');

-- 15 models of each platform.
CREATE TABLE bench.models AS
SELECT p.n AS platform, m AS rank, p.stem || '-' || (9 - m % 8) || '.' || (m % 5) || suffix[1 + m % 5] AS name
FROM (VALUES (1, 'claude'), (2, 'gpt'), (3, 'gemini'), (4, 'antigravity')) p (n, stem),
     generate_series(1, 15) m, (SELECT ARRAY['-opus', '-mini', '-flash', '', '-sonnet'] AS suffix) s;

CREATE FUNCTION bench.some_uuid(at BIGINT, random TEXT) RETURNS TEXT LANGUAGE sql IMMUTABLE AS $$
    SELECT substr(h, 1, 8) || '-' || substr(h, 9, 4) || '-7' || substr(random, 1, 3) || '-a' || substr(random, 4, 3)
        || '-' || substr(random, 7, 12)
    FROM (SELECT lpad(to_hex(at), 12, '0') AS h) x
$$;

-- One day: n errors, ids from first_id on. `number` is the day's, from 0, the oldest.
CREATE FUNCTION bench.load_day(number INT, day_start BIGINT, n BIGINT, first_id BIGINT) RETURNS VOID
LANGUAGE plpgsql SET jit = off SET max_parallel_workers_per_gather = 0 SET synchronous_commit = off AS $$
DECLARE
    suffix      TEXT := '_' || waybill_day_name(day_start);
    codes       TEXT[];  phases TEXT[];  types TEXT[];  severities TEXT[];  owners TEXT[];  blames TEXT[];
    retryable   BOOLEAN[];  business BOOLEAN[];  statuses BIGINT[];  phrases TEXT[];  sums DOUBLE PRECISION[];
    models      TEXT[];  model_sums DOUBLE PRECISION[];  platforms TEXT[] := ARRAY['anthropic', 'openai', 'gemini', 'antigravity'];
    -- The platform of each group: most are of the first.
    of_group    INT[] := ARRAY[1, 2, 1, 3, 1, 2, 1, 2, 3, 4];
    parent      TEXT;
BEGIN
    PERFORM setseed(0.25 + number / 1000.0);
    SELECT array_agg(code ORDER BY c.n), array_agg(phase ORDER BY c.n), array_agg(error_type ORDER BY c.n),
           array_agg(severity ORDER BY c.n), array_agg(owner ORDER BY c.n), array_agg(blame ORDER BY c.n),
           array_agg(c.retryable ORDER BY c.n), array_agg(c.business ORDER BY c.n), array_agg(status ORDER BY c.n),
           array_agg(phrase ORDER BY c.n)
    INTO codes, phases, types, severities, owners, blames, retryable, business, statuses, phrases
    FROM bench.causes c;
    SELECT array_agg(before / total ORDER BY x.n) INTO sums FROM (
        SELECT c.n, sum(weight) OVER (ORDER BY c.n) - weight AS before, sum(weight) OVER () AS total
        FROM bench.causes c WHERE weight > 0) x;
    SELECT array_agg(name ORDER BY m.platform, rank) INTO models FROM bench.models m;
    SELECT array_agg(before / total ORDER BY rank) INTO model_sums FROM (
        SELECT rank, sum(1.0 / rank) OVER (ORDER BY rank) - 1.0 / rank AS before, sum(1.0 / rank) OVER () AS total
        FROM generate_series(1, 15) rank) x;

    FOREACH parent IN ARRAY ARRAY['requests', 'errors', 'error_details', 'upstream_events', 'event_details', 'replay_bodies'] LOOP
        EXECUTE format('CREATE TABLE %I (LIKE %I INCLUDING DEFAULTS INCLUDING STORAGE)', parent || suffix, parent);
    END LOOP;

    EXECUTE format($q$
    INSERT INTO %I (id, created_at, status_code, latency_ms, attempts, rules_version, upstream_error_count,
        request_body_bytes, recovered, stream, resolved, is_retryable, is_business_limited, request_body_truncated,
        user_id, api_key_id, account_id, group_id, time_to_first_token_ms, upstream_status_code, auth_latency_ms,
        routing_latency_ms, upstream_latency_ms, response_latency_ms, request_id, fingerprint, cause, phase,
        error_type, severity, owner, source, platform, message, client_ip, request_path, client_request_id,
        endpoint, model, upstream_error_message, events_text, user_name, api_key_name, account_name, group_name)
    SELECT $1 + i, at, CASE WHEN recovered THEN 200 ELSE status END, (50 + 20000 * r2 * r2)::BIGINT,
        CASE WHEN tried THEN 2 ELSE 0 END, 2, CASE WHEN tried THEN 2 ELSE 0 END, (500 + 90000 * r3)::BIGINT,
        recovered, r4 < 0.7, r5 < 0.02, retry AND NOT at_fault, biz, r3 > 0.8,
        1 + (key - 1) %% 1000, key, CASE WHEN tried THEN account END, grp, NULL,
        CASE WHEN tried AND phase <> 'network' THEN status END, (3 * r2)::BIGINT, (2 * r3)::BIGINT,
        CASE WHEN tried THEN (20000 * r2 * r2)::BIGINT END, NULL,
        bench.some_uuid(at, hex), decode(md5(platform || code || pattern || CASE WHEN pattern = 4 THEN model ELSE '' END), 'hex'),
        code, phase, CASE WHEN status = 502 AND blame = 'Credential' THEN 'upstream_error' ELSE type END,
        CASE WHEN at_fault THEN 'P3' ELSE severity END, CASE WHEN at_fault THEN 'client' ELSE owner END,
        CASE WHEN recovered THEN 'upstream' WHEN code LIKE 'client%%' THEN 'client' WHEN tried AND (r3 < 0.8) THEN 'upstream'
             WHEN owner = 'client' THEN 'client' ELSE 'gateway' END,
        platform, said, '10.' || key %% 4 || '.' || key %% 200 || '.' || key %% 250, CASE platform WHEN 'anthropic' THEN '/v1/messages?beta=true'
            WHEN 'openai' THEN '/v1/chat/completions' ELSE '/v1beta/models/' || model || ':streamGenerateContent' END,
        CASE WHEN r5 > 0.6 THEN 'req_' || substr(hex, 19, 14) || key END,
        CASE platform WHEN 'anthropic' THEN 'messages' WHEN 'openai' THEN 'chat_completions' ELSE 'stream_generate_content' END,
        model, CASE WHEN tried THEN said END,
        CASE WHEN tried THEN 'req_' || substr(md5(($1 + i)::TEXT || 1), 1, 24) || E'\x1freq_' || substr(md5(($1 + i)::TEXT || 2), 1, 24) END, 'user-' || (1 + (key - 1) %% 1000), 'key-' || key,
        CASE WHEN tried THEN platform || '-' || account END, 'group-' || grp
    FROM (SELECT y.*, ($4)[c] AS code, ($5)[c] AS phase, ($6)[c] AS type, ($7)[c] AS severity, ($8)[c] AS owner, ($9)[c] AS blame,
              ($10)[c] AS retry, ($11)[c] AS biz, ($12)[c] AS status, ($20)[p] AS platform,
              ($13)[(p - 1) * 15 + m] AS model,
              ($5)[c] IN ('upstream', 'network') AS tried, ($5)[c] IN ('upstream', 'network') AND r1 < 0.2 AS recovered,
              ($9)[c] = 'Account' AND r5 > 0.97 AS at_fault,
              CASE pattern WHEN 1 THEN ($14)[c] || ': limit ' || (r2 * 100000)::INT || ', used ' || (r3 * 100000)::INT || ' in organization org-' || substr(hex, 12, 12) || '. Try again in ' || (r4 * 60000)::INT || 'ms.'
                   WHEN 2 THEN ($14)[c] || ' (request req_' || substr(hex, 8, 18) || ') after ' || (r2 * 30000)::INT || ' ms'
                   WHEN 3 THEN 'Upstream says: ' || ($14)[c] || '; code ' || (r3 * 1000)::INT || ', see the documentation of the provider for details'
                   ELSE ($14)[c] || ' for ' || ($13)[(p - 1) * 15 + m] || ', ' || (r2 * 200000)::INT || ' input tokens' END AS said
          FROM (SELECT x.*, ($15)[grp] AS p,
                    -- The outage: one in ten failures of one old day, for want of a name server.
                    CASE WHEN $16 AND r6 < 0.1 THEN 59 ELSE width_bucket(r6, $17) END AS c,
                    width_bucket(r7, $18) AS m
                FROM (SELECT i, $2 + (i * 86400000.0 / $3)::BIGINT AS at, md5(r1::TEXT || i) || md5(r2::TEXT || i) AS hex, r1, r2, r3, r4, r5, r6, r7,
                          1 + floor(2999.999 * power(r8, 3))::BIGINT AS key, 1 + floor(49.999 * power(r9, 2))::BIGINT AS account,
                          1 + floor(49.999 * power(r9, 2))::BIGINT %% 10 AS grp, 1 + floor(r10 * 3.999)::INT AS pattern
                      FROM (SELECT i, random() AS r1, random() AS r2, random() AS r3, random() AS r4, random() AS r5, random() AS r6, random() AS r7,
                                random() AS r8, random() AS r9, random() AS r10 FROM generate_series(0, $3 - 1) i OFFSET 0) z OFFSET 0) x OFFSET 0) y OFFSET 0) w
    $q$, 'errors' || suffix)
    USING first_id, day_start, n, codes, phases, types, severities, owners, blames, retryable, business, statuses,
          models, phrases, of_group, number = 3, sums, model_sums, NULL::INT, platforms;

    EXECUTE format($q$
    INSERT INTO %I (id, error_id, error_at, created_at, attempt, account_id, duration_ms, upstream_status_code,
        connect_ms, first_byte_ms, platform, cause, kind, message, account_name, upstream_host, decision,
        decision_reason, model, upstream_request_id, name)
    SELECT 2 * e.id - 2 + a, e.id, e.created_at, e.created_at + 5 + (a - 1) * 700, a,
        CASE WHEN a = 2 THEN e.account_id ELSE 1 + (e.account_id + 9) %% 50 END, 600, e.upstream_status_code, 12, 590,
        e.platform, CASE WHEN a = 2 OR e.id %% 3 > 0 THEN e.cause ELSE 'overloaded' END, 'status', e.message,
        e.platform || '-' || CASE WHEN a = 2 THEN e.account_id ELSE 1 + (e.account_id + 9) %% 50 END,
        'api.' || e.platform || '.com', CASE WHEN a = 1 THEN 'next_account' ELSE 'give_up' END,
        CASE WHEN a = 1 THEN 'another account may serve' ELSE 'no account is left' END, e.model,
        'req_' || substr(md5(e.id::TEXT || a::TEXT), 1, 24), e.error_type
    FROM %I e, (VALUES (1), (2)) attempts (a) WHERE e.account_id IS NOT NULL
    $q$, 'upstream_events' || suffix, 'errors' || suffix);

    EXECUTE format($q$
    INSERT INTO %I (id, created_at, status_code, latency_ms, attempts, stream, recovered, user_id, api_key_id,
        account_id, group_id, request_id, platform, client_request_id, endpoint, model, cause)
    SELECT id, created_at, status_code, latency_ms, attempts, stream, recovered, user_id, api_key_id,
        account_id, group_id, request_id, platform, client_request_id, endpoint, model, cause FROM %I
    $q$, 'requests' || suffix, 'errors' || suffix);

    -- Attaching makes the indexes.
    FOREACH parent IN ARRAY ARRAY['requests', 'errors', 'error_details', 'upstream_events', 'event_details', 'replay_bodies'] LOOP
        EXECUTE format('ALTER TABLE %I ATTACH PARTITION %I FOR VALUES FROM (%s) TO (%s)', parent, parent || suffix, day_start, day_start + 86400000);
    END LOOP;
END $$;

SELECT format('SELECT bench.load_day(%s, %s, %s, %s)', d, 1795910400000 - (:days - d) * 86400000::BIGINT, :rows / :days, 1 + d * (:rows / :days))
FROM generate_series(0, :days - 1) d \gexec

SELECT setval('requests_id_seq', :rows), setval('errors_id_seq', :rows), setval('upstream_events_id_seq', 2 * :rows);
VACUUM ANALYZE errors, upstream_events, requests;
