-- Whether a person gave the dataset's schema; FALSE where it was inferred from the rows, and for datasets with rows that were
-- brought in before this was recorded.
ALTER TABLE meta.datasets ADD COLUMN declared BOOLEAN DEFAULT FALSE;
UPDATE meta.datasets SET declared = TRUE WHERE rows = 0;

-- Statistics a run was given: name is 'given' (all of a file), 'margins' or 'tables', question what was asked for, value_json
-- the answer, (epsilon, delta) the budget of all the run's statistics together. cells is the answer again, cell by cell and in
-- words: of margins (table_no 0) or of joint tables (from 1); the views below unfold it. No earlier version wrote into the
-- table that this one replaces.
DROP TABLE meta.statistics;
CREATE TABLE meta.statistics (
  dataset VARCHAR NOT NULL,
  run_id VARCHAR NOT NULL,
  name VARCHAR NOT NULL,
  question VARCHAR NOT NULL,
  origin VARCHAR NOT NULL,
  value_json VARCHAR NOT NULL,
  cells STRUCT(table_no INTEGER, why VARCHAR, columns VARCHAR[], cells VARCHAR[], share DOUBLE, total DOUBLE)[] NOT NULL,
  epsilon DOUBLE,
  delta DOUBLE,
  position INTEGER NOT NULL,
  made_at TIMESTAMP NOT NULL
);

-- What a run was given last.
CREATE VIEW meta.margins AS
  SELECT run_id, dataset, origin, cell.columns[1] AS column_name, cell.cells[1] AS cell, cell.share, cell.total
  FROM (
    SELECT run_id, dataset, origin, unnest(cells) AS cell
    FROM (
      SELECT * FROM meta.statistics WHERE name IN ('given', 'margins')
      QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY position DESC) = 1
    )
  )
  WHERE cell.table_no = 0;

CREATE VIEW meta.tables AS
  SELECT run_id, dataset, origin, cell.table_no, cell.why, cell.columns, cell.cells, cell.share, cell.total
  FROM (
    SELECT run_id, dataset, origin, unnest(cells) AS cell
    FROM (
      SELECT * FROM meta.statistics WHERE name = 'tables'
      QUALIFY row_number() OVER (PARTITION BY run_id ORDER BY position DESC) = 1
    )
  )
  WHERE cell.table_no > 0;
