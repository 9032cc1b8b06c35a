-- The catalogue: who is charged (projects, virtual_keys) and where calls go (providers, model_configs, price_versions).
-- Money in picodollars, rates in picodollars per million tokens, times in Unix milliseconds, all in 64 bits; a budget's
-- limit is a decimal text of dollars, because it may exceed them. `managed_by` is 'api', or 'config' for what the
-- configuration file declares.

CREATE TABLE projects (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    parent_id TEXT REFERENCES projects (id),
    budget_limit TEXT,
    budget_window TEXT,
    budget_time_zone TEXT,
    rpm BIGINT,
    tpm BIGINT,
    concurrency BIGINT,
    allowed_models TEXT NOT NULL,
    managed_by TEXT NOT NULL DEFAULT 'api',
    created_at BIGINT NOT NULL
);

CREATE INDEX projects_parent_id ON projects (parent_id);

-- A key is found by the keyed hash of its secret; the secret itself is nowhere. Rows stay when a key is revoked.
CREATE TABLE virtual_keys (
    id TEXT PRIMARY KEY NOT NULL,
    project_id TEXT NOT NULL REFERENCES projects (id),
    name TEXT NOT NULL,
    prefix TEXT NOT NULL,
    digest BLOB NOT NULL UNIQUE,
    budget_limit TEXT,
    budget_window TEXT,
    budget_time_zone TEXT,
    rpm BIGINT,
    tpm BIGINT,
    concurrency BIGINT,
    allowed_models TEXT NOT NULL,
    max_requests BIGINT,
    run_limit TEXT,
    expires_at BIGINT,
    revoked_at BIGINT,
    created_at BIGINT NOT NULL
);

CREATE INDEX virtual_keys_project_id ON virtual_keys (project_id);

-- `api_key_sealed` is the provider's key under the vault's seal.
CREATE TABLE providers (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    base_url TEXT NOT NULL,
    api_key_sealed BLOB,
    allow_private_network BOOLEAN NOT NULL,
    enabled BOOLEAN NOT NULL,
    connect_ms BIGINT NOT NULL,
    first_byte_ms BIGINT,
    idle_ms BIGINT NOT NULL,
    total_ms BIGINT NOT NULL,
    managed_by TEXT NOT NULL DEFAULT 'api',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);

-- Every price that was ever in force, as JSON: rates, fees, context and service tiers. Entries of the ledger name a version, so a version outlives its deployment and no
-- statement may alter or remove it.
CREATE TABLE price_versions (
    id TEXT PRIMARY KEY NOT NULL,
    deployment_id TEXT NOT NULL,
    effective_from BIGINT NOT NULL,
    price TEXT NOT NULL
);

CREATE INDEX price_versions_deployment_id ON price_versions (deployment_id, effective_from);

CREATE TRIGGER price_versions_are_never_altered BEFORE UPDATE ON price_versions
BEGIN
    SELECT RAISE (ABORT, 'a version of a price is never altered');
END;

CREATE TRIGGER price_versions_are_never_removed BEFORE DELETE ON price_versions
BEGIN
    SELECT RAISE (ABORT, 'a version of a price is never removed');
END;

-- One deployment in each row. `price_id` names the version of the price in force; the rates beside it are a copy for
-- people who read the table. A row without `price_id` has no price, which is not a price of zero.
CREATE TABLE model_configs (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL,
    provider_id TEXT NOT NULL REFERENCES providers (id),
    upstream_model TEXT NOT NULL,
    weight BIGINT NOT NULL,
    priority INTEGER NOT NULL,
    dialects TEXT NOT NULL,
    max_output_tokens BIGINT,
    context_window BIGINT,
    input_cost_per_m BIGINT,
    output_cost_per_m BIGINT,
    cache_read_cost_per_m BIGINT,
    cache_write_cost_per_m BIGINT,
    cache_write_1h_cost_per_m BIGINT,
    reasoning_cost_per_m BIGINT,
    price_id TEXT REFERENCES price_versions (id),
    price_effective_from BIGINT,
    price_source TEXT NOT NULL CHECK (price_source IN ('own', 'refreshed', 'bundled')),
    managed_by TEXT NOT NULL DEFAULT 'api',
    created_at BIGINT NOT NULL,
    UNIQUE (name, provider_id, upstream_model)
);

CREATE INDEX model_configs_provider_id ON model_configs (provider_id);
