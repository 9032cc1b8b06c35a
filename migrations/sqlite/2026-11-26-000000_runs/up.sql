-- Runs of a key by their names. Calls outside of runs do not pay for it. `seq` is at the end of every index by itself,
-- so a run's latest line is one step.
CREATE INDEX ledger_entries_by_run ON ledger_entries (key_id, run) WHERE run IS NOT NULL;
