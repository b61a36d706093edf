"""Within a cell: how the values of an ordered column are distributed, told by quantiles and read continuously.

A whole number x stands for the interval from x - 1/2 to x + 1/2, so that cells meet without gaps and coarse scales (ages,
counts) lose no mass at a cell's ends.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

__all__ = ["Quantiles"]

Array: TypeAlias = np.ndarray[Any, Any]


@dataclass(frozen=True)
class Quantiles:
    """A piecewise linear quantile function of one cell.

    low, high : the cell's values are ``low <= value < high``. levels : rising from 0 to 1. knots : the value at each level.
    """

    low: int
    high: int
    levels: Array
    knots: Array

    @classmethod
    def of(cls, low: int, high: int, inner: Sequence[int] = ()) -> Quantiles:
        """From quantiles at evenly spaced levels; without any, all values of the cell are alike."""
        ends = np.array([low - 0.5, high - 0.5], np.float64)
        knots = np.sort(np.array(inner, np.float64))
        if not len(knots):
            return cls(low, high, np.array([0.0, 1.0]), ends)
        if len(knots) == 1:
            knots = np.repeat(knots, 2)
        # Steps at the ends stand for whole intervals too; a value that is repeated there stays alone.
        if knots[0] < knots[1]:
            knots[0] -= 0.5
        if knots[-2] < knots[-1]:
            knots[-1] += 0.5
        return cls(low, high, np.linspace(0.0, 1.0, len(knots)), np.clip(knots, *ends))

    def below(self, value: int) -> float:
        """The share of the cell's rows whose value is less."""
        if value <= self.low:
            return 0.0
        if value >= self.high:
            return 1.0
        return float(np.interp(value - 0.5, self.knots, self.levels, left=0.0, right=1.0))

    def part(self, low: int, high: int) -> Quantiles:
        """The same distribution between two values of the cell; even where none of its rows lie there."""
        if (low, high) == (self.low, self.high):
            return self
        first, last = self.below(low), self.below(high)
        if last - first < 1e-12:
            return Quantiles.of(low, high)
        inside = (self.levels > first) & (self.levels < last)
        knots = self.knots[inside]
        levels = (self.levels[inside] - first) / (last - first)
        ends = np.clip(np.interp([first, last], self.levels, self.knots), low - 0.5, high - 0.5)
        return Quantiles(
            low,
            high,
            np.concatenate([[0.0], levels, [1.0]]),
            np.clip(np.concatenate([ends[:1], knots, ends[1:]]), low - 0.5, high - 0.5),
        )

    def inner(self) -> tuple[int, ...]:
        """Quantiles at as many evenly spaced levels as there are knots, as a margin holds them."""
        at = np.interp(np.linspace(0, 1, len(self.levels)), self.levels, self.knots)
        return tuple(int(x) for x in np.clip(np.round(at), self.low, self.high - 1))

    def spread(self, rows: int, rng: np.random.Generator) -> Array:
        """That many values (int64) in rising order, one from each of as many equally likely parts."""
        at = (np.arange(rows) + rng.random(rows)) / max(rows, 1)
        found = np.floor(np.interp(at, self.levels, self.knots) + 0.5)
        # Beyond 2**53 doubles are whole numbers with gaps; the cell's own ends are exact.
        near = np.clip(found, float(-(2**63)), float(2**63 - 1024)).astype(np.int64)
        return np.clip(near, np.int64(self.low), np.int64(self.high - 1))
