-- The workspace's own tables. Schemas: real (imported rows), synth (made rows), synth_old (rows of runs whose columns have
-- since changed), meta (everything else); main holds the views people query.
-- No foreign keys: DuckDB refuses to update a referenced row that holds a list. The store keeps references whole, and its
-- tests prove it. All timestamps are UTC.

CREATE SCHEMA meta;
CREATE SCHEMA real;
CREATE SCHEMA synth;
CREATE SCHEMA synth_old;

CREATE TABLE meta.migrations (
  version INTEGER NOT NULL,
  name VARCHAR NOT NULL,
  app_version VARCHAR NOT NULL,
  applied_at TIMESTAMP NOT NULL
);

-- generation numbers the shapes (columns and types) the dataset's made rows have had; synth.<name> holds the latest.
CREATE TABLE meta.datasets (
  name VARCHAR NOT NULL,
  schema_json VARCHAR NOT NULL,
  policy VARCHAR NOT NULL,
  rows BIGINT NOT NULL,
  train_rows BIGINT NOT NULL,
  holdout_rows BIGINT NOT NULL,
  source VARCHAR,
  seed BIGINT NOT NULL,
  generation INTEGER NOT NULL,
  imported_at TIMESTAMP NOT NULL
);

CREATE TABLE meta.columns (
  dataset VARCHAR NOT NULL,
  position INTEGER NOT NULL,
  name VARCHAR NOT NULL,
  kind VARCHAR NOT NULL,
  unit VARCHAR,
  description VARCHAR NOT NULL,
  nullable BOOLEAN NOT NULL,
  null_rate DOUBLE,
  column_json VARCHAR NOT NULL
);

CREATE TABLE meta.rules (
  dataset VARCHAR NOT NULL,
  position INTEGER NOT NULL,
  name VARCHAR NOT NULL,
  predicate VARCHAR NOT NULL,
  description VARCHAR NOT NULL
);

-- part is 'train' or 'holdout'.
CREATE TABLE meta.splits (
  dataset VARCHAR NOT NULL,
  row_id BIGINT NOT NULL,
  part VARCHAR NOT NULL
);

-- Models that runs have used.
CREATE TABLE meta.models (
  sha256 VARCHAR NOT NULL,
  name VARCHAR NOT NULL,
  first_used_at TIMESTAMP NOT NULL
);

CREATE TABLE meta.runs (
  run_id VARCHAR NOT NULL,
  dataset VARCHAR NOT NULL,
  generation INTEGER NOT NULL,
  method VARCHAR NOT NULL,
  method_version INTEGER NOT NULL,
  exposure VARCHAR NOT NULL,
  model VARCHAR,
  model_sha256 VARCHAR,
  rows_wanted BIGINT NOT NULL,
  rows_done BIGINT NOT NULL,
  seed BIGINT NOT NULL,
  status VARCHAR NOT NULL,
  recipe_json VARCHAR NOT NULL,
  recipe_path VARCHAR,
  fingerprint VARCHAR NOT NULL,
  schema_json VARCHAR NOT NULL,
  started_at TIMESTAMP NOT NULL,
  finished_at TIMESTAMP,
  message VARCHAR NOT NULL
);

-- first_row is the row_no of the batch's first row; batch 0 has no rows, it holds what was learnt before the first row.
CREATE TABLE meta.batches (
  run_id VARCHAR NOT NULL,
  batch_no INTEGER NOT NULL,
  first_row BIGINT NOT NULL,
  rows BIGINT NOT NULL,
  seed BIGINT NOT NULL,
  calls BIGINT NOT NULL,
  samples BIGINT NOT NULL,
  prompt_tokens BIGINT NOT NULL,
  decoded_tokens BIGINT NOT NULL,
  forced_tokens BIGINT NOT NULL,
  seconds DOUBLE NOT NULL,
  finished_at TIMESTAMP NOT NULL
);

CREATE TABLE meta.calls (
  run_id VARCHAR NOT NULL,
  batch_no INTEGER NOT NULL,
  call_no INTEGER NOT NULL,
  purpose VARCHAR NOT NULL,
  requests BIGINT NOT NULL,
  prompt VARCHAR NOT NULL,
  seed BIGINT NOT NULL,
  calls BIGINT NOT NULL,
  samples BIGINT NOT NULL,
  prompt_tokens BIGINT NOT NULL,
  decoded_tokens BIGINT NOT NULL,
  forced_tokens BIGINT NOT NULL,
  seconds DOUBLE NOT NULL
);

CREATE TABLE meta.rejects (
  run_id VARCHAR NOT NULL,
  batch_no INTEGER NOT NULL,
  reason VARCHAR NOT NULL,
  detail VARCHAR NOT NULL,
  text VARCHAR NOT NULL
);

-- The latest state of each run, enough to go on from batch_no + 1.
CREATE TABLE meta.checkpoints (
  run_id VARCHAR NOT NULL,
  batch_no INTEGER NOT NULL,
  state_json VARCHAR NOT NULL
);

CREATE TABLE meta.events (
  run_id VARCHAR NOT NULL,
  type VARCHAR NOT NULL,
  happened_at TIMESTAMP NOT NULL,
  event_json VARCHAR NOT NULL
);

-- Statistics a run was given, with the privacy budget they cost.
CREATE TABLE meta.statistics (
  dataset VARCHAR NOT NULL,
  run_id VARCHAR,
  name VARCHAR NOT NULL,
  value_json VARCHAR NOT NULL,
  epsilon DOUBLE,
  made_at TIMESTAMP NOT NULL
);

CREATE TABLE meta.metrics (
  run_id VARCHAR NOT NULL,
  metric VARCHAR NOT NULL,
  subject VARCHAR NOT NULL,
  score DOUBLE,
  detail_json VARCHAR NOT NULL,
  computed_at TIMESTAMP NOT NULL
);
