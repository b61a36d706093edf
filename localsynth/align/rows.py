"""Rows made to measure: begun, settled on exact margins, brought to the tables by swaps.

Swaps take time with every row, and tables are met no better by more of them: beyond :data:`BLUEPRINT` rows so many are
aligned, repeated, settled on the margins of all, and mixed. Mixing exchanges a column's codes among rows that are alike in
every column it shares a table with, which leaves all tables as they are and makes different rows of the copies.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np

from .chain import chain
from .grid import Grid
from .settle import settle
from .start import independent, tree
from .swap import Table, Work, align, whole_units
from .ties import units_of_ties

__all__ = ["BLUEPRINT", "Made", "make", "mix"]

Array: TypeAlias = np.ndarray[Any, Any]


#: Rows aligned at most; more are made out of so many.
BLUEPRINT = 50_000
_ENOUGH = 5e-4  # mean distance to the tables: far below what any table of real rows can tell


@dataclass(frozen=True)
class Made:
    """codes : rows x columns of base cells. table_gaps : per table of the grid the total variation distance to its target,
    margin_gaps : per column that to its whole-numbered margin (0 but for frozen columns). sweeps : of swaps made.
    """

    codes: Array
    table_gaps: tuple[float, ...]
    margin_gaps: tuple[float, ...]
    sweeps: int


def make(
    grid: Grid,
    n: int,
    rng: np.random.Generator,
    *,
    draft: Array | None = None,
    start: Literal["tree", "independent"] = "tree",
    done: Sequence[Array] | None = None,
    frozen: Sequence[int] = (),
    most_sweeps: int = 400,
    enough: float = _ENOUGH,
    refuse: Callable[[Array], Array] | None = None,
    check: Callable[[], None] = lambda: None,
) -> Made:
    """``n`` rows with the grid's margins, as near to its tables as swaps bring them.

    Parameters
    ----------
    draft : rows somebody proposes (codes, -1 where open); more than ``n`` are thinned at random, fewer filled up.
    start : how open cells begin; beside frozen columns ``tree`` means :func:`localsynth.align.chain.chain`.
    done : per column the counts of the rows made before, so that margins are met over all batches (each batch is
        exact for its share; where rows of one were rejected, the sum stays within 1.5 rows or so of the best apportionment).
    frozen : columns whose codes stay as drafted, even where that misses the margin; the draft then has ``n`` rows, and they
        keep their order.
    most_sweeps, enough, refuse : see :func:`localsynth.align.swap.align`; rows that are to be refused may still come from the
        draft, or from making margins exact. check : called often; what it raises ends the work.
    """
    if frozen and (draft is None or len(draft) != n):
        raise ValueError("columns can only be frozen in a draft of all rows")
    given = draft if draft is None or frozen else _fitted(draft, n, rng)
    margins, goals = grid.margins(n, done), grid.goals(n)
    if n > BLUEPRINT and not frozen:
        sample = None if given is None else given[:BLUEPRINT]
        plan = make(
            grid,
            BLUEPRINT,
            rng,
            draft=sample,
            start=start,
            most_sweeps=most_sweeps,
            enough=enough,
            refuse=refuse,
            check=check,
        )
        sweeps = plan.sweeps
        codes = _repeated(plan.codes, n, rng)
        codes = settle(codes, margins, rng, goals=goals, ties=grid.ties)
        if refuse is None:
            codes = mix(codes, goals, rng, units=units_of_ties(grid.ties), check=check)
        table_gaps = tuple(Work(codes, table).distance() for table in goals)
    else:
        if frozen and given is not None and start == "tree":
            codes = chain(grid, given, rng)
        else:
            codes = tree(grid, n, rng, given, done) if start == "tree" else _alone(grid, n, rng, given, done)
        check()
        codes = settle(codes, margins, rng, goals=goals, ties=grid.ties, frozen=frozen)
        found = align(
            codes,
            goals,
            rng,
            most_sweeps=most_sweeps,
            enough=enough,
            refuse=refuse,
            frozen=frozen,
            units=units_of_ties(grid.ties),
            check=check,
        )
        codes, table_gaps, sweeps = found.codes, found.gaps, found.sweeps
    off = [np.abs(np.bincount(codes[:, at], minlength=len(m)) - m).sum() for at, m in enumerate(margins)]
    return Made(codes, table_gaps, tuple(float(gap) / 2 / max(n, 1) for gap in off), sweeps)


def mix(
    codes: Array,
    tables: Sequence[Table],
    rng: np.random.Generator,
    *,
    units: Sequence[Sequence[int]] = (),
    check: Callable[[], None] = lambda: None,
) -> Array:
    """The rows (a copy) with each column's codes shuffled among rows alike in all columns it shares a table with.

    No cell of any table changes its number of rows. units : columns that stay together.
    """
    codes = np.array(codes, np.int32, order="F")
    for unit in whole_units(codes.shape[1], units):
        check()
        key = np.zeros(len(codes), np.uint64)
        for table in tables:
            if not set(unit) & set(table.columns):
                continue
            for at, column in enumerate(table.columns):
                if column not in unit:
                    cells = table.cells[at] if table.cells else np.arange(table.counts.shape[at])
                    # Of each table and column other random numbers: rows with equal sums are alike, but for one in 2**64.
                    draw = rng.integers(0, 2**64, int(cells.max()) + 1, dtype=np.uint64)
                    key += draw[cells[codes[:, column]]]
        order = np.argsort(key, kind="stable")
        mixed = order[np.lexsort((rng.random(len(codes)), _runs(key[order])))]
        for column in unit:
            codes[order, column] = codes[mixed, column]
    return codes


def _runs(keys: Array) -> Array:
    """Equal neighbours numbered alike, from 0."""
    return np.cumsum(np.append(False, keys[1:] != keys[:-1])) if len(keys) else np.zeros(0, np.int64)


def _repeated(codes: Array, n: int, rng: np.random.Generator) -> Array:
    """``n`` rows: the given ones as often as they fit in whole, and some of them once more."""
    times, rest = divmod(n, len(codes))
    more = rng.permutation(len(codes))[:rest]
    return np.asarray(codes[np.concatenate([np.tile(np.arange(len(codes)), times), more])])


def _alone(
    grid: Grid, n: int, rng: np.random.Generator, given: Array | None, done: Sequence[Array] | None
) -> Array:
    begun = independent(grid, n, rng, done)
    return begun if given is None else np.where(given >= 0, given, begun)


def _fitted(draft: Array, n: int, rng: np.random.Generator) -> Array:
    """The draft with exactly ``n`` rows, in random order."""
    if len(draft) >= n:
        return draft[rng.permutation(len(draft))[:n]]
    given = np.full((n, draft.shape[1]), -1, np.int32, order="F")
    given[rng.permutation(n)[: len(draft)]] = draft
    return given
