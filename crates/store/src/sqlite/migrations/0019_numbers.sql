-- Days are not counted anew any more: nobody asked for it.
DROP TABLE rollup_days;

-- Attempts that were cut off from this side, before they could fail or deliver.
ALTER TABLE rollups ADD COLUMN attempts_cut_off INTEGER NOT NULL DEFAULT 0;

-- Roll-ups of minutes by requests' ends (`span_ms` -60000) begin now: where the last one ended that is folded.
INSERT INTO rollup_kept (span_ms, kept_from)
SELECT -60000, (ended / 60000 + 1) * 60000 FROM (
    SELECT max(created_at + latency_ms) AS ended FROM requests
    WHERE created_at >= (SELECT newest_at - 3600000 FROM rollup_fold)
      AND id <= (SELECT folded_to FROM rollup_fold)
) AS last WHERE ended IS NOT NULL;

-- From when on the rows of requests are all there (`span_ms` 0): of what is older some may have gone.
INSERT INTO rollup_kept (span_ms, kept_from)
SELECT 0, oldest FROM (SELECT min(created_at) AS oldest FROM requests) AS first WHERE oldest IS NOT NULL;

-- Requests that had to go before they were folded, for want of room, and when they arrived: no roll-up has them.
ALTER TABLE rollup_fold ADD COLUMN given_up INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup_fold ADD COLUMN given_up_from INTEGER;
ALTER TABLE rollup_fold ADD COLUMN given_up_to INTEGER;

-- The moment that retention went by last: it does not follow a clock that leaps ahead.
CREATE TABLE retention_clock (
    id                      INTEGER PRIMARY KEY CHECK (id = 1),
    at                      INTEGER NOT NULL
) STRICT;

-- How many records were lost in all, whenever a round found that it had become another number.
CREATE TABLE alert_losses (
    at                      INTEGER PRIMARY KEY,
    total                   INTEGER NOT NULL
) STRICT;

-- When something was last read of it: a gap does not count as lasting.
ALTER TABLE alert_stands ADD COLUMN seen_at INTEGER NOT NULL DEFAULT 0;
UPDATE alert_stands SET seen_at = coalesce((SELECT evaluated_to FROM alert_progress), since);

-- From which request on a model is counted by name, and when that arrived: names are given to what was served.
ALTER TABLE rollup_models ADD COLUMN since_id INTEGER NOT NULL DEFAULT 0;
ALTER TABLE rollup_models ADD COLUMN since_at INTEGER NOT NULL DEFAULT 0;
