"""Repair: rows of a frame come to keep the rules by trades (:mod:`localsynth.align.trading`), or by new guesses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from localsynth.align import trading
from localsynth.align.reach import units_of

from .frame import Frame, Index
from .targets import Target

__all__ = ["redraw", "trade", "units_of"]

Broken = Callable[[Index], NDArray[np.bool_]]


def trade(
    frame: Frame,
    units: Sequence[tuple[str, ...]],
    rules: Sequence[frozenset[str]],
    broken: Broken,
    rng: np.random.Generator,
) -> None:
    """Trade values between rows of the frame until no row breaks a rule or nothing more is gained."""
    touches = np.array([[bool(names & set(unit)) for names in rules] for unit in units], dtype=np.bool_)
    columns = [np.array([frame.at(name) for name in unit]) for unit in units]
    trading.trade(frame.index, columns, touches, broken, rng)


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
