-- Idempotency keys: who used one, with what, and the answer. `slot` is the hash of virtual key, route and the client's key,
-- `fingerprint` that of the request's body, `body` the answer under the vault's seal: nothing here can be read without the
-- master key. A row without `shape` has no answer: its request runs, or is in doubt. `doubtful` lists earlier requests with
-- the key that may have been charged without an answer, oldest first. Rows are removed a day after their last use.
CREATE TABLE idempotency_keys (
    slot BLOB PRIMARY KEY NOT NULL,
    fingerprint BLOB NOT NULL,
    request_id TEXT NOT NULL,
    doubtful TEXT NOT NULL,
    claimed_at BIGINT NOT NULL,
    shape TEXT,
    body BLOB
);

CREATE INDEX idempotency_keys_claimed_at ON idempotency_keys (claimed_at);
