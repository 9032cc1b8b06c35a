-- What was paid to a provider in advance. `spent_before` is what its account had been charged since a day before
-- `set_at` when the credit was set: the rollup's rows are longer than a moment, so the sum is kept instead of a time.
-- Amounts are decimal texts of dollars.
CREATE TABLE provider_credits (
    provider_id TEXT PRIMARY KEY NOT NULL REFERENCES providers (id) ON DELETE CASCADE,
    credit TEXT NOT NULL,
    low TEXT,
    spent_before TEXT NOT NULL,
    set_at BIGINT NOT NULL,
    warned BOOLEAN NOT NULL
);
