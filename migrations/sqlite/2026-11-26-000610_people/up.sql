-- Who may sign in. `password` is the hash of one; `projects` the ids a viewer sees, in JSON, NULL for all.
CREATE TABLE users (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    display_name TEXT NOT NULL,
    role TEXT NOT NULL CHECK (role IN ('owner', 'admin', 'operator', 'auditor', 'viewer')),
    password TEXT,
    projects TEXT,
    oidc_issuer TEXT,
    oidc_subject TEXT,
    disabled_at BIGINT,
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL,
    UNIQUE (oidc_issuer, oidc_subject)
);

-- Who is signed in. `digest` is a keyed hash of what the token carries; `former_digest` the one before, for half a minute. Without
-- `user_id` it is the management token's.
CREATE TABLE sessions (
    id TEXT PRIMARY KEY NOT NULL,
    user_id TEXT REFERENCES users (id) ON DELETE CASCADE,
    digest BLOB NOT NULL UNIQUE,
    former_digest BLOB UNIQUE,
    former_until BIGINT,
    agent TEXT NOT NULL,
    address TEXT,
    created_at BIGINT NOT NULL,
    issued_at BIGINT NOT NULL,
    seen_at BIGINT NOT NULL,
    expires_at BIGINT NOT NULL,
    ends_at BIGINT NOT NULL
);
CREATE INDEX sessions_user_id ON sessions (user_id);

-- From where people have signed in, and when last.
CREATE TABLE familiar_networks (
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    network TEXT NOT NULL,
    last_at BIGINT NOT NULL,
    PRIMARY KEY (user_id, network)
) WITHOUT ROWID;

-- Guesses at passwords that no sign-in took back: a day of at most a hundred an hour for each account.
CREATE TABLE sign_in_failures (
    id INTEGER PRIMARY KEY NOT NULL,
    user_id TEXT NOT NULL REFERENCES users (id) ON DELETE CASCADE,
    network TEXT NOT NULL,
    familiar BOOLEAN NOT NULL,
    at BIGINT NOT NULL
);
CREATE INDEX sign_in_failures_user_id ON sign_in_failures (user_id, network);
CREATE INDEX sign_in_failures_at ON sign_in_failures (at);
