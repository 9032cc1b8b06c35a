-- What tells the management token that opened a session from others; NULL for a person's. A session of the management token ends
-- when that token is admitted no more.
ALTER TABLE sessions ADD COLUMN opened_by BLOB;
