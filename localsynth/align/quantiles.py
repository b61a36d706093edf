"""Within a cell: how the values of an ordered column are distributed, told by quantiles and read continuously.

A whole number x stands for the interval from x - 1/2 to x + 1/2, so that cells meet without gaps and coarse scales (ages,
counts) lose no mass at a cell's ends. Values are counted from the cell's lowest, so that long whole numbers (moments in
minutes, numbers of accounts) keep their last digits as floats.
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

    low, high : the cell's values are ``low <= value < high``. levels : rising from 0 to 1. knots : at each level the value less
    ``low``.
    """

    low: int
    high: int
    levels: Array
    knots: Array

    @classmethod
    def of(cls, low: int, high: int, inner: Sequence[int] = ()) -> Quantiles:
        """From quantiles at evenly spaced levels; without any, all values of the cell are alike."""
        ends = np.array([-0.5, high - low - 0.5], np.float64)
        knots = np.sort(np.array([value - low for value in inner], np.float64))
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
        return float(np.interp(value - self.low - 0.5, self.knots, self.levels, left=0.0, right=1.0))

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
        ends = np.interp([first, last], self.levels, self.knots)
        whole = np.concatenate([ends[:1], knots, ends[1:]]) - (low - self.low)
        return Quantiles(
            low,
            high,
            np.concatenate([[0.0], levels, [1.0]]),
            np.clip(whole, -0.5, high - low - 0.5),
        )

    def inner(self) -> tuple[int, ...]:
        """Quantiles at as many evenly spaced levels as there are knots, as a margin holds them."""
        at = np.interp(np.linspace(0, 1, len(self.levels)), self.levels, self.knots)
        return tuple(min(max(self.low + round(x), self.low), self.high - 1) for x in at.tolist())

    def spread(self, rows: int, rng: np.random.Generator) -> Array:
        """That many values (int64) in rising order, one from each of as many equally likely parts."""
        at = (np.arange(rows) + rng.random(rows)) / max(rows, 1)
        found = np.floor(np.interp(at, self.levels, self.knots) + 0.5)
        # A cell may be wider than an int64 can tell: 64 bits without a sign, whose sum with the lowest value comes round.
        above = np.clip(found, 0.0, float(2**64 - 2048)).astype(np.uint64)
        above = np.minimum(above, np.uint64(int(self.high) - 1 - int(self.low)))
        return np.asarray((above + np.uint64(int(self.low) % 2**64)).view(np.int64))
