"""Bins people can read: edges are round numbers, days, months or years, so that none of them is a cell of the table."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from .disclosure import FEWEST, merged
from .encode import Array

__all__ = ["MOST", "Bins", "date_bins", "number_bins", "safe_bins"]

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
    """names : what the edges are called, rising, one more than there are bins; ``None`` for an end that is open. cuts : where
    the second and each later bin begins; a value at a cut lies above it. single : which bins are one value, day, month or
    year, and called by its name.
    """

    names: tuple[str | None, ...]
    cuts: Array
    single: tuple[bool, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """One per bin, rising."""
        return tuple(
            _label(*ends, single=single)
            for ends, single in zip(pairwise(self.names), self.single, strict=True)
        )

    def counts(self, values: Array) -> list[int]:
        """How many of the values (no NaN) lie in each bin."""
        places = np.searchsorted(self.cuts, values, "right")
        return [int(count) for count in np.bincount(places, minlength=len(self.single))]

    def merged(self, starts: list[int]) -> Bins:
        """Fewer bins: each begins with one of these (rising from 0) and reaches to the next."""
        ends = [*starts[1:], len(self.single)]
        return Bins(
            tuple(self.names[place] for place in [*starts, len(self.single)]),
            self.cuts[[start - 1 for start in starts[1:]]],
            tuple(end - start == 1 and self.single[start] for start, end in zip(starts, ends, strict=True)),
        )


def _label(begins: str | None, ends: str | None, *, single: bool) -> str:
    if begins is None:
        return "any value" if ends is None else f"< {ends}"
    if ends is None:
        return f"≥ {begins}"
    return begins if single else f"[{begins}, {ends})"


ANY = Bins((None, None), np.zeros(0), (False,))


def safe_bins(bins: Bins, values: Array, more: int = 0) -> Bins:
    """The bins with neighbours merged until each holds at least ``FEWEST`` of the values, or none.

    more : what is counted in the last bin beside them.
    """
    counts = bins.counts(values)
    counts[-1] += more
    return bins.merged(merged(counts))


def _ends(values: Array) -> tuple[float, float]:
    """Where 99% of the values lie, ``FEWEST`` at least on or beyond either end: edges are not to tell a lowest or highest."""
    rising = np.sort(values)
    aside = min(max(round(0.005 * (len(rising) - 1)), FEWEST - 1), (len(rising) - 1) // 2)
    return float(rising[aside]), float(rising[-1 - aside])


def number_bins(values: Array, low: int, high: int, decimals: int) -> Bins:
    """At most 20 bins over where 99% of the values lie (no NaN among them), but for the outermost few, and open ends where
    the column allows more. Bins may hold few values: see :func:`safe_bins`.

    low, high : what the column allows, times ``10**decimals``.
    """
    if values.size == 0:
        return ANY
    # In whole units of the last decimal: edges are exact.
    scale = 10**decimals
    first, last = (round(value * scale) for value in _ends(values))
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
    first, last = (np.datetime64(int(value), base) for value in _ends(values))
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
    names: list[str | None] = [name(edge) for edge in edges]
    cuts, alone = edges[1:-1], [single] * (len(edges) - 1)
    if low < edges[0]:
        names, cuts, alone = [None, *names], [edges[0], *cuts], [False, *alone]
    if high >= edges[-1]:
        names, cuts, alone = [*names, None], [*cuts, edges[-1]], [*alone, False]
    return Bins(tuple(names), np.array(cuts, np.float64), tuple(alone))
