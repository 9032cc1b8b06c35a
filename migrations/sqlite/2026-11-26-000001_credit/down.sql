DROP TABLE provider_credits;
