"""What rows are selected and aligned to, and what they must not come near: both counted over the train split."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import pyarrow as pa

from localsynth.align.grid import Grid
from localsynth.align.guarding import NearGuard
from localsynth.align.structured import bins_for, structured
from localsynth.core.contracts import Task
from localsynth.core.schema import Schema

from .locks import Locked, locked_row
from .params import PAFTParams
from .structure import Structure

__all__ = ["grid_of", "guard_of", "locks_of"]

_TRIPLES = 8
_PAIRS = 200  # at most; those that tell nothing beyond chance are not among them


def grid_of(task: Task, params: PAFTParams, train: pa.Table, without: Collection[str] = ()) -> Grid | None:
    """Margins and tables; the same for every batch of a run, because what a run is given is kept with it.

    without : columns that nothing is aligned to. ``None`` where no other has a margin.
    """
    if task.targets is None:
        return None
    bins = params.bins or bins_for(train.num_rows)
    found = structured(task.targets, task.schema.target, bins=bins, triples=_TRIPLES, pairs=_PAIRS)
    margins = tuple(margin for margin in found.margins if margin.axis.column not in without)
    tables = tuple(table for table in found.tables if not set(table.columns) & set(without))
    return Grid(task.schema, replace(found, margins=margins, tables=tables)) if margins else None


def locks_of(schema: Schema, params: PAFTParams, structure: Structure, train: pa.Table) -> Locked:
    """The grammar of a row that keeps what was found to depend, and outlines that a person gave."""
    columns = [schema.column(name) for name in structure.order]
    return locked_row(columns, structure.dependencies, train, outlines=params.outlines)


def guard_of(task: Task, params: PAFTParams, train: pa.Table) -> NearGuard | None:
    """What tells rows that lie too near to real ones."""
    return NearGuard(task.schema, train) if params.drop_near else None
