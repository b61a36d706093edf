"""Columns that are the sum of two or three others, or the product of two, up to half a step of their last decimal.

A difference is a sum told the other way round. Numbers are taken as whole numbers of steps, so no sum is rounded.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from localsynth.core.finding import FoundRule, Limits, percent
from localsynth.core.seeds import derive
from localsynth.core.words import plain
from localsynth.store.names import identifier

from .coding import Array
from .numbers import Numbers

__all__ = ["Relation", "find_products", "find_sums"]

_PROBE = 24  # rows every combination is tried on first
_LARGEST = 2.0**53
_MOST_FOR = {2: 300, 3: 80}  # columns of like unit
_HALF = 0.5 + 1e-6  # steps: a tie may be rounded either way
_SHARE = 0.5  # of rows that chance must break


@dataclass(frozen=True)
class Relation:
    """``parts`` added up, or multiplied, give ``whole``. rows : with all of them. chance : the share that would break it."""

    parts: tuple[Numbers, ...]
    whole: Numbers
    times: bool
    rows: int
    chance: float

    @property
    def names(self) -> tuple[str, ...]:
        """Of the parts."""
        return tuple(part.name for part in self.parts)

    @property
    def grows(self) -> bool:
        """No part is ever negative, so no part is above the sum."""
        return not self.times and all(np.nanmin(part.values) >= 0 for part in self.parts)

    def rule(self) -> FoundRule:
        """The noun."""
        sign = " * " if self.times else " + "
        made = sign.join(identifier(name) for name in self.names)
        whole, step = identifier(self.whole.name), 10.0**-self.whole.decimals
        if not self.times and not any(one.decimals for one in (*self.parts, self.whole)):
            check = f"{made} = {whole}"
        elif not self.times and all(part.decimals <= self.whole.decimals for part in self.parts):
            check = f"abs({made} - {whole}) < {plain(step / 2)}"
        else:
            # A hundredth more than half a step, for ties that binary numbers miss.
            check = f"abs({made} - {whole}) <= {plain(round(step * 0.505, self.whole.decimals + 3))}"
        return FoundRule(
            check,
            f"{self.whole.name} is {sign.join(self.names)}",
            "product" if self.times else "sum",
            f"holds in all {self.rows:,} rows with all of them; by chance {percent(self.chance)} would break it",
            self.rows,
        )


def find_sums(numbers: Sequence[Numbers], limits: Limits) -> tuple[list[Relation], list[str]]:
    """Sums of two, then of three columns, of like units, and what was left out, in words."""
    found: list[Relation] = []
    notes: list[str] = []
    for like in _alike([one for one in numbers if one.numeric]):
        columns = _in_steps(like)
        for size in (2, 3):
            if len(columns) > _MOST_FOR[size]:
                notes.append(
                    f"sums of {size} columns were not sought among {len(columns)} columns of like unit"
                )
                continue
            for parts, whole in _tries(columns, size):
                relation = _sum(like, columns, parts, whole, limits)
                if relation is not None and not _follows(relation, found):
                    found.append(relation)
    return found, notes


def find_products(numbers: Sequence[Numbers], limits: Limits) -> tuple[list[Relation], list[str]]:
    """Products of two columns, of any units, and what was left out, in words."""
    able = [one for one in numbers if one.numeric]
    if len(able) > _MOST_FOR[2]:
        return [], [f"products were not sought among {len(able)} columns"]
    if len(able) < 3:
        return [], []
    found = []
    every = np.stack([one.values for one in able])
    values = every[:, _probe(every)]
    pairs = np.array(list(combinations(range(len(able)), 2)))
    made = values[pairs[:, 0]] * values[pairs[:, 1]]
    for whole, one in enumerate(able):
        off = np.abs(made - values[whole]) > _HALF * 10.0**-one.decimals
        for at in np.flatnonzero(~off.any(axis=1) & (pairs != whole).all(axis=1)):
            relation = _product(able[pairs[at, 0]], able[pairs[at, 1]], one, limits)
            if relation is not None:
                found.append(relation)
    return found, []


def _alike(numbers: Sequence[Numbers]) -> list[list[Numbers]]:
    groups: list[list[Numbers]] = []
    for one in numbers:
        for group in groups:
            if group[0].like(one):
                group.append(one)
                break
        else:
            groups.append([one])
    return [group for group in groups if len(group) > 2]


def _in_steps(like: list[Numbers]) -> Array:
    """Values as whole numbers of the finest step of all; columns too large for that are left out of ``like``."""
    finest = max(one.decimals for one in like)
    kept, out = [], []
    for one in like:
        scaled = np.rint(one.values * 10.0**one.decimals) * 10.0 ** (finest - one.decimals)
        if np.nanmax(np.abs(scaled)) < _LARGEST / 4:
            kept.append(one)
            out.append(scaled)
    like[:] = kept
    return np.stack(out) if out else np.zeros((0, 0))


def _probe(values: Array) -> Array:
    """A few rows, those with the fewest missing values first."""
    rng = np.random.default_rng(derive(0, "finding", "sums"))
    rows = rng.permutation(values.shape[1])[:5000]
    missing = np.isnan(values[:, rows]).sum(axis=0)
    return rows[np.argsort(missing, kind="stable")[:_PROBE]]


def _tries(columns: Array, size: int) -> Iterator[tuple[tuple[int, ...], int]]:
    """Combinations that hold in the probed rows."""
    if len(columns) <= size:
        return
    few = columns[:, _probe(columns)]
    sets = np.array(list(combinations(range(len(columns)), size)))
    made = few[sets].sum(axis=1)
    for whole in range(len(columns)):
        # Half of the coarsest step: the exact test comes later.
        off = np.abs(made - few[whole]) > _coarse(columns[whole])
        for at in np.flatnonzero(~off.any(axis=1) & (sets != whole).all(axis=1)):
            yield tuple(int(one) for one in sets[at]), whole


def _coarse(values: Array) -> float:
    """Half the step of a column, in steps of the finest."""
    present = values[~np.isnan(values)]
    step = 1.0
    while step < _LARGEST and (present % (step * 10) == 0).all():
        step *= 10
    return step * _HALF


def _sum(
    like: Sequence[Numbers], columns: Array, parts: tuple[int, ...], whole: int, limits: Limits
) -> Relation | None:
    finest = max(one.decimals for one in like)
    step = 10.0 ** (finest - like[whole].decimals)
    present = ~np.isnan(columns[[*parts, whole]]).any(axis=0)
    made, given = columns[list(parts)][:, present].sum(axis=0), columns[whole][present]
    # Each part must show: one that is zero almost everywhere says nothing.
    shows = all((columns[part][present] != 0).sum() >= limits.broken for part in parts)
    chance = _off_by_chance(made, given, _HALF * step, limits) if shows else None
    if chance is None:
        return None
    return Relation(tuple(like[part] for part in parts), like[whole], False, len(given), chance)


def _product(one: Numbers, other: Numbers, whole: Numbers, limits: Limits) -> Relation | None:
    present = ~np.isnan(np.stack([one.values, other.values, whole.values])).any(axis=0)
    a, b, given = one.values[present], other.values[present], whole.values[present]
    # By nought or one anything can be multiplied.
    shows = (~np.isin(a, (0, 1)) & ~np.isin(b, (0, 1))).sum() >= limits.broken
    chance = _off_by_chance(a * b, given, _HALF * 10.0**-whole.decimals, limits) if shows else None
    return None if chance is None else Relation((one, other), whole, True, len(given), chance)


def _off_by_chance(made: Array, given: Array, tolerance: float, limits: Limits) -> float | None:
    """The share of rows that would be off with ``given`` shuffled; ``None`` where a row is off, or chance is as good."""
    if len(given) < 2 * limits.broken or (np.abs(made - given) > tolerance).any():
        return None
    rng = np.random.default_rng(derive(0, "finding", "shuffled"))
    share = float((np.abs(made - rng.permutation(given)) > tolerance).mean())
    return share if share >= _SHARE else None


def _follows(relation: Relation, found: Sequence[Relation]) -> bool:
    """Two sums of two say as much: a + b = d and d + c = e."""
    parts = set(relation.names)
    for inner in found:
        if set(inner.names) < parts:
            rest = parts - set(inner.names) | {inner.whole.name}
            if any(set(outer.names) == rest and outer.whole.name == relation.whole.name for outer in found):
                return True
    return False
