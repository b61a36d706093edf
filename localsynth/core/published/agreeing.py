"""Tables beside margins: whom a table leaves out, and where the two contradict each other."""

from __future__ import annotations

import math
from itertools import pairwise
from math import prod

from localsynth.core.celllabels import cell_labels
from localsynth.core.columns import Column
from localsynth.core.targets import Axis, Margin, Table

__all__ = ["contradiction", "regrouped", "summed", "uncovered"]

_LEAST, _MOST = 0.001, 0.01  # shares that differ by less are not worth a word; rounding is no excuse for more


def summed(table: Table, column: str) -> tuple[float, ...]:
    """The margin of a column that a table implies, over the table's own axis."""
    at = table.columns.index(column)
    size, after = table.shape[at], prod(table.shape[at + 1 :])
    found = [0.0] * size
    for place, share in enumerate(table.shares):
        found[place // after % size] += share
    return tuple(found)


def regrouped(margin: Margin, axis: Axis) -> tuple[float, ...]:
    """A margin's shares over other cells of the same column; a cell that is cut is cut evenly."""
    own = margin.axis
    if axis.labels:
        each = {
            value: margin.shares[cell] / len(values)
            for cell, values in enumerate(own.labels)
            for value in values
        }
        found = [math.fsum(each.get(value, 0.0) for value in values) for values in axis.labels]
    elif axis.edges:
        found = [0.0] * axis.present
        for cell, (begin, after) in enumerate(pairwise(own.edges)):
            for place, (first, last) in enumerate(pairwise(axis.edges)):
                shared = min(after, last) - max(begin, first)
                if shared > 0:
                    found[place] += margin.shares[cell] * shared / (after - begin)
    else:
        found = [math.fsum(margin.shares[: own.present])]
    if axis.missing:
        found.append(margin.shares[-1] if own.missing else 0.0)
    return tuple(found)


def uncovered(margin: Margin, axis: Axis) -> float:
    """The share of rows in no cell of the axis: with another value, or without one."""
    return max(0.0, 1 - math.fsum(regrouped(margin, axis)))


def contradiction(column: Column, table: Table, margin: Margin, slack: float, others: float) -> str:
    """A sentence where a table's margin is another than the margin, with both figures; empty where they agree.

    Both are compared over the cells that they have in common. slack : what rounding may have moved in one cell of either.
    others : the share of rows that the table leaves out for what they have in its other columns.
    """
    axis = table.axes[table.columns.index(column.name)]
    implied = summed(table, column.name)
    common = _common(column, axis, margin.axis)
    inside = math.fsum(implied[cell] for _, ours, _ in common for cell in ours)
    outside = math.fsum(margin.shares[cell] for _, _, theirs in common for cell in theirs)
    if inside <= 0 or outside <= 0:
        return ""
    worst, words = 0.0, ""
    for name, ours, theirs in common:
        told = math.fsum(implied[cell] for cell in ours) / inside
        said = math.fsum(margin.shares[cell] for cell in theirs) / outside
        cells = len(ours) * len(table.shares) // axis.size + len(theirs)
        apart = round(abs(told - said), 9)  # of equals, such as true and false, the first
        if apart > max(_LEAST, min(_MOST, slack * cells)) + others and apart > worst:
            worst = apart
            words = (
                f"the table of {', '.join(table.columns)} has {told:.1%} {column.name} {name}, the margin"
                f" {said:.1%}; the margin counts"
            )
    return words


def _common(column: Column, one: Axis, two: Axis) -> list[tuple[str, list[int], list[int]]]:
    """The finest cells that are whole cells of both axes: a name, the cells of each."""
    found = _common_labels(one, two) if one.labels else _common_edges(column, one, two)
    if one.missing and two.missing:
        found.append(("missing", [one.size - 1], [two.size - 1]))
    return found


def _common_labels(one: Axis, two: Axis) -> list[tuple[str, list[int], list[int]]]:
    group: dict[str, set[str]] = {}
    for values in (*one.labels, *two.labels):
        together = set(values).union(*(group.get(value, {value}) for value in values))
        for value in together:
            group[value] = together
    found = []
    for members in {id(shared): shared for shared in group.values()}.values():
        ours = [cell for cell, own in enumerate(one.labels) if own[0] in members]
        theirs = [cell for cell, own in enumerate(two.labels) if own[0] in members]
        named = [value for cell in ours for value in one.labels[cell]]
        found.append((" or ".join(named), ours, theirs))
    return found


def _common_edges(column: Column, one: Axis, two: Axis) -> list[tuple[str, list[int], list[int]]]:
    shared = sorted(set(one.edges) & set(two.edges))
    found = []
    for begin, after in pairwise(shared):
        ours, theirs = (
            [cell for cell, first in enumerate(axis.edges[:-1]) if begin <= first < after]
            for axis in (one, two)
        )
        (name,) = cell_labels(column, Axis(column.name, edges=(begin, after)))
        found.append((name, ours, theirs))
    return found
