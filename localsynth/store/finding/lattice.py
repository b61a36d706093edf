"""Which columns to look at together, level by level, the most promising first.

Level-wise search over the lattice of column sets as in TANE (Huhtala et al. 1999): what is said of a set is never said again
of a larger one.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations
from math import comb

import numpy as np

from .coding import Array

__all__ = ["Lattice"]

_MOST_SETS = 200_000  # of one level, put in order
_MOST_NUMBERS = 10_000_000  # at once


class Lattice:
    """Sets of columns that can stand on the left. sparse : sets that tell too few rows alike, and with them all larger ones."""

    def __init__(self, columns: Sequence[int]) -> None:
        self.columns = list(columns)
        self.sparse: set[frozenset[int]] = set()
        self.told: dict[int, set[frozenset[int]]] = {}  # dependent -> sets that determine it in every row
        self.nearly: dict[
            int, set[frozenset[int]]
        ] = {}  # dependent -> sets that determine it but for a few rows
        self.passed: list[str] = []  # what was not looked at, in words

    def take(self, left: Sequence[int], dependent: int, *, exact: bool) -> None:
        """Note a dependency."""
        (self.told if exact else self.nearly).setdefault(dependent, set()).add(frozenset(left))

    def drop_twins(self) -> list[tuple[int, int]]:
        """Leave out columns that say the same as an earlier one; gives pairs of the one kept and the one left out."""
        gone: list[tuple[int, int]] = []
        for kept, other in combinations(list(self.columns), 2):
            if kept in self.columns and other in self.columns and self._same(kept, other):
                self.columns.remove(other)
                gone.append((kept, other))
        return gone

    def _same(self, one: int, other: int) -> bool:
        return frozenset([one]) in self._lefts(other) and frozenset([other]) in self._lefts(one)

    def _lefts(self, dependent: int) -> set[frozenset[int]]:
        return self.told.get(dependent, set()) | self.nearly.get(dependent, set())

    def sets(self, size: int, pull: Array, budget: int) -> list[tuple[int, ...]]:
        """Sets of ``size`` columns that may say something new, the most promising first, no more than ``budget``.

        pull : how much each column (row) says about each other (column), 0 to 1. What is passed over is noted.
        """
        columns = self.columns
        while comb(len(columns), size) > _MOST_SETS:
            strength = pull[columns].max(axis=1)
            columns = [
                columns[at] for at in sorted(np.argsort(-strength, kind="stable")[: len(columns) * 9 // 10])
            ]
        all_sets = comb(len(self.columns), size)
        found = [left for left in combinations(columns, size) if self._new(left)]
        skipped = all_sets - comb(len(columns), size) + max(0, len(found) - budget)
        if skipped:
            self.passed.append(
                f"of {all_sets:,} combinations of {size} columns, {skipped:,} of the least promising were not looked at"
            )
        if len(found) <= budget:
            return found
        promise = _promise(found, pull)
        return [found[at] for at in np.argsort(-promise, kind="stable")[:budget]]

    def _new(self, left: tuple[int, ...]) -> bool:
        """No part of it tells too few rows alike, and no column of it follows from the others."""
        parts = [frozenset(part) for size in range(1, len(left)) for part in combinations(left, size)]
        return not any(part in self.sparse for part in parts) and not any(
            part in self._lefts(at) for part in parts for at in left if at not in part
        )

    def open(self, left: Iterable[int], dependents: Iterable[int]) -> list[int]:
        """The dependents that no part of ``left`` determines in every row."""
        inside = frozenset(left)
        return [
            at
            for at in dependents
            if at not in inside and not any(part <= inside for part in self.told.get(at, ()))
        ]

    def nearly_told(self, left: Iterable[int], dependent: int) -> bool:
        """A smaller set determines the dependent but for a few rows: only one that does so in every row says more."""
        inside = frozenset(left)
        return any(part < inside for part in self.nearly.get(dependent, ()))


def _promise(sets: Sequence[tuple[int, ...]], pull: Array) -> Array:
    """What the columns of each set say together, at most, about one other column."""
    pieces = []
    step = max(1, _MOST_NUMBERS // max(pull.size // len(pull) * len(sets[0]), 1)) if sets else 1
    for at in range(0, len(sets), step):
        some = np.array(sets[at : at + step])
        said = pull[some].sum(axis=1)
        said[np.arange(len(some))[:, None], some] = 0
        pieces.append(said.max(axis=1))
    return np.concatenate(pieces) if pieces else np.zeros(0)
