"""Ties: columns whose cell follows from another column's cell, where a declared dependency shows in a table.

Where there is no such table, any map keeps the dependency, and the one is chosen that meets the dependent's margin best.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from localsynth.core.schema import Dependency
from localsynth.core.targets import Axis

from .choosing import best_fit, matched
from .swap import Table

__all__ = ["Tie", "follow", "ties_in", "units_of_ties"]

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Tie:
    """image : the base cell of the dependent column for each base cell of the determinant. chosen : no table says so."""

    determinant: int
    dependent: int
    image: Array
    chosen: bool = False


def ties_in(
    names: Sequence[str],
    dependencies: Sequence[Dependency],
    tables: Sequence[Table],
    shares: Sequence[Array],
    axes: Sequence[Axis],
) -> tuple[Tie, ...]:
    """The ties, every column dependent in one at most, determinants before what depends on them.

    tables : of shares, raked. shares : of each column's base cells. A dependency of one column on one other is a tie where
    a table of just the two gives every cell of the determinant that has rows one base cell of the dependent; or where no
    table has both, each cell of the determinant is one value, and a map can be chosen. axes : of each column's base cells.
    """
    at = {name: index for index, name in enumerate(names)}
    known: dict[tuple[int, ...], Table] = {t.columns: t for t in tables if len(t.columns) == 2}
    found: dict[int, Tie] = {}
    # The finest determinant first: of postcode -> town -> county the postcode says it all.
    pairs = [
        (at[d.determinant[0]], at[d.dependent])
        for d in dependencies
        if len(d.determinant) == 1 and d.determinant[0] in at and d.dependent in at
    ]
    for one, other in sorted(pairs, key=lambda pair: -len(shares[pair[0]])):
        if other in found or _leads(found, one) == other:
            continue
        image = _image(known, one, other, shares)
        if image is not None:
            found[other] = Tie(one, other, image)
    for tie in _chosen(found, pairs, tables, shares, axes):
        found[tie.dependent] = tie
    depth = {column: _depth(found, column) for column in found}
    return tuple(found[column] for column in sorted(found, key=lambda column: (depth[column], column)))


def _chosen(
    found: Mapping[int, Tie],
    pairs: Sequence[tuple[int, int]],
    tables: Sequence[Table],
    shares: Sequence[Array],
    axes: Sequence[Axis],
) -> list[Tie]:
    """Ties of columns that no table ties, what comes first in a chain first.

    Of several determinants the one that follows from all others decides; where there is none, or what hangs on the column is
    tied already, no map can be chosen for the column alone.
    """
    above = {column: _above(column, pairs) for pair in pairs for column in pair}
    told = {(one, other) for table in tables for one in table.columns for other in table.columns}
    now = list(shares)
    for tie in sorted(found.values(), key=lambda tie: _depth(dict(found), tie.dependent)):
        now[tie.dependent] = np.bincount(tie.image, now[tie.determinant], len(shares[tie.dependent]))
    made: dict[int, Tie] = {}
    for other in sorted({other for _, other in pairs} - set(found), key=lambda column: len(above[column])):
        over = {one for one, dependent in pairs if dependent == other}
        last = [one for one in over if over - {one} <= above[one]]
        below = {dependent for one, dependent in pairs if one == other}
        if (
            not last
            or any((one, other) in told for one in over)
            or not (axes[other].labels or axes[other].edges)
        ):
            continue
        one = min(last)
        mutual = one in below
        if _leads({**found, **made}, one) == other or below & (set(found) - {one}) or not _single(axes[one]):
            continue
        missing = axes[one].missing and axes[other].missing
        image = _map(now[one], shares[other], matched if mutual else best_fit, missing)
        if image is not None:
            made[other] = Tie(one, other, image, chosen=True)
            now[other] = np.bincount(image, now[one], len(shares[other]))
    return list(made.values())


def _map(
    given: Array, wanted: Array, choose: Callable[[Array, Array], Array | None], missing: bool
) -> Array | None:
    """The map; where both have a cell for missing values (``missing``), the one goes to the other."""
    if not missing:
        return choose(given, wanted)
    left = np.append(wanted[:-1], wanted[-1] - given[-1])
    image = choose(given[:-1], left[:-1] if choose is matched else left)
    return None if image is None else np.append(image, np.int32(len(wanted) - 1)).astype(np.int32)


def _above(column: int, pairs: Sequence[tuple[int, int]]) -> set[int]:
    """Columns it follows from, directly or through others."""
    seen: set[int] = set()
    left = [column]
    while left:
        more = {one for one, other in pairs if other == left[-1]} - seen
        left.pop()
        seen |= more
        left += more
    return seen


def _single(axis: Axis) -> bool:
    """Whether every cell is one value."""
    return bool(axis.labels) and all(len(cell) == 1 for cell in axis.labels)


def _leads(found: dict[int, Tie], column: int) -> int:
    """The column that the tied one follows from in the end."""
    while column in found:
        column = found[column].determinant
    return column


def _depth(found: dict[int, Tie], column: int) -> int:
    return 1 + _depth(found, found[column].determinant) if column in found else 0


def _image(
    known: dict[tuple[int, ...], Table], one: int, other: int, shares: Sequence[Array]
) -> Array | None:
    if (one, other) in known:
        table = known[one, other]
        counts, cells = table.counts, table.cells
    elif (other, one) in known:
        table = known[other, one]
        counts, cells = table.counts.T, table.cells[::-1]
    else:
        return None
    held = counts > 0
    used = np.bincount(cells[0], shares[one], len(held)) > 0
    if (held[used].sum(axis=1) != 1).any():
        return None
    # The dependent's cells in the table must be base cells, or which of several it is stays open.
    base = np.full(held.shape[1], -1, np.int64)
    several = np.bincount(cells[1], minlength=held.shape[1])
    base[cells[1]] = np.arange(len(cells[1]))
    chosen = np.where(held.any(axis=1), held.argmax(axis=1), 0)
    if (several[chosen[used]] != 1).any():
        return None
    return np.where(base[chosen] >= 0, base[chosen], 0)[cells[0]].astype(np.int32)


def follow(codes: Array, ties: Sequence[Tie]) -> None:
    """Set every tied column to what its determinant says."""
    for tie in ties:
        codes[:, tie.dependent] = tie.image[codes[:, tie.determinant]]


def units_of_ties(ties: Sequence[Tie]) -> list[tuple[int, ...]]:
    """Columns that change rows together: a determinant and all that follows from it, the determinant first."""
    root: dict[int, int] = {}
    units: dict[int, list[int]] = {}
    for tie in ties:
        top = root.get(tie.determinant, tie.determinant)
        root[tie.dependent] = top
        units.setdefault(top, [top]).append(tie.dependent)
    return [tuple(unit) for unit in units.values()]
