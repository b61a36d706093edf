"""Spread: how many different values a column's cells come to, for columns that branch little are written first."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from datetime import timedelta

from localsynth.core.columns import (
    BooleanColumn,
    CategoricalColumn,
    Column,
    DateColumn,
    DatetimeColumn,
    FloatColumn,
    IntegerColumn,
)

from .targets import NumberTarget, ShareTarget, Target

__all__ = ["WIDE", "spread"]

WIDE = 64.0  # from here on nearly every row of a batch has a value of its own; one such column is as good as another
_NORMAL = math.log(math.sqrt(2 * math.pi * math.e))  # entropy of a normal distribution with sd 1
_MISSING = 0.1  # the share of empty cells where nothing is known of it


def spread(column: Column, target: Target | None) -> float:
    """The effective number of values, ``exp(entropy)``, of the declared or elicited distribution; at most ``WIDE``.

    A column that is nearly always the same counts little more than 1, however many values it may have. Without a
    distribution all values count alike; texts are wide.
    """
    entropy = _entropy(column, target)
    if column.nullable and column.null_rate != 0:
        empty = _MISSING if column.null_rate is None else column.null_rate
        entropy = _mixed((empty, 1 - empty)) + (1 - empty) * entropy
    return min(math.exp(min(entropy, 50.0)), WIDE)


def _entropy(column: Column, target: Target | None) -> float:
    match column:
        case BooleanColumn() | CategoricalColumn():
            if isinstance(target, ShareTarget):
                return _mixed(target.shares.tolist())
            return math.log(len(column.categories)) if isinstance(column, CategoricalColumn) else math.log(2)
        case IntegerColumn() | FloatColumn():
            return _of_number(column, target)
        case DateColumn(range=(first, last)):
            return math.log((last - first).days + 1)
        case DatetimeColumn(range=(start, end)):
            return math.log((end - start) // timedelta(minutes=1) + 1)
        case _:
            return math.inf


def _of_number(column: IntegerColumn | FloatColumn, target: Target | None) -> float:
    low, high = column.scaled_bounds
    even = math.log(high - low + 1)
    if not isinstance(target, NumberTarget):
        return even
    scale, told = 10**target.decimals, target.distribution
    if told.mean is not None and told.sd is not None:
        found = _NORMAL + math.log(told.sd * scale) if told.sd > 0 else 0.0
    else:
        found = _of_quantiles([(p, x * scale) for p, x in told.points()], low, high)
    return min(max(found, 0.0), even)


def _of_quantiles(points: list[tuple[float, float]], low: float, high: float) -> float:
    """Of a distribution that is even between neighbouring quantiles; ``x`` counts the values."""
    if points[0][0] > 0:
        points = [(0.0, float(low)), *points]
    if points[-1][0] < 1:
        points = [*points, (1.0, float(high))]
    found = 0.0
    for (p, x), (q, y) in itertools.pairwise(points):
        if q > p:
            found += (q - p) * math.log(max(y - x, 1.0) / (q - p))
    return found


def _mixed(shares: Iterable[float]) -> float:
    return -sum(share * math.log(share) for share in shares if share > 0)
