-- Why a request went where it went: a line of text for each decision. NULL: the model was named and had one deployment.
ALTER TABLE ledger_entries ADD COLUMN route TEXT;
