DROP TABLE journal_state;
DROP TABLE spend;
DROP TABLE ledger_entries;
