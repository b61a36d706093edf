"""How the values of one column are distributed: counted in bins, or one by one, in a transaction of the caller."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from localsynth.core.columns import Column, FloatColumn

from .names import identifier
from .numberline import place_sql

if TYPE_CHECKING:
    import duckdb

__all__ = ["ColumnCounts", "count_column"]

_MOST_DISTINCT = 50_000  # values counted one by one; of more, memory for all of them would be too much
_SMALLEST = 1e-300  # step between edges
_DAY, _MOMENT = date(1970, 1, 1), datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class ColumnCounts:
    """How the values of a column are distributed over rows.

    rows : all of them. missing : without a value. distinct : different values, about so many where not ``exact``.
    edges : of bins with round edges, one more than ``counts``, in the unit of the column, of days since 1970 or of seconds
    since 1970; a value on an edge is in the bin above it. Empty for columns counted value by value: then ``values`` are the
    most frequent, and ``counts`` belong to them. rest : rows in none of these.
    """

    column: str
    rows: int
    missing: int
    distinct: int
    exact: bool
    counts: tuple[int, ...]
    rest: int
    edges: tuple[float, ...] = ()
    values: tuple[Any, ...] = ()
    unit: str = ""  # of the edges: "", "days", "seconds"

    def edge(self, index: int) -> float | int | date | datetime:
        """An edge as a value of the column: of days and moments a day or a moment."""
        at = self.edges[index]
        if self.unit == "days":
            return _DAY + timedelta(days=at)
        if self.unit == "seconds":
            return (_MOMENT + timedelta(seconds=at)).replace(tzinfo=None)
        return int(at) if at == int(at) else at


def count_column(
    con: duckdb.DuckDBPyConnection,
    rows: str,
    column: Column,
    *,
    bins: int = 20,
    most: int = 20,
    like: ColumnCounts | None = None,
) -> ColumnCounts:
    """Count the values of a column of some rows.

    Parameters
    ----------
    rows : a query in parentheses, of quoted names.
    bins : about so many, for numbers, days and moments.
    most : values to count one by one, the most frequent; of columns with very many values a good guess at those.
    like : use its bins, or its values, so that both can stand side by side.
    """
    name = identifier(column.name)
    total, missing, about = con.execute(
        f"SELECT count(*), count(*) - count({name}), approx_count_distinct({name}) FROM {rows}"
    ).fetchall()[0]
    exact = about <= _MOST_DISTINCT
    if exact:
        (about,) = con.execute(f"SELECT count(DISTINCT {name}) FROM {rows}").fetchall()[0]
    known = ColumnCounts(column.name, total, missing, about, exact, (), total - missing)
    number, unit = place_sql(column, name)
    if number:
        edges = _edges(con, rows, column, number, bins) if like is None else like.edges
        counts = _in_bins(con, rows, number, edges)
        return _with(known, counts, edges=edges, unit=unit)
    values = _frequent(con, rows, name, most, exact=exact) if like is None else like.values
    return _with(known, _of_values(con, rows, name, values), values=values)


def _with(
    known: ColumnCounts,
    counts: tuple[int, ...],
    *,
    edges: tuple[float, ...] = (),
    values: tuple[Any, ...] = (),
    unit: str = "",
) -> ColumnCounts:
    return ColumnCounts(
        known.column,
        known.rows,
        known.missing,
        known.distinct,
        known.exact,
        counts,
        known.rest - sum(counts),
        edges,
        values,
        unit,
    )


def _edges(
    con: duckdb.DuckDBPyConnection, rows: str, column: Column, number: str, bins: int
) -> tuple[float, ...]:
    low, high = con.execute(f"SELECT min({number}), max({number}) FROM {rows}").fetchall()[0]
    if low is None:
        return ()
    step = _round(high / max(1, bins) - low / max(1, bins))
    if not isinstance(column, FloatColumn):
        step = max(1.0, step)
    # Far from zero a step is lost in rounding; such values are one bin, and so are those too near to zero for round numbers,
    # and those whose step is no number any more.
    if low + step == low or high + step == high or step < _SMALLEST or not math.isfinite(step):
        return (low, math.nextafter(high, math.inf))
    first, last = math.floor(low / step), math.floor(high / step) + 1
    # Divisions round: the outermost bins must hold the least and the largest value.
    first -= _edge(first, step) > low
    last += _edge(last, step) <= high
    return tuple(_edge(index, step) for index in range(first, last + 1))


def _edge(index: int, step: float) -> float:
    return index * step if step >= 1 else index / round(1 / step)  # 3 / 10 is 0.3, 3 * 0.1 is not


def _round(least: float) -> float:
    """The next of 1, 2, 5, 10, ... and their tenths that is not below."""
    if least <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(least))
    return next(power * times for times in (1, 2, 5, 10) if power * times >= least * (1 - 1e-9))


def _in_bins(
    con: duckdb.DuckDBPyConnection, rows: str, number: str, edges: tuple[float, ...]
) -> tuple[int, ...]:
    if len(edges) < 2:
        return ()
    # DuckDB's own bins hold their upper edge, these the lower one; so what lies under each edge is counted.
    parts = ", ".join(f"count(*) FILTER (x < '{edge!r}'::DOUBLE)" for edge in edges)
    below = con.execute(f"SELECT {parts} FROM (SELECT {number} AS x FROM {rows})").fetchall()[0]
    return tuple(int(after - before) for before, after in pairwise(below))


def _frequent(
    con: duckdb.DuckDBPyConnection, rows: str, name: str, most: int, *, exact: bool
) -> tuple[Any, ...]:
    if exact:
        query = (
            f"SELECT {name} FROM {rows} WHERE {name} IS NOT NULL GROUP BY ALL"
            f" ORDER BY count(*) DESC, {name} LIMIT {most}"
        )
        return tuple(value for (value,) in con.execute(query).fetchall())
    (found,) = con.execute(f"SELECT approx_top_k({name}, {most}) FROM {rows}").fetchall()[0]
    return tuple(found or ())


def _of_values(
    con: duckdb.DuckDBPyConnection, rows: str, name: str, values: tuple[Any, ...]
) -> tuple[int, ...]:
    if not values:
        return ()
    query = f"SELECT {name}, count(*) FROM {rows} WHERE {name} IN (SELECT unnest($1)) GROUP BY ALL"
    counted = dict(con.execute(query, [list(values)]).fetchall())
    return tuple(int(counted.get(value, 0)) for value in values)
