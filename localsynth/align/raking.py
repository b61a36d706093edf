"""Raking: tables brought to margins that count (iterative proportional fitting, Deming & Stephan 1940).

Of all tables with these margins it gives the one nearest to the table in Kullback-Leibler divergence, so that what the
table tells of how its columns hang together (its odds ratios) stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Raked", "completed", "product", "rake"]

Array: TypeAlias = np.ndarray[Any, Any]
_CYCLES, _LONG, _IDLE = 300, 3000, 20
_NEAR = 1e-9
_MET = 1e-6  # a margin nearer than that is met
_MIXED = 1e-3  # the part of independence that is mixed in where zeros stand in the way


@dataclass(frozen=True)
class Raked:
    """shares : the table. empty : per axis the cells that had rows in the margin but none in the table.
    filled : whether its zeros made the margins impossible, so that cells had to be filled.
    """

    shares: Array
    empty: tuple[Array, ...]
    filled: bool


def product(margins: Sequence[Array]) -> Array:
    """The table of independent columns, one axis per margin."""
    made = np.ones((), np.float64)
    for margin in margins:
        made = np.multiply.outer(made, margin)
    return np.asarray(made)


def rake(shares: Array, margins: Sequence[Array]) -> Raked:
    """Fit a table to the margins of its axes; they count, whatever it says.

    shares : nonnegative, with one axis per margin. margins : of shares that sum to 1.

    A level that the table knows nothing about is filled in as if independent. Where zeros make the margins impossible, a
    thousandth of the independent table is mixed in, after which fitting converges always.
    """
    table = np.array(shares, np.float64)
    if not table.sum() > 0:
        table = product(margins)
    table /= table.sum()
    bare = [(_sums(table, axis) <= 0) & (margin > 0) for axis, margin in enumerate(margins)]
    if any(one.any() for one in bare):
        table = _filled(table, margins, bare)
    empty = tuple(np.flatnonzero(one) for one in bare)
    fitted, off = _fitted(table, margins)
    if off <= _MET:
        return Raked(fitted, empty, False)
    fitted, _ = _fitted((1 - _MIXED) * table / table.sum() + _MIXED * product(margins), margins, _LONG, _LONG)
    return Raked(fitted, empty, True)


def _filled(table: Array, margins: Sequence[Array], bare: Sequence[Array]) -> Array:
    """The table fitted where it tells something, and the independent one on lines where it does not."""
    inside = np.ones((), np.bool_)
    for one in bare:
        inside = np.logical_and.outer(inside, ~one)
    rest = product(margins)
    known = [np.where(one, 0.0, margin) for margin, one in zip(margins, bare, strict=True)]
    if not all(margin.sum() > 0 for margin in known):
        return rest
    table, _ = _fitted(table, [margin / margin.sum() for margin in known])
    return np.where(inside, table * rest[inside].sum() / max(float(table.sum()), 1e-300), rest)


def _fitted(
    table: Array, margins: Sequence[Array], cycles: int = _CYCLES, patience: int = _IDLE
) -> tuple[Array, float]:
    """The table after fitting, and the largest distance of a margin's cell."""
    table, best, idle, off = table.copy(), np.inf, 0, np.inf
    for _ in range(cycles):
        for axis, margin in enumerate(margins):
            found = _sums(table, axis)
            factor = np.divide(margin, found, out=np.zeros_like(found), where=found > 0)
            table *= factor.reshape([-1 if at == axis else 1 for at in range(table.ndim)])
        off = max(float(np.abs(_sums(table, axis) - margin).max()) for axis, margin in enumerate(margins))
        # Where zeros stand in the way the distance settles above 0: more cycles gain nothing.
        idle = 0 if off < best * 0.9999 else idle + 1
        best = min(best, off)
        if off < _NEAR or idle > patience:
            break
    return table, off


def _sums(table: Array, axis: int) -> Array:
    return np.asarray(table.sum(tuple(at for at in range(table.ndim) if at != axis)))


def completed(shares: Array, sources: Sequence[Array], margins: Sequence[Array]) -> Array:
    """A table over wider axes: what it tells where it does, independence where it is silent.

    shares : over the table's own axes. sources : per axis, of each of the wider cells the cell it comes from, or -1 where
    the table says nothing. margins : of the wider axes.
    """
    known = [source >= 0 for source in sources]
    told = np.asarray(shares[np.ix_(*[np.where(source < 0, 0, source) for source in sources])], np.float64)
    inside = np.ones((), np.bool_)
    for one in known:
        inside = np.logical_and.outer(inside, one)
    told = np.where(inside, told, 0.0)
    if all(one.all() for one in known):
        return told
    rest = product(margins)
    covered = prod(float(margin[one].sum()) for margin, one in zip(margins, known, strict=True))
    scale = covered / told.sum() if told.sum() > 0 else 0.0
    return np.where(inside, told * scale, rest)
