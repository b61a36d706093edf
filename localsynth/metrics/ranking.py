"""The area under the ROC curve, and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from .encode import Array
from .intervals import Z

__all__ = ["Area", "area", "mean_area"]


@dataclass(frozen=True)
class Area:
    """An area under the curve. variance : of its estimate, ``None`` where a side has fewer than two rows."""

    value: float
    variance: float | None

    def interval(self) -> tuple[float | None, float | None]:
        """95%, within 0 and 1."""
        if self.variance is None:
            return None, None
        reach = Z * math.sqrt(self.variance)
        return max(0.0, self.value - reach), min(1.0, self.value + reach)


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
        return Area(value, None)
    return Area(value, float(wins.var(ddof=1) / len(high) + losses.var(ddof=1) / len(low)))


def mean_area(areas: Sequence[Area]) -> Area:
    """The mean of areas of separate rows (folds)."""
    variances = [one.variance for one in areas]
    known = [variance for variance in variances if variance is not None]
    total = math.fsum(known) / len(areas) ** 2 if len(known) == len(areas) else None
    return Area(float(np.mean([one.value for one in areas])), total)
