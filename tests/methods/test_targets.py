"""Targets: quotas, strata, moments, rounding."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from localsynth.core.columns import CategoricalColumn, FloatColumn, IntegerColumn
from localsynth.core.distribution import Distribution
from localsynth.methods.text_to_tabular.align import place_nulls, place_numbers, place_shares
from localsynth.methods.text_to_tabular.targets import (
    BINS,
    Counts,
    NumberTarget,
    ShareTarget,
    beta_shape,
    quota,
    round_keeping_sum,
    target_of,
)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.integers(0, 500), st.data())
def test_a_quota_sums_to_what_is_asked(weights: list[float], n: int, data: st.DataObject) -> None:
    shares = np.array(weights) + 1e-3
    have = np.array(data.draw(st.lists(st.integers(0, 400), min_size=len(weights), max_size=len(weights))))
    counts = quota(shares / shares.sum(), have, n)
    assert counts.sum() == n
    assert (counts >= 0).all()


def test_rounding_never_adds_up_over_batches() -> None:
    shares, have = np.array([0.335, 0.334, 0.331]), np.zeros(3, dtype=np.int64)
    for n in [1, 2, 3, 7, 100, 10, 1, 1, 1, 33]:
        have += quota(shares, have, n)
        assert np.abs(have - shares * have.sum()).max() <= 1


def test_what_rules_cost_is_asked_for_next() -> None:
    shares = np.array([0.5, 0.5])
    assert quota(shares, np.array([60, 40]), 100).tolist() == [40, 60]
    assert quota(shares, np.array([900, 0]), 100).tolist() == [2, 98]  # never quite starved


@pytest.mark.parametrize(
    ("mean", "sd", "low", "high"), [(54, 17, 18, 95), (0.2, 0.3, 0, 1), (131, 17, 85, 220), (5, 0.01, 0, 10)]
)
def test_a_beta_has_the_moments_asked_for(mean: float, sd: float, low: float, high: float) -> None:
    a, b = beta_shape(mean, sd, low, high)
    scaled = stats.beta(a, b, loc=low, scale=high - low)
    assert scaled.mean() == pytest.approx(mean)
    assert scaled.std() == pytest.approx(sd)


@given(st.lists(st.integers(1, 150), min_size=1, max_size=6), st.integers(0, 10**9))
def test_a_declared_mean_is_met_by_batches_of_any_size(sizes: list[int], seed: int) -> None:
    column = IntegerColumn(name="x", range=(0, 10), distribution=Distribution(mean=2.3, sd=2.0))
    target = target_of(column, column.distribution)
    assert isinstance(target, NumberTarget)
    counts, rng, kept = Counts([0] * BINS), np.random.default_rng(seed), []
    for n in sizes:
        values, bins = target.draw(counts.wanted(target.shares, n), rng)
        assert len(values) == n == len(bins)
        assert values == sorted(values)
        counts.add(bins)
        kept += values
    # No stratum is more than one value away from its share, whatever the sizes; with 20 strata over 10 units that
    # leaves the sum a few units off at most.
    assert max(counts.strata) - min(counts.strata) <= 2
    assert abs(sum(kept) - 2.3 * len(kept)) < 30


def test_mean_sd_and_quantiles_at_500_rows() -> None:
    rng = np.random.default_rng(3)
    moments = FloatColumn(name="x", range=(0, 50), decimals=1, distribution=Distribution(mean=8.0, sd=7.0))
    values, _ = NumberTarget(moments, moments.distribution).draw(np.full(BINS, 25), rng)  # type: ignore[arg-type]
    assert abs(np.mean(values) - 8) < 0.03 * 7
    assert np.std(values) == pytest.approx(7, rel=0.03)
    free = FloatColumn(name="x", decimals=2, distribution=Distribution(mean=-4.0, sd=2.0))
    values, _ = NumberTarget(free, free.distribution).draw(np.full(BINS, 25), rng)  # type: ignore[arg-type]
    assert abs(np.mean(values) + 4) < 0.03 * 2
    told = {"0.05": 1.0, "0.5": 3.0, "0.9": 20.0}
    points = FloatColumn(name="x", range=(0, 100), distribution=Distribution(quantiles=told))
    values, _ = NumberTarget(points, points.distribution).draw(np.full(BINS, 25), rng)  # type: ignore[arg-type]
    for level, value in told.items():
        below, within = np.mean(np.array(values) < value), np.mean(np.array(values) <= value)
        assert below - 0.01 <= float(level) <= within + 0.01


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=60))
def test_rounding_keeps_the_sum_and_stays_next_to_each_value(values: list[float]) -> None:
    array = np.array(values)
    rounded = round_keeping_sum(array)
    assert (np.abs(rounded - array) <= 1).all()
    assert abs(rounded.sum() - array.sum()) <= 0.5 + 1e-6


def test_tags_count_a_value_in_the_middle_of_the_bins_it_spans() -> None:
    column = IntegerColumn(name="x", range=(0, 5), distribution=Distribution(quantiles={"0.5": 0, "1": 5}))
    target = target_of(column, column.distribution)
    assert isinstance(target, NumberTarget)
    low, missing, high = target.tags([0, None, 5])
    assert (missing, high) == (-1, BINS - 1)
    assert 0 < low < BINS // 2


def test_shares_are_scaled_and_categories_without_a_share_never_come() -> None:
    column = CategoricalColumn(
        name="c",
        categories={"a": "", "b": "", "d": ""},
        distribution=Distribution(shares={"a": 0.7, "b": 0.295}),
    )
    target = target_of(column, column.distribution)
    assert isinstance(target, ShareTarget)
    assert target.shares.sum() == pytest.approx(1)
    assert "d" not in target.anything(200, np.random.default_rng(0))


@given(st.lists(st.integers(-1, 3), min_size=1, max_size=80), st.integers(0, 99))
def test_categories_move_as_little_as_possible(drafted: list[int], seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = quota(np.array([0.4, 0.3, 0.2, 0.1]), np.zeros(4, dtype=np.int64), len(drafted))
    given = np.array(drafted)
    placed = place_shares(given, wanted, rng)
    assert np.bincount(placed, minlength=4).tolist() == wanted.tolist()
    could_stay = sum(min(int((given == s).sum()), int(wanted[s])) for s in range(4))
    assert int((placed == given).sum()) >= could_stay


def test_numbers_keep_the_drafted_order() -> None:
    drafted = np.array([5.0, np.nan, 1.0, 9.0, 1.0])
    ranks = place_numbers(drafted, np.random.default_rng(0))
    assert sorted(ranks) == [0, 1, 2, 3, 4]
    assert ranks[3] > ranks[0] > max(ranks[2], ranks[4])


def test_nulls_stay_where_they_were_drafted() -> None:
    drafted = np.array([True, False, True, False, False])
    rng = np.random.default_rng(0)
    assert place_nulls(drafted, 2, rng).tolist() == drafted.tolist()
    assert place_nulls(drafted, 1, rng)[drafted].sum() == 1
    more = place_nulls(drafted, 4, rng)
    assert more.sum() == 4
    assert more[drafted].all()
