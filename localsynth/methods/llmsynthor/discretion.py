"""What prompts may name of joint tables: never a cell that rests on a few real rows, nor one from which such a cell follows."""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np

from localsynth.core.smallcells import FEWEST, shown
from localsynth.core.targets import Origin, Statistics, Table

__all__ = ["nameable", "tellable"]

Array: TypeAlias = np.ndarray[Any, Any]


def nameable(table: Table, counted: Statistics) -> tuple[bool, ...]:
    """Which cells of a table a prompt may name, flat.

    table : as it is aimed at, its shares moved by what made it fit. counted : statistics as their source gave them; the
    table is one of theirs, or one of theirs summed over some columns. Of exact counts no cell is named that cannot be found
    there.
    """
    if counted.origin != "rows":
        return (True,) * len(table.shares)
    for source in sorted(counted.tables, key=lambda one: len(one.axes)):
        if set(table.axes) <= set(source.axes):
            places = [source.axes.index(axis) for axis in table.axes]
            others = tuple(at for at in range(len(source.axes)) if at not in places)
            left = [at for at in range(len(source.axes)) if at in places]
            shares = np.array(source.shares).reshape(source.shape).sum(others)
            turned = shares.transpose([left.index(at) for at in places]).ravel()
            whole = Table(table.axes, tuple((turned / turned.sum()).tolist()), source.total)
            return tuple(tellable(whole, "rows").tolist())
    return (False,) * len(table.shares)


def tellable(table: Table, origin: Origin) -> Array:
    """Which cells of a joint table as counted may be told beside its margins, flat.

    Margins are told too, so that what is left of a line of the table once the cells told are taken off is known. So where a
    cell of a few rows is not told, others are withheld with it, those of the fewest rows first, until in each line either
    all is told (or empty), or two cells and more are withheld that hold enough rows together: complementary suppression
    (Hundepool et al. 2012, Statistical Disclosure Control, ch. 4). Cells without rows are never told, and hide nothing.
    """
    told = np.array(shown(table, origin), np.bool_).reshape(table.shape)
    if origin != "rows" or told.all():
        return told.ravel()
    counts = np.rint(np.array(table.shares).reshape(table.shape) * table.total).astype(np.int64)
    while True:
        before = int(told.sum())
        for axis in range(told.ndim):
            _withhold(np.moveaxis(told, axis, -1), np.moveaxis(counts, axis, -1))
        if int(told.sum()) == before:
            return told.ravel()


def _withhold(told: Array, counts: Array) -> None:
    """Close the lines along the last axis; ``told`` is changed."""
    hidden = ~told & (counts > 0)
    number, rows = hidden.sum(-1), np.where(hidden, counts, 0).sum(-1)
    for line in np.argwhere((number > 0) & ((number < 2) | (rows < FEWEST))).tolist():
        own, held = told[tuple(line)], counts[tuple(line)]
        missing, several = int(rows[tuple(line)]), int(number[tuple(line)])
        for at in np.argsort(held, kind="stable").tolist():
            if several >= 2 and missing >= FEWEST:
                break
            if own[at]:
                own[at] = False
                several, missing = several + 1, missing + int(held[at])
