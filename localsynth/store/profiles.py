"""How the values of each column are distributed over the train rows: all columns in one pass. The holdout is never read."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from localsynth.core.columns import CategoricalColumn, Column, FloatColumn, IdentifierColumn, TextColumn

from . import catalogue, names
from .generations import exact_name
from .numberline import place_sql

if TYPE_CHECKING:
    import duckdb

    from .session import Store

__all__ = ["ColumnProfile", "Profile", "profile", "train_rows"]

_BINS = 12
_FEW = 60  # different values that are counted one by one whatever the kind
_MOST = 300_000  # rows looked at; of a larger table a sample, so that nobody waits long for the file
_AT_ONCE = 100  # columns of one query


@dataclass(frozen=True)
class ColumnProfile:
    """One column over the rows looked at.

    missing : rows without a value. distinct : different values, about. values : (value as text, rows), the most frequent
    first; of a category column all that occur, of another only where they are few. edges, counts : a histogram with one edge
    more than bins, the last bin closed; of numbers, of days since 1970-01-01, of minutes since then, of lengths of texts.
    most : the greatest of these, where there is a histogram.
    """

    missing: int = 0
    distinct: int = 0
    values: tuple[tuple[str, int], ...] = ()
    edges: tuple[float, ...] = ()
    counts: tuple[int, ...] = ()
    most: float | None = None


@dataclass(frozen=True)
class Profile:
    """rows : looked at. train : rows of the train split; more where a sample was looked at. columns : by name."""

    rows: int = 0
    train: int = 0
    columns: Mapping[str, ColumnProfile] = field(default_factory=dict)


@dataclass(frozen=True)
class _Bins:
    low: float
    step: float
    count: int

    @classmethod
    def between(cls, low: float, high: float, *, whole: bool) -> _Bins:
        if whole:
            step = max(math.ceil((high - low + 1) / _BINS), 1)
            return cls(low, step, math.ceil((high - low + 1) / step))
        return cls(low, (high - low) / _BINS, _BINS) if high > low else cls(low, 1.0, 1)

    @property
    def edges(self) -> tuple[float, ...]:
        return tuple(self.low + self.step * at for at in range(self.count + 1))

    def sql(self, number: str) -> str:
        place = f"floor(({number} - {self.low!r}::DOUBLE) / {self.step!r}::DOUBLE)"
        # least and greatest pass over NULL, which must stay one.
        return (
            f"CASE WHEN {number} IS NOT NULL THEN least(greatest({place}, 0), {self.count - 1})::INTEGER END"
        )


def profile(store: Store, name: str) -> Profile:
    """The train rows of a dataset, column by column. Raises ``NotFound``."""
    with store.read() as con:
        dataset = catalogue.read(con, exact_name(con, name))
        if not dataset.train_rows:
            return Profile()
        rows = train_rows(dataset.name)
        share = math.ceil(dataset.train_rows / _MOST)
        if share > 1:
            rows = f"SELECT * FROM ({rows}) WHERE hash(row_id) % {share} = 0"
        ((count,),) = con.execute(f"SELECT count(*) FROM ({rows})").fetchall()
        found: dict[str, ColumnProfile] = {}
        for first in range(0, len(dataset.schema.columns), _AT_ONCE):
            columns = dataset.schema.columns[first : first + _AT_ONCE]
            found |= _profiled(con, rows, int(count), columns)
    return Profile(int(count), dataset.train_rows, found)


def train_rows(dataset: str) -> str:
    """The query for the train rows of a dataset, by its exact name, with their ``row_id``."""
    return (
        f"SELECT * FROM {names.real_table(dataset)} WHERE row_id IN"
        f" (SELECT row_id FROM meta.splits WHERE dataset = {names.literal(dataset)} AND part = 'train')"
    )


def _profiled(
    con: duckdb.DuckDBPyConnection, rows: str, count: int, columns: Sequence[Column]
) -> dict[str, ColumnProfile]:
    wanted = []
    for column in columns:
        c, line = names.identifier(column.name), _number(column) or "NULL"
        wanted.append(f"[count({c}), approx_count_distinct({c})]")
        wanted.append(f"[min({line}), max({line})]")
    spans = _pairs(con.execute(f"SELECT {', '.join(wanted)} FROM ({rows})").fetchall()[0])
    bins: dict[str, _Bins] = {}
    wanted = []
    for column, ((_, distinct), (low, high)) in zip(columns, spans, strict=True):
        number = _number(column)
        if number and low is not None and math.isfinite(high - low):
            bins[column.name] = _Bins.between(low, high, whole=not isinstance(column, FloatColumn))
            wanted.append(_counted(bins[column.name].sql(number)))
        else:
            wanted.append("NULL")
        few = isinstance(column, CategoricalColumn) or distinct <= _FEW
        wanted.append(_counted(f"{names.identifier(column.name)}::VARCHAR") if few else "NULL")
    found = _pairs(con.execute(f"SELECT {', '.join(wanted)} FROM ({rows})").fetchall()[0])
    return {
        column.name: _column(count, *span, bins.get(column.name), histogram, values)
        for column, span, (histogram, values) in zip(columns, spans, found, strict=True)
    }


def _pairs(row: Sequence[Any]) -> list[tuple[Any, Any]]:
    return list(zip(row[::2], row[1::2], strict=True))


def _counted(value: str) -> str:
    return f"map_entries(histogram({value}))"


def _column(
    rows: int, told: Sequence[int], ends: Sequence[Any], bins: _Bins | None, histogram: Any, values: Any
) -> ColumnProfile:
    present, distinct = told
    by_value = sorted(_entries(values), key=lambda one: (-one[1], one[0]))
    by_bin = dict(_entries(histogram))
    return ColumnProfile(
        rows - present,
        len(by_value) or distinct,
        tuple(by_value),
        bins.edges if bins is not None else (),
        tuple(by_bin.get(at, 0) for at in range(bins.count)) if bins is not None else (),
        ends[1] if bins is not None else None,
    )


def _entries(found: Any) -> Iterator[tuple[Any, int]]:
    for entry in found or ():
        yield entry["key"], int(entry["value"])


def _number(column: Column) -> str:
    """The expression that places a value on a line; empty where there is no order."""
    value = names.identifier(column.name)
    if isinstance(column, TextColumn | IdentifierColumn):
        return f"length({value})::DOUBLE"
    place, unit = place_sql(column, value)
    return f"floor({place} / 60)" if unit == "seconds" else place
