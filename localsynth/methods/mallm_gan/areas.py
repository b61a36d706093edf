"""The area under the ROC curve of scores that different models gave: pairs of one fold alone are compared, and the interval
allows for models that each learnt from a sample.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .features import Array

__all__ = ["Pairs", "area_of", "widening"]

_Z = 1.959963984540054  # of the normal distribution 95 % lie within so many standard deviations
_HALVINGS = 50  # of an end of an interval between 0 and 1


def widening(folds: int, repeats: int) -> float:
    """How much wider an interval is than if the models had been there before the rows.

    Scores of different folds are no independent trials: the rows of one taught the models of all others. Nadeau & Bengio
    (2003, Inference for the generalization error, section 3) take their correlation to be the share of rows in the fold that
    is scored, so that the variance of a mean over J folds is not 1 / J of that of one, but 1 / J + 1 / (folds - 1); for
    repeated cross-validation J is folds times repeats (Bouckaert & Frank 2004). The factor is the square root of what
    that is more than 1 / folds.
    """
    return math.sqrt(1 / repeats + folds / (folds - 1))


def area_of(high: Array, low: Array) -> float:
    """How likely one of ``high`` is above one of ``low``; ties count half."""
    return float((np.sign(high[:, None] - low[None, :]).mean() + 1) / 2)


@dataclass(frozen=True)
class Pairs:
    """Every real row against every made row, as often as they met in a fold.

    won : per pair (real x made) in how many repeats the real row was scored above the made one, ties half. met : in how many
    repeats both lay in one fold. Scores of different folds come from different models: pooled they would rank rows
    below chance, since a fold with many high rows leaves few to the model that scores it.
    """

    won: Array
    met: Array

    @classmethod
    def of(cls, real: Array, made: Array, real_folds: Array, made_folds: Array) -> Pairs:
        """Scores, and the fold of each (all repeats x rows)."""
        won, met = np.zeros((2, real.shape[1], made.shape[1]))
        for high, low, own, other in zip(real, made, real_folds, made_folds, strict=True):
            same = own[:, None] == other[None, :]
            met += same
            won += np.where(same, (np.sign(high[:, None] - low[None, :]) + 1) / 2, 0.0)
        return cls(won, met)

    def area(self) -> float:
        """The share of pairs won; 0.5 is chance."""
        return float(self.won.sum() / self.met.sum())

    def areas(self, real: Array, made: Array) -> Array:
        """The area for each of many weightings of the rows (draws x real rows, draws x made rows), all above 0."""
        won = ((real @ self.won) * made).sum(axis=1)
        return np.asarray(won / ((real @ self.met) * made).sum(axis=1))

    def interval(self, widened: float) -> tuple[float, float]:
        """95 %, so many times as wide as for models that were there before the rows.

        By the variance after DeLong, DeLong & Clarke-Pearson (1988), the spread of each side's shares of pairs won; where
        that is wider, by the numbers of rows alone (method 5 of Newcombe 2006, part 2): near 0 or 1 the spread vanishes,
        which is no certainty.
        """
        area = self.area()
        sides = [self.won.sum(axis=axis) / self.met.sum(axis=axis) for axis in (1, 0)]
        reach = _Z * widened * math.sqrt(sum(float(side.var(ddof=1)) / len(side) for side in sides))
        above, below = self.won.shape
        low, high = (_end(area, outer, above, below, widened) for outer in (0.0, 1.0))
        return max(0.0, min(low, area - reach)), min(1.0, max(high, area + reach))


def _end(area: float, outer: float, above: int, below: int, widened: float) -> float:
    """The area farthest from the one observed whose own standard error still reaches it (Hanley & McNeil 1982)."""
    inner, more = area, (above + below) / 2 - 1
    for _ in range(_HALVINGS):
        middle = (inner + outer) / 2
        shape = 1 + more * ((1 - middle) / (2 - middle) + middle / (1 + middle))
        error = math.sqrt(middle * (1 - middle) * shape / (above * below))
        if abs(middle - area) <= _Z * widened * error:
            inner = middle
        else:
            outer = middle
    return inner
