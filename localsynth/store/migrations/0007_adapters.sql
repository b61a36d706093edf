-- LoRA adapters in the folder adapters: what a method learnt from the train rows of a dataset, for one model. file is relative to
-- the workspace; settings_json, curve_json and column_order are as the method told them. stale: the dataset's train rows are no
-- longer those of rows_sha256. An adapter outlives its run, and goes with its dataset.
CREATE TABLE meta.adapters (
  adapter_id VARCHAR NOT NULL,
  name VARCHAR,
  run_id VARCHAR NOT NULL,
  dataset VARCHAR NOT NULL,
  rows_sha256 VARCHAR NOT NULL,
  method VARCHAR NOT NULL,
  recipe_json VARCHAR NOT NULL,
  model VARCHAR NOT NULL,
  model_sha256 VARCHAR NOT NULL,
  architecture VARCHAR NOT NULL,
  file VARCHAR NOT NULL,
  sha256 VARCHAR NOT NULL,
  size BIGINT NOT NULL,
  created_at TIMESTAMP NOT NULL,
  settings_json VARCHAR NOT NULL,
  curve_json VARCHAR NOT NULL,
  column_order VARCHAR[] NOT NULL,
  exposure VARCHAR NOT NULL,
  stale BOOLEAN NOT NULL
);
