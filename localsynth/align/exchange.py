"""Members exchanged between parents, so that rules over all members of a parent come to hold.

Two members change over whole, so every column of the members keeps its margin, and every table over them alone stays. It is
done as in :mod:`~localsynth.align.trading`, but that an item may also go to another place of the other row.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np

from .trading import Broken, apart

__all__ = ["exchange", "slots_of"]

Array: TypeAlias = np.ndarray[Any, Any]
_ROUNDS, _IDLE = 40, 6  # at most; without progress
_ON = 0.02
_ROWS, _OFFERS, _LEAST = (
    20_000,
    6_000,
    2,
)  # parents that offer at once, offers at once, offers of each member at least
_WINDOW = 25  # neighbours that count as near
_BORROWERS, _DONORS = 2000, 60


def slots_of(sizes: Array) -> Array:
    """Parents x places, each holding the number of a member (members are numbered parent by parent), -1 where there is none."""
    sizes = np.asarray(sizes, np.int64)
    places = np.arange(int(sizes.max(initial=0)))
    first = np.cumsum(sizes) - sizes
    return np.where(places < sizes[:, None], first[:, None] + places, -1)


def exchange(
    slots: Array,
    broken: Broken,
    alike: Array,
    near: Array,
    rng: np.random.Generator,
    check: Callable[[], None] = lambda: None,
) -> Array:
    """The slots (a copy) with members exchanged until no rule is broken or nothing more is gained; what is left is borrowed.

    Parameters
    ----------
    slots : see :func:`slots_of`. broken : of rows of a parent's number and its slots, which rules they break (rows x rules).
    alike, near : numbers for each parent. Members go into the same place of parents with the same ``alike`` and a ``near`` not
        far away first, and into any place of any parent in the end, so that what hangs together between them and their parents
        changes little. First members are exchanged with first members alone.
    """
    index = np.column_stack([np.arange(len(slots)), slots])
    if not (slots >= 0).any():
        return slots.copy()
    places = np.arange(slots.shape[1])
    everywhere = np.zeros(len(slots), np.int64)
    found = broken(index)
    for group, place, window in (
        (alike, places, _WINDOW),
        (alike, places, None),
        (everywhere, np.minimum(places, 1), _WINDOW),
        (everywhere, np.minimum(places, 1), None),
    ):
        if found.any():
            partners = _Partners(slots >= 0, group, place, near, window)
            found = _trade(index, found, partners, broken, rng, check)
    _borrow(index, found, broken, alike, near, rng)
    return np.asarray(index[:, 1:])


def _trade(
    index: Array,
    found: Array,
    partners: _Partners,
    broken: Broken,
    rng: np.random.Generator,
    check: Callable[[], None],
) -> Array:
    """Trades made in place, as many as help; gives which rules are broken then."""
    least, idle = int(found.sum()), 0
    for _ in range(_ROUNDS):
        check()
        cost = found.sum(axis=1)
        bad = rng.permutation(np.flatnonzero(found.any(axis=1)))[:_ROWS]
        if not len(bad) or idle >= _IDLE:
            break
        mine = partners.of(bad)
        mine = np.repeat(mine, int(np.clip(_OFFERS // max(1, len(mine)), _LEAST, 64)))
        theirs = partners.choose(mine, rng)
        row, other = partners.row[mine], partners.row[theirs]
        differ = row != other
        row, other = row[differ], other[differ]
        here, there = 1 + partners.slot[mine[differ]], 1 + partners.slot[theirs[differ]]
        one, two, line = index[row], index[other], np.arange(len(row))
        one[line, here], two[line, there] = index[other, there], index[row, here]
        after = broken(np.concatenate([one, two]))
        after_one, after_two = after[: len(row)], after[len(row) :]
        gain = cost[row] + cost[other] - after_one.sum(axis=1) - after_two.sum(axis=1)
        # A trade that only hands the trouble on gains nothing, but gets out of corners.
        hands_on = (gain == 0) & (after_one.sum(axis=1) < cost[row]) & (rng.random(len(row)) < _ON)
        moves = np.lexsort((rng.random(len(row)), -gain))
        moves = moves[((gain > 0) | hands_on)[moves]]
        moves = moves[apart(row[moves], other[moves], len(index))]
        index[row[moves]], index[other[moves]] = one[moves], two[moves]
        found[row[moves]], found[other[moves]] = after_one[moves], after_two[moves]
        total = int(found.sum())
        idle = 0 if total < least else idle + 1
        least = min(least, total)
    return found


def _borrow(
    index: Array,
    found: Array,
    broken: Broken,
    alike: Array,
    near: Array,
    rng: np.random.Generator,
) -> None:
    """Parents that no exchange mends take one member, or all, like those of another parent, best one that is alike, who keeps
    them.

    Margins that contradict the rules leave no other way; a member more of one sort and one less of another is the least that
    can be changed about them.
    """
    bad = rng.permutation(np.flatnonzero(found.any(axis=1)))[:_BORROWERS]
    for whole in (False, True):
        left = []
        for row in bad.tolist():
            filled = 2 + np.flatnonzero(index[row, 2:] >= 0)  # after the parent's number and the first member
            places = [filled] if whole and len(filled) else [filled[at : at + 1] for at in range(len(filled))]
            offers = [_lent(index, row, place, alike, near, rng) for place in places]
            # Of each place the nearest donor first, then the next of each.
            offer = np.concatenate([np.zeros((0, index.shape[1]), np.int64), *offers])
            offer = offer[np.argsort(np.concatenate([*map(np.arange, map(len, offers)), []]), kind="stable")]
            good = np.flatnonzero(~broken(offer).any(axis=1)) if len(offer) else offer[:0]
            if len(good):
                index[row] = offer[good[0]]
            else:
                left.append(row)
        bad = np.array(left, np.int64)


def _lent(index: Array, row: int, place: Array, alike: Array, near: Array, rng: np.random.Generator) -> Array:
    """The parent with what others have in these places: nearest first, those alike before all others."""
    donors = rng.permutation(np.flatnonzero(index[:, place[-1]] >= 0))
    donors = donors[donors != row]
    far = np.abs(near[donors] - near[row])
    donors = donors[np.lexsort((far, alike[donors] != alike[row]))][:_DONORS]
    offers = np.repeat(index[row : row + 1], len(donors), axis=0)
    offers[:, place] = index[np.ix_(donors, place)]
    return offers


@dataclass
class _Partners:
    """Positions of members, and whom each may trade with.

    filled : parents x places, whether there is a member. group : of each parent; place : of each place; positions trade with
    those of the same two, with a window only with the next so many by ``near``. row, slot : of each position.
    """

    filled: Array
    group: Array
    place: Array
    near: Array
    window: int | None

    def __post_init__(self) -> None:
        self.row, self.slot = np.nonzero(self.filled)
        self._first = np.cumsum(self.filled.sum(axis=1)) - self.filled.sum(axis=1)
        pairs = np.column_stack([self.group[self.row], self.place[self.slot]])
        _, key = np.unique(pairs, axis=0, return_inverse=True)
        self._key = key.ravel()
        self._order = np.lexsort((self.near[self.row], self._key))
        self._rank = np.empty(len(self.row), np.int64)
        self._rank[self._order] = np.arange(len(self.row))
        self._starts = np.searchsorted(self._key[self._order], np.arange(int(self._key.max(initial=-1)) + 2))

    def of(self, rows: Array) -> Array:
        """The positions of some parents' members."""
        counts = self.filled[rows].sum(axis=1)
        ends = np.cumsum(counts)
        within = np.arange(int(counts.sum())) - np.repeat(ends - counts, counts)
        return np.asarray(np.repeat(self._first[rows], counts) + within)

    def choose(self, mine: Array, rng: np.random.Generator) -> Array:
        """A position for each of these to trade with; it may be the position itself."""
        low, high = self._starts[self._key[mine]], self._starts[self._key[mine] + 1]
        if self.window is not None:
            rank = self._rank[mine]
            low, high = np.maximum(low, rank - self.window), np.minimum(high, rank + self.window + 1)
        step = (rng.random(len(mine)) * (high - low)).astype(np.int64)
        return np.asarray(self._order[low + step])
