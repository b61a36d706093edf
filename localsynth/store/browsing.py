"""Browsing: any page of millions of rows, filtered and sorted, without holding the rows or the file.

Rows of a table are numbered from 1 without gaps, so the pages of a whole table are ranges of numbers. Of a view that is
filtered or sorted the numbers are read once, in its order, and kept: 4 bytes a row.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypeVar

from localsynth.core.errors import NotFound, StoreError
from localsynth.core.nearest import nearest
from localsynth.core.schema import Schema

from . import catalogue, generations, names
from . import runs as records
from .distribution import ColumnCounts, count_column
from .lingering import Lingering
from .reading import Stop, one_condition

if TYPE_CHECKING:
    from datetime import datetime

    import duckdb
    import numpy as np
    import pyarrow as pa

    Numbers: TypeAlias = np.ndarray[Any, np.dtype[np.unsignedinteger[Any]]]

__all__ = ["MADE_KEY", "REAL_KEY", "Browse", "Part", "RowsChanged", "Subject", "open_view"]

#: Columns that tell a row from all others of its table; no column of a person can be called so.
REAL_KEY = ("row_id",)
MADE_KEY = ("batch_no", "row_no")

Order: TypeAlias = Sequence[tuple[str, bool]]
Part = Literal["train", "holdout"]
_T = TypeVar("_T")
_AT_ONCE = 100_000  # row numbers read at a time


class RowsChanged(StoreError):
    """The rows that a view shows are not there any more: their dataset was imported anew, or the run is gone."""


@dataclass(frozen=True)
class Subject:
    """Whose rows: of a dataset (its exact name), or of a run (its whole id). part : of a dataset; both by default."""

    kind: Literal["real", "synth"]
    name: str
    part: Part | None = None


@dataclass(frozen=True)
class _Source:
    """Where the rows are just now. rows : so many, numbered from 1 in the column ``key[-1]``. own : a condition that tells
    them from others of the table, in SQL. since : when the dataset was imported.
    """

    table: str
    schema: Schema
    rows: int
    key: tuple[str, ...]
    own: str
    since: datetime | None = None

    def still(self, before: _Source) -> bool:
        """Are the rows of an earlier look all there, with the same cells?"""
        same = self.since == before.since and names.shape(self.schema) == names.shape(before.schema)
        return same and self.rows >= before.rows


class Browse:
    """One view on rows: whose, which of them, in which order. Made by :func:`open_view`; safe to use from several threads.

    columns : a person's columns, as in the schema. key : the columns that tell rows apart; :meth:`rows` gives them first.
    types : Arrow schema of ``columns``. total : rows in the view. everything : rows before the filter. scattered : rows of a
    page lie anywhere in the file: a page of 1,000 then costs only about three times as much as one of 100.
    """

    def __init__(
        self,
        lingering: Lingering,
        subject: Subject,
        source: _Source,
        where: str,
        order: tuple[tuple[str, bool], ...],
        numbers: Numbers | None,
    ) -> None:
        from localsynth.tables import arrow_schema

        self.columns: tuple[str, ...] = tuple(source.schema.names)
        self.key = source.key
        self.types: pa.Schema = arrow_schema(source.schema)
        self.everything = source.rows
        self.total = source.rows if numbers is None else len(numbers)
        self.scattered = bool(order)
        self.where, self.order, self.subject = where, order, subject
        self._lingering, self._source, self._numbers = lingering, source, numbers
        self._current: tuple[int, _Source] = (0, source)

    def rows(
        self, offset: int, limit: int, *, columns: Sequence[str] | None = None, stop: Stop | None = None
    ) -> pa.Table:
        """Rows ``offset`` to ``offset + limit`` of the view, fewer at its end: the key first, then the columns.

        columns : only these, for wide tables. Raises ``RowsChanged``, ``Cancelled`` and what ``Store.read`` raises.
        """
        import pyarrow as pa

        first, last = max(0, offset), min(self.total, max(0, offset) + max(0, limit))
        chosen = list(self.columns if columns is None else columns)
        _check_columns(self._source.schema, chosen)
        types = pa.schema([*_key_types(self.key), *(self.types.field(name) for name in chosen)])
        if first >= last:
            return types.empty_table()
        wanted = _range(first, last) if self._numbers is None else self._numbers[first:last]
        return self._work(lambda con, source: _fetch(con, source, wanted, types), stop)

    def distribution(
        self,
        column: str,
        *,
        bins: int = 20,
        most: int = 20,
        like: ColumnCounts | None = None,
        stop: Stop | None = None,
    ) -> ColumnCounts:
        """How the values of a column are distributed over the rows of the view; see :func:`.distribution.count_column`.

        bins : of numbers, days and moments. most : of other values, those counted one by one. like : use its bins or values.
        """
        _check_columns(self._source.schema, [column])
        kind = self._source.schema.column(column)

        def counted(con: duckdb.DuckDBPyConnection, source: _Source) -> ColumnCounts:
            rows = (
                f"(FROM {source.table} WHERE {_condition(source, self.everything, self.subject, self.where)})"
            )
            return count_column(con, rows, kind, bins=bins, most=most, like=like)

        return self._work(counted, stop)

    def refreshed(self, stop: Stop | None = None) -> Browse:
        """The view as the rows are now: itself where nothing has changed. Raises ``NotFound`` where they are gone."""
        now = self._lingering.work(lambda con, _: _find(con, self.subject), stop)
        if now == self._source:
            return self
        return open_view(self._lingering, self.subject, where=self.where, order=self.order, stop=stop)

    def release(self) -> None:
        """Let writers in at once; the next page opens the file again."""
        self._lingering.release()

    def _work(self, do: Callable[[duckdb.DuckDBPyConnection, _Source], _T], stop: Stop | None) -> _T:
        def checked(con: duckdb.DuckDBPyConnection, opening: int) -> _T:
            known, source = self._current
            if known != opening:  # anything may have happened while the file was closed
                source = _still_there(con, self.subject, self._source)
                self._current = (opening, source)
            return do(con, source)

        return self._lingering.work(checked, stop)


def open_view(
    lingering: Lingering,
    subject: Subject,
    *,
    where: str | None = None,
    order: Order = (),
    stop: Stop | None = None,
) -> Browse:
    """A view on the rows of a dataset or a run.

    where : a person's own condition, under the rules of :func:`.reading.sql`. order : pairs of column and whether descending;
    missing values come last, and rows that are alike stay in the order of the file, or in that they were made in.
    Raises ``NotFound`` (dataset, run, column), ``SqlError`` with DuckDB's message, ``Cancelled``, and what ``Store.read`` does.
    """
    text = (where or "").strip()
    if text:
        one_condition(text)

    def found(con: duckdb.DuckDBPyConnection, _: int) -> tuple[_Source, Numbers | None]:
        source = _find(con, subject)
        _check_columns(source.schema, [name for name, _ in order])
        plain = not text and not order and subject.part is None
        return source, None if plain else _ordered(con, source, subject, text, order)

    source, numbers = lingering.work(found, stop)
    return Browse(lingering, subject, source, text, tuple(order), numbers)


def _find(con: duckdb.DuckDBPyConnection, subject: Subject) -> _Source:
    if subject.kind == "real":
        dataset = catalogue.read(con, generations.exact_name(con, subject.name))
        table = names.real_table(dataset.name)
        return _Source(table, dataset.schema, dataset.rows, REAL_KEY, "true", dataset.imported_at)
    records.require(con, subject.name)
    query = "SELECT dataset, generation, schema_json, rows_done FROM meta.runs WHERE run_id = ?"
    name, generation, schema, done = con.execute(query, [subject.name]).fetchall()[0]
    table = generations.table_of(con, name, generation)
    own = f"run_id = {names.literal(subject.name)}"
    return _Source(table, Schema.model_validate_json(schema), int(done), MADE_KEY, own)


def _still_there(con: duckdb.DuckDBPyConnection, subject: Subject, before: _Source) -> _Source:
    try:
        now = _find(con, subject)
    except NotFound as error:
        raise RowsChanged(error.message, "open the rows again") from None
    if not now.still(before):
        raise RowsChanged(f"the rows of '{subject.name}' were replaced meanwhile", "open them again")
    return now


def _condition(source: _Source, rows: int, subject: Subject, where: str) -> str:
    """What a row of the view meets. rows : of a run that grows, those that the view knows of."""
    parts = [source.own, f"{source.key[-1]} <= {rows}"]
    if subject.part is not None:
        parts.append(
            "row_id IN (SELECT s.row_id FROM meta.splits s WHERE"
            f" s.dataset = {names.literal(subject.name)} AND s.part = {names.literal(subject.part)})"
        )
    if where:
        parts.append(f"(\n{where}\n)")
    return " AND ".join(parts)


def _ordered(
    con: duckdb.DuckDBPyConnection, source: _Source, subject: Subject, where: str, order: Order
) -> Numbers:
    import numpy as np

    key = source.key[-1]
    sorted_here = subject.part is not None and not where and not order
    if sorted_here:  # DuckDB would join and sort in memory four times what the numbers take
        query = (
            f"SELECT row_id FROM meta.splits WHERE dataset = {names.literal(subject.name)}"
            f" AND part = {names.literal(subject.part or '')}"
        )
    else:
        by = [f"{names.identifier(name)} {'DESC' if down else 'ASC'} NULLS LAST" for name, down in order]
        query = (
            f"SELECT {key} FROM {source.table} WHERE {_condition(source, source.rows, subject, where)}"
            f" ORDER BY {', '.join([*by, key])}"
        )
    numbers: Numbers = np.empty(source.rows, np.uint32 if source.rows < 2**32 else np.uint64)
    count = 0
    for batch in con.sql(query).to_arrow_reader(_AT_ONCE):
        numbers[count : count + batch.num_rows] = batch.column(0).to_numpy(zero_copy_only=False)
        count += batch.num_rows
    if sorted_here:
        numbers[:count].sort()
    return numbers if count == len(numbers) else numbers[:count].copy()


def _key_types(key: tuple[str, ...]) -> list[pa.Field]:
    import pyarrow as pa

    return [pa.field(name, pa.int32() if name == "batch_no" else pa.int64()) for name in key]


def _range(first: int, last: int) -> Numbers:
    import numpy as np

    return np.arange(first + 1, last + 1, dtype=np.uint64)


def _fetch(con: duckdb.DuckDBPyConnection, source: _Source, wanted: Numbers, types: pa.Schema) -> pa.Table:
    """The rows of these numbers, in their order."""
    import numpy as np

    key = source.key[-1]
    low, high = int(wanted.min()), int(wanted.max())
    query = (
        f"SELECT {names.columns_sql(types.names)} FROM {source.table}"
        f" WHERE {source.own} AND {key} BETWEEN {low} AND {high}"
    )
    if high - low + 1 > len(wanted):
        # A join skips what it does not need of the other columns; a list in the condition reads all of them.
        query += f" AND {key} IN (SELECT unnest([{', '.join(map(str, wanted))}]::BIGINT[]))"
    table = con.sql(query).to_arrow_table().cast(types)
    found = table.column(key).to_numpy()
    places = np.argsort(found)
    if len(found) != len(wanted) or not np.array_equal(found[places], np.sort(wanted)):
        raise RowsChanged("rows of this view are not there any more", "open the rows again")
    return table.take(places[np.searchsorted(found[places], wanted)])


def _check_columns(schema: Schema, columns: Sequence[str]) -> None:
    for name in columns:
        if name not in schema.names:
            raise NotFound(
                f"there is no column '{name}'{nearest(name, schema.names)}",
                f"columns: {', '.join(schema.names)}",
            )
