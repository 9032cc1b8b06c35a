ALTER TABLE sessions DROP COLUMN opened_by;
