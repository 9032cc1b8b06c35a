DROP TABLE price_withdrawals;
ALTER TABLE model_configs DROP COLUMN upcoming_price_id;
ALTER TABLE price_versions DROP COLUMN set_at;
ALTER TABLE price_versions DROP COLUMN set_by;
