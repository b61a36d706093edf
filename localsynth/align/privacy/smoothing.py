"""What is done to noisy counts afterwards: it costs no privacy, and takes away what cannot be true."""

from __future__ import annotations

from collections.abc import Sequence
from math import log, pi, sqrt
from typing import Any, TypeAlias

import numpy as np

__all__ = ["MEAN_ABSOLUTE", "common_total", "level_of_noise", "onto_total", "outer", "shrunk"]

Array: TypeAlias = np.ndarray[Any, Any]
MEAN_ABSOLUTE = sqrt(2 / pi)  # of a standard normal


def level_of_noise(scale: float, cells: int) -> float:
    """What a count must exceed to be told from noise, the largest of ``cells`` draws of it (Donoho & Johnstone 1994)."""
    return scale * max(1.0, sqrt(2 * log(max(1, cells))))


def common_total(sums: Sequence[float], variances: Sequence[float]) -> float:
    """One number of rows out of several noisy ones, each weighted by its precision; at least 0."""
    weights = 1 / np.asarray(variances, np.float64)
    return max(0.0, float(weights @ np.asarray(sums, np.float64) / weights.sum()))


def onto_total(counts: Array, variances: Array, total: float) -> Array:
    """The nearest counts of at least 0 with that sum; the noisier a count is, the more it may move.

    Least squares weighted by 1 / variance over the simplex: max(0, count - shift * variance).
    """
    # Where the shift passes count / variance, a count reaches 0; between those points the sum is linear in it.
    turns = counts / variances
    order = np.argsort(-turns, kind="stable")
    shifts = (np.cumsum(counts[order]) - total) / np.cumsum(variances[order])
    kept = np.flatnonzero(turns[order] > shifts)
    shift = shifts[kept[-1]] if len(kept) else shifts[0]
    return np.asarray(np.maximum(0.0, counts - shift * variances))


def shrunk(noisy: Array, scale: float, shares: Sequence[Array], total: float) -> Array:
    """A table with the given margins: independence, and of what differs from it as much as stands out of the noise.

    Parameters
    ----------
    noisy : counts with noise of standard deviation ``scale`` on each.
    shares : of each axis, the margin's; they sum to 1 each. total : rows.

    The one-way parts of the table are replaced by the margins, which carry far less noise. The interactions left are
    shrunk towards 0 as a whole (positive-part James-Stein), and what falls below 0 is cut and the rest fitted to the
    margins again (iterative proportional fitting). Shares are given, summing to 1.
    """
    expected = outer(shares) * total
    rest = noisy - expected
    for axis in range(rest.ndim):
        others = tuple(other for other in range(rest.ndim) if other != axis)
        rest = rest - rest.mean(axis=others, keepdims=True)
    freedom = noisy.size - 1 - sum(size - 1 for size in noisy.shape)
    size = float((rest**2).sum())
    kept = max(0.0, 1 - max(freedom - 2, 1) * scale**2 / size) if freedom > 0 and size > 0 else 0.0
    return _fitted(np.maximum(0.0, expected + kept * rest), shares)


def outer(shares: Sequence[Array]) -> Array:
    """The table of independent columns."""
    table = np.ones(())
    for share in shares:
        table = np.multiply.outer(table, share)
    return table


def _fitted(table: Array, shares: Sequence[Array], sweeps: int = 100) -> Array:
    # a trace of independence keeps every margin within reach where cutting left a row of zeros
    table = table / max(table.sum(), 1e-300) + 1e-9 * outer(shares)
    for _ in range(sweeps):
        for axis, share in enumerate(shares):
            others = tuple(other for other in range(table.ndim) if other != axis)
            now = table.sum(axis=others)
            factor = np.divide(share, now, out=np.zeros_like(now), where=now > 0)
            table = table * np.expand_dims(factor, others)
    return np.asarray(table / table.sum())
