"""Columns that are there already: targets moved to the distribution they have, so that what is made beside them can fit."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import Any, TypeAlias

import numpy as np
import pyarrow as pa

from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics, Table

from .axes import mapping, refine
from .cells import codes
from .raking import rake

__all__ = ["anchored"]

Array: TypeAlias = np.ndarray[Any, Any]


def anchored(statistics: Statistics, schema: Schema, names: Collection[str], known: pa.Table) -> Statistics:
    """The statistics with the margins that known columns have, and tables raked to them.

    names : columns that are given; tables over these alone are left out, since nothing can be changed about them.
    known : rows of some of them. The other margins stay; tables keep their odds ratios. Without rows nothing is moved.
    """
    tables = [table for table in statistics.tables if not set(table.columns) <= set(names)]
    if not known.num_rows:
        return replace(statistics, tables=tuple(tables))
    margins = {
        margin.axis.column: _counted(margin, schema, known)
        if margin.axis.column in known.column_names
        else margin
        for margin in statistics.margins
    }
    raked = tuple(_raked(table, margins) for table in tables)
    return replace(statistics, margins=tuple(margins.values()), tables=raked)


def _counted(margin: Margin, schema: Schema, known: pa.Table) -> Margin:
    name = margin.axis.column
    found = codes(known.column(name), margin.axis, schema.column(name))
    counts = np.bincount(found[found >= 0], minlength=margin.axis.size)
    if not counts.sum():
        return margin
    return replace(margin, shares=tuple((counts / counts.sum()).tolist()))


def _raked(table: Table, margins: dict[str, Margin]) -> Table:
    wanted = [_coarser(margins[axis.column], axis) for axis in table.axes]
    if any(one is None for one in wanted):
        return table
    shares = np.array(table.shares).reshape(table.shape)
    raked = rake(shares, [one for one in wanted if one is not None]).shares.ravel()
    return replace(table, shares=tuple((raked / raked.sum()).tolist()))


def _coarser(margin: Margin, axis: Axis) -> Array | None:
    """The margin over the cells of an axis; ``None`` where it is not made of the margin's cells."""
    if not _spans(margin.axis, axis) or refine([margin.axis, axis]) != margin.axis:
        return None
    return np.bincount(mapping(margin.axis, axis), margin.shares, axis.size)


def _spans(one: Axis, other: Axis) -> bool:
    """Whether two axes of a column are of the same values."""
    values = [{value for cell in axis.labels for value in cell} for axis in (one, other)]
    ends = [axis.edges[:1] + axis.edges[-1:] for axis in (one, other)]
    return values[0] == values[1] and ends[0] == ends[1] and one.missing == other.missing
