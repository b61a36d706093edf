"""Guesses of the form "there is exactly one person with ...", made from rows and counted in others."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

from .dealing import Fits
from .encode import Array, View

__all__ = ["Condition", "Predicate", "at_random", "fits", "multivariate", "univariate"]

_ATTEMPTS = 20  # per guess wanted


@dataclass(frozen=True)
class Condition:
    """One column compared with a value: of numbers NaN is the missing value, of categories and texts a code is the value.

    Missing numbers meet ``=`` NaN and no other condition.
    """

    column: int
    sign: Literal["=", "<=", ">="]
    value: float

    def met(self, columns: Sequence[Array]) -> Array:
        """Which rows meet it, boolean."""
        values = columns[self.column]
        if np.isnan(self.value):
            return np.isnan(values)
        if self.sign == "=":
            return np.equal(values, self.value)
        return (
            np.less_equal(values, self.value) if self.sign == "<=" else np.greater_equal(values, self.value)
        )


#: Conditions that all hold, by rising column.
Predicate = tuple[Condition, ...]


def fits(
    predicates: Sequence[Predicate], columns: Sequence[Array], most: int, check: Callable[[], None]
) -> Fits:
    """Which rows meet each predicate. columns : per column one value a row. most : the numbers of more rows are not kept."""
    counts = np.zeros(len(predicates), np.int64)
    rows = []
    for index, predicate in enumerate(predicates):
        if index % 100 == 0:
            check()
        met = _met(predicate, columns)
        counts[index] = np.count_nonzero(met)
        rows.append(np.flatnonzero(met) if counts[index] <= most else np.zeros(0, np.int64))
    return Fits(len(columns[0]), counts, rows)


def _met(predicate: Predicate, columns: Sequence[Array]) -> Array:
    met = predicate[0].met(columns)
    for condition in predicate[1:]:
        met = met & condition.met(columns)
    return met


def univariate(
    views: Sequence[View], columns: Sequence[Array], most: int, rng: np.random.Generator
) -> list[Predicate]:
    """Up to ``most`` predicates of one condition that single out a row here, drawn by chance of all there are.

    Those are: a value that occurs once, missing included; of numbers also at most the smallest, at least the largest.
    """
    found: list[Condition] = []
    for place, view in enumerate(views):
        distinct, times = np.unique(columns[place], return_counts=True)
        alone = distinct[times == 1]
        found += [Condition(place, "=", float(value)) for value in alone]
        filled = distinct[~np.isnan(distinct)] if view.kind == "number" else distinct[:0]
        if len(filled):
            # Where the extreme value occurs twice, it singles out nobody.
            found += [Condition(place, "<=", float(filled[0]))] if filled[0] in alone else []
            found += [Condition(place, ">=", float(filled[-1]))] if filled[-1] in alone else []
    picked = rng.permutation(len(found))[:most]
    return [(found[index],) for index in picked]


def multivariate(
    views: Sequence[View],
    columns: Sequence[Array],
    most: int,
    rng: np.random.Generator,
    check: Callable[[], None],
) -> list[Predicate]:
    """Up to ``most`` different predicates of two conditions or more that single out a row here.

    Each describes a row drawn by chance in columns drawn by chance: numbers as at least (at most) the row's value where
    that is above (at most) the column's median, missing cells and categories as they are.
    """
    total = len(columns[0])
    middles = [
        _median(values) if view.kind == "number" else None
        for view, values in zip(views, columns, strict=True)
    ]
    found: dict[Predicate, None] = {}
    for attempt in range(_ATTEMPTS * most if total and len(views) > 1 else 0):
        if attempt % 100 == 0:
            check()
        row = int(rng.integers(0, total))
        chosen = np.sort(rng.permutation(len(views))[: int(rng.integers(2, len(views) + 1))])
        predicate = tuple(
            _describe(int(place), float(columns[place][row]), middles[place]) for place in chosen
        )
        if predicate not in found and np.count_nonzero(_met(predicate, columns)) == 1:
            found[predicate] = None
            if len(found) == most:
                break
    return list(found)


def _median(values: Array) -> float:
    filled = values[~np.isnan(values)]
    return float(np.median(filled)) if filled.size else 0.0


def _describe(place: int, value: float, middle: float | None) -> Condition:
    if middle is None or np.isnan(value):
        return Condition(place, "=", value)
    return Condition(place, ">=" if value > middle else "<=", value)


def at_random(
    views: Sequence[View], columns: Sequence[Array], sizes: Sequence[int], rng: np.random.Generator
) -> list[Predicate]:
    """Predicates that look at no row as a whole: each of so many conditions, with values that occur in their columns."""
    signs: tuple[Literal["=", "<=", ">="], ...] = ("=", "<=", ">=")
    distinct = [np.unique(values) for values in columns]
    made = []
    for size in sizes:
        conditions = []
        for place in np.sort(rng.permutation(len(views))[:size]):
            value = float(rng.choice(distinct[place]))
            sign = signs[int(rng.integers(0, 3))] if views[place].kind == "number" else "="
            conditions.append(Condition(int(place), sign, value))
        made.append(tuple(conditions))
    return made
