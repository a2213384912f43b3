-- Whose clients a group serves, and where and how an account's server is spoken to. Nothing is the default:
-- what a program writes that does not know these columns means what it meant to that program.
ALTER TABLE groups ADD COLUMN protocols TEXT COLLATE "C";
ALTER TABLE accounts ADD COLUMN fallback_urls TEXT COLLATE "C";
ALTER TABLE accounts ADD COLUMN apis TEXT COLLATE "C";
ALTER TABLE accounts ADD COLUMN project TEXT COLLATE "C";
