"""Rows chosen from a surplus."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.align.selecting import select
from localsynth.align.swap import Table


def gap(codes: np.ndarray, goal: Table) -> float:
    return float(np.abs(goal.count(codes) - goal.counts).sum())


def test_the_wanted_rows_are_found_in_a_surplus_that_holds_them() -> None:
    rng = np.random.default_rng(0)
    wanted = np.stack([np.repeat([0, 1], 100), np.repeat([0, 1, 1, 0], 50)], axis=1).astype(np.int32)
    others = rng.integers(0, 2, (600, 2), dtype=np.int32)
    codes = rng.permutation(np.concatenate([wanted, others]))
    goal = Table((0, 1), np.array([[50.0, 50.0], [50.0, 50.0]]))
    chosen = select(codes, 200, [goal], np.random.default_rng(1))
    assert gap(codes[chosen], goal) == 0


def test_margins_and_tables_count_together_and_better_than_chance() -> None:
    rng = np.random.default_rng(2)
    codes = rng.integers(0, 5, (3000, 4), dtype=np.int32)
    goals = [
        Table((0,), np.array([200.0, 50, 50, 100, 100])),
        Table((1, 2), rng.multinomial(500, np.full(25, 1 / 25)).reshape(5, 5).astype(float)),
    ]
    chosen = select(codes, 500, goals, np.random.default_rng(3))
    for goal in goals:
        assert gap(codes[chosen], goal) < 0.2 * gap(codes[:500], goal) + 4


@given(st.integers(1, 40), st.integers(0, 60), st.integers(0, 3))
def test_always_as_many_different_rows_as_asked_and_the_same_again(n: int, more: int, seed: int) -> None:
    codes = np.random.default_rng(seed).integers(0, 3, (n + more, 2), dtype=np.int32)
    goal = Table((0, 1), np.full((3, 3), n / 9))
    chosen = select(codes, n, [goal], np.random.default_rng(seed))
    assert len(set(chosen.tolist())) == n == len(chosen)
    assert (np.diff(chosen) > 0).all()
    assert np.array_equal(chosen, select(codes, n, [goal], np.random.default_rng(seed)))


def test_too_few_rows_are_an_error_of_the_caller() -> None:
    with pytest.raises(ValueError, match="3 rows cannot be chosen from 2"):
        select(np.zeros((2, 1), np.int32), 3, [], np.random.default_rng(0))
