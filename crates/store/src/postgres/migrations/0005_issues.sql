-- Failures of one kind as one thing: what was folded from the errors, and what people say of it.

-- How far the errors are folded; a second way over them while kinds are counted anew.
CREATE TABLE issue_fold (
    id                      BIGINT PRIMARY KEY CHECK (id = 1),
    folded_to               BIGINT NOT NULL,
    recounted_to            BIGINT NOT NULL,
    recount_end             BIGINT NOT NULL,
    rules_version           BIGINT NOT NULL
);

-- Every fingerprint that was met, and the issue that it is part of, before any is divided.
CREATE TABLE issue_kinds (
    fingerprint             BYTEA PRIMARY KEY,
    issue                   BYTEA NOT NULL,
    platform                TEXT COLLATE "C" NOT NULL,
    phase                   TEXT COLLATE "C" NOT NULL,
    cause                   TEXT COLLATE "C" NOT NULL,
    status_code             BIGINT,
    provider_code           TEXT COLLATE "C",
    title                   TEXT COLLATE "C" NOT NULL,
    recounting              BIGINT NOT NULL
);
CREATE INDEX issue_kinds_by_issue ON issue_kinds (issue);

CREATE TABLE issues (
    issue                   BYTEA PRIMARY KEY,
    title                   TEXT COLLATE "C" NOT NULL,
    platform                TEXT COLLATE "C" NOT NULL,
    phase                   TEXT COLLATE "C" NOT NULL,
    cause                   TEXT COLLATE "C" NOT NULL,
    status_code             BIGINT,
    provider_code           TEXT COLLATE "C",
    owner                   TEXT COLLATE "C" NOT NULL,
    severity                TEXT COLLATE "C" NOT NULL,
    state                   TEXT COLLATE "C" NOT NULL,
    state_since             BIGINT NOT NULL,
    why                     TEXT COLLATE "C" NOT NULL,
    actor                   TEXT COLLATE "C",
    ignore_until            BIGINT,
    ignore_count            BIGINT,
    ignore_escalation       BIGINT NOT NULL,
    first_seen              BIGINT NOT NULL,
    last_seen               BIGINT NOT NULL,
    first_error_id          BIGINT NOT NULL,
    last_error_id           BIGINT NOT NULL,
    sample_error_id         BIGINT NOT NULL,
    seen                    BIGINT NOT NULL,
    hidden                  BIGINT NOT NULL,
    total                   BIGINT NOT NULL,
    users                   BIGINT NOT NULL,
    api_keys                BIGINT NOT NULL,
    accounts                BIGINT NOT NULL,
    models                  BIGINT NOT NULL,
    group_count             BIGINT NOT NULL,
    is_bounded              BIGINT NOT NULL,
    weight                  BIGINT NOT NULL,
    impact                  BIGINT NOT NULL,
    next_look               BIGINT,
    part_of                 BYTEA,
    part_by                 TEXT COLLATE "C",
    part_value              TEXT COLLATE "C",
    recounting              BIGINT NOT NULL
);
CREATE INDEX issues_by_impact ON issues (impact, issue);
CREATE INDEX issues_by_last_seen ON issues (last_seen, issue);
CREATE INDEX issues_by_first_seen ON issues (first_seen, issue);
CREATE INDEX issues_by_total ON issues (total, issue);
CREATE INDEX issues_by_next_look ON issues (next_look) WHERE next_look IS NOT NULL;

CREATE TABLE issue_hours (
    issue                   BYTEA NOT NULL,
    hour                    BIGINT NOT NULL,
    seen                    BIGINT NOT NULL,
    hidden                  BIGINT NOT NULL,
    PRIMARY KEY (issue, hour)
);
CREATE INDEX issue_hours_by_hour ON issue_hours (hour);

-- Whom and what it met. The member '' stands for those beyond the bound.
CREATE TABLE issue_members (
    issue                   BYTEA NOT NULL,
    sort                    TEXT COLLATE "C" NOT NULL,
    member                  TEXT COLLATE "C" NOT NULL,
    name                    TEXT COLLATE "C",
    seen                    BIGINT NOT NULL,
    hidden                  BIGINT NOT NULL,
    last_seen               BIGINT NOT NULL,
    PRIMARY KEY (issue, sort, member)
);
CREATE INDEX issue_members_by_member ON issue_members (sort, member, issue);

CREATE SEQUENCE issue_history_id_seq;
CREATE TABLE issue_history (
    id BIGINT PRIMARY KEY DEFAULT nextval('issue_history_id_seq'),
    issue                   BYTEA NOT NULL,
    at                      BIGINT NOT NULL,
    from_state              TEXT COLLATE "C",
    to_state                TEXT COLLATE "C" NOT NULL,
    why                     TEXT COLLATE "C" NOT NULL,
    actor                   TEXT COLLATE "C",
    detail                  TEXT COLLATE "C"
);
CREATE INDEX issue_history_by_issue ON issue_history (issue, id);

CREATE SEQUENCE issue_notes_id_seq;
CREATE TABLE issue_notes (
    id BIGINT PRIMARY KEY DEFAULT nextval('issue_notes_id_seq'),
    issue                   BYTEA NOT NULL,
    at                      BIGINT NOT NULL,
    author                  TEXT COLLATE "C",
    note                    TEXT COLLATE "C" NOT NULL
);
CREATE INDEX issue_notes_by_issue ON issue_notes (issue, id);

-- Which kinds are one issue, and which issue is several.
CREATE SEQUENCE issue_rules_id_seq;
CREATE TABLE issue_rules (
    id BIGINT PRIMARY KEY DEFAULT nextval('issue_rules_id_seq'),
    body                    TEXT COLLATE "C" NOT NULL,
    created_at              BIGINT NOT NULL,
    created_by              TEXT COLLATE "C"
);
