"""Cells made from what the schema declares, never from values."""

from __future__ import annotations

from dataclasses import dataclass
from statistics import NormalDist

from localsynth.core.columns import Column, FloatColumn, IntegerColumn
from localsynth.core.schema import Schema
from localsynth.core.steps import OrderedColumn, bounds, decimals_of, is_nominal, levels
from localsynth.core.targets import Axis

__all__ = ["Plan", "plan"]


@dataclass(frozen=True)
class Plan:
    """How a column is first looked at. wide : it has more values than cells can be had, which are cut where rows lie."""

    axis: Axis
    wide: bool = False

    @property
    def free(self) -> bool:
        """There is one cell, which needs no counting."""
        return self.axis.size == 1


def plan(schema: Schema, bins: int, looks: int) -> list[Plan]:
    """For every column but identifiers, in the schema's order.

    bins : cells wanted of a number or a day. looks : equally wide cells over the declared range of a wide column, to find
        where its rows lie.
    """
    return [_plan(column, bins, looks) for column in schema.columns if column.kind != "identifier"]


def _plan(column: Column, bins: int, looks: int) -> Plan:
    name, missing = column.name, column.nullable
    if is_nominal(column):
        return Plan(Axis(name, tuple((value,) for value in levels(column)), missing=missing))
    if not isinstance(column, OrderedColumn):
        return Plan(Axis(name, missing=missing))
    first, last = bounds(column)
    low, high = first, last + 1
    if high - low <= bins:
        return Plan(Axis(name, edges=tuple(range(low, high + 1)), missing=missing))
    cuts = _declared_cuts(column, bins) or [low + (high - low) * part // looks for part in range(1, looks)]
    inside = sorted({cut for cut in cuts if low < cut < high})
    return Plan(Axis(name, edges=(low, *inside, high), missing=missing), wide=True)


def _declared_cuts(column: Column, bins: int) -> list[int]:
    """Cuts at what the schema says of the distribution, which is public: its quantiles, or those of its mean and sd."""
    distribution = column.distribution
    if distribution is None or not isinstance(column, IntegerColumn | FloatColumn):
        return []
    scale = 10 ** decimals_of(column)
    if distribution.mean is not None and distribution.sd is not None:
        normal = NormalDist(distribution.mean, distribution.sd)
        values = [normal.inv_cdf(level / (2 * bins)) for level in range(1, 2 * bins)]
    else:
        values = [value for _, value in distribution.points()]
    return [round(value * scale) for value in values]
