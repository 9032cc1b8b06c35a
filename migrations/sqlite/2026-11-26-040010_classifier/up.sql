-- Who rates the requests of a group whose strategy is `classifier`: {"model": a model's or group's name, "scale": the highest
-- rating}. NULL: nobody does.
ALTER TABLE model_groups ADD COLUMN classifier TEXT;
