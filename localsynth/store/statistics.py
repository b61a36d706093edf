"""Target statistics counted over the train split: margins of all columns, tables of some together."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import combinations
from math import isqrt, prod
from typing import Any, TypeAlias

import numpy as np

from localsynth.core.columns import Column, DatetimeColumn
from localsynth.core.smallcells import tells
from localsynth.core.steps import levels, range_of
from localsynth.core.targets import Axis, Margin, Statistics, Table

from .binning import CLOCK, DECIMAL, FEW, edges_of, fewer, quantiles
from .counting import Counting

__all__ = ["few_rows", "joint_axes", "margins", "pair_counts", "tables"]

Array: TypeAlias = np.ndarray[Any, Any]
_MOST_CELLS = 100_000  # of one table, whatever the rows support: it is kept with the run


def margins(counting: Counting, bins: int, finer: Mapping[str, int] | None = None) -> Statistics:
    """The margin of every column but identifiers.

    bins : of ordered columns, about equally full (:func:`~localsynth.store.binning.edges_of`). finer : of some of them.

    Nominal columns have one cell for each value of the schema, in its order: those are what rows may be made of, whether a
    train row has them or not, and a schema tells them anyway. How many rows a rare one has is told too; with a privacy
    budget it would be told with noise. Text has one cell for any value. There is a cell for missing values where the schema
    allows them.
    """
    if not counting.rows:
        raise ValueError("there are no train rows to count")
    found, rare = [], []
    for name in counting.columns:
        column = counting.schema.column(name)
        margin = _margin(counting, column, (finer or {}).get(name, bins))
        found.append(margin)
        few = sum(tells(round(share * counting.rows)) for share in margin.shares)
        if few and margin.axis.labels:
            rare.append(f"{name} ({few})")
    notes = [f"values that fewer than {FEW} train rows have: {', '.join(rare)}"] if rare else []
    spanned = [margin.axis.column for margin in found if margin.axis.edges]
    if spanned and not counting.declared:
        notes.append(
            "the schema was inferred from the rows, so the outer edges of these columns are their smallest and largest train"
            f" value: {', '.join(spanned)}; widen their ranges in a schema file where that tells too much"
        )
    return Statistics(tuple(found), source=f"{counting.rows:,} train rows", notes=tuple(notes))


def few_rows(tables: Sequence[Table]) -> str:
    """A note on joint cells that a few train rows fill; empty where there are none."""
    few = [sum(tells(round(share * table.total)) for share in table.shares) for table in tables]
    told = sum(count > 0 for count in few)
    if not told:
        return ""
    return (
        f"{sum(few):,} cells of {told} joint table{'s' if told > 1 else ''} hold fewer than {FEW} train rows: no prompt shows"
        " them, but rows are aligned to them like to any other"
    )


def _margin(counting: Counting, column: Column, bins: int) -> Margin:
    missing = counting.missing(column.name)
    has_missing = column.nullable or missing > 0
    inner: tuple[tuple[int, ...], ...] = ()
    ends = range_of(column)
    if ends is not None:
        values, counts = counting.values(column.name)
        steps = CLOCK if isinstance(column, DatetimeColumn) else DECIMAL
        axis = Axis(column.name, edges=edges_of(values, counts, bins, *ends, steps), missing=has_missing)
        inner = quantiles(values, counts, axis.edges)
    else:
        axis = Axis(column.name, labels=tuple((value,) for value in levels(column)), missing=has_missing)
    return Margin(axis, _shares(counting.count([axis])), float(counting.rows), inner)


def _shares(counts: Array) -> tuple[float, ...]:
    flat = counts.ravel().astype(np.float64)
    return tuple((flat / flat.sum()).tolist())


def joint_axes(
    margins: Sequence[Margin], rows: float, rows_per_cell: float = 1.0, least: int = 2
) -> tuple[Axis, ...] | None:
    """Axes for a joint table with at least ``rows_per_cell`` rows for each cell on average, cut no finer than the margins.

    Values of a nominal column that fewer than :data:`~localsynth.store.binning.FEW` rows have share a cell. The axes with
    the most cells are then made coarser, all to the same number: the rarest values join that cell, neighbouring cells of
    an ordered column are joined. ``None`` where that would leave an axis that has more cells with fewer than ``least``, or
    where nothing is told apart on an axis.
    """
    limit = max(4.0, min(rows / rows_per_cell, _MOST_CELLS))
    lumped = [_lumped(margin, rows, margin.axis.present) for margin in margins]
    sizes = [axis.size for axis in lumped]
    if min(sizes) < 2:
        return None
    # Missing values keep their cell, so that a column has at least one more.
    low, high = 2, max(sizes)
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (
            (middle, high) if prod(min(size, middle) for size in sizes) <= limit else (low, middle - 1)
        )
    if low < min(least, max(sizes)):
        return None
    coarse = [
        axis if axis.size <= low else _lumped(margin, rows, max(1, low - axis.missing))
        for axis, margin in zip(lumped, margins, strict=True)
    ]
    return tuple(coarse) if prod(axis.size for axis in coarse) <= max(limit, 2 ** len(coarse)) else None


def _lumped(margin: Margin, rows: float, most: int) -> Axis:
    """A margin's axis with at most ``most`` cells for values."""
    axis = margin.axis
    counts = np.array(margin.shares[: axis.present]) * rows
    if axis.edges:
        starts = fewer(counts, most)
        return axis if len(starts) == axis.present else Axis(
            axis.column, edges=(*(axis.edges[at] for at in starts), axis.edges[-1]), missing=axis.missing
        )  # fmt: skip
    if not axis.labels:
        return axis
    order = np.argsort(-counts, kind="stable")
    common = int((np.rint(counts) >= FEW).sum())
    if common < axis.present - 1 or most < axis.present:
        common = min(common, most - 1)
        kept, rest = sorted(order[:common].tolist()), sorted(order[common:].tolist())
        together = tuple(value for at in rest for value in axis.labels[at])
        return Axis(axis.column, labels=(*(axis.labels[at] for at in kept), together), missing=axis.missing)
    return axis


def pair_counts(
    counting: Counting, statistics: Statistics, rows_per_cell: float = 1.0
) -> Iterator[tuple[tuple[int, int], Array]]:
    """How many rows lie in each cell of every pair of columns, by the positions of their margins.

    Every column is told apart in one way for all pairs, coarse enough for any two of them; a column of one cell has no
    pairs.
    """
    most = max(2, isqrt(int(max(4.0, counting.rows / rows_per_cell))))
    axes = [
        _lumped(margin, counting.rows, max(1, most - margin.axis.missing)) for margin in statistics.margins
    ]
    usable = [at for at, axis in enumerate(axes) if axis.size > 1]
    with counting.coded(axes) as coded:
        for pair in combinations(usable, 2):
            yield pair, coded.count(pair)


def tables(counting: Counting, wanted: Iterable[tuple[Sequence[Axis], str]]) -> tuple[Table, ...]:
    """Joint tables over given axes, each with the word for who chose it.

    They are not smoothed: a cell may hold a single row, as in any cross table that is not rounded. No prompt shows such a
    cell (:func:`localsynth.core.smallcells.shown`), but rows are aligned to it; where that is too much to tell, a privacy
    budget is what protects.
    """
    return tuple(
        Table(tuple(axes), _shares(counting.count(axes)), float(counting.rows), why) for axes, why in wanted
    )
