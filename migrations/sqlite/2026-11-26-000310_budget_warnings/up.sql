-- Of which percents of a budget operators are told: a JSON list. A budget without one has the usual ones.
ALTER TABLE projects ADD COLUMN budget_warn TEXT;
ALTER TABLE virtual_keys ADD COLUMN budget_warn TEXT;
