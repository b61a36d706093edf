"""What rows are selected and aligned to, and what they must not come near: both counted over the train split."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

import numpy as np
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

__all__ = ["bins_for", "continuous", "grid_of", "guard_of", "locks_of"]

_TRIPLES = 8
_PAIRS = 200  # at most; those that tell nothing beyond chance are not among them
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


def bins_for(rows: int) -> int:
    """How many quantile bins so many rows support in tables of two columns: 5 for 200, 6 for 400, 10 from 2,000 on.

    More tables, each coarser, tell more than fewer fine ones (with 400 rows of 15 columns a forest tells rows aligned to 6
    bins from real ones less often than rows aligned to 10: .59 against .62).
    """
    return int(np.clip(round(0.8 * rows ** (1 / 3)), 5, 10))


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


def locks_of(schema: Schema, structure: Structure, train: pa.Table) -> Locked:
    """The grammar of a row that keeps what was found to depend."""
    return locked_row([schema.column(name) for name in structure.order], structure.dependencies, train)


def guard_of(task: Task, params: PAFTParams, train: pa.Table) -> NearGuard | None:
    """What tells rows that lie too near to real ones."""
    return NearGuard(task.schema, train) if params.drop_near else None
