DROP INDEX usage_of_everybody;
DELETE FROM usage_rollups WHERE subject = 0;
