-- A block has changed where a word of it has: every column that words are made of is watched, and what is written
-- as it was marks nothing.
DROP TRIGGER error_changed;
CREATE TRIGGER error_changed AFTER UPDATE OF
    created_at, platform, account_id, cause, model, status_code, recovered, stream, replay_of, group_id,
    api_key_id, user_id, phase, error_type, severity, owner, source, resolved, fingerprint, is_business_limited,
    message, request_id, client_request_id, upstream_error_message ON errors
WHEN
    old.created_at IS NOT new.created_at OR old.platform IS NOT new.platform OR
    old.account_id IS NOT new.account_id OR old.cause IS NOT new.cause OR old.model IS NOT new.model OR
    old.status_code IS NOT new.status_code OR old.recovered IS NOT new.recovered OR
    old.stream IS NOT new.stream OR old.replay_of IS NOT new.replay_of OR old.group_id IS NOT new.group_id OR
    old.api_key_id IS NOT new.api_key_id OR old.user_id IS NOT new.user_id OR old.phase IS NOT new.phase OR
    old.error_type IS NOT new.error_type OR old.severity IS NOT new.severity OR old.owner IS NOT new.owner OR
    old.source IS NOT new.source OR old.resolved IS NOT new.resolved OR old.fingerprint IS NOT new.fingerprint OR
    old.is_business_limited IS NOT new.is_business_limited OR old.message IS NOT new.message OR
    old.request_id IS NOT new.request_id OR old.client_request_id IS NOT new.client_request_id OR
    old.upstream_error_message IS NOT new.upstream_error_message
BEGIN
    INSERT INTO error_blocks_stale VALUES (new.id / 64, 1) ON CONFLICT (block) DO UPDATE SET turns = turns + 1;
END;
DROP TRIGGER attempt_changed;
CREATE TRIGGER attempt_changed AFTER UPDATE OF
    created_at, platform, account_id, cause, model, upstream_status_code, message, upstream_request_id ON upstream_events
WHEN
    old.created_at IS NOT new.created_at OR old.platform IS NOT new.platform OR
    old.account_id IS NOT new.account_id OR old.cause IS NOT new.cause OR old.model IS NOT new.model OR
    old.upstream_status_code IS NOT new.upstream_status_code OR old.message IS NOT new.message OR
    old.upstream_request_id IS NOT new.upstream_request_id
BEGIN
    INSERT INTO error_blocks_stale VALUES (new.error_id / 64, 1) ON CONFLICT (block) DO UPDATE SET turns = turns + 1;
END;

-- Failures that are judged anew are looked for among the issues' last ones.
CREATE INDEX issues_by_last_error ON issues (last_error_id);
