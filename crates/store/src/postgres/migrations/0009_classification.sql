-- An operator's classification rules: the version in force, those before, and how far stored failures are judged by it.

-- Of a failure: the version of the rules that gave it its verdict (NULL: none), the rule that fitted, and what the
-- built-in table had said, where one did.
ALTER TABLE errors ADD COLUMN ruled_version BIGINT;
ALTER TABLE errors ADD COLUMN ruled_by BIGINT;
ALTER TABLE errors ADD COLUMN found TEXT COLLATE "C";

-- `last_id`: of all rules there ever were.
CREATE TABLE classification_rules (
    id                      BIGINT  PRIMARY KEY CHECK (id = 1),
    version                 BIGINT  NOT NULL,
    last_id                 BIGINT  NOT NULL,
    rules                   TEXT COLLATE "C" NOT NULL
);
CREATE TRIGGER classification_rules_changed AFTER INSERT OR UPDATE OR DELETE OR TRUNCATE ON classification_rules
FOR EACH STATEMENT EXECUTE FUNCTION waybill_config_changed();

CREATE TABLE classification_versions (
    version                 BIGINT  PRIMARY KEY,
    at                      BIGINT  NOT NULL,
    actor                   TEXT COLLATE "C",
    note                    TEXT COLLATE "C",
    rules                   TEXT COLLATE "C" NOT NULL
);

-- Failures up to `judged_to` are judged by `version`, which changed so many of them.
CREATE TABLE classification_fold (
    id                      BIGINT  PRIMARY KEY CHECK (id = 1),
    version                 BIGINT  NOT NULL,
    judged_to               BIGINT  NOT NULL,
    changed                 BIGINT  NOT NULL
);
