"""Target statistics counted over rows at hand, along axes that are known already: a fold's own margins and tables."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics, Table

from .cells import codes
from .values import whole

__all__ = ["Counter", "counted"]

Array: TypeAlias = np.ndarray[Any, Any]
_LEVELS = 9  # quantiles of a cell's values
_CELLS = 100_000  # of a joint table at most


@dataclass(frozen=True)
class Counter:
    """Rows along the axes of a statistics' margins.

    axes : one per column. codes : rows x columns, -1 where a value lies in no cell. table : the rows themselves; without them
    nothing is known of values inside cells.
    """

    schema: Schema
    axes: tuple[Axis, ...]
    codes: Array
    table: pa.Table | None = None

    @classmethod
    def of(cls, schema: Schema, statistics: Statistics, table: pa.Table) -> Counter:
        """table : any that has the columns of the margins."""
        axes = tuple(margin.axis for margin in statistics.margins)
        found = [codes(table.column(axis.column), axis, schema.column(axis.column)) for axis in axes]
        stacked = np.stack(found, axis=1) if found else np.zeros((table.num_rows, 0), np.int32)
        return cls(schema, axes, stacked, table)

    @property
    def names(self) -> tuple[str, ...]:
        """The columns counted, in the order of the axes."""
        return tuple(axis.column for axis in self.axes)

    def able(self, columns: Sequence[str]) -> bool:
        """Whether their joint table is one to be counted, cell by cell."""
        return prod(self.axes[self.names.index(name)].size for name in columns) <= _CELLS

    @property
    def rows(self) -> int:
        """How many rows were counted."""
        return len(self.codes)

    def shares(self, columns: Sequence[str]) -> Array:
        """The joint shares of these columns' cells, one axis each; sum 1, evenly spread where no row lies in any."""
        at = [self.names.index(name) for name in columns]
        shape = [self.axes[one].size for one in at]
        own = self.codes[:, at]
        own = own[(own >= 0).all(axis=1)]
        counts = np.bincount(np.ravel_multi_index(own.T, shape), minlength=prod(shape)) if len(own) else None
        if counts is None:
            return np.full(shape, 1 / prod(shape))
        return np.asarray((counts / counts.sum()).reshape(shape))

    def margin(self, name: str) -> Margin:
        """One column's distribution, with quantiles inside the cells that rows lie in."""
        at = self.names.index(name)
        axis = self.axes[at]
        inner = self._inner(at) if axis.edges and self.table is not None else ()
        return Margin(axis, tuple(self.shares([name]).tolist()), float(self.rows), inner)

    def joint(self, columns: Sequence[str], why: str = "model") -> Table:
        """The joint table of two or more columns."""
        axes = tuple(self.axes[self.names.index(name)] for name in columns)
        return Table(axes, tuple(self.shares(columns).ravel().tolist()), float(self.rows), why)

    def _inner(self, at: int) -> tuple[tuple[int, ...], ...]:
        assert self.table is not None
        axis = self.axes[at]
        values, _ = whole(self.schema.column(axis.column), self.table.column(axis.column))
        found = []
        for cell, (low, high) in enumerate(zip(axis.edges, axis.edges[1:], strict=False)):
            own = values[self.codes[:, at] == cell]
            if not len(own):
                found.append((low, high - 1))
                continue
            levels = np.linspace(0, 1, min(_LEVELS, max(2, len(own))))
            found.append(tuple(np.quantile(own, levels, method="nearest").astype(np.int64).tolist()))
        return tuple(found)


def counted(counter: Counter, groups: Sequence[Sequence[str]]) -> Statistics:
    """Margins of all columns named in ``groups`` (in the order of the axes), and a table of each group of two or more."""
    named = {name for group in groups for name in group}
    margins = tuple(counter.margin(name) for name in counter.names if name in named)
    tables = tuple(counter.joint(group) for group in groups if len(group) > 1)
    return Statistics(margins, tables)
