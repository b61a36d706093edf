"""Trades: rows come to keep the rules by exchanging values with other rows, so that no column's margin moves.

A row that breaks a rule offers, for each unit of columns the rule reads, a trade to several other rows; the trades that leave
fewer rules broken are made, best first, all that do not touch each other at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Pace", "apart", "others", "trade"]

Array: TypeAlias = np.ndarray[Any, Any]
#: Rows x columns of items -> rows x rules.
Broken: TypeAlias = Callable[[Array], Array]
#: Rows that offer, the unit each offers, how many offers in a row belong to one -> the row each is made to.
Partners: TypeAlias = Callable[[Array, Array, int, np.random.Generator], Array]


@dataclass(frozen=True)
class Pace:
    """How much is tried. rounds : at most; idle : without progress before giving up; rows : that offer in a round; trades : in
    a round; least, most : offers a row makes of each unit, whatever the others make of that.
    """

    rounds: int = 24
    idle: int = 5
    rows: int = 64
    trades: int = 1500
    least: int = 4
    most: int = 1500


def trade(
    index: Array,
    units: Sequence[Array],
    touches: Array,
    broken: Broken,
    rng: np.random.Generator,
    *,
    partners: Partners | None = None,
    pace: Pace | None = None,
    check: Callable[[], None] = lambda: None,
) -> None:
    """Trade items between rows, in place, until no row breaks a rule or nothing more is gained.

    Parameters
    ----------
    index : rows x columns; which item stands in a cell.
    units : positions of columns that are traded together. touches : units x rules, whether the rule reads the unit.
    broken : rows x rules, of rows of such items; a rule that no unit touches is left alone.
    partners : whom rows trade with; any others by default.
    """
    rows, pace = len(index), pace or Pace()
    choose = partners or (lambda row, _, each, rng: others(row, each, rows, rng))
    wide, found = touches.astype(np.int64).T, broken(index).copy()
    least, idle = int(found.sum()), 0
    for _ in range(pace.rounds):
        check()
        cost = found.sum(axis=1)
        bad = rng.permutation(np.flatnonzero(cost))[: pace.rows]
        if not len(bad) or rows < 2 or idle >= pace.idle:
            break
        row, unit = np.nonzero(found[bad].astype(np.int64) @ wide)
        if not len(row):
            break
        each = int(np.clip(pace.trades // len(row), pace.least, min(pace.most, rows - 1)))
        row, unit = np.repeat(bad[row], each), np.repeat(unit, each)
        partner = choose(row, unit, each, rng)
        mine, theirs = index[row], index[partner]
        for at, tied in enumerate(units):
            which = np.ix_(unit == at, tied)
            mine[which], theirs[which] = theirs[which], mine[which].copy()
        after = broken(np.concatenate([mine, theirs]))
        mine_found, theirs_found = after[: len(row)], after[len(row) :]
        mine_after, theirs_after = mine_found.sum(axis=1), theirs_found.sum(axis=1)
        gain = cost[row] + cost[partner] - mine_after - theirs_after
        # A trade that only hands the trouble on gains nothing, but gets out of corners.
        worth = (gain > 0) | ((gain == 0) & (mine_after < cost[row]) & (rng.random(len(row)) < 0.1))
        moves = np.lexsort((rng.random(len(row)), -gain))
        moves = moves[(worth & (row != partner))[moves]]
        moves = moves[apart(row[moves], partner[moves], rows)]
        index[row[moves]], index[partner[moves]] = mine[moves], theirs[moves]
        found[row[moves]], found[partner[moves]] = mine_found[moves], theirs_found[moves]
        total = int(found.sum())
        idle = 0 if total < least else idle + 1
        least = min(least, total)


def others(row: Array, each: int, rows: int, rng: np.random.Generator) -> Array:
    """For each block of ``each`` equal entries, that many different rows, never the row itself."""
    blocks = len(row) // each
    if rows <= 4096:
        shifts = np.argsort(rng.random((blocks, rows - 1)), axis=1)[:, :each] + 1
    else:  # so many that two offers to one row hardly ever meet
        shifts = rng.integers(1, rows, (blocks, each))
    return np.asarray((row + shifts.ravel()) % rows)


def apart(one: Array, other: Array, rows: int) -> Array:
    """Which pairs of rows to take so that no row is taken twice, earlier pairs before later ones (boolean)."""
    taken = np.zeros(len(one), np.bool_)
    free = np.ones(rows, np.bool_)
    left = np.arange(len(one))
    while len(left):
        first = np.full(rows, len(one))
        np.minimum.at(first, one[left], left)
        np.minimum.at(first, other[left], left)
        now = left[(first[one[left]] == left) & (first[other[left]] == left)]
        taken[now] = True
        free[one[now]] = free[other[now]] = False
        left = left[free[one[left]] & free[other[left]]]
    return taken
