"""The words of DuckDB's SQL that are offered while typing."""

from __future__ import annotations

import re

__all__ = ["AFTER_THESE_A_TABLE", "KEYWORDS", "RESERVED"]

#: Written in a person's case; those of two words are one choice.
KEYWORDS = tuple(
    re.split(
        r"\s*[|\n]\s*",
        """\
    SELECT|FROM|WHERE|GROUP BY|GROUP BY ALL|ORDER BY|ORDER BY ALL|HAVING|QUALIFY|LIMIT|OFFSET|DISTINCT|DISTINCT ON|AS|ON
    USING|JOIN|LEFT JOIN|RIGHT JOIN|FULL JOIN|INNER JOIN|CROSS JOIN|SEMI JOIN|ANTI JOIN|ASOF JOIN|POSITIONAL JOIN|LATERAL
    UNION|UNION ALL|UNION ALL BY NAME|EXCEPT|INTERSECT|WITH|WITH RECURSIVE|MATERIALIZED|VALUES|CASE|WHEN|THEN|ELSE|END
    AND|OR|NOT|IN|IS NULL|IS NOT NULL|IS DISTINCT FROM|IS NOT DISTINCT FROM|LIKE|ILIKE|SIMILAR TO|BETWEEN|EXISTS|ANY|ALL
    NULL|TRUE|FALSE|ASC|DESC|NULLS FIRST|NULLS LAST|OVER|PARTITION BY|WINDOW|ROWS BETWEEN|RANGE BETWEEN
    UNBOUNDED PRECEDING|UNBOUNDED FOLLOWING|CURRENT ROW|FILTER|WITHIN GROUP|EXCLUDE|REPLACE|COLUMNS|CAST|TRY_CAST|INTERVAL
    PIVOT|UNPIVOT|USING SAMPLE|TABLESAMPLE|DESCRIBE|SUMMARIZE|SHOW ALL TABLES|SHOW TABLES|EXPLAIN|EXPLAIN ANALYZE
    INTEGER|BIGINT|HUGEINT|DOUBLE|FLOAT|DECIMAL|VARCHAR|BOOLEAN|DATE|TIME|TIMESTAMP|BLOB|UUID|JSON""".strip(),
    )
)

#: The name of a table follows these.
AFTER_THESE_A_TABLE = frozenset({"from", "join", "describe", "summarize", "pivot", "unpivot", "table"})

#: Names that stand in double quotes because they are DuckDB's own words; they are no aliases either.
RESERVED = frozenset(
    re.findall(
        r"\w+",
        """
    all analyse analyze and anti any array as asc asof asymmetric at between both by case cast check collate column columns
    constraint create cross default deferrable desc describe distinct do else end except exclude exists false fetch filter
    for foreign from full glob group grouping having ilike in initially inner intersect into is isnull join lambda lateral
    leading left like limit map natural not notnull null offset on only or order outer over overlaps partition pivot
    pivot_longer pivot_wider placing positional primary qualify references returning right select semi set show similar
    some struct summarize symmetric table tablesample then to trailing true try_cast union unique unpivot using values
    variadic when where window with within
    """,
    )
)
