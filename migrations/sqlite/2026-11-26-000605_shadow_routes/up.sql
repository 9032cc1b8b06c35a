-- The model or group whose calls a group watches without serving them; NULL: none.
ALTER TABLE model_groups ADD COLUMN shadows TEXT;
