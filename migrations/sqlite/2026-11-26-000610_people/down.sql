DROP TABLE sign_in_failures;
DROP TABLE familiar_networks;
DROP TABLE sessions;
DROP TABLE users;
