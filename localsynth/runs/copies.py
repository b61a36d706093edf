"""Rows equal to a real row are refused, where the recipe says so."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from localsynth.core.run import Reject
from localsynth.core.schema import Schema

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["CopyGuard"]


class CopyGuard:
    """Knows every row of the train split by a 64-bit hash; identifiers, which code makes, do not count."""

    def __init__(self, schema: Schema, train: pa.Table) -> None:
        self._names = [column.name for column in schema.columns if column.kind != "identifier"]
        self._seen = {hash(row) for row in self._rows(train)}

    def drop(self, rows: pa.Table) -> tuple[pa.Table, list[Reject]]:
        """The rows that are no copies, and a reject for each that is."""
        import pyarrow as pa

        copies = [hash(row) in self._seen for row in self._rows(rows)]
        if not any(copies):
            return rows, []
        kept = rows.filter(pa.array([not copy for copy in copies]))
        rejects = [
            Reject("copy", "", json.dumps(row, ensure_ascii=False, default=str))
            for row, copy in zip(rows.select(self._names).to_pylist(), copies, strict=True)
            if copy
        ]
        return kept, rejects

    def _rows(self, table: pa.Table) -> Iterator[tuple[Any, ...]]:
        for batch in table.select(self._names).to_batches(max_chunksize=10_000):
            yield from zip(*(column.to_pylist() for column in batch.columns), strict=True)
