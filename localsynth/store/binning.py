"""Cells of an ordered column, and what is told of the values inside them; of values that are counted already.

A cell holds at least :data:`FEW` rows, unless the whole table has fewer. What is told of its inside is a value that so many
rows share, or follows from means over so many rows, none of them in two; the lowest and the highest value of a column enter
nothing, unless so many rows have them. Edges are the schema's bounds, or the roundest number between two neighbouring values.

What stays: bounds that were read off the rows are the two extremes themselves, an edge between neighbouring whole numbers is
one of them, and who knows all other rows of a mean knows the last one. Where that is too much, a privacy budget protects.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from localsynth.core.smallcells import FEWEST as FEW

__all__ = ["CLOCK", "DECIMAL", "FEW", "edges_of", "fewer", "quantiles"]

Array: TypeAlias = np.ndarray[Any, Any]
_MOST_KNOTS = 33
#: Steps that count as round: 1, 2, 5, 10, ... for numbers, and for moments the hours and days of a clock, in minutes.
DECIMAL = tuple(sorted(base * 10**power for power in range(18) for base in (1, 2, 5)))
CLOCK = (1, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440)


def edges_of(
    values: Array, counts: Array, bins: int, low: int, high: int, steps: Sequence[int] = DECIMAL
) -> tuple[int, ...]:
    """Edges of about ``bins`` equally full cells from ``low`` to ``high``, both within.

    values : the different values, rising, within the bounds. counts : rows with each. steps : what round numbers are
    multiples of.

    Where there are no more different values than ``bins``, each begins a cell of its own; otherwise a value that more than
    one in ``bins`` rows has gets one (as narrow as its neighbours allow without a cell that nobody is in), and what lies
    between is cut into parts about as full as the rest allows. Cells of fewer than :data:`FEW` rows go to a neighbour.
    """
    if len(values) < 2:
        return (low, high + 1)
    heavy = counts * bins > counts.sum() if len(values) > bins else np.ones(len(values), bool)
    starts = _merged(_starts(counts, heavy, bins), counts)
    told = heavy & (counts >= FEW)
    cuts = [_cut(values, told, start, steps) for start in starts[1:]]
    return (low, *cuts, high + 1)


def _starts(counts: Array, heavy: Array, bins: int) -> list[int]:
    """Positions of the values that begin a cell."""
    cells = max(1, bins - int(heavy.sum()))
    share = counts[~heavy].sum() / cells if (~heavy).any() else 1.0
    starts: list[int] = []
    at = 0
    while at < len(counts):
        if heavy[at]:
            starts.append(at)
            at += 1
            continue
        end = at + int(np.argmax(heavy[at:])) if heavy[at:].any() else len(counts)
        full = counts[at:end].cumsum()
        parts = max(1, round(full[-1] / share))
        wanted = full[-1] * np.arange(1, parts) / parts
        # The boundary nearest to each level; the same one may be nearest to two.
        before = np.concatenate([[0], full])
        nearest = np.abs(before[None, :] - wanted[:, None]).argmin(1) if parts > 1 else np.array([], int)
        starts += sorted({at, *(at + int(n) for n in nearest if n < end - at)})
        at = end
    return starts


def _merged(starts: list[int], counts: Array) -> list[int]:
    """The same with cells of too few rows joined to the smaller neighbour."""
    starts = list(starts)
    rows = [int(part.sum()) for part in np.split(counts, starts[1:])]
    while len(rows) > 1 and min(rows) < FEW:
        small = rows.index(min(rows))
        left = small == len(rows) - 1 or (small > 0 and rows[small - 1] <= rows[small + 1])
        first = small - 1 if left else small
        rows[first : first + 2] = [rows[first] + rows[first + 1]]
        del starts[first + 1]
    return starts


def _cut(values: Array, told: Array, start: int, steps: Sequence[int]) -> int:
    """Where a cell begins whose lowest value stands at ``start``: above the value before, at most at its own."""
    below, own = int(values[start - 1]), int(values[start])
    if told[start]:
        return own
    if told[start - 1]:
        return below + 1
    # A multiple of the largest round step that has one in (below, own].
    for step in reversed(steps):
        multiple = own // step * step
        if multiple > below:
            return multiple
    return own


def quantiles(values: Array, counts: Array, edges: Sequence[int]) -> tuple[tuple[int, ...], ...]:
    """For each cell its values at evenly spaced levels, lowest to highest; none for a cell of fewer than :data:`FEW` rows.

    Two knots from mean and standard deviation for a cell of fewer than twice that many rows; otherwise 2 to 33, from means
    of windows of :data:`FEW` rows that share none. A value that so many rows have is told as it is. The lowest and the
    highest value of the column enter nothing where fewer rows have them: the next value stands in for them.
    """
    places = np.searchsorted(values, edges)
    inside = [slice(first, last) for first, last in itertools.pairwise(places)]
    told = counts >= FEW
    return tuple(
        _knots(*_without_extremes(values, counts, told, part), low, high - 1)
        for part, (low, high) in zip(inside, itertools.pairwise(edges), strict=True)
    )


def _without_extremes(values: Array, counts: Array, told: Array, part: slice) -> tuple[Array, Array, Array]:
    """Values of a cell, rows with each, and which are told as they are; extremes of the column moved to the next value."""
    first = part.start + int(part.start == 0 and not told[:1].all())
    last = part.stop - int(part.stop == len(values) and not told[-1:].all())
    if last <= first:
        return values[:0], counts[:0], told[:0]
    own = counts[first:last].copy()
    own[0] += counts[part.start : first].sum()
    own[-1] += counts[last : part.stop].sum()
    return values[first:last], own, told[first:last]


def _knots(values: Array, counts: Array, told: Array, low: int, high: int) -> tuple[int, ...]:
    """low, high : of the cell, both within."""
    rows = int(counts.sum())
    if rows < FEW:
        return ()
    # Relative to the lowest value, to stay exact.
    shifted = (values - values[0]).astype(np.float64)
    if rows < 2 * FEW:
        mean = float((shifted * counts).sum() / rows)
        half = float(3 * ((shifted - mean) ** 2 * counts).sum() / rows) ** 0.5  # of values spread evenly
        return tuple(min(max(int(values[0]) + round(end), low), high) for end in (mean - half, mean + half))
    ends = counts.cumsum()
    knots = min(_MOST_KNOTS, rows // FEW)
    at = np.arange(knots)
    first = at * (rows - FEW) // (knots - 1)  # at least FEW apart
    sums = np.concatenate([[0.0], (shifted * counts).cumsum()])
    mean_of = (_sum_before(first + FEW, shifted, ends, sums) - _sum_before(first, shifted, ends, sums)) / FEW
    if knots < _MOST_KNOTS:
        mean_of = _at_even_levels((first + FEW / 2) / rows, mean_of)
    mean_of = np.clip(mean_of, float(low - int(values[0])), float(high - int(values[0])))
    own = np.searchsorted(ends, at * (rows - 1) // (knots - 1), side="right")
    found = np.where(told[own], values[own], values[0] + np.rint(mean_of).astype(np.int64))
    return tuple(int(value) for value in np.clip(np.maximum.accumulate(found), low, high))


def _at_even_levels(middle: Array, mean: Array) -> Array:
    """Means of windows read from 0 to 1, straight on beyond the first and the last. middle : the level each stands for.

    Of many windows the outer ones stand close enough to the ends; of few they would leave a cell too narrow.
    """
    level = np.linspace(0.0, 1.0, len(mean))
    read = np.interp(level, middle, mean)
    for end, beside in ((0, 1), (-1, -2)):
        slope = (mean[end] - mean[beside]) / (middle[end] - middle[beside])
        read[end] = mean[end] + slope * (level[end] - middle[end])
    return read


def _sum_before(rank: Array, values: Array, ends: Array, sums: Array) -> Array:
    """The sum of the ``rank`` lowest rows' values."""
    at = np.searchsorted(ends, rank, side="left")
    before = np.where(at > 0, ends[np.maximum(at - 1, 0)], 0)
    result: Array = sums[at] + (rank - before) * values[at]
    return result


def fewer(counts: Array, most: int) -> list[int]:
    """Neighbouring cells joined until there are at most ``most``, those with the fewest rows first: where each begins."""
    starts, rows = list(range(len(counts))), [int(count) for count in counts]
    while len(rows) > max(1, most):
        joined = [a + b for a, b in itertools.pairwise(rows)]
        at = joined.index(min(joined))
        rows[at : at + 2] = [joined[at]]
        del starts[at + 1]
    return starts
