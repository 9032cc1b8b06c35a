DROP TABLE model_groups;
