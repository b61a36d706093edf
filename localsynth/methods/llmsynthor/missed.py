"""Margins that finished rows miss, told with the rules and dependencies that leave no room for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any, TypeAlias

import numpy as np

from localsynth.align.axes import mapping
from localsynth.align.grid import Grid
from localsynth.align.integers import onward
from localsynth.align.reach import rule_columns
from localsynth.core.schema import Schema

__all__ = ["missed", "told_of_missed"]

Array: TypeAlias = np.ndarray[Any, Any]
_TOLD, _ROWS = 0.01, 3  # total variation distance, and rows in the wrong cells, beyond what rounding makes
_ROUNDED = (
    1.5  # tied columns are rounded one inside the other, which costs somewhat more than the best rounding
)


def missed(grid: Grid, done: Sequence[Array], short: int = 0) -> dict[str, float]:
    """Total variation distance to the target of each margin that is missed by more than rounding explains.

    done : per column the rows in each base cell. short : rows refused that are still to be made good.
    """
    found = {}
    for at, name in enumerate(grid.names):
        base = grid.bases[at]
        cells, size = mapping(base.axis, base.margin.axis), base.margin.axis.size
        counts = np.bincount(cells, done[at], size)
        shares = np.bincount(cells, grid.shares[at], size)
        rows = int(counts.sum())
        if not rows:
            continue
        rounded = onward(shares, rows, np.zeros(size, np.int64))
        allowed = _ROUNDED * _distance(rounded, shares) + max(_TOLD, _ROWS / rows) + short / (rows + short)
        off = _distance(counts, shares)
        if off > allowed:
            found[name] = off
    return found


def _distance(counts: Array, shares: Array) -> float:
    return float(np.abs(counts / counts.sum() - shares).sum()) / 2


def told_of_missed(schema: Schema, found: dict[str, float], told: Collection[str]) -> dict[str, str]:
    """Per missed column that nobody was told of the sentence about it."""
    reads = rule_columns(schema)
    said = {}
    for name, off in found.items():
        if name in told:
            continue
        why = [
            f"the dependency {', '.join(d.determinant)} -> {d.dependent}"
            for d in schema.dependencies
            if name in {*d.determinant, d.dependent}
        ]
        why += [
            f"the rule '{rule.label}'" for rule, read in zip(schema.rules, reads, strict=True) if name in read
        ]
        words = (
            f"{', '.join(why[:-1])} and {why[-1]}"
            if len(why) > 1
            else (why or ["its tables or the draft"])[0]
        )
        verb = "does" if len(why) == 1 else "do"
        said[name] = (
            f"the margin of {name} is missed by {off:.3f} (total variation distance): {words} {verb} not leave room for it"
        )
    return said
