"""What rows are selected and aligned to, and what they must not come near: both counted over the train split."""

from __future__ import annotations

import pyarrow as pa

from localsynth.align.grid import Grid
from localsynth.align.guarding import NearGuard
from localsynth.align.structured import structured
from localsynth.core.contracts import Task
from localsynth.core.schema import Schema

from .locks import Locked, locked_row
from .params import PAFTParams
from .structure import Structure

__all__ = ["grid_of", "guard_of", "locks_of"]

_TRIPLES = 8


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
