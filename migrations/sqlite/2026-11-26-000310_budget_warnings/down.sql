ALTER TABLE virtual_keys DROP COLUMN budget_warn;
ALTER TABLE projects DROP COLUMN budget_warn;
