-- Which file of weights a run opens, and with which setup, as JSON: what else than the recipe decides its rows. NULL for a run
-- without a model file, and for those made before this was recorded.
ALTER TABLE meta.runs ADD COLUMN setup_json VARCHAR;
