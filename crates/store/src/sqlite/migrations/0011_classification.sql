-- An operator's classification rules: the version in force, those before, and how far stored failures are judged by it.

-- Of a failure: the version of the rules that gave it its verdict (NULL: none), the rule that fitted, and what the
-- built-in table had said, where one did.
ALTER TABLE errors ADD COLUMN ruled_version INTEGER;
ALTER TABLE errors ADD COLUMN ruled_by INTEGER;
ALTER TABLE errors ADD COLUMN found TEXT;

-- `last_id`: of all rules there ever were.
CREATE TABLE classification_rules (
    id                      INTEGER PRIMARY KEY CHECK (id = 1),
    version                 INTEGER NOT NULL,
    last_id                 INTEGER NOT NULL,
    rules                   TEXT    NOT NULL
) STRICT;

CREATE TABLE classification_versions (
    version                 INTEGER PRIMARY KEY,
    at                      INTEGER NOT NULL,
    actor                   TEXT,
    note                    TEXT,
    rules                   TEXT    NOT NULL
) STRICT;

-- Failures up to `judged_to` are judged by `version`, which changed so many of them.
CREATE TABLE classification_fold (
    id                      INTEGER PRIMARY KEY CHECK (id = 1),
    version                 INTEGER NOT NULL,
    judged_to               INTEGER NOT NULL,
    changed                 INTEGER NOT NULL
) STRICT;
