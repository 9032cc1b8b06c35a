DROP TABLE kept_keys;
DROP TABLE installation;
