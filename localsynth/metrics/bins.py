"""Bins people can read: edges are round numbers, days, months or years, so that none of them is a cell of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .encode import Array

__all__ = ["MOST", "Bins", "date_bins", "number_bins"]

MOST = 20  # bins of one column
_CORE = MOST - 2  # without the two open ends
#: Unit of the calendar, how many of them make a bin, and what is added so that bins begin on round years and Mondays.
_CALENDAR = (
    ("m", 1, 0),
    ("m", 15, 0),
    ("h", 1, 0),
    ("h", 6, 0),
    ("D", 1, 0),
    ("D", 7, 3),
    ("M", 1, 0),
    ("M", 3, 0),
    *(("Y", years, 1970) for years in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)),
)


@dataclass(frozen=True)
class Bins:
    """labels : one per bin, rising. cuts : where the second and each later bin begins; a value at a cut lies above it."""

    labels: tuple[str, ...]
    cuts: Array

    def shares(self, values: Array, of: int) -> list[float]:
        """How many of the values (no NaN) lie in each bin, over ``of``."""
        places = np.searchsorted(self.cuts, values, "right")
        return [float(share) for share in np.bincount(places, minlength=len(self.labels)) / of]


ANY = Bins(("any value",), np.zeros(0))


def number_bins(values: Array, low: int, high: int, decimals: int) -> Bins:
    """At most 20 bins over where 99% of the values lie (no NaN among them), and open ends where the column allows more.

    low, high : what the column allows, times ``10**decimals``.
    """
    if values.size == 0:
        return ANY
    # In whole units of the last decimal: edges are exact.
    scale = 10**decimals
    first, last = (
        round(float(value) * scale) for value in np.quantile(values, (0.005, 0.995), method="nearest")
    )
    step = _step(first, last)
    digits = decimals
    while digits and step % 10 ** (decimals - digits + 1) == 0:
        digits -= 1
    edges = [number * step / scale for number in range(first // step, last // step + 2)]
    return _bins(edges, low / scale, high / scale, lambda edge: f"{edge:.{digits}f}", single=step == 1)


def _step(first: int, last: int) -> int:
    """The smallest of 1, 2, 5, 10, 20, 25, 50 ... that cuts the span into few enough bins; around a single value, one of
    its size, so that the edges do not tell it.
    """
    wanted = abs(last) // 20 if first == last else 0
    power = 1
    while True:
        for step in (power, 2 * power, power * 5 // 2, 5 * power):
            if (
                step >= wanted
                and last // step - first // step < _CORE
                and (step * 2 != power * 5 or power > 1)
            ):
                return step
        power *= 10


def date_bins(values: Array, low: float, high: float, *, minutes: bool) -> Bins:
    """The same for days or (``minutes``) minutes since 1970, cut at hours, days, weeks, months or years."""
    if values.size == 0:
        return ANY
    base: Any = "m" if minutes else "D"
    first, last = (
        np.datetime64(int(value), base) for value in np.quantile(values, (0.005, 0.995), method="nearest")
    )
    for unit, step, shift in _CALENDAR:
        if not minutes and unit in ("m", "h"):
            continue
        start, end = (
            (int(moment.astype(f"datetime64[{unit}]").astype(np.int64)) + shift) // step
            for moment in (first, last)
        )
        if end - start < _CORE:
            break
    else:
        return ANY
    moments = [np.datetime64(number * step - shift, unit) for number in range(start, end + 2)]  # type: ignore[call-overload]
    edges = [float(moment.astype(f"datetime64[{base}]").astype(np.int64)) for moment in moments]
    names = dict(zip(edges, (_written(moment, unit) for moment in moments), strict=True))
    return _bins(edges, low, high, lambda edge: names[edge], single=step == 1 and unit in "DMY")


def _written(moment: Any, unit: str) -> str:
    return str(moment.astype("datetime64[m]")).replace("T", " ") if unit in "mh" else str(moment)


def _bins(edges: list[float], low: float, high: float, name: Callable[[float], str], *, single: bool) -> Bins:
    """single : a bin is one value, day, month or year, and called by its name."""
    labels = [name(a) if single else f"[{name(a)}, {name(b)})" for a, b in pairwise(edges)]
    cuts = edges[1:-1]
    if low < edges[0]:
        labels, cuts = [f"< {name(edges[0])}", *labels], [edges[0], *cuts]
    if high >= edges[-1]:
        labels, cuts = [*labels, f"≥ {name(edges[-1])}"], [*cuts, edges[-1]]
    return Bins(tuple(labels), np.array(cuts, np.float64))
