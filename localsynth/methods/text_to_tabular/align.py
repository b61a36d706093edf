"""Align: every column of a drafted batch gets exactly the values wanted, placed as the draft would have them.

Numbers are placed by rank and categories by quota, so what the model knows of how columns go together stays, and what
it does not know (how often, how much) comes from the distribution.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from localsynth.core.columns import Column

from .frame import Frame
from .targets import Counts, NumberTarget, ShareTarget, Target

__all__ = ["aligned_frame", "lead_values", "place_nulls", "place_numbers", "place_shares"]


def place_nulls(drafted: NDArray[np.bool_], wanted: int, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Which ``wanted`` rows are empty: as many of the drafted ones as possible, and as few others as needed."""
    order = np.lexsort((rng.random(len(drafted)), ~drafted))
    result = np.zeros(len(drafted), dtype=np.bool_)
    result[order[:wanted]] = True
    return result


def place_numbers(drafted: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
    """The rank each row's value should have; ties, and rows without a draft (NaN), at random."""
    known = drafted[~np.isnan(drafted)]
    stand_in = rng.choice(known, len(drafted)) if len(known) else rng.random(len(drafted))
    order = np.lexsort((rng.random(len(drafted)), np.where(np.isnan(drafted), stand_in, drafted)))
    ranks = np.empty(len(drafted), dtype=np.int64)
    ranks[order] = np.arange(len(drafted))
    return ranks


def place_shares(
    drafted: NDArray[np.int64], wanted: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.int64]:
    """The stratum of each row, ``wanted[s]`` rows in ``s``, moving as few as possible; -1 in ``drafted`` is none."""
    result = np.full(len(drafted), -1, dtype=np.int64)
    left = wanted.copy()
    for row in rng.permutation(len(drafted)):
        stratum = drafted[row]
        if stratum >= 0 and left[stratum] > 0:
            result[row] = stratum
            left[stratum] -= 1
    free = np.flatnonzero(result < 0)
    result[free] = rng.permutation(np.repeat(np.arange(len(wanted)), left))
    return result


def aligned_frame(
    columns: Sequence[Column],
    targets: Mapping[str, Target],
    counts: Mapping[str, Counts],
    drafted: Mapping[str, Sequence[Any]],
    guesses: Mapping[str, Sequence[Any]],
    n: int,
    rng: np.random.Generator,
) -> Frame:
    """A frame of ``n`` rows with the wanted values.

    drafted : the model's values of columns with a target; a column without them is placed at random.
    guesses : for every other column what may come.
    counts : what was kept so far, of each column with a target or a null rate.
    """
    frame = Frame(columns, [column for column in columns if column.name not in targets])
    frame.index = np.zeros((n, len(columns)), dtype=np.int64)
    for at, column in enumerate(columns):
        target = targets.get(column.name)
        values = list(drafted.get(column.name, [None] * n))
        empty = np.array([value is None for value in values], dtype=np.bool_)
        if column.null_rate is not None:
            empty = place_nulls(empty, counts[column.name].nulls_wanted(column.null_rate, n), rng)
        elif target is None or not column.nullable or column.name not in drafted:
            empty[:] = False
        if target is None:
            frame.pools.append([None, *guesses[column.name]])
            frame.tags.append([-1] + [0] * len(guesses[column.name]))
            frame.index[:, at] = ~empty
            continue
        present = np.flatnonzero(~empty)
        given = [values[row] for row in present]
        pool, tags, items = _place(target, counts[column.name], given, rng)
        frame.pools.append([None, *pool])
        frame.tags.append([-1, *tags])
        frame.index[present, at] = items + 1
    return frame


def _place(
    target: Target, counts: Counts, given: list[Any], rng: np.random.Generator
) -> tuple[list[Any], list[int], NDArray[np.int64]]:
    """The values wanted for these rows, their strata, and which of them each row gets."""
    if isinstance(target, NumberTarget):
        per_bin = counts.wanted(target.shares, len(given))
        pool, bins = target.draw(per_bin, rng)
        ranks = place_numbers(np.array([np.nan if value is None else float(value) for value in given]), rng)
        return pool, bins.tolist(), ranks
    strata = np.array(target.tags(given), dtype=np.int64)
    placed = place_shares(strata, counts.wanted(target.shares, len(given)), rng)
    return list(target.values), list(range(len(target.values))), placed


def lead_values(target: ShareTarget, counts: Counts, rate: float | None, n: int) -> list[tuple[Any, int]]:
    """How many of ``n`` rows are drafted under each value of the leading column: what is missing most, most."""
    nulls = counts.nulls_wanted(rate, n) if rate is not None else 0
    wanted = counts.wanted(target.shares, n - nulls)
    plan = [(value, int(count)) for value, count in zip(target.values, wanted, strict=True)]
    return [(value, count) for value, count in [*plan, (None, nulls)] if count]
