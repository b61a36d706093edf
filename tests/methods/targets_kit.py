"""Target statistics of small tables, as a run's method gets them, without a workspace."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pyarrow as pa
import pyarrow.compute as pc

from localsynth.align.values import whole
from localsynth.core.columns import BooleanColumn, CategoricalColumn, Column, IdentifierColumn, TextColumn
from localsynth.core.contracts import Task
from localsynth.core.schema import Schema
from localsynth.core.steps import levels
from localsynth.core.targets import Statistics
from localsynth.store.counting import Counting
from localsynth.workspace.targets import CountedTargets, KeptTargets

__all__ = ["FixedTargets", "aimed", "targets_of"]


def _numbers(column: Column, cells: pa.ChunkedArray) -> pa.Array:
    missing = pc.is_null(cells).to_numpy()
    if isinstance(column, TextColumn):
        return pa.array([0] * len(cells), pa.int64(), mask=missing)
    if isinstance(column, BooleanColumn | CategoricalColumn):
        words = cells.cast(pa.string()).combine_chunks()
        found = pc.index_in(words, pa.array(levels(column), pa.string()))
        return pa.array(pc.fill_null(found, 0).to_numpy(), pa.int64(), mask=missing)
    values, gone = whole(column, cells)
    return pa.array(values, pa.int64(), mask=gone)


def targets_of(schema: Schema, table: pa.Table) -> KeptTargets:
    """Counted over a table, and kept as a run keeps them."""
    columns = [column for column in schema.columns if not isinstance(column, IdentifierColumn)]
    rows = pa.table({f"c{at}": _numbers(column, table[column.name]) for at, column in enumerate(columns)})
    return KeptTargets(CountedTargets(Counting(schema, rows)), [], lambda _: None)


def aimed(task: Task, table: pa.Table) -> Task:
    """The task of a method that reads targets: no rows, their statistics."""
    return replace(task, train=None, targets=targets_of(task.schema, table))


class FixedTargets:
    """The same statistics whatever is asked; what was asked is kept."""

    def __init__(self, statistics: Statistics) -> None:
        self.statistics = statistics
        self.asked: list[tuple[list[tuple[str, ...]], int | None]] = []

    def margins(self, bins: int) -> Statistics:
        return replace(self.statistics, tables=())

    def tables(self, groups: Sequence[Sequence[str]], pairs: int | None = None) -> Statistics:
        self.asked.append(([tuple(group) for group in groups], pairs))
        return self.statistics
