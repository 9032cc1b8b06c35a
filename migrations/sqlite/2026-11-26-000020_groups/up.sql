-- Groups: one model name for several models. `targets` is a JSON list, in order: {"model" or "group": name, "weight", "when"}.
-- Targets are names, as clients use them; that they are there is the registry's business. `managed_by` is as in the catalogue.
CREATE TABLE model_groups (
    id TEXT PRIMARY KEY NOT NULL,
    name TEXT NOT NULL UNIQUE,
    strategy TEXT NOT NULL,
    targets TEXT NOT NULL,
    managed_by TEXT NOT NULL DEFAULT 'api',
    created_at BIGINT NOT NULL,
    updated_at BIGINT NOT NULL
);
