-- Scores as core.judging.Score has them: of a table (no column), a column, or a pair; item says what else they are of (a rule, a
-- bin of a histogram). subject is a run's id, REAL, or a reference method judged beside it; position keeps their order.
-- dataset is the one whose real rows they were held against. No earlier version wrote into the table that this one replaces.
DROP TABLE meta.metrics;
CREATE TABLE meta.metrics (
  run_id VARCHAR NOT NULL,
  dataset VARCHAR NOT NULL,
  subject VARCHAR NOT NULL,
  family VARCHAR NOT NULL,
  metric VARCHAR NOT NULL,
  column_a VARCHAR,
  column_b VARCHAR,
  item VARCHAR,
  value DOUBLE,
  low DOUBLE,
  high DOUBLE,
  note VARCHAR NOT NULL,
  position INTEGER NOT NULL,
  seed BIGINT NOT NULL,
  reference_rows BIGINT NOT NULL,
  computed_at TIMESTAMP NOT NULL
);
