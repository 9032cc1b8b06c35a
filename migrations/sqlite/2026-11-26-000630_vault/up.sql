-- The master key this database is sealed under (its id and a check value, which reveal nothing of it) and how often the installation
-- was restored, beginning with 1: tokens of an earlier generation count no more.
CREATE TABLE installation (
    id BIGINT PRIMARY KEY NOT NULL CHECK (id = 1),
    key_id BLOB NOT NULL,
    check_value BLOB NOT NULL,
    generation BIGINT NOT NULL,
    created_at BIGINT NOT NULL
);

-- Keys that outlive a master key, sealed under it.
CREATE TABLE kept_keys (
    name TEXT PRIMARY KEY NOT NULL,
    sealed BLOB NOT NULL
);
