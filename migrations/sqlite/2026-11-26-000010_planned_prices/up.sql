-- Who set a price and when. Versions older than this record do not know it.
ALTER TABLE price_versions ADD COLUMN set_by TEXT;
ALTER TABLE price_versions ADD COLUMN set_at BIGINT;

-- The version that takes over at its own `effective_from`. A row that still names it after that moment is read as if the
-- version were in force.
ALTER TABLE model_configs ADD COLUMN upcoming_price_id TEXT REFERENCES price_versions (id);

-- Planned prices that were given up before their moment: the version stays, this line says that it never came into force.
CREATE TABLE price_withdrawals (
    price_id TEXT PRIMARY KEY NOT NULL REFERENCES price_versions (id),
    withdrawn_at BIGINT NOT NULL,
    withdrawn_by TEXT NOT NULL
);

CREATE TRIGGER price_withdrawals_are_never_altered BEFORE UPDATE ON price_withdrawals
BEGIN
    SELECT RAISE (ABORT, 'a withdrawal of a price is never altered');
END;

CREATE TRIGGER price_withdrawals_are_never_removed BEFORE DELETE ON price_withdrawals
BEGIN
    SELECT RAISE (ABORT, 'a withdrawal of a price is never removed');
END;
