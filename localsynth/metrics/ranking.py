"""The area under the ROC curve, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from .encode import Array
from .intervals import Z, ranked

__all__ = ["Area", "area", "mean_area"]


@dataclass(frozen=True)
class Area:
    """An area under the curve. variance : of its estimate, ``None`` where a side has fewer than two rows. above, below : how
    many positive and negative rows it is of.
    """

    value: float
    variance: float | None
    above: int
    below: int

    def interval(self) -> tuple[float | None, float | None]:
        """95%, within 0 and 1: by the variance, or by the numbers of rows (Newcombe 2006) at the end where that is wider.

        An area near 0 or 1 has a variance of nearly 0 in small tables, which is no certainty.
        """
        if self.variance is None:
            return None, None
        reach = Z * math.sqrt(self.variance)
        low, high = ranked(self.value, self.above, self.below)
        return max(0.0, min(low, self.value - reach)), min(1.0, max(high, self.value + reach))


def area(positive: Array, scores: Array) -> Area:
    """How likely a positive row (boolean) outranks a negative one; ties count half. Both must occur.

    Variance after DeLong, DeLong & Clarke-Pearson 1988, by midranks (Sun & Xu 2014).
    """
    high, low = scores[positive], scores[~positive]
    ranks = rankdata(scores)
    wins = (ranks[positive] - rankdata(high)) / len(
        low
    )  # per positive row: the share of negatives it outranks
    losses = 1 - (ranks[~positive] - rankdata(low)) / len(high)
    value = min(1.0, max(0.0, float(wins.mean())))
    if min(len(high), len(low)) < 2:
        return Area(value, None, len(high), len(low))
    variance = float(wins.var(ddof=1) / len(high) + losses.var(ddof=1) / len(low))
    return Area(value, variance, len(high), len(low))


def mean_area(areas: Sequence[Area]) -> Area:
    """The mean of areas of separate rows (folds)."""
    variances = [one.variance for one in areas]
    known = [variance for variance in variances if variance is not None]
    total = math.fsum(known) / len(areas) ** 2 if len(known) == len(areas) else None
    above, below = (sum(getattr(one, side) for one in areas) for side in ("above", "below"))
    return Area(float(np.mean([one.value for one in areas])), total, above, below)
