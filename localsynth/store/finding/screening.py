"""A quick look at some rows: which dependencies are out of the question, and how promising a column is.

A dependency that a share e of all rows break is broken by no more than a share e of a random sample, but for the luck of the
draw: who is out there by five standard deviations is out.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from math import prod

import numpy as np

from localsynth.core.seeds import derive

from .coding import Array, Coded

__all__ = ["Screen", "broken"]

_ROWS = 2000
_ALIKE = 0.5  # share of rows with another of their group before them
_DENSE = 2**15


class Screen:
    """Some rows of a coded table."""

    def __init__(self, coded: Coded, g3: float) -> None:
        self._coded, self._g3 = coded, g3
        # In random order: neighbours in a group must not be alike because a file was sorted.
        self.rows = np.random.default_rng(derive(0, "finding", "screen")).permutation(coded.rows)[:_ROWS]
        self._all = len(self.rows) == coded.rows
        self._codes = np.stack([codes[self.rows] for codes in coded.codes], axis=1)
        # Neighbours in random order are strangers: how often they differ.
        self._unlike = (self._codes[1:] != self._codes[:-1]).mean(axis=0)

    def possible(self, left: Sequence[int], dependents: Iterable[int]) -> list[int]:
        """Those of the dependents that ``left`` may determine."""
        found, codes = self._by_group(left)
        mean = self._g3 * len(found)
        most = mean if self._all else mean + 5 * np.sqrt(mean) + 3
        alike = found[1:] == found[:-1]
        # One row out of line is unlike the row before it and the one after it: at most two such places for each.
        unlike = ((codes[1:] != codes[:-1]) & alike[:, None]).sum(axis=0)
        able = [at for at in self._within_reach(left, dependents) if unlike[at] <= 2 * most]
        if alike.sum() < _ALIKE * len(found):
            return able  # too few rows alike to tell more here
        size = int(found.max(initial=-1)) + 1
        return [at for at in able if broken(found, size, codes[:, at]) <= most]

    def pull(self, left: int) -> Array:
        """How much of each column's uncertainty one column takes away, 0 to 1: Goodman and Kruskal's tau over rows alike."""
        found, codes = self._by_group([left])
        alike = found[1:] == found[:-1]
        if not alike.any():
            return np.zeros(codes.shape[1])
        unlike = (codes[1:] != codes[:-1])[alike].mean(axis=0)
        left_over = np.divide(unlike, self._unlike, out=np.ones(len(unlike)), where=self._unlike > 0)
        share: Array = np.clip(1 - left_over, 0, 1) * alike.mean()
        return share

    def _by_group(self, left: Sequence[int]) -> tuple[Array, Array]:
        """The group of each row, in order, and the codes of those rows; rows of no group left out."""
        groups = self._coded.groups(left, self.rows)
        order = np.argsort(groups, kind="stable")
        order = order[np.searchsorted(groups[order], 0) :]
        return groups[order], self._codes[order]

    def _within_reach(self, left: Sequence[int], dependents: Iterable[int]) -> list[int]:
        """So many groups can hold no more rows in line than the same number of most frequent values has."""
        coded = self._coded
        groups = min(prod(coded.distinct[at] for at in left), coded.rows)
        least = (1 - self._g3) * (1 - sum(coded.missing[at] for at in left) / coded.rows)
        return [at for at in dependents if coded.common[at][min(groups, len(coded.common[at]) - 1)] >= least]


def broken(groups: Array, size: int, values: Array) -> int:
    """Rows that have another value than most of their group. groups : 0 to size - 1; values : codes from -1 on."""
    if len(groups) == 0:
        return 0
    width = int(values.max()) + 2
    key = groups.astype(np.int64) * width + (values + 1)
    if size * width <= _DENSE:
        most = np.bincount(key, minlength=size * width).reshape(size, width).max(axis=1)
        return len(groups) - int(most.sum())
    different, counts = np.unique(key, return_counts=True)
    group = different // width
    starts = np.flatnonzero(np.concatenate([[True], group[1:] != group[:-1]]))
    return len(groups) - int(np.maximum.reduceat(counts, starts).sum())
