"""Repair: rows come to keep the rules by trading values with other rows, so that no column's margin moves.

A row that breaks a rule offers, for each column the rule reads, a trade to many other rows; the trades that leave fewer
rules broken are made, all that do not touch each other at once. Columns tied by a dependency are traded together.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from localsynth.core.schema import Dependency

from .frame import Frame, Index
from .targets import Target

__all__ = ["redraw", "trade", "units_of"]

_ROUNDS = 24
_ROWS_AT_ONCE = 64
_TRADES_AT_ONCE = 1500
_IDLE = 5  # rounds without progress before giving up

Broken = Callable[[Index], NDArray[np.bool_]]


def units_of(names: Sequence[str], dependencies: Sequence[Dependency]) -> list[tuple[str, ...]]:
    """Columns that must move together: those tied by dependencies, directly or through others; else one by one."""
    group = {name: name for name in names}

    def root(name: str) -> str:
        while group[name] != name:
            name = group[name]
        return name

    for dependency in dependencies:
        tied = [name for name in (*dependency.determinant, dependency.dependent) if name in group]
        for name in tied[1:]:
            group[root(name)] = root(tied[0])
    units: dict[str, list[str]] = {}
    for name in names:
        units.setdefault(root(name), []).append(name)
    return [tuple(unit) for unit in units.values()]


def trade(
    frame: Frame,
    units: Sequence[tuple[str, ...]],
    rules: Sequence[frozenset[str]],
    broken: Broken,
    rng: np.random.Generator,
) -> None:
    """Trade values between rows of the frame until no row breaks a rule or nothing more is gained."""
    rows = len(frame.index)
    touches = np.array([[bool(names & set(unit)) for names in rules] for unit in units], dtype=np.int64)
    columns = [np.array([frame.at(name) for name in unit]) for unit in units]
    found = broken(frame.index).copy()
    best, least, idle = frame.index.copy(), int(found.sum()), 0
    for _ in range(_ROUNDS):
        cost = found.sum(axis=1)
        bad = rng.permutation(np.flatnonzero(cost))[:_ROWS_AT_ONCE]
        if not len(bad) or rows < 2 or idle >= _IDLE:
            break
        row, unit = np.nonzero(found[bad].astype(np.int64) @ touches.T)
        if not len(row):
            break
        partners = int(np.clip(_TRADES_AT_ONCE // len(row), 4, rows - 1))
        row, unit = np.repeat(bad[row], partners), np.repeat(unit, partners)
        partner = _others(row, partners, rows, rng)
        mine, theirs = frame.index[row], frame.index[partner]
        for at, tied in enumerate(columns):
            which = np.ix_(unit == at, tied)
            mine[which], theirs[which] = theirs[which], mine[which].copy()
        after = broken(np.concatenate([mine, theirs]))
        mine_found, theirs_found = after[: len(row)], after[len(row) :]
        mine_after, theirs_after = mine_found.sum(axis=1), theirs_found.sum(axis=1)
        gain = cost[row] + cost[partner] - mine_after - theirs_after
        # A trade that only hands the trouble on gains nothing, but gets out of corners.
        worth = (gain > 0) | ((gain == 0) & (mine_after < cost[row]) & (rng.random(len(row)) < 0.1))
        taken: set[int] = set()
        for move in np.lexsort((rng.random(len(row)), -gain)):
            pair = {int(row[move]), int(partner[move])}
            if worth[move] and not pair & taken:
                taken |= pair
                frame.index[row[move]], frame.index[partner[move]] = mine[move], theirs[move]
                found[row[move]], found[partner[move]] = mine_found[move], theirs_found[move]
        total = int(found.sum())
        idle = 0 if total < least else idle + 1
        if total < least:
            best, least = frame.index.copy(), total
    frame.index = best


def _others(row: NDArray[np.int64], each: int, rows: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """For each block of ``each`` equal entries, that many different rows, never the row itself."""
    blocks = len(row) // each
    shifts = np.argsort(rng.random((blocks, rows - 1)), axis=1)[:, :each] + 1
    return (row + shifts.ravel()) % rows


def redraw(
    frame: Frame,
    soft: Sequence[Target],
    rules: Sequence[frozenset[str]],
    broken: Broken,
    rng: np.random.Generator,
    tries: int = 16,
) -> None:
    """Rows still in trouble get new values in columns whose distribution is only the model's own guess."""
    found = broken(frame.index)
    bad = np.flatnonzero(found.any(axis=1))
    for target in soft:
        name, at = target.column.name, frame.at(target.column.name)
        reads = np.array([name in names for names in rules], dtype=np.bool_)
        mine = bad[(found[bad] & reads).any(axis=1)]
        if not len(mine):
            continue
        values = target.anything(len(mine) * tries, rng)
        items = frame.add(name, values, target.tags(values))
        tried = np.repeat(frame.index[mine], tries, axis=0)
        tried[:, at] = items
        cost = broken(tried).sum(axis=1).reshape(len(mine), tries)
        best = np.argmin(cost, axis=1)
        better = cost[np.arange(len(mine)), best] < found[mine].sum(axis=1)
        chosen = np.arange(len(mine)) * tries + best
        frame.index[mine[better]] = tried[chosen[better]]
        found = broken(frame.index)
        bad = np.flatnonzero(found.any(axis=1))
