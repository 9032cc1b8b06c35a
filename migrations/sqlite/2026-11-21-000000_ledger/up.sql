-- The ledger: one line for each attempt, correction and adjustment, what each account spent, and how far the journal has been applied.
-- Amounts are picodollars and times Unix milliseconds, both in 64 bits.

-- One wide row for each line: the transfer (debit account, credit account, amount) with everything needed to derive
-- its amount again. `seq` is the number of the journal record that completed it. `price` holds the rates themselves,
-- so that no later change of a price can touch what was booked. Each index costs processor time for every call.
CREATE TABLE ledger_entries (
    seq INTEGER PRIMARY KEY NOT NULL,
    kind TEXT NOT NULL,
    request_id TEXT NOT NULL,
    placed_at BIGINT NOT NULL,
    closed_at BIGINT NOT NULL,
    key_id TEXT NOT NULL,
    project_id TEXT NOT NULL,
    scopes TEXT NOT NULL,
    model TEXT NOT NULL,
    dialect TEXT NOT NULL,
    stream BOOLEAN NOT NULL,
    run TEXT,
    provider_id TEXT,
    deployment_id TEXT,
    upstream_model TEXT,
    price_id TEXT,
    price TEXT,
    input BIGINT NOT NULL,
    cache_read BIGINT NOT NULL,
    cache_write_5m BIGINT NOT NULL,
    cache_write_1h BIGINT NOT NULL,
    output BIGINT NOT NULL,
    reasoning BIGINT NOT NULL,
    units TEXT,
    tier TEXT NOT NULL,
    provenance TEXT NOT NULL,
    status TEXT NOT NULL,
    http_status INTEGER NOT NULL,
    attempts INTEGER NOT NULL,
    latency_ms BIGINT NOT NULL,
    first_token_ms BIGINT,
    held BIGINT NOT NULL,
    amount BIGINT NOT NULL,
    debit_account TEXT NOT NULL,
    credit_account TEXT NOT NULL,
    hash BLOB NOT NULL
);

-- Each request has exactly one line of the kind 'call'; the others ('attempt', 'correction') are few.
CREATE UNIQUE INDEX ledger_entries_one_call ON ledger_entries (request_id) WHERE kind = 'call';
CREATE INDEX ledger_entries_beside_a_call ON ledger_entries (request_id) WHERE kind <> 'call';

CREATE INDEX ledger_entries_by_project ON ledger_entries (project_id, seq);
CREATE INDEX ledger_entries_by_key ON ledger_entries (key_id, seq);

-- Lines that no request made: operators charge or give back money. `seq` runs through both tables.
CREATE TABLE ledger_adjustments (
    seq INTEGER PRIMARY KEY NOT NULL,
    id TEXT NOT NULL UNIQUE,
    booked_at BIGINT NOT NULL,
    scopes TEXT NOT NULL,
    provider_id TEXT,
    amount BIGINT NOT NULL,
    reason TEXT NOT NULL,
    actor TEXT NOT NULL,
    request_id TEXT,
    debit_account TEXT NOT NULL,
    credit_account TEXT NOT NULL,
    hash BLOB NOT NULL
);

-- Runs that an operator has ended: they are admitted no more.
CREATE TABLE killed_runs (
    id TEXT PRIMARY KEY NOT NULL,
    killed_at BIGINT NOT NULL
);

-- What each account was charged in each quarter of an hour; `bucket` is its first moment, found from `placed_at`.
-- A quarter, because every time zone in use is a multiple of 15 minutes from UTC: whatever zone a budget follows,
-- each of its windows is a sum of whole rows. Accounts are every scope of an entry (debits) and its provider (credits). `calls` counts the requests
-- that were admitted.
-- SQLite turns a sum beyond 64 bits into a floating point number; the check refuses it instead.
CREATE TABLE spend (
    account TEXT NOT NULL,
    bucket BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (typeof(amount) = 'integer'),
    entries BIGINT NOT NULL,
    calls BIGINT NOT NULL,
    PRIMARY KEY (account, bucket)
) WITHOUT ROWID;

-- Who used what where: each combination that usage was ever rolled up for. Requests that were refused before a target was
-- chosen have the model '' and the provider '', so that no stranger can make rows by inventing names; adjustments have
-- the model ''.
CREATE TABLE usage_subjects (
    id INTEGER PRIMARY KEY NOT NULL,
    project_id TEXT NOT NULL,
    key_id TEXT NOT NULL,
    model TEXT NOT NULL,
    provider_id TEXT NOT NULL,
    UNIQUE (project_id, key_id, model, provider_id)
);

-- What each subject used in each quarter of an hour, and the same again in each day of UTC: any range is a sum of days
-- and of quarters at its ends, in every time zone. `span` is the length of `bucket` in milliseconds. `amount` is what
-- requests cost, `adjusted` what operators booked. In the order of time, so that a batch touches few pages.
CREATE TABLE usage_rollups (
    span BIGINT NOT NULL,
    bucket BIGINT NOT NULL,
    subject BIGINT NOT NULL,
    requests BIGINT NOT NULL,
    errors BIGINT NOT NULL,
    refused BIGINT NOT NULL,
    estimated BIGINT NOT NULL,
    input BIGINT NOT NULL,
    cache_read BIGINT NOT NULL,
    cache_write_5m BIGINT NOT NULL,
    cache_write_1h BIGINT NOT NULL,
    output BIGINT NOT NULL,
    reasoning BIGINT NOT NULL,
    audio_input BIGINT NOT NULL,
    audio_output BIGINT NOT NULL,
    image_input BIGINT NOT NULL,
    image_output BIGINT NOT NULL,
    images BIGINT NOT NULL,
    audio_ms BIGINT NOT NULL,
    characters BIGINT NOT NULL,
    searches BIGINT NOT NULL,
    amount BIGINT NOT NULL CHECK (typeof(amount) = 'integer'),
    adjusted BIGINT NOT NULL CHECK (typeof(adjusted) = 'integer'),
    PRIMARY KEY (span, bucket, subject)
) WITHOUT ROWID;

-- One row: every line up to `applied_seq` is in the tables above, and `chain_head` is the hash of the last one. Changed in the same transaction as they are, which
-- is what makes replaying the journal harmless.
CREATE TABLE journal_state (
    id INTEGER PRIMARY KEY NOT NULL CHECK (id = 1),
    applied_seq BIGINT NOT NULL,
    chain_head BLOB NOT NULL
);
INSERT INTO journal_state (id, applied_seq, chain_head) VALUES (1, 0, zeroblob (32));
