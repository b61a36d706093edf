"""The one place that sees exact counts; what leaves it has been through a mechanism of OpenDP and is booked."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeAlias

import numpy as np

from localsynth.core.targets import Axis

from .accounting import Ledger, scale_of
from .extra import opendp

__all__ = ["Count", "Curator", "Noised", "Selection", "gaussian", "noisy_max"]

Array: TypeAlias = np.ndarray[Any, Any]
#: Exact counts of the train rows over the cells of axes, one array axis each; a row in no cell is counted nowhere.
Count: TypeAlias = Callable[[Sequence[Axis]], Array]

Mechanism: TypeAlias = Callable[[list[int]], Any]


@lru_cache(maxsize=512)
def gaussian(scale: float) -> tuple[Mechanism, float]:
    """Discrete Gaussian noise on a vector of counts, and what it costs (rho) where one count changes by 1."""
    dp = opendp()
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.l2_distance(T="f64")
    mechanism = dp.m.make_gaussian(*space, scale=scale)
    return mechanism, float(mechanism.map(1.0))


@lru_cache(maxsize=512)
def noisy_max(scale: float) -> tuple[Mechanism, float]:
    """The place of the largest score after Gumbel noise, and what it costs (rho) where each score changes by at most 1."""
    dp = opendp()
    space = dp.vector_domain(dp.atom_domain(T="i64")), dp.linf_distance(T="i64")
    mechanism = dp.m.make_noisy_max(*space, dp.zero_concentrated_divergence(), scale=scale)
    return mechanism, float(mechanism.map(1))


@dataclass(frozen=True)
class Noised:
    """Counts with noise, which may be below 0. scale : standard deviation of the noise on each."""

    counts: Array
    scale: float


class Curator:
    """Answers questions about the counts of a table as far as a ledger allows.

    All mechanisms rest on one fact: a row lies in at most one cell of a contingency table, so adding or removing a row
    changes one count by 1. Counts as a vector have sensitivity 1 in every norm.
    """

    def __init__(self, count: Count, ledger: Ledger) -> None:
        self._count = count
        self.ledger = ledger

    def measure(self, axes: Sequence[Axis], rho: float, what: str) -> Noised:
        """Counts over all cells with discrete Gaussian noise (Canonne, Kamath & Steinke 2020).

        rho : its cost; the noise's standard deviation is 1 / sqrt(2 rho). what : its purpose, for the ledger.
        """
        # a shade more noise than rho asks for, so that OpenDP's outward rounding of the cost stays within rho
        scale = scale_of(rho) * (1 + 1e-12)
        mechanism, cost = gaussian(scale)
        self.ledger.take(what, cost)
        exact = self._exact(axes)
        noisy = mechanism([int(count) for count in exact.ravel()])
        return Noised(np.array(noisy, np.float64).reshape(exact.shape), scale)

    def selection(
        self, candidates: Sequence[Sequence[Axis]], expected: Sequence[Array], handicaps: Sequence[int]
    ) -> Selection:
        """Prepare private choices of the table that is farthest from what is expected of it.

        expected : whole numbers, from released statistics only. handicaps : taken off each score, data-independent.
        """
        scores = [
            int(np.abs(self._exact(axes) - model).sum()) - handicap
            for axes, model, handicap in zip(candidates, expected, handicaps, strict=True)
        ]
        return Selection(scores, self.ledger)

    def _exact(self, axes: Sequence[Axis]) -> Array:
        counts = np.asarray(self._count(axes))
        shape = tuple(axis.size for axis in axes)
        if counts.shape != shape:
            raise ValueError(f"counts of shape {counts.shape}, not {shape}")
        whole: Array = np.rint(counts).astype(np.int64)
        if (whole != counts).any() or (whole < 0).any():
            raise ValueError("counts are whole numbers of at least 0")
        return whole


class Selection:
    """Noisy maximum over the L1 distances between tables and what is expected of them (the score of MST and AIM:
    McKenna, Miklau & Sheldon 2021; McKenna et al. 2022).

    One row changes one count of each table by 1; what is expected rests on released statistics and stays as it is. So
    each score changes by at most 1, in either direction: sensitivity 1 in the maximum norm, not monotonic.
    """

    def __init__(self, scores: Sequence[int], ledger: Ledger) -> None:
        self._scores = scores
        self._ledger = ledger

    def pick(self, among: Sequence[int], rho: float, what: str) -> int:
        """The index of a candidate, by report-noisy-max with Gumbel noise (the exponential mechanism)."""
        # bounded range 2 / scale costs (2 / scale)^2 / 8 (Cesar & Rogers 2021), which is that of Gaussian noise
        mechanism, cost = noisy_max(scale_of(rho) * (1 + 1e-12))
        self._ledger.take(what, cost)
        picked: int = mechanism([self._scores[index] for index in among])
        return among[picked]
