-- What a replay of many did to the issues of its failures, written at its end: JSON.
ALTER TABLE replays ADD COLUMN issues TEXT COLLATE "C" NOT NULL DEFAULT '[]';
