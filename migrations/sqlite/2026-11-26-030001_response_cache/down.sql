ALTER TABLE projects DROP COLUMN response_cache_ttl;
