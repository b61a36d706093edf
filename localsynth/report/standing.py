"""Where a run stands between the methods beside it: the rules by which figures become words.

A run is held against REAL and ``independent`` (or guessing) for what it keeps of the real table, and against REAL (or the
measure's ideal) and ``bootstrap`` for what it gives away; intervals decide where they are known.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from enum import Enum

from localsynth.core.judging import Measure

from .lookup import Figure

__all__ = [
    "Closeness",
    "Leak",
    "Leaking",
    "Likeness",
    "badness",
    "beyond_margins",
    "closeness",
    "leaking",
    "wilson",
]

#: A run this near to one end of the way from one yardstick to the other is said to be there.
_NEAR = 0.1
#: From here on a run is nearer to copies than to rows that nobody copied.
_HALF = 0.5


class Likeness(Enum):
    """How a run does what real rows do."""

    REAL = "close to real rows"
    BETWEEN = "between independent columns and real rows"
    NONE = "no better than independent columns"
    GUESSING = "no better than guessing"
    WORSE = "worse even than independent columns"
    UNSURE = "too uncertain to tell from either real rows or independent columns"
    SILENT = "not to be judged, because real rows do no better than independent columns here"
    UNHELD = "measured, but there is no REAL to hold that against"
    ALONE = "measured, but there are no independent columns to hold that against"
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


def closeness(
    measure: Measure, run: Figure, real: Figure, independent: Figure, chance: float | None = None
) -> Closeness:
    """How far a run has come from ``independent`` to REAL.

    chance : what guessing gives. The way then begins there where ``independent`` lies below it, and a run whose interval
    reaches down to it is GUESSING.

    WORSE: on the far side of ``independent`` and REAL, outside the intervals of both. REAL: the run lies within REAL's
    interval, or nine tenths of the way and more. NONE: within the interval of ``independent``, or no more than a tenth of
    the way, or less than half of it with intervals that overlap. UNSURE: as near to REAL as to nothing. SILENT: REAL is not
    better than ``independent`` (or than chance) by more than their intervals, so that the measure cannot tell the two
    apart here. Decided in this order: what has no value, WORSE, SILENT, GUESSING, the rest.
    """
    if run.value is None or measure.better == "none":
        return Closeness(Likeness.UNKNOWN)
    if real.value is None:
        return Closeness(Likeness.UNHELD)
    if independent.value is None and chance is None:
        return Closeness(Likeness.ALONE)
    zero = _zero(measure, independent, chance)
    assert zero.value is not None
    start = badness(zero.value, measure)
    way = start - badness(real.value, measure)
    guessing = chance is not None and _reaches(run, chance)
    if not guessing and _worse(measure, run, real, zero, way):
        return Closeness(Likeness.WORSE)
    if way <= 0 or _within(real, zero) or _within(zero, real):
        return Closeness(Likeness.SILENT)
    share = (start - badness(run.value, measure)) / way
    like_real = share >= 1 - _NEAR or _within(run, real)
    if guessing:
        return Closeness(Likeness.UNSURE if like_real else Likeness.GUESSING, share)
    like_nothing = share <= _NEAR or _within(run, zero)
    if like_real:
        return Closeness(Likeness.UNSURE if like_nothing else Likeness.REAL, share)
    like_nothing = like_nothing or (share < _HALF and _overlap(run, zero))
    return Closeness(Likeness.NONE if like_nothing else Likeness.BETWEEN, share)


def _zero(measure: Measure, independent: Figure, chance: float | None) -> Figure:
    """Where the way to REAL begins: at ``independent``, but no lower than guessing."""
    if chance is None:
        return independent
    if independent.value is None or badness(independent.value, measure) > badness(chance, measure):
        return Figure((chance,))
    return independent


def _reaches(run: Figure, chance: float) -> bool:
    """Whether guessing may do as well; ``chance`` is of measures of which more is better."""
    return run.value is not None and (run.span or (run.value, run.value))[0] <= chance


def _worse(measure: Measure, run: Figure, real: Figure, independent: Figure, way: float) -> bool:
    assert run.value is not None
    far = badness(run.value, measure)
    known = [figure.span for figure in (run, real, independent)]
    if not any(known):
        # Nothing is known of chance: a tenth of the way further off is more than nothing.
        start = badness(independent.value or 0.0, measure)
        return way > 0 and far > start + _NEAR * way
    ends = [badness(end, measure) for figure in (real, independent) for end in _ends(figure)]
    middles = [badness(f.value, measure) for f in (real, independent) if f.value is not None]
    return far > max(ends) and _nearest(measure, run) > max(middles)


def _ends(figure: Figure) -> tuple[float, ...]:
    return figure.span or figure.values


def _nearest(measure: Measure, run: Figure) -> float:
    """The badness of the best value that a run may have."""
    low, high = run.span or (run.value or 0.0, run.value or 0.0)
    if measure.ideal is not None and low <= measure.ideal <= high:
        return 0.0
    return min(badness(low, measure), badness(high, measure))


def _within(one: Figure, other: Figure) -> bool:
    """Whether a value lies where the other's may lie."""
    span = other.span
    return span is not None and one.value is not None and span[0] <= one.value <= span[1]


def _overlap(one: Figure, other: Figure) -> bool:
    a, b = one.span, other.span
    return a is not None and b is not None and a[0] <= b[1] and b[0] <= a[1]


class Leak(Enum):
    """What a measure of privacy found."""

    FOUND = "found out"
    SIGNS = "signs"
    RARE = "rare values appear"
    NONE = "nothing found"
    WEAK = "too weak here to show anything"
    UNKNOWN = "not measured"


@dataclass(frozen=True)
class Leaking:
    """``chance`` : what the measure gives where nothing was copied. ``share`` : of the way from there to ``bootstrap``.

    alike : it lies above chance, but no higher than ``independent``, which copies nobody.
    """

    leak: Leak
    chance: float | None = None
    share: float | None = None
    alike: bool = False


def leaking(run: Figure, chance: Figure, bootstrap: Figure) -> Leaking:
    """Whether a run gives away its train rows; more is worse in all these measures.

    FOUND: its interval lies above chance, and it is nearer to ``bootstrap`` than to chance. SIGNS: its interval lies above
    chance. A value without an interval counts as above chance when it is more than a tenth of the way to ``bootstrap``.
    Only what catches ``bootstrap`` has power: where the interval of ``bootstrap`` touches chance a run can only show signs,
    and a run that shows none is WEAK, as it is where its own interval reaches ``bootstrap``, or nothing is known of that.
    """
    if run.value is None or chance.value is None:
        return Leaking(Leak.UNKNOWN)
    ceiling = chance.span[1] if chance.span is not None else chance.value
    power = bootstrap.value is not None and (bootstrap.span or bootstrap.values)[0] > ceiling
    share = None
    if bootstrap.value is not None and bootstrap.value > chance.value:
        share = (run.value - chance.value) / (bootstrap.value - chance.value)
    span = run.span
    alone = run.value > chance.value and (share is None or share > _NEAR)
    if alone if span is None else span[0] > ceiling:
        found = power and share is not None and share >= _HALF
        return Leaking(Leak.FOUND if found else Leak.SIGNS, chance.value, share)
    reached = bootstrap.value is not None and (span or run.values)[-1] >= bootstrap.value
    return Leaking(Leak.NONE if power and not reached else Leak.WEAK, chance.value, share)


def beyond_margins(found: Leaking, run: Figure, independent: Figure, bootstrap: Figure) -> Leaking:
    """A sign counts only above what ``independent`` shows: it holds nothing but margins, so whatever is found there is how
    far train and held-out rows differ by chance, or told by the margins.
    """
    if independent.value is None or found.chance is None or independent.value <= found.chance:
        return found
    beyond = leaking(run, Figure((independent.value,)), bootstrap)
    if beyond.leak in {Leak.FOUND, Leak.SIGNS}:
        return found
    return replace(found, leak=beyond.leak, alike=True)


def wilson(share: float, rows: int) -> tuple[float, float]:
    """The 95% interval of a share of so many rows (Wilson 1927, J. Am. Stat. Assoc. 22:209)."""
    z = 1.959964
    center = (share + z * z / (2 * rows)) / (1 + z * z / rows)
    half = z / (1 + z * z / rows) * math.sqrt(share * (1 - share) / rows + z * z / (4 * rows * rows))
    return max(center - half, 0.0), min(center + half, 1.0)
