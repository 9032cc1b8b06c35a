-- How long calls took, for each provider and each hour of UTC, found from `placed_at`: JSON objects from a step's number to how
-- many calls were in it. Steps are 8 for each doubling of milliseconds (docs/usage.md). `latency` is the whole call as its client
-- waited, `first_token` what was streamed. Calls that ended `ok`, answers from the cache left out. No money depends on it.
CREATE TABLE latency_rollups (
    bucket BIGINT NOT NULL,
    provider_id TEXT NOT NULL,
    latency TEXT NOT NULL,
    first_token TEXT NOT NULL,
    PRIMARY KEY (bucket, provider_id)
) WITHOUT ROWID;
