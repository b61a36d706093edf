"""Margins made exact: rows leave cells that are too full for cells that are not, those first that bring tables nearer."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

import numpy as np

from .integers import ranks
from .swap import Table, Work
from .ties import Tie, follow

__all__ = ["settle"]

Array: TypeAlias = np.ndarray[Any, Any]
_TRIES = 8  # cells that each row is offered in a round
_ROUNDS = 40  # after these whoever is left goes anywhere


def settle(
    codes: Array,
    margins: Sequence[Array],
    rng: np.random.Generator,
    *,
    goals: Sequence[Table] = (),
    ties: Sequence[Tie] = (),
    frozen: Sequence[int] = (),
) -> Array:
    """The rows (a copy, int32) with exactly these margins, as few of them changed as possible.

    margins : whole numbers that sum to the number of rows, per column. goals : tables that the moves should bring nearer.
    ties : tied columns go along with what they follow from, which then decides their margin. frozen : columns that stay as
    they are, and what follows from them, whatever their margin.
    """
    codes = np.array(codes, np.int32, order="F")
    follow(codes, [tie for tie in ties if tie.dependent not in set(frozen)])
    work = [Work(codes, table) for table in goals]
    for column in rng.permutation(codes.shape[1]).tolist():
        if column in {tie.dependent for tie in ties}:
            continue
        images = _images(column, len(margins[column]), ties)
        if not set(images) & set(frozen):
            touched = [one for one in work if one.reads(tuple(images))]
            _settle(codes, column, images, np.asarray(margins[column]), touched, rng)
    return codes


def _images(column: int, size: int, ties: Sequence[Tie]) -> dict[int, Array]:
    """Of the column and each that follows from it: its cell for each of the column's cells."""
    images = {column: np.arange(size, dtype=np.int32)}
    for tie in ties:
        if tie.determinant in images:
            images[tie.dependent] = tie.image[images[tie.determinant]]
    return images


def _settle(
    codes: Array,
    column: int,
    images: Mapping[int, Array],
    margin: Array,
    work: Sequence[Work],
    rng: np.random.Generator,
) -> None:
    for turn in range(_ROUNDS + 1):
        excess = np.bincount(codes[:, column], minlength=len(margin)) - margin
        over, under = np.maximum(excess, 0), np.maximum(-excess, 0)
        if not over.any():
            return
        rows = rng.permutation(np.flatnonzero(over[codes[:, column]] > 0))
        if turn == _ROUNDS:
            rows = rows[ranks(codes[rows, column]) < over[codes[rows, column]]]
            goes = rng.permutation(np.repeat(np.arange(len(margin), dtype=np.int32), under))
        else:
            goes, cost = _offers(codes, images, rows, under, work, rng)
            order = np.argsort(cost, kind="stable")
            rows, goes = rows[order], goes[order]
            # Half at a time: every move changes what the next one is worth.
            able = ranks(codes[rows, column]) < (over[codes[rows, column]] + 1) // 2
            rows, goes = rows[able], goes[able]
            able = ranks(goes) < (under[goes] + 1) // 2
            rows, goes = rows[able], goes[able]
        for one in work:
            one.send(rows, one.far(*_change(codes, images, rows, goes)))
        for other, image in images.items():
            codes[rows, other] = image[goes]


def _offers(
    codes: Array,
    images: Mapping[int, Array],
    rows: Array,
    under: Array,
    work: Sequence[Work],
    rng: np.random.Generator,
) -> tuple[Array, Array]:
    """Per row the best of some cells that lack rows, and what going there adds to the tables' squared gap."""
    lacking = np.flatnonzero(under)
    every = len(lacking) <= _TRIES
    best = np.full(len(rows), np.inf)
    goes = np.zeros(len(rows), np.int32)
    for turn in range(len(lacking) if every else _TRIES):
        if every:
            offer = np.full(len(rows), lacking[turn], np.int32)
        else:
            offer = rng.choice(len(under), len(rows), p=under / under.sum()).astype(np.int32)
        cost = rng.random(len(rows)) * 1e-3  # of equals any
        for one in work:
            cost += one.leave(rows, one.far(*_change(codes, images, rows, offer)))
        better = cost < best
        best[better], goes[better] = cost[better], offer[better]
    return goes, best


def _change(
    codes: Array, images: Mapping[int, Array], rows: Array, goes: Array
) -> tuple[dict[int, Array], dict[int, Array]]:
    """The codes of the columns that move, before and after."""
    old = {other: codes[rows, other] for other in images}
    return old, {other: image[goes] for other, image in images.items()}
