-- Rules that wait for what they look at, and up to when each is evaluated. All others are up to
-- `alert_progress.evaluated_to`.
CREATE TABLE alert_waits (
    rule_id                 INTEGER PRIMARY KEY REFERENCES alert_rules (id) ON DELETE CASCADE,
    evaluated_to            INTEGER NOT NULL
) STRICT;
