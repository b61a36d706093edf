"""Where a run stands between the methods beside it: the rules by which figures become words.

No threshold is a number of its own. A run is held against REAL and ``independent`` for what it keeps of the real table,
and against REAL (or the measure's ideal) and ``bootstrap`` for what it gives away; intervals decide where they are known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import Enum

from localsynth.core.judging import Measure

from .lookup import Figure

__all__ = ["Closeness", "Leak", "Leaking", "Likeness", "badness", "closeness", "leaking", "wilson"]

#: A run this near to one end of the way from one yardstick to the other is said to be there.
_NEAR = 0.1
#: From here on a run is nearer to copies than to rows that nobody copied.
_HALF = 0.5


class Likeness(Enum):
    """How a run does what real rows do."""

    REAL = "close to real rows"
    BETWEEN = "between independent columns and real rows"
    NONE = "no better than independent columns"
    UNSURE = "too uncertain to tell from either real rows or independent columns"
    SILENT = "not to be judged, because real rows do no better than independent columns here"
    UNKNOWN = "not measured"


@dataclass(frozen=True)
class Closeness:
    """``share`` : of the way from ``independent`` to REAL, 1 and more for as good as real; ``None`` where there is no way."""

    likeness: Likeness
    share: float | None = None


def badness(value: float, measure: Measure) -> float:
    """A value turned so that less is better."""
    if measure.better == "ideal" and measure.ideal is not None:
        return abs(value - measure.ideal)
    return -value if measure.better == "higher" else value


def closeness(measure: Measure, run: Figure, real: Figure, independent: Figure) -> Closeness:
    """How far a run has come from ``independent`` to REAL.

    REAL: the run lies within REAL's interval, or nine tenths of the way and more. NONE: within the interval of
    ``independent``, or no more than a tenth of the way. UNSURE: both. SILENT: REAL is not better than ``independent``
    (by less than their intervals, where they are known), so that the measure cannot tell the two apart here.
    """
    if run.value is None or measure.better == "none":
        return Closeness(Likeness.UNKNOWN)
    if real.value is None or independent.value is None:
        return Closeness(Likeness.UNKNOWN)
    way = badness(independent.value, measure) - badness(real.value, measure)
    if way <= 0 or _within(real, independent) or _within(independent, real):
        return Closeness(Likeness.SILENT)
    share = (badness(independent.value, measure) - badness(run.value, measure)) / way
    like_real = share >= 1 - _NEAR or _within(run, real)
    like_independent = share <= _NEAR or _within(run, independent)
    if like_real and like_independent:
        return Closeness(Likeness.UNSURE, share)
    if like_real:
        return Closeness(Likeness.REAL, share)
    return Closeness(Likeness.NONE if like_independent else Likeness.BETWEEN, share)


def _within(one: Figure, other: Figure) -> bool:
    """Whether a value lies where the other's may lie."""
    span = other.span
    return span is not None and one.value is not None and span[0] <= one.value <= span[1]


class Leak(Enum):
    """What a measure of privacy found."""

    FOUND = "found out"
    SIGNS = "signs"
    NONE = "nothing found"
    WEAK = "too weak an attack to show anything"
    UNKNOWN = "not measured"


@dataclass(frozen=True)
class Leaking:
    """``chance`` : what the measure gives where nothing was copied. ``share`` : of the way from there to ``bootstrap``."""

    leak: Leak
    chance: float | None = None
    share: float | None = None


def leaking(run: Figure, chance: Figure, bootstrap: Figure) -> Leaking:
    """Whether a run gives away its train rows; more is worse in all these measures.

    FOUND: its interval lies above chance, and it is nearer to ``bootstrap`` than to chance. SIGNS: its interval lies above
    chance. A value without an interval counts as above chance when it is more than a tenth of the way to ``bootstrap``.
    Without ``bootstrap`` a run can only show signs.
    """
    if run.value is None or chance.value is None:
        return Leaking(Leak.UNKNOWN)
    share = None
    if bootstrap.value is not None and bootstrap.value > chance.value:
        share = (run.value - chance.value) / (bootstrap.value - chance.value)
    span, ceiling = run.span, chance.span
    if span is not None:
        above = span[0] > (ceiling[1] if ceiling is not None else chance.value)
    else:
        above = run.value > chance.value and (share is None or share > _NEAR)
    if not above:
        return Leaking(Leak.NONE, chance.value, share)
    found = share is not None and share >= _HALF
    return Leaking(Leak.FOUND if found else Leak.SIGNS, chance.value, share)


def wilson(share: float, rows: int) -> tuple[float, float]:
    """The 95% interval of a share of so many rows (Wilson 1927, J. Am. Stat. Assoc. 22:209)."""
    z = 1.959964
    center = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return max(center - half, 0.0), min(center + half, 1.0)
