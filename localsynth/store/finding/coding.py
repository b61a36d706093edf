"""Rows as small whole numbers, each column coded once, in a database of their own that reaches nothing else."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod
from typing import TYPE_CHECKING, Any, Self, TypeAlias

import numpy as np

from localsynth.core.columns import Column
from localsynth.core.schema import Schema
from localsynth.store.guard import lock_down
from localsynth.store.rows import insert_arrow

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

__all__ = ["Array", "Coded"]

Array: TypeAlias = np.ndarray[Any, Any]
_CONFIG: dict[str, Any] = {
    "autoinstall_known_extensions": "false",
    "autoload_known_extensions": "false",
    "enable_external_access": "false",
    "threads": "2",
}
_WIDEST_KEY = 2**62


class Coded:
    """A table with one code for each different value of a column: 0, 1, ... and -1 for a missing one.

    con : a database in memory with the codes as ``coded`` (columns ``c0``, ``c1``, ...) . codes : the same, int32, one array
    for each column. distinct, missing : of each column. common : of each column, the share of rows that its k most frequent
    values have together, at place k; a missing value counts as a value. Close it after use, or use it in a ``with`` block.
    """

    def __init__(self, table: pa.Table, schema: Schema) -> None:
        import duckdb
        import pyarrow as pa

        self.columns: tuple[Column, ...] = schema.columns
        self.rows: int = table.num_rows
        self.codes: list[Array] = [_codes(table.column(column.name)) for column in self.columns]
        counts = [np.bincount(codes + 1) if self.rows else np.zeros(1, np.int64) for codes in self.codes]
        self.distinct = [len(count) - 1 for count in counts]
        self.missing = [int(count[0]) for count in counts]
        self.common = [
            np.concatenate([[0.0], np.sort(count)[::-1].cumsum() / max(self.rows, 1)]) for count in counts
        ]
        self.alike = [float(((count[1:] / max(self.rows, 1)) ** 2).sum()) for count in counts]
        self.con: duckdb.DuckDBPyConnection = duckdb.connect(":memory:", config=_CONFIG)
        try:
            lock_down(self.con)
            places = [f"c{at}" for at in range(len(self.columns))]
            self.con.execute(f"CREATE TABLE coded ({', '.join(f'{place} INTEGER' for place in places)})")
            insert_arrow(self.con, "coded", pa.table(dict(zip(places, self.codes, strict=True))))
        except BaseException:
            self.con.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.con.close()

    def name(self, at: int) -> str:
        """A column's name."""
        return self.columns[at].name

    def names(self, ats: Iterable[int]) -> tuple[str, ...]:
        """Columns' names."""
        return tuple(self.columns[at].name for at in ats)

    def key(self, ats: Sequence[int]) -> str:
        """What rows alike in these columns share: one number where that fits, for which grouping is cheapest."""
        if prod(self.distinct[at] + 1 for at in ats) >= _WIDEST_KEY:
            return f"row({', '.join(f'c{at}' for at in ats)})"
        text = "0::BIGINT"
        for at in ats:
            text = f"({text} * {self.distinct[at] + 1} + c{at})"
        return text

    def present(self, ats: Sequence[int]) -> str:
        """The condition that none of these is missing."""
        return " AND ".join(f"c{at} >= 0" for at in ats)

    def groups(self, ats: Sequence[int], rows: Array | None = None) -> Array:
        """The group of each row over these columns: 0, 1, ..., and -1 where one of them is missing."""
        return groups_of([self.codes[at] if rows is None else self.codes[at][rows] for at in ats])


def groups_of(columns: Sequence[Array]) -> Array:
    """One number for each different combination of codes, -1 where one of them is negative."""
    key = columns[0].astype(np.int64)
    out = columns[0] < 0
    for codes in columns[1:]:
        key = key * (int(codes.max(initial=0)) + 1) + codes
        out = out | (codes < 0)
        if key.max(initial=0) > 2**40:
            key = np.unique(key, return_inverse=True)[1]
    found: Array = np.unique(key, return_inverse=True)[1]
    return np.where(out, -1, found)


def _codes(column: pa.ChunkedArray) -> Array:
    import pyarrow.compute as pc

    coded = column.combine_chunks().dictionary_encode()
    if hasattr(coded, "combine_chunks"):
        coded = coded.combine_chunks()
    found: Array = pc.fill_null(coded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32)
    return found
