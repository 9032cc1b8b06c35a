DROP TABLE usage_rollups;
DROP TABLE usage_subjects;
DROP TABLE journal_state;
DROP TABLE spend;
DROP TABLE ledger_entries;
