"""Pairs of columns of which one is never above the other, where that is more than their ranges say."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from localsynth.core.finding import FoundRule, Limits, percent
from localsynth.store.names import identifier

from .coding import Array
from .numbers import Numbers

__all__ = ["Pair", "find_pairs", "without_implied"]


_MOST = 400  # columns


@dataclass(frozen=True)
class Pair:
    """``low`` is never above ``high``; never equal to it either where ``strict``; always where ``equal``.

    rows : with both. chance : the share of rows that would break it if the columns had nothing to do with each other.
    """

    low: str
    high: str
    strict: bool
    equal: bool
    rows: int
    chance: float

    def rule(self) -> FoundRule:
        """The noun."""
        sign, word = ("=", "is") if self.equal else ("<", "below") if self.strict else ("<=", "at most")
        return FoundRule(
            f"{identifier(self.low)} {sign} {identifier(self.high)}",
            f"{self.low} {word} {self.high}",
            "equal" if self.equal else "inequality",
            f"holds in all {self.rows:,} rows with both; by chance {percent(self.chance)} would break it",
            self.rows,
        )


def find_pairs(numbers: Sequence[Numbers], limits: Limits) -> tuple[list[Pair], list[str]]:
    """All such pairs of like columns, and what was left out, in words. :func:`without_implied` leaves out what others say."""
    if len(numbers) > _MOST:
        return [], [f"inequalities were not sought among {len(numbers)} columns"]
    found = []
    for one, other in combinations(numbers, 2):
        if one.like(other):
            pair = _pair(one, other, limits)
            if pair is not None:
                found.append(pair)
    return found, []


def _pair(one: Numbers, other: Numbers, limits: Limits) -> Pair | None:
    both = ~(np.isnan(one.values) | np.isnan(other.values))
    a, b = one.values[both], other.values[both]
    above, below = bool((a > b).any()), bool((a < b).any())
    if len(a) < 2 * limits.broken or (above and below):
        return None
    low, high = (other, one) if above else (one, other)
    low_values, high_values = (b, a) if above else (a, b)
    equal = not above and not below
    higher, same = _by_chance(low_values, high_values)
    chance = 1 - same if equal else higher
    if not _tells(chance, len(a), limits):
        return None
    strict = not equal and not bool((a == b).any()) and _tells(same, len(a), limits)
    return Pair(low.name, high.name, strict, equal, len(a), chance)


def _tells(chance: float, rows: int, limits: Limits) -> bool:
    return chance >= limits.rule_share and chance * rows >= limits.rule_broken


def _by_chance(low: Array, high: Array) -> tuple[float, float]:
    """How often a value of ``low`` is above, and equal to, one of ``high`` of any other row."""
    ordered = np.sort(high)
    under, up_to = np.searchsorted(ordered, low, "left"), np.searchsorted(ordered, low, "right")
    return float(under.mean() / len(high)), float((up_to - under).mean() / len(high))


def without_implied(pairs: Iterable[Pair], parts: Iterable[tuple[str, str]] = ()) -> list[Pair]:
    """Without what others imply: by way of a third column, of a column equal to it, or of a sum it is part of.

    parts : pairs of a summand and its sum, where no summand is negative.
    """
    pairs, known = list(pairs), set(parts)
    twin: dict[str, str] = {}
    kept = []
    for pair in pairs:
        if pair.equal and pair.high not in twin:
            twin[pair.high] = twin.get(pair.low, pair.low)
            kept.append(pair)
    rest = [pair for pair in pairs if not pair.equal and pair.low not in twin and pair.high not in twin]
    strict = {(pair.low, pair.high): pair.strict for pair in rest}
    above: dict[str, set[str]] = {}
    for pair in rest:
        above.setdefault(pair.low, set()).add(pair.high)

    def implied(pair: Pair) -> bool:
        for middle in above[pair.low]:
            way = strict[pair.low, middle], strict.get((middle, pair.high))
            if way[1] is not None and (any(way) or not pair.strict):
                return True
        return (pair.low, pair.high) in known and not pair.strict

    return kept + [pair for pair in rest if not implied(pair)]
