ALTER TABLE virtual_keys DROP COLUMN limits_mode;
ALTER TABLE virtual_keys DROP COLUMN budget_mode;
ALTER TABLE projects DROP COLUMN limits_mode;
ALTER TABLE projects DROP COLUMN budget_mode;
