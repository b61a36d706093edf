"""Members against non-members, each pair with all other held-out rows as reference: the area under the curve, and how
sure it is.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy.stats import t as student

from .encode import Array
from .intervals import ranked

__all__ = ["Scores", "area"]


@dataclass(frozen=True)
class Scores:
    """How suspicious rows look, the higher the more.

    member, other : rows x 2, held against the nearest reference row, and against the second nearest in case that the nearest
    is not part of the reference. Of a non-member the nearest is never itself.
    member_near, other_near : which row of the reference the nearest is; the non-members are the first of it.
    """

    member: Array
    member_near: Array
    other: Array
    other_near: Array

    @property
    def others(self) -> int:
        """Non-members."""
        return len(self.other)


def area(scores: Scores) -> tuple[float, float, float]:
    """The chance that a member looks more suspicious than a non-member (ties count half), and its 95% interval.

    Given the reference, neither kind of row is special where nothing leaked: members' shares of pairs won are independent,
    and so are those of non-members but for one thing: each is part of the other's reference. What a non-member wins has mean
    zero (less one half) given all others, so of two that covary only what one changes in the other's share by being there
    does, and only its nearest neighbour changes it. The variance is that of independent shares, and for each pair of mutual
    nearest neighbours the product of both changes. Student's t, degrees of freedom after Welch 1947. Where the numbers of
    rows alone make it wider (:func:`~localsynth.metrics.intervals.ranked`), as near 0 and 1 in small tables, that end counts.
    """
    won, lost, changes = _shares(scores)
    count, others = len(won), len(lost)
    value = min(1.0, max(0.0, float(won.mean())))
    own = float(won.var(ddof=1)) / count
    theirs = float(lost.var(ddof=1)) / others + float(changes.sum()) / others**2
    total = own + theirs
    low, high = ranked(value, count, others)
    if total <= 1e-12:
        return value, low, high
    freedom = total**2 / (own**2 / (count - 1) + theirs**2 / (others - 1))
    reach = float(student.ppf(0.975, freedom)) * math.sqrt(total)
    return value, max(0.0, min(low, value - reach)), min(1.0, max(high, value + reach))


def _shares(scores: Scores) -> tuple[Array, Array, Array]:
    """Of each member the share of pairs it wins, of each non-member the share it loses; and the products of changes."""
    member, other = scores.member[:, 0], scores.other[:, 0]
    count, others = len(member), len(other)
    won = _below(np.sort(other), member)
    lost = count - _below(np.sort(member), other)
    # The non-member that is nearest to a member is no reference in their own pair: there the next one is.
    pair = np.flatnonzero(scores.member_near < others)
    rival = scores.member_near[pair]
    instead = (np.sign(scores.member[pair, 1] - other[rival]) - np.sign(member[pair] - other[rival])) / 2
    won[pair] += instead
    lost += np.bincount(rival, instead, others)
    change = (_below(np.sort(member), scores.other[:, 1]) - _below(np.sort(member), other)) / count
    near = scores.other_near
    first = np.flatnonzero(near < others)
    mutual = first[near[near[first]] == first]
    return won / others, lost / count, change[mutual] * change[near[mutual]]


def _below(rising: Array, values: Array) -> Array:
    """Per value how many are below it, an equal one half."""
    sides = np.searchsorted(rising, values, "left") + np.searchsorted(rising, values, "right")
    return np.asarray(sides / 2)
