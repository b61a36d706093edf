-- Rows of a run as they were at an earlier stage of a batch: 'drawn' as a model wrote them, 'selected' before they were aligned.
-- They are kept to be judged beside the run's own rows, and are none of those: they may break rules, and lie near to real rows,
-- or be copies of them. Of each stage the first 2,000 rows of a run are kept.
-- stage_no: the order of the stages. row_no: of the run's rows of that stage, from 1; no row of the run has to do with the number.
-- cells: column -> value as text, for stages of runs of all shapes in one table. What DuckDB casts back gives the very value:
-- cells['age']::BIGINT, cells['bmi']::DOUBLE (shortest digits that tell it from any other), cells['smoker']::BOOLEAN,
-- cells['visit']::DATE, cells['seen']::TIMESTAMP (no zone, to the microsecond); other kinds are the text itself. NULL is NULL.
CREATE TABLE meta.stages (
  run_id VARCHAR NOT NULL,
  batch_no INTEGER NOT NULL,
  stage_no INTEGER NOT NULL,
  stage VARCHAR NOT NULL,
  row_no BIGINT NOT NULL,
  cells MAP(VARCHAR, VARCHAR) NOT NULL
);
