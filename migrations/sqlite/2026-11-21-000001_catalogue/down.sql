DROP TRIGGER price_versions_are_never_removed;
DROP TRIGGER price_versions_are_never_altered;
DROP TABLE model_configs;
DROP TABLE price_versions;
DROP TABLE providers;
DROP TABLE virtual_keys;
DROP TABLE projects;
