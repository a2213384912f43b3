-- The second factor of admin users: its secret, sealed; whether a code confirmed it; the last step of time whose code
-- was accepted; wrong codes since then.
ALTER TABLE admin_users
    ADD COLUMN totp_secret  BYTEA,
    ADD COLUMN totp_on      BOOLEAN NOT NULL DEFAULT FALSE,
    ADD COLUMN totp_step    BIGINT  NOT NULL DEFAULT 0,
    ADD COLUMN totp_wrong   BIGINT  NOT NULL DEFAULT 0;
