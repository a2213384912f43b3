-- What requests are like, successes too, so that failures can be compared with them. Nothing is known of rows
-- that were written before; where `traits` is known, a `client` that is not is one without a name.
ALTER TABLE requests ADD COLUMN client TEXT COLLATE "C";
ALTER TABLE requests ADD COLUMN traits TEXT COLLATE "C";
ALTER TABLE requests ADD COLUMN config_version BIGINT;
ALTER TABLE requests ADD COLUMN egress TEXT COLLATE "C";
ALTER TABLE errors ADD COLUMN client TEXT COLLATE "C";
ALTER TABLE errors ADD COLUMN traits TEXT COLLATE "C";
ALTER TABLE errors ADD COLUMN config_version BIGINT;
ALTER TABLE errors ADD COLUMN egress TEXT COLLATE "C";
ALTER TABLE requests ADD COLUMN body_bytes BIGINT;
