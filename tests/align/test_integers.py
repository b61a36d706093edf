"""Shares become whole numbers of rows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.align.integers import apportion, onward, ranks, shuffled, spread_over


@given(st.lists(st.floats(0, 1e6), min_size=1, max_size=30), st.integers(0, 100_000))
def test_apportioned_rows_sum_and_are_near_their_shares(shares: list[float], n: int) -> None:
    given_shares = np.array(shares)
    if given_shares.sum() <= 0:
        if n:
            with pytest.raises(ValueError, match="nothing to apportion"):
                apportion(given_shares, n)
        return
    made = apportion(given_shares, n)
    assert made.sum() == n
    assert (np.abs(made - given_shares / given_shares.sum() * n) < 1 + 1e-6).all()
    assert np.array_equal(np.bincount(shuffled(made, np.random.default_rng(0)), minlength=len(made)), made)


@given(
    st.lists(st.integers(0, 1000), min_size=1, max_size=20).filter(any),
    st.lists(st.integers(0, 300), min_size=1, max_size=8),
)
def test_batches_add_up_to_their_shares(weights: list[int], sizes: list[int]) -> None:
    shares = np.array(weights) / sum(weights)
    done = np.zeros(len(shares), np.int64)
    for size in sizes:
        made = onward(shares, size, done)
        assert made.sum() == size
        assert (made >= 0).all()
        assert not made[shares == 0].any()
        done += made
        assert (np.abs(done - shares * done.sum()) < 2).all()


def test_what_was_overdone_is_made_up_for() -> None:
    shares = np.array([0.5, 0.3, 0.2])
    assert onward(shares, 10, np.array([10, 0, 0])).tolist() == [0, 6, 4]
    assert onward(shares, 4, np.array([100, 0, 0])).sum() == 4
    assert onward(shares, 0, np.array([1, 2, 3])).tolist() == [0, 0, 0]


@given(
    st.lists(st.floats(0, 100), min_size=1, max_size=12).filter(lambda w: sum(w) > 1e-6), st.integers(0, 500)
)
def test_spread_over_is_even(weights: list[float], n: int) -> None:
    made = spread_over(np.array(weights), n, np.random.default_rng(n))
    wanted = np.array(weights) / sum(weights) * n
    assert (np.abs(np.bincount(made, minlength=len(weights)) - wanted) < 1 + 1e-6).all()


def test_spread_over_is_fair() -> None:
    rng = np.random.default_rng(0)
    one_row = [int(spread_over(np.array([1.0, 3.0]), 1, rng)[0]) for _ in range(2000)]
    assert np.mean(one_row) == pytest.approx(0.75, abs=0.04)


@given(st.lists(st.integers(0, 5)))
def test_ranks_count_equal_keys(keys: list[int]) -> None:
    assert ranks(np.array(keys, np.int64)).tolist() == [keys[:at].count(key) for at, key in enumerate(keys)]
