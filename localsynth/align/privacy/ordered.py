"""Cells of numbers and days over a declared range, cut where noisy counts say that rows lie.

A wide column is looked at over equally wide cells first; while one cell holds much of the column, its inside is looked at
again. What is left of the column's budget measures cells that are about equally full. All cuts follow from noisy counts.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, TypeAlias

import numpy as np

from localsynth.core.targets import Axis

from .accounting import scale_of
from .curator import Curator
from .declared import Plan
from .smoothing import level_of_noise, onto_total

__all__ = ["Found", "combine", "cut", "find", "knots", "without_light"]

Array: TypeAlias = np.ndarray[Any, Any]
_MOST_LOOKS = 3
_LOOK = 0.15  # of a column's budget, for each look
_CLEAR = 4  # standard deviations of noise that an equally full cell should hold
_KNOTS = 9


@dataclass(frozen=True)
class Found:
    """Noisy counts of a column's cells, that of missing values last. variances : of the noise.

    inner : quantiles within each cell, from looks that cut the column elsewhere; empty where there are none.
    """

    axis: Axis
    counts: Array
    variances: Array
    inner: tuple[tuple[int, ...], ...] = ()


def find(curator: Curator, plan: Plan, rho: float, bins: int, rows: float, what: str) -> Found:
    """Measure a column for ``rho``. rows : about how many there are, released already."""
    if not plan.wide:
        noised = curator.measure([plan.axis], rho, what)
        return without_light(Found(plan.axis, noised.counts, np.full(plan.axis.size, noised.scale**2)))
    found: Found | None = None
    axis, left = plan.axis, rho
    for look in range(_MOST_LOOKS):
        found = _measured(curator, axis, rho * _LOOK, what, found)
        left -= rho * _LOOK
        full = _present(found, rows)
        if look == _MOST_LOOKS - 1 or not _crowded(axis.edges, full, bins):
            break
        axis = _axis(axis, cut(axis.edges, full, len(plan.axis.edges)))
    assert found is not None
    looked = found.axis.edges, _present(found, rows)
    cells = int(np.clip(rows / (_CLEAR * scale_of(left)), 2, bins))
    found = _measured(curator, _axis(axis, cut(*looked, cells)), left, what, found)
    found = without_light(found)
    return Found(found.axis, found.counts, found.variances, knots(found.axis.edges, *looked))


def _axis(like: Axis, edges: tuple[int, ...]) -> Axis:
    return Axis(like.column, edges=edges, missing=like.missing)


def _measured(curator: Curator, axis: Axis, rho: float, what: str, before: Found | None) -> Found:
    noised = curator.measure([axis], rho, what)
    now = Found(axis, noised.counts, np.full(axis.size, noised.scale**2))
    return combine(before, now) if before else now


def _present(found: Found, rows: float) -> Array:
    """Counts of at least 0 of the cells with values."""
    return onto_total(found.counts, found.variances, rows)[: found.axis.present]


def _crowded(edges: Sequence[int], counts: Array, bins: int) -> bool:
    """A cell that could be cut holds more than one and a half of what an equally full one would."""
    divisible = np.array([high - low > 1 for low, high in pairwise(edges)])
    return bool((counts[divisible] > 1.5 * counts.sum() / bins).any())


def cut(edges: Sequence[int], counts: Array, cells: int) -> tuple[int, ...]:
    """Edges of about equally full cells, values spread evenly within the given ones.

    A cut near an edge that is there already is made at that edge: counts on both sides can then be combined.
    """
    below = np.concatenate([[0.0], np.cumsum(counts)])
    if below[-1] <= 0:
        return tuple(edges)
    inside: set[int] = set()
    for level in range(1, cells):
        wanted = below[-1] * level / cells
        near = int(np.abs(below - wanted).argmin())
        if abs(below[near] - wanted) < 0.25 * below[-1] / cells:
            inside.add(edges[near])
            continue
        at = int(np.searchsorted(below, wanted, side="right")) - 1
        part = (wanted - below[at]) / counts[at]
        inside.add(edges[at] + round(part * (edges[at + 1] - edges[at])))
    return (edges[0], *sorted(edge for edge in inside if edges[0] < edge < edges[-1]), edges[-1])


def combine(before: Found, now: Found) -> Found:
    """The cells of ``now`` brought nearer the truth by an earlier measurement over other cells.

    Between two edges that both have, there are two independent counts of the same rows: they are averaged by their
    precision, and each cell of ``now`` takes an equal part of the change (least squares; Hay et al. 2010).
    """
    counts, variances = now.counts.copy(), now.variances.copy()
    shared = sorted(set(before.axis.edges) & set(now.axis.edges))
    for low, high in pairwise(shared):
        old = slice(before.axis.edges.index(low), before.axis.edges.index(high))
        new = slice(now.axis.edges.index(low), now.axis.edges.index(high))
        _agree(counts, variances, new, before.counts[old].sum(), before.variances[old].sum())
    if now.axis.missing:
        last = slice(now.axis.present, now.axis.size)
        _agree(counts, variances, last, before.counts[-1], before.variances[-1])
    return Found(now.axis, counts, variances)


def _agree(counts: Array, variances: Array, cells: slice, other: float, other_variance: float) -> None:
    own, own_variance = counts[cells].sum(), variances[cells].sum()
    number = len(counts[cells])
    weight = own_variance / (own_variance + other_variance)
    counts[cells] += weight * (other - own) / number
    # what a cell's own noise keeps, and its part of the noise of the sum
    variances[cells] += ((1 - weight) * own_variance - own_variance) / number**2


def without_light(found: Found) -> Found:
    """Neighbouring cells that cannot be told from noise become one cell."""
    axis = found.axis
    if not axis.edges:
        return found
    light = found.counts < [level_of_noise(float(v) ** 0.5, axis.size) for v in found.variances]
    starts = [cell for cell in range(axis.present) if cell == 0 or not (light[cell] and light[cell - 1])]
    if len(starts) == axis.present:
        return found
    if axis.missing:
        starts.append(axis.present)
    edges = tuple(axis.edges[start] for start in starts if start < axis.present)
    return Found(
        Axis(axis.column, edges=(*edges, axis.edges[-1]), missing=axis.missing),
        np.add.reduceat(found.counts, starts),
        np.add.reduceat(found.variances, starts),
    )


def knots(edges: Sequence[int], looked: Sequence[int], counts: Array) -> tuple[tuple[int, ...], ...]:
    """Quantiles within each cell at evenly spaced levels, from counts over other cells of the same range."""
    fine = np.array(sorted(set(edges) | set(looked)), dtype=object)
    at = np.searchsorted(fine, np.array(looked, dtype=object))
    below = np.concatenate([[0.0], np.cumsum(counts)])
    # The lowest edge counts as 0, so that values of 64 bits keep their last digits as floats.
    offsets = (fine - fine[0]).astype(np.float64)
    heights = np.interp(offsets, offsets[at], below)
    result = []
    for low, high in pairwise(edges):
        part = slice(int(np.searchsorted(fine, low)), int(np.searchsorted(fine, high)) + 1)
        xs, ys = offsets[part], heights[part]
        if ys[-1] - ys[0] <= 1e-9 * max(1.0, below[-1]):
            ys = xs
        # a slope everywhere, so that each level has one quantile
        ys = ys + (xs - xs[0]) * 1e-9 * max(1.0, float(ys[-1] - ys[0])) / (xs[-1] - xs[0])
        levels = np.linspace(ys[0], ys[-1], _KNOTS)
        values = [low + int(x) for x in np.interp(levels, ys, xs - xs[0])]
        result.append(tuple(min(max(value, low), high - 1) for value in values))
    return tuple(result)
