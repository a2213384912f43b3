-- The second factor of admin users: its secret, sealed; whether a code confirmed it; the last step of time whose code
-- was accepted; wrong codes since then.
ALTER TABLE admin_users ADD COLUMN totp_secret BLOB;
ALTER TABLE admin_users ADD COLUMN totp_on INTEGER NOT NULL DEFAULT 0;
ALTER TABLE admin_users ADD COLUMN totp_step INTEGER NOT NULL DEFAULT 0;
ALTER TABLE admin_users ADD COLUMN totp_wrong INTEGER NOT NULL DEFAULT 0;
