"""Intervals of 95%: of shares, of risks that are a difference of two shares, of areas under a curve, of means of groups."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from .encode import Array

__all__ = ["Rate", "Z", "cut", "percentiles", "ranked", "resampled_mean", "residual_risk", "wilson"]

Z = 1.959963984540054  # of the normal distribution 95% lie within so many standard deviations
_ROUNDING = 1e-9
_DRAWS, _AT_ONCE = 1_000, 2_000_000
_FEW = 10  # groups, below which drawing them again shows too little


@dataclass(frozen=True)
class Rate:
    """How often something succeeded. successes : may be no whole number, where they are expected ones. trials : above 0;
    no whole number where trials that depend on each other count for fewer.
    """

    successes: float
    trials: float

    @property
    def share(self) -> float:
        """Successes per trial."""
        return self.successes / self.trials

    @property
    def centre(self) -> float:
        """The middle of Wilson's interval: the share, drawn a little towards one half."""
        return (self.successes + Z**2 / 2) / (self.trials + Z**2)

    @property
    def half(self) -> float:
        """Half the width of Wilson's interval."""
        spread = self.successes * (self.trials - self.successes) / self.trials + Z**2 / 4
        return Z / (self.trials + Z**2) * math.sqrt(spread)


def wilson(successes: float, trials: float) -> tuple[float, float]:
    """The interval of a share after Wilson 1927; it holds the share itself, also where that is 0 or 1."""
    rate = Rate(successes, trials)
    low, high = max(0.0, rate.centre - rate.half), min(1.0, rate.centre + rate.half)
    return min(low, rate.share), max(high, rate.share)


def residual_risk(attack: Rate, control: Rate) -> tuple[float, float, float]:
    """What an attack gains on train rows over the same attack on rows that were never seen: (risk, low, high).

    (attack - control) / (1 - control) with the centres of Wilson's intervals, whose half widths are propagated to first
    order (Giomi et al. 2023, A unified framework for quantifying privacy risk in synthetic data, section 3.2). Cut to 0..1;
    where the attack does worse than on strangers, the upper end lies as far above 0 as it would above a risk of just 0.
    """
    hit, error, base, spread = attack.centre, attack.half, control.centre, control.half
    risk = (hit - base) / (1 - base)  # a centre is always below 1
    half = math.hypot(error / (1 - base), spread * (1 - hit) / (1 - base) ** 2)
    return cut(risk), cut(risk - half), cut(max(risk, 0.0) + half)


def cut(value: float) -> float:
    """Within 0 and 1; what rounding leaves of 0 is 0."""
    return 0.0 if value < _ROUNDING else min(1.0, value)


def ranked(area: float, above: int, below: int) -> tuple[float, float]:
    """The interval of an area under the ROC curve of so many positive and negative rows, from their numbers alone.

    All areas whose standard error after Hanley & McNeil 1982 (with mean sizes, as for either sort of skew) reaches the one
    observed: method 5 of Newcombe 2006, Confidence intervals for an effect size measure based on the Mann-Whitney statistic,
    part 2. As Wilson's it keeps its width where the area is 0 or 1, and it takes all rows to be independent and untied, so
    that ties make it too wide rather than too narrow.
    """

    def end(outer: float) -> float:
        inner = area
        for _ in range(60):
            middle = (inner + outer) / 2
            if abs(middle - area) <= Z * _ranked_error(middle, above, below):
                inner = middle
            else:
                outer = middle
        return inner

    return end(0.0), end(1.0)


def _ranked_error(area: float, above: int, below: int) -> float:
    more = (above + below) / 2 - 1
    shape = 1 + more * ((1 - area) / (2 - area) + area / (1 + area))
    return math.sqrt(max(0.0, area * (1 - area) * shape / (above * below)))


def resampled_mean(
    totals: Array, sizes: Array, rng: np.random.Generator, most: float = 1.0
) -> tuple[float, float]:
    """Bootstrap interval of ``totals.sum() / sizes.sum()`` where whole groups are drawn again, not single rows.

    Where all groups are alike, or there are fewer than 10, it is widened to Wilson's interval with as many trials as groups:
    every draw of groups alike is the same, which is no certainty.

    totals, sizes : per group the sum and the number of its rows (float64; at least one group, no size 0).
    most : what each mean can be at most (above 0); none is below 0.
    """
    groups = len(totals)
    at_once = max(1, _AT_ONCE // groups)
    means = []
    for start in range(0, _DRAWS, at_once):
        drawn = rng.integers(0, groups, (min(at_once, _DRAWS - start), groups))
        means.append(totals[drawn].sum(axis=1) / sizes[drawn].sum(axis=1))
    mean = float(totals.sum() / sizes.sum())
    low, high = percentiles(np.concatenate(means), mean)
    alike = np.ptp(totals / sizes) <= 1e-9
    if groups < _FEW or alike:
        ends = wilson(min(1.0, mean / most) * groups, groups)
        low, high = min(low, ends[0] * most), max(high, ends[1] * most)
    return low, high


def percentiles(drawn: Array, value: float) -> tuple[float, float]:
    """The middle 95% of what was drawn, widened to the value itself where that lies outside."""
    low, high = np.quantile(drawn, (0.025, 0.975))
    return min(float(low), value), max(float(high), value)
