DROP TABLE latency_rollups;
