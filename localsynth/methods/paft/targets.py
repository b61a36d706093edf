"""What rows are selected and aligned to, and what they must not come near: both counted over the train split."""

from __future__ import annotations

import pyarrow as pa
import pyarrow.compute as pc

from localsynth.align.grid import Grid
from localsynth.align.guarding import NearGuard
from localsynth.align.structured import structured
from localsynth.core.contracts import Task
from localsynth.core.schema import Schema

from .locks import Locked, locked_row
from .params import PAFTParams
from .structure import Structure

__all__ = ["continuous", "grid_of", "guard_of", "locks_of"]

_TRIPLES = 8
_DISTINCT = 0.5  # share of different values
_FEWEST = 50


def continuous(schema: Schema, structure: Structure, train: pa.Table, grid: Grid) -> tuple[str, ...]:
    """Numbers and dates with a margin that hardly ever occur twice, and that nothing depends on exactly.

    A language model knows where such a value lies, and writes its last digits anyhow.
    """
    bound = {name for one in structure.dependencies for name in (*one.determinant, one.dependent)}
    found = []
    for column in schema.columns:
        if column.kind in {"integer", "float", "date", "datetime"} and column.name in {*grid.names} - bound:
            cells = train.column(column.name)
            distinct = pc.count_distinct(cells, mode="only_valid").as_py()
            if distinct >= max(_FEWEST, _DISTINCT * (len(cells) - cells.null_count)):
                found.append(column.name)
    return tuple(found)


def grid_of(task: Task, params: PAFTParams) -> Grid | None:
    """Margins and tables; the same for every batch of a run, because what a run is given is kept with it."""
    if task.targets is None:
        return None
    return Grid(task.schema, structured(task.targets, task.schema.target, bins=params.bins, triples=_TRIPLES))


def locks_of(schema: Schema, structure: Structure, train: pa.Table) -> Locked:
    """The grammar of a row that keeps what was found to depend."""
    return locked_row([schema.column(name) for name in structure.order], structure.dependencies, train)


def guard_of(task: Task, params: PAFTParams, train: pa.Table) -> NearGuard | None:
    """What tells rows that lie too near to real ones."""
    return NearGuard(task.schema, train) if params.drop_near else None
