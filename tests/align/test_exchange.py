"""Members exchanged between parents until rules over all members of one hold."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from localsynth.align.exchange import Array, exchange, slots_of


def test_slots_hold_members_parent_by_parent() -> None:
    assert slots_of(np.array([2, 0, 3])).tolist() == [[0, 1, -1], [-1, -1, -1], [2, 3, 4]]
    assert slots_of(np.array([], np.int64)).shape == (0, 0)
    assert slots_of(np.array([0])).shape == (1, 0)


def at_most(most: int, colour: Array) -> object:
    """No parent has more than so many members of colour 1, and still less one more, and another one."""

    def broken(rows: Array) -> Array:
        items = rows[:, 1:]
        return ((colour[items] == 1) & (items >= 0)).sum(axis=1, keepdims=True) > most + np.arange(3)

    return broken


@given(st.integers(0, 2**32 - 1), st.lists(st.integers(0, 5), min_size=1, max_size=30))
def test_nobody_is_lost_and_first_members_stay_first(seed: int, sizes: list[int]) -> None:
    rng = np.random.default_rng(seed)
    slots = slots_of(np.array(sizes))
    colour = rng.integers(0, 2, sum(sizes) + 1)
    alike, near = rng.integers(0, 3, len(sizes)), rng.random(len(sizes))
    broken = at_most(1, colour)
    moved = exchange(slots, broken, alike, near, rng)  # type: ignore[arg-type]
    index = np.column_stack([np.arange(len(slots)), moved])
    assert ((moved >= 0) == (slots >= 0)).all()
    assert set(moved[:, :1].ravel().tolist()) == set(slots[:, :1].ravel().tolist())
    before = broken(np.column_stack([np.arange(len(slots)), slots])).sum()  # type: ignore[operator]
    assert broken(index).sum() <= before  # type: ignore[operator]


def test_a_rule_that_can_be_kept_is_kept_by_moving_members_alone() -> None:
    rng = np.random.default_rng(1)
    slots = slots_of(np.full(200, 4))
    colour = np.zeros(800, np.int64)
    colour[rng.permutation(np.flatnonzero(np.arange(800) % 4))[:180]] = 1
    broken = at_most(1, colour)
    moved = exchange(slots, broken, np.zeros(200, np.int64), np.zeros(200), rng)  # type: ignore[arg-type]
    assert not broken(np.column_stack([np.arange(200), moved])).any()  # type: ignore[operator]
    assert np.sort(moved.ravel()).tolist() == list(range(800))
    assert (moved[:, 0] == slots[:, 0]).all()


def test_what_no_exchange_mends_is_borrowed_from_somebody_near() -> None:
    """One member of colour 1 too many in all: the parent of two gets one like the nearest parent's."""
    slots = slots_of(np.full(10, 3))
    colour = np.zeros(30, np.int64)
    colour[np.arange(30) % 3 == 1] = 1
    colour[29] = 1
    near = np.arange(10.0)
    rng = np.random.default_rng(0)
    broken = at_most(1, colour)
    moved = exchange(slots, broken, np.zeros(10, np.int64), near, rng)  # type: ignore[arg-type]
    assert not broken(np.column_stack([np.arange(10), moved])).any()  # type: ignore[operator]
    members, times = np.unique(moved, return_counts=True)
    assert len(members) == 29
    assert times.max() == 2
    assert colour[moved].sum() == 10
