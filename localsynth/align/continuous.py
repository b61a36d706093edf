"""Columns whose single values say nothing that their place among others does not."""

from __future__ import annotations

from collections.abc import Collection, Iterable

import pyarrow as pa
import pyarrow.compute as pc

from localsynth.core.schema import Dependency, Schema

__all__ = ["continuous"]

_ORDERED = frozenset({"integer", "float", "date", "datetime"})
_DISTINCT = 0.5  # share of different values
_FEWEST = 50


def continuous(
    schema: Schema, train: pa.Table, names: Collection[str], dependencies: Iterable[Dependency] = ()
) -> tuple[str, ...]:
    """Numbers and dates that hardly ever occur twice, and that nothing depends on exactly.

    A language model knows where such a value lies, and writes its last digits anyhow.

    names : the columns to choose from, those with a margin. dependencies : that rows keep.
    """
    bound = {name for one in dependencies for name in (*one.determinant, one.dependent)}
    found = []
    for column in schema.columns:
        if column.kind in _ORDERED and column.name in {*names} - bound:
            cells = train.column(column.name)
            distinct = pc.count_distinct(cells, mode="only_valid").as_py()
            if distinct >= max(_FEWEST, _DISTINCT * (len(cells) - cells.null_count)):
                found.append(column.name)
    return tuple(found)
