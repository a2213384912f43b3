-- How often a message was sent without an answer: each time it may have arrived.
ALTER TABLE notifications ADD COLUMN unanswered INTEGER NOT NULL DEFAULT 0;
