-- Whether limits and budgets refuse what does not fit or only count it. One without a mode refuses.
ALTER TABLE projects ADD COLUMN budget_mode TEXT;
ALTER TABLE projects ADD COLUMN limits_mode TEXT;
ALTER TABLE virtual_keys ADD COLUMN budget_mode TEXT;
ALTER TABLE virtual_keys ADD COLUMN limits_mode TEXT;
