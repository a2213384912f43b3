-- Whose clients a group serves, and where and how an account's server is spoken to. Nothing is the default.
ALTER TABLE groups ADD COLUMN protocols TEXT;
ALTER TABLE accounts ADD COLUMN fallback_urls TEXT;
ALTER TABLE accounts ADD COLUMN apis TEXT;
ALTER TABLE accounts ADD COLUMN project TEXT;
