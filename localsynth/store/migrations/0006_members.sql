-- Statistics of a run of members are of several parts: of all members by themselves (empty), of first members and of the others
-- beside what they belong to. The part stands before the name, with a space between.
CREATE OR REPLACE VIEW meta.margins AS
  SELECT run_id, dataset, origin, cell.columns[1] AS column_name, cell.cells[1] AS cell, cell.share, cell.total, part
  FROM (
    SELECT run_id, dataset, origin, unnest(cells) AS cell, part
    FROM (
      SELECT *, CASE WHEN name LIKE '% %' THEN split_part(name, ' ', 1) ELSE '' END AS part
      FROM meta.statistics WHERE name IN ('given', 'margins') OR name LIKE '% margins'
      QUALIFY row_number() OVER (PARTITION BY run_id, part ORDER BY position DESC) = 1
    )
  )
  WHERE cell.table_no = 0;

CREATE OR REPLACE VIEW meta.tables AS
  SELECT run_id, dataset, origin, cell.table_no, cell.why, cell.columns, cell.cells, cell.share, cell.total, part
  FROM (
    SELECT run_id, dataset, origin, unnest(cells) AS cell, part
    FROM (
      SELECT *, CASE WHEN name LIKE '% %' THEN split_part(name, ' ', 1) ELSE '' END AS part
      FROM meta.statistics WHERE name = 'tables' OR name LIKE '% tables'
      QUALIFY row_number() OVER (PARTITION BY run_id, part ORDER BY position DESC) = 1
    )
  )
  WHERE cell.table_no > 0;
