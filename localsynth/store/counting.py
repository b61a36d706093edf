"""Rows of the train split counted in cells, by SQL, in a database of their own that holds nothing else.

The database lies in memory and can reach no file: who counts there cannot come near the rows held out. Each column is one of
whole numbers: an ordered column as :mod:`localsynth.core.targets` tells, a nominal one as positions in its list of values,
text as 0; NULL stands for a missing value.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import prod
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
)
from localsynth.core.dataset import Dataset
from localsynth.core.errors import RunError
from localsynth.core.schema import Schema
from localsynth.core.steps import levels, range_of
from localsynth.core.targets import Axis

from . import catalogue, names
from .fit import check_fit, typed
from .generations import exact_name
from .guard import lock_down
from .rows import insert_arrow

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

    from .session import Store

__all__ = ["Coded", "Counting", "number_sql", "placed"]

Array: TypeAlias = np.ndarray[Any, Any]
_DAY_ONE = 719_163  # proleptic ordinal of 1970-01-01
_MINUTE = 60_000_000  # microseconds
_MOST_CELLS = 2**27  # of one table of counts: a gigabyte
_CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
}


class Counting:
    """The train split of a dataset, to be counted. Close it after use, or use it in a ``with`` block.

    schema : the dataset's. rows : of the train split. declared : a person gave the schema; the ranges of another are what
    the train rows span.
    """

    def __init__(self, schema: Schema, rows: pa.Table, *, declared: bool = True) -> None:
        """rows : one int64 column ``c0``, ``c1``, ... for each of the schema's columns but identifiers."""
        import duckdb

        self.schema, self.declared = schema, declared
        self.rows = rows.num_rows
        self._at = {
            name: at for at, name in enumerate(c.name for c in schema.columns if c.kind != "identifier")
        }
        self._con = duckdb.connect(":memory:", config=_CONFIG)
        try:
            lock_down(self._con)
            columns = ", ".join(f"c{at} BIGINT" for at in self._at.values())
            self._con.execute(f"CREATE TABLE train ({columns})")
            insert_arrow(self._con, "train", rows)
        except BaseException:
            self._con.close()
            raise

    @classmethod
    def of(cls, store: Store, dataset: Dataset, only: Array | None = None) -> Self:
        """The train rows of a dataset as it was when it was got; of these ``only`` some (boolean, in the file's order).

        Raises ``NotFound``, ``RunError`` where its rows were imported anew since, and ``DatasetError`` where they do not fit
        its schema.
        """
        with store.read() as con:
            now = catalogue.read(con, exact_name(con, dataset.name))
            if now.imported_at != dataset.imported_at:
                raise RunError(
                    f"the rows of '{dataset.name}' were imported anew meanwhile", "start the run again"
                )
            rows = _whole_numbers(con, dataset)
        if only is not None:
            rows = rows.filter(only)
        return cls(dataset.schema, rows, declared=dataset.declared)

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns that are counted: all but identifiers."""
        return tuple(self._at)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Free the database; nothing can be counted any more."""
        self._con.close()

    def values(self, column: str) -> tuple[Array, Array]:
        """The different values of a column in order, and how many rows have each; missing values left out."""
        name = f"c{self._at[column]}"
        query = (
            f"SELECT {name} AS value, count(*) AS n FROM train WHERE {name} IS NOT NULL GROUP BY 1 ORDER BY 1"
        )
        found = self._con.sql(query).to_arrow_table()
        return found["value"].to_numpy(), found["n"].to_numpy()

    def missing(self, column: str) -> int:
        """How many rows have no value."""
        (found,) = self._con.execute(f"SELECT count(*) - count(c{self._at[column]}) FROM train").fetchall()[0]
        return int(found)

    def count(self, axes: Sequence[Axis]) -> Array:
        """How many rows lie in each cell over one or more axes: int64, one dimension for each axis.

        A row with a value that lies in no cell of an axis is not counted.
        """
        cells = ", ".join(f"{self._cell(axis)} AS a{at}" for at, axis in enumerate(axes))
        counter = Coded(self._con, f"(SELECT {cells} FROM train)", tuple(axis.size for axis in axes))
        return counter.count(range(len(axes)))

    @contextmanager
    def coded(self, axes: Sequence[Axis]) -> Iterator[Coded]:
        """Rows coded once, to be counted over many combinations of the axes; one such block at a time."""
        cells = ", ".join(f"{self._cell(axis)} AS a{at}" for at, axis in enumerate(axes))
        self._con.execute(f"CREATE OR REPLACE TEMP TABLE coded AS SELECT {cells} FROM train")
        try:
            yield Coded(self._con, "coded", tuple(axis.size for axis in axes))
        finally:
            self._con.execute("DROP TABLE coded")

    def _cell(self, axis: Axis) -> str:
        """The expression for a row's cell on an axis, NULL for none."""
        name = f"c{self._at[axis.column]}"
        missing = str(axis.present) if axis.missing else "NULL"
        starts, cells = _pieces(axis, levels(self.schema.column(axis.column)))
        inside = _search(name, starts, cells)
        return f"(CASE WHEN {name} IS NULL THEN {missing} ELSE {inside} END)::INTEGER"


class Coded:
    """Rows told apart by their cells alone. source : where column ``a0`` is their cell on the first axis, and so on;
    sizes : cells of each axis.
    """

    def __init__(self, con: duckdb.DuckDBPyConnection, source: str, sizes: tuple[int, ...]) -> None:
        self._con, self._source, self._sizes = con, source, sizes

    def count(self, axes: Sequence[int]) -> Array:
        """How many rows lie in each cell over these axes: int64, one dimension for each."""
        shape = tuple(self._sizes[at] for at in axes)
        if prod(shape) > _MOST_CELLS:
            raise ValueError(f"a table of {prod(shape):,} cells is more than can be counted")
        place = " + ".join(
            f"a{at}::BIGINT * {prod(shape[dimension + 1 :])}" for dimension, at in enumerate(axes)
        )
        query = (
            f"SELECT place, count(*) AS n FROM (SELECT {place} AS place FROM {self._source})"
            " WHERE place IS NOT NULL GROUP BY place"
        )
        found = self._con.sql(query).to_arrow_table()
        counts = np.zeros(prod(shape), np.int64)
        counts[found["place"].to_numpy()] = found["n"].to_numpy()
        return counts.reshape(shape)


def _pieces(axis: Axis, values: Sequence[str] | None) -> tuple[list[int], list[int | None]]:
    """Where the number that stands for a value passes into another cell, and into which: none before the first."""
    if axis.edges:
        return list(axis.edges), [*range(axis.present), None]
    if not axis.labels or not values:
        return [-(2**63)], [0]
    cell_of = {value: cell for cell, cell_values in enumerate(axis.labels) for value in cell_values}
    cells: list[int | None] = [cell_of.get(value) for value in values]
    turns = [at for at in range(len(cells)) if at == 0 or cells[at] != cells[at - 1]]
    return turns, [cells[at] for at in turns]


def _search(name: str, starts: Sequence[int], cells: Sequence[int | None]) -> str:
    """A binary search as nested CASEs: the cell of the last start that is not above the value."""

    def below(low: int, high: int) -> str:  # of starts low..high-1, or before all of them
        if low == high:
            cell = cells[low - 1] if low else None
            return "NULL" if cell is None else str(cell)
        middle = (low + high) // 2
        return f"CASE WHEN {name} < {starts[middle]} THEN {below(low, middle)} ELSE {below(middle + 1, high)} END"

    return below(0, len(starts))


# --- rows as whole numbers --------------------------------------------------------------------------------------------


def _whole_numbers(con: duckdb.DuckDBPyConnection, dataset: Dataset) -> pa.Table:
    """The train rows of a dataset; a real value with more decimals than its schema is that of the nearest step."""
    train = (
        f"SELECT * FROM {names.real_table(dataset.name)} WHERE row_id IN"
        f" (SELECT row_id FROM meta.splits WHERE dataset = {names.literal(dataset.name)} AND part = 'train')"
    )
    columns = [column for column in dataset.schema.columns if column.kind != "identifier"]
    present = check_fit(con, train, train, dataset.schema)
    wanted = ", ".join(
        f"{number_sql(column, typed(column, present[column.name]))} AS c{at}"
        for at, column in enumerate(columns)
    )
    return placed(con.sql(f"SELECT {wanted} FROM ({train}) ORDER BY row_id").to_arrow_table(), columns)


def placed(rows: pa.Table, columns: Sequence[Column]) -> pa.Table:
    """Rows of what :func:`number_sql` gives for these columns, with each category as its place in the schema's list."""
    import pyarrow as pa
    import pyarrow.compute as pc

    for at, column in enumerate(columns):
        if isinstance(column, CategoricalColumn):
            listed = pa.array(list(column.categories), pa.string())
            codes = pc.index_in(rows.column(at), value_set=listed).cast(pa.int64())
            rows = rows.set_column(at, rows.column_names[at], codes)
    return rows


def number_sql(column: Column, value: str) -> str:
    """The expression that gives a stored value as a whole number (a category as it is: see :func:`placed`)."""
    match column:
        case CategoricalColumn():
            return f"{value}::VARCHAR"
        case BooleanColumn():
            return f"(CASE {value} WHEN TRUE THEN 0 WHEN FALSE THEN 1 END)::BIGINT"
        case IntegerColumn():
            number = f"{value}::BIGINT"
        case FloatColumn(decimals=decimals):
            number = f"round({value} * {10**decimals}::DOUBLE)"
        case DateColumn():
            number = f"datediff('day', DATE '1970-01-01', {value}) + {_DAY_ONE}"
        case DatetimeColumn():
            number = f"epoch_us(date_trunc('minute', {value})) // {_MINUTE}"
        case _:
            return f"(CASE WHEN {value} IS NOT NULL THEN 0 END)::BIGINT"
    low, high = range_of(column) or (0, 0)
    # least and greatest pass over NULL, which must stay one.
    inside = f"least(greatest(({number})::HUGEINT, {low}::HUGEINT), {high}::HUGEINT)::BIGINT"
    return f"CASE WHEN {value} IS NOT NULL THEN {inside} END"
