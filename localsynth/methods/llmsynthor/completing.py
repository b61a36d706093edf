"""Rows begun by somebody else: plans laid over columns that are given."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.align.grid import Grid
from localsynth.align.integers import apportion
from localsynth.core.targets import Statistics

from .planning import Plans

__all__ = ["begun", "with_given", "without"]

Array: TypeAlias = np.ndarray[Any, Any]


def begun(grid: Grid, given: pa.Table, plans: Plans, rng: np.random.Generator) -> Array:
    """One draft row (base cells, -1 where open) for each given row, in order: what is given, and what a plan adds to it.

    A plan is laid over rows that agree with it in every given column it fixes, at random; over fewer of them than it wants
    where there are fewer.
    """
    rows = given.num_rows
    draft = np.full((rows, len(grid.names)), -1, np.int32, order="F")
    fixed = [at for at, name in enumerate(grid.names) if name in given.column_names]
    for at in fixed:
        draft[:, at] = grid.bases[at].encode(given.column(grid.names[at]))
    wanted = round(plans.share * rows)
    if not wanted:
        return draft
    free = np.ones(rows, np.bool_)
    for plan, count in zip(plans.cells, apportion(plans.counts.astype(np.float64), wanted), strict=True):
        able = free.copy()
        for at in fixed:
            if plan[at] >= 0:
                able &= draft[:, at] == plan[at]
        chosen = rng.permutation(np.flatnonzero(able))[:count]
        free[chosen] = False
        for at in np.flatnonzero(plan >= 0).tolist():
            draft[chosen, at] = plan[at]
    return draft


def with_given(table: pa.Table, given: pa.Table) -> pa.Table:
    """The table with the given columns as they were given."""
    for name in given.column_names:
        table = table.set_column(table.column_names.index(name), name, given.column(name))
    return table


def without(statistics: Statistics, columns: Collection[str]) -> Statistics:
    """The statistics without these columns."""
    return replace(
        statistics,
        margins=tuple(one for one in statistics.margins if one.axis.column not in columns),
        tables=tuple(one for one in statistics.tables if not set(columns) & set(one.columns)),
    )
