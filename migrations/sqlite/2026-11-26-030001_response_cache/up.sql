-- For how many seconds a project's answers are given again. A project without it asks anew each time.
ALTER TABLE projects ADD COLUMN response_cache_ttl BIGINT;
