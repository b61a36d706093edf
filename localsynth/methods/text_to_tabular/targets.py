"""Targets: what a column of a batch should look like, drawn exactly instead of at random.

A distribution is cut into strata: each category is one, a number's distribution is cut into ``BINS`` parts of equal
probability. How many values of each stratum were kept so far is remembered, so a batch asks for what is missing.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from localsynth.core.columns import BooleanColumn, CategoricalColumn, Column, FloatColumn, IntegerColumn
from localsynth.core.distribution import Distribution

__all__ = ["BINS", "Counts", "NumberTarget", "ShareTarget", "Target", "beta_shape", "quota", "target_of"]

BINS = 20
_LEAST = 0.25  # of its share: what a stratum already served too often still gets


def quota(shares: NDArray[np.float64], have: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """How many of ``n`` new values each stratum gets, so that ``have`` plus these come nearest to ``shares``.

    Largest remainder of what is missing. A stratum that rules keep from being filled must not starve the others for
    ever, so each gets at least a quarter of its share of ``n``. The result sums to ``n``.
    """
    wanted = np.maximum(shares * (have.sum() + n) - have, _LEAST * shares * n)
    wanted *= n / wanted.sum() if wanted.sum() > 0 else 0.0
    counts: NDArray[np.int64] = np.floor(wanted + 1e-9).astype(np.int64)
    rest = n - int(counts.sum())
    counts[np.argsort(-(wanted - counts), kind="stable")[:rest]] += 1
    return counts


@dataclass
class Counts:
    """What was kept so far of one column: missing values, and present ones per stratum."""

    strata: list[int]
    nulls: int = 0

    def add(self, tags: NDArray[np.int64]) -> None:
        """Count kept values by stratum; -1 is a missing value."""
        self.nulls += int((tags < 0).sum())
        for stratum, count in enumerate(np.bincount(tags[tags >= 0], minlength=len(self.strata)).tolist()):
            self.strata[stratum] += count

    def nulls_wanted(self, rate: float, n: int) -> int:
        """How many of the next ``n`` cells are missing."""
        have = np.array([self.nulls, sum(self.strata)], dtype=np.int64)
        return int(quota(np.array([rate, 1 - rate]), have, n)[0])

    def wanted(self, shares: NDArray[np.float64], n: int) -> NDArray[np.int64]:
        """How many of the next ``n`` present cells fall into each stratum."""
        return quota(shares, np.array(self.strata, dtype=np.int64), n)


def beta_shape(mean: float, sd: float, low: float, high: float) -> tuple[float, float]:
    """Shape parameters of the Beta distribution scaled to [low, high] that has this mean and sd.

    Requires ``low < mean < high`` and ``sd < sqrt((mean - low) (high - mean))``, which the schema guarantees.
    """
    middle = (mean - low) / (high - low)
    spread = middle * (1 - middle) / (sd / (high - low)) ** 2 - 1
    return middle * spread, (1 - middle) * spread


@dataclass(frozen=True)
class NumberTarget:
    """A number's distribution, as a function from probability to value.

    soft : elicited from the model, so a rule may overrule it.
    """

    column: IntegerColumn | FloatColumn
    distribution: Distribution
    soft: bool = False
    shares: NDArray[np.float64] = field(default_factory=lambda: np.full(BINS, 1 / BINS), repr=False)

    @property
    def decimals(self) -> int:
        return self.column.decimals if isinstance(self.column, FloatColumn) else 0

    def bounds(self) -> tuple[float, float]:
        """Lowest and highest value allowed."""
        low, high = self.column.scaled_bounds
        return low / 10**self.decimals, high / 10**self.decimals

    def at(self, level: NDArray[np.float64]) -> NDArray[np.float64]:
        """The quantile function: piecewise linear through declared quantiles, Beta with a range, else normal."""
        low, high = self.bounds()
        told = self.distribution
        if told.mean is None or told.sd is None:
            points = told.points()
            levels, values = [p for p, _ in points], [x for _, x in points]
            if levels[0] > 0:
                levels, values = [0.0, *levels], [low, *values]
            if levels[-1] < 1:
                levels, values = [*levels, 1.0], [*values, high]
            result = np.interp(level, levels, values)
        elif self.column.range is not None and low < told.mean < high:
            from scipy.special import betaincinv

            a, b = beta_shape(told.mean, told.sd, *self.column.range)
            result = self.column.range[0] + betaincinv(a, b, level) * (
                self.column.range[1] - self.column.range[0]
            )
        else:
            from scipy.special import ndtri

            result = told.mean + told.sd * ndtri(np.clip(level, 1e-9, 1 - 1e-9))
        return np.clip(np.nan_to_num(result, nan=low), low, high)

    def tags(self, values: Sequence[Any]) -> list[int]:
        """The bin each value falls in; -1 for a missing one."""
        edges = self.at(np.arange(1, BINS) / BINS)
        # A value that spans several bins (whole numbers on a short scale) is counted in their middle.
        known = np.array([np.nan if value is None else value for value in values], dtype=np.float64)
        middle = (np.searchsorted(edges, known) + np.searchsorted(edges, known, "right")) // 2
        return np.where(np.isnan(known), -1, middle).tolist()  # type: ignore[no-any-return]

    def anything(self, n: int, rng: np.random.Generator) -> list[Any]:
        """``n`` values from anywhere in the range."""
        low, high = self.column.scaled_bounds
        scaled = rng.integers(low, high, n, endpoint=True)
        if isinstance(self.column, FloatColumn):
            return [round(int(i) / 10**self.decimals, self.decimals) for i in scaled]
        return [int(i) for i in scaled]

    def draw(
        self, per_bin: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[list[Any], NDArray[np.int64]]:
        """Rising values, ``per_bin[b]`` of them stratified inside bin ``b``, and the bin of each."""
        bins = np.repeat(np.arange(BINS), per_bin)
        place = np.concatenate([np.arange(count) for count in per_bin]) if len(bins) else np.zeros(0)
        level = (bins + (place + rng.random(len(bins))) / per_bin[bins]) / BINS
        scaled = round_keeping_sum(self.at(level) * 10**self.decimals)
        scaled = np.clip(scaled, *self.column.scaled_bounds)
        if isinstance(self.column, FloatColumn):
            return [round(int(i) / 10**self.decimals, self.decimals) for i in scaled], bins
        return [int(i) for i in scaled], bins


def round_keeping_sum(values: NDArray[np.float64]) -> NDArray[np.int64]:
    """Whole numbers next to the values, rounded so that their sum is the values' sum to within one half.

    Rounding each alone shifts the mean where many values have like fractions (whole numbers on a short scale).
    """
    values = np.clip(values, -(2.0**62), 2.0**62)  # what still fits 64 bits after rounding
    floor = np.floor(values)
    fraction = values - floor
    up = round(math.fsum(fraction.tolist()))
    result = floor.astype(np.int64)
    result[np.argsort(-fraction, kind="stable")[:up]] += 1
    return result


@dataclass(frozen=True)
class ShareTarget:
    """The shares of categories, or of true and false."""

    column: CategoricalColumn | BooleanColumn
    values: tuple[Any, ...]
    shares: NDArray[np.float64] = field(repr=False)
    soft: bool = False

    def tags(self, values: Sequence[Any]) -> list[int]:
        """The place of each category; -1 for a missing one."""
        places: dict[Any, int] = {None: -1} | {value: place for place, value in enumerate(self.values)}
        return [places[value] for value in values]

    def anything(self, n: int, rng: np.random.Generator) -> list[Any]:
        """``n`` of the categories that have a share at all."""
        some = np.flatnonzero(self.shares > 0)
        return [self.values[int(i)] for i in rng.choice(some, n)]


Target: TypeAlias = NumberTarget | ShareTarget


def target_of(column: Column, distribution: Distribution | None, soft: bool = False) -> Target | None:
    """The target of a column with this distribution; ``None`` where there is nothing to aim at."""
    if distribution is None:
        return None
    if isinstance(column, IntegerColumn | FloatColumn):
        return NumberTarget(column, distribution, soft)
    if isinstance(column, CategoricalColumn | BooleanColumn):
        words: Sequence[str] = (
            list(column.categories) if isinstance(column, CategoricalColumn) else ["true", "false"]
        )
        shares: Mapping[str, float] = distribution.shares or {}
        weights = np.array([shares.get(word, 0.0) for word in words])
        values = tuple(words) if isinstance(column, CategoricalColumn) else (True, False)
        return ShareTarget(column, values, weights / weights.sum(), soft)
    return None
