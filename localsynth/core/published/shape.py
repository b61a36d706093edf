"""Margins of columns of which a report tells quantiles, or mean and standard deviation, and no cells."""

from __future__ import annotations

import math
from bisect import bisect_left
from collections.abc import Callable, Sequence
from itertools import pairwise
from statistics import NormalDist
from typing import TypeAlias

from localsynth.core.columns import FloatColumn, IntegerColumn
from localsynth.core.distribution import Distribution
from localsynth.core.steps import decimals_of

__all__ = ["Shape", "of_distribution", "open_cell"]

#: Edges of the cells, the share of each, and quantiles of the values inside each at evenly spaced levels.
Shape: TypeAlias = tuple[tuple[int, ...], tuple[float, ...], tuple[tuple[int, ...], ...]]
_Cdf: TypeAlias = Callable[[float], float]

_CELLS, _KNOTS = 10, 9  # cells of a column told by mean and sd, quantiles inside each cell
_TAIL = (
    33  # quantiles inside an outermost cell; the last one not at its very end, where hardly any value lies
)
_FAR = 1 - 1 / 128


def of_distribution(column: IntegerColumn | FloatColumn, told: Distribution) -> Shape:
    """A declared distribution in cells.

    Mean and sd make a Beta distribution over the range that has them (a normal one where no range is declared), in ten
    cells of equal share. Quantiles make the cells between them; values spread evenly there, and beyond the outermost
    quantiles thin out towards the end of the range.
    """
    low, high = column.scaled_bounds
    scale = 10.0 ** decimals_of(column)
    if told.mean is None or told.sd is None:
        return _between([(level, round(value * scale)) for level, value in told.points()], low, high)
    mean, sd = told.mean * scale, told.sd * scale
    if column.range is not None and low < mean < high and sd < math.sqrt((mean - low) * (high - mean)):
        cdf = _beta(mean, sd, low, high)
    else:
        cdf = NormalDist(mean, sd).cdf
    return _cut(cdf, low, high)


def open_cell(edges: Sequence[int], shares: Sequence[float], *, below: bool) -> tuple[int, ...]:
    """Quantiles inside the outermost cell of several, where values thin out: an exponential tail, cut at the range.

    edges, shares : of all cells. below : the first cell, else the last. The density where the tail begins is that of the
    neighbouring cell, carried on as it fell from the one before; values lie evenly where that would leave no tail.
    """
    order = slice(None) if below else slice(None, None, -1)
    own, *others = list(zip((b - a for a, b in pairwise(edges)), shares, strict=True))[order]
    width, share = own
    density = others[0][1] / others[0][0]
    if len(others) > 1 and others[1][1] > 0:
        (near, _), (far, beyond) = others[:2]
        density *= min(1.0, density * far / beyond) ** (near / (near + far))
    rate = density / share if share > 0 else 0.0
    if rate * width <= 1 or width < 3:
        return (edges[0], edges[1] - 1) if below else (edges[-2], edges[-1] - 1)
    whole = -math.expm1(-rate * width)
    levels = [knot / (_TAIL - 1) for knot in range(_TAIL - 1)] + [_FAR]
    steps = [min(int(-math.log1p(-whole * level) / rate), width - 1) for level in levels]
    return (
        tuple(edges[1] - 1 - step for step in reversed(steps))
        if below
        else tuple(edges[-2] + step for step in steps)
    )


def _between(points: Sequence[tuple[float, int]], low: int, high: int) -> Shape:
    below, above = points[0][0] > 0, points[-1][0] < 1
    told = [*([(0.0, low)] if below else []), *points, *([(1.0, high + 1)] if above else [])]
    spans: dict[int, tuple[float, float]] = {}
    for level, value in told:
        first, _ = spans.get(value, (level, level))
        spans[value] = (first, level)
    edges: list[int] = []
    shares: list[float] = []

    def add(begin: int, after: int, share: float) -> None:
        if not edges:
            edges.append(begin)
        edges.append(after)
        shares.append(share)

    values = list(spans)
    for value, following in pairwise(values):
        first, last = spans[value]
        begin = value
        if last > first:  # several levels at one value: that many rows have it
            add(value, value + 1, last - first)
            begin = value + 1
        share = spans[following][0] - last
        if following > begin:
            add(begin, following, share)
        else:
            shares[-1] += share
    end = values[-1]
    if end <= high:
        first, last = spans[end]
        if last > first or not edges:
            add(end, end + 1, last - first if edges else 1.0)
        else:
            edges[-1] = end + 1  # the highest value itself
    inner: list[tuple[int, ...]] = [(a, b - 1) for a, b in pairwise(edges)]
    if below and len(inner) > 1:
        inner[0] = open_cell(edges, shares, below=True)
    if above and len(inner) > 1:
        inner[-1] = open_cell(edges, shares, below=False)
    return tuple(edges), _normal(shares), tuple(inner)


def _cut(cdf: _Cdf, low: int, high: int) -> Shape:
    bottom, top = cdf(low - 0.5), cdf(high + 0.5)

    def at(value: int) -> float:
        """The share of rows with values of at most this."""
        return (cdf(value + 0.5) - bottom) / (top - bottom)

    def quantile(level: float) -> int:
        return low + bisect_left(range(low, high), level, key=at)

    edges = sorted({low, high + 1, *(quantile(cell / _CELLS) for cell in range(1, _CELLS))})
    levels = [0.0, *(at(edge - 1) for edge in edges[1:-1]), 1.0]
    inner = []
    for cell, (begin, after) in enumerate(pairwise(edges)):
        a, b = levels[cell], levels[cell + 1]
        first, last = cell == 0, cell == len(edges) - 2
        many = _TAIL if first or last else _KNOTS
        inside = [knot / (many - 1) for knot in range(many)]
        inside[0] = 1 - _FAR if first else 0.0
        inside[-1] = _FAR if last else 1.0
        inner.append(tuple(min(max(quantile(a + (b - a) * place), begin), after - 1) for place in inside))
    return tuple(edges), _normal([b - a for a, b in pairwise(levels)]), tuple(inner)


def _normal(shares: Sequence[float]) -> tuple[float, ...]:
    whole = [max(share, 0.0) for share in shares]
    total = math.fsum(whole)
    return tuple(share / total for share in whole)


def _beta(mean: float, sd: float, low: float, high: float) -> _Cdf:
    """The Beta distribution over [low, high] with this mean and sd."""
    middle = (mean - low) / (high - low)
    spread = middle * (1 - middle) / (sd / (high - low)) ** 2 - 1
    a, b = middle * spread, (1 - middle) * spread
    return lambda value: _incomplete_beta(a, b, min(max((value - low) / (high - low), 0.0), 1.0))


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """The regularised incomplete beta function by Lentz's continued fraction (Press et al., Numerical Recipes, 6.4)."""
    if x <= 0 or x >= 1:
        return float(x >= 1)
    front = math.exp(
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    if x < (a + 1) / (a + b + 2):
        return front * _fraction(a, b, x) / a
    return 1 - front * _fraction(b, a, 1 - x) / b


def _fraction(a: float, b: float, x: float) -> float:
    tiny = 1e-300
    c, d = 1.0, 1 - (a + b) * x / (a + 1)
    d = 1 / (d if abs(d) > tiny else tiny)
    value, change = d, 2.0
    for m in range(1, 10_000):
        for step in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1 + step * d
            d = 1 / (d if abs(d) > tiny else tiny)
            c = 1 + step / c
            c = c if abs(c) > tiny else tiny
            change = c * d
            value *= change
        if abs(change - 1) < 1e-13:
            break
    return value
