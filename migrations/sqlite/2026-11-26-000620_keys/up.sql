-- Since when the keys of a project, and of those below it, may not call.
ALTER TABLE projects ADD COLUMN deactivated_at BIGINT;
-- What a key may call: paths, and values of parameters; JSON, none for everything.
ALTER TABLE virtual_keys ADD COLUMN allowed_endpoints TEXT;
ALTER TABLE virtual_keys ADD COLUMN allowed_parameters TEXT;
-- The secret before the last rotation, as long as it still opens the key.
ALTER TABLE virtual_keys ADD COLUMN former_digest BLOB;
ALTER TABLE virtual_keys ADD COLUMN former_prefix TEXT;
ALTER TABLE virtual_keys ADD COLUMN former_until BIGINT;
ALTER TABLE virtual_keys ADD COLUMN created_by TEXT;
ALTER TABLE virtual_keys ADD COLUMN last_used_at BIGINT;
CREATE UNIQUE INDEX virtual_keys_former_digest ON virtual_keys (former_digest) WHERE former_digest IS NOT NULL;
-- Tokens that were taken back before their time was over.
CREATE TABLE revoked_tokens (
    jti TEXT PRIMARY KEY NOT NULL,
    until BIGINT NOT NULL,
    revoked_at BIGINT NOT NULL
);
-- Tokens of keys that end after a number of requests, and how many they had.
CREATE TABLE key_tokens (
    jti TEXT PRIMARY KEY NOT NULL,
    key_id TEXT NOT NULL,
    until BIGINT NOT NULL,
    max_requests BIGINT NOT NULL,
    used BIGINT NOT NULL
);
-- Where keys are used from and with which program, by day.
CREATE TABLE key_uses (
    key_id TEXT NOT NULL,
    day BIGINT NOT NULL,
    network TEXT NOT NULL,
    agent TEXT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (key_id, day, network, agent)
) WITHOUT ROWID;
