"""What prompts may name of joint tables: never a cell that rests on a few real rows."""

from __future__ import annotations

import numpy as np

from localsynth.core.smallcells import shown
from localsynth.core.targets import Statistics, Table

__all__ = ["nameable"]


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
            return shown(Table(table.axes, tuple((turned / turned.sum()).tolist()), source.total), "rows")
    return (False,) * len(table.shares)
