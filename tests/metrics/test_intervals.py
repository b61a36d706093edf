from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest, norm

from localsynth.metrics.intervals import Rate, percentiles, ranked, resampled_mean, residual_risk, wilson
from localsynth.metrics.ranking import area


@pytest.mark.parametrize(("successes", "trials"), [(0, 1), (0, 10), (3, 10), (10, 10), (1, 400), (399, 400)])
def test_wilson_is_scipys(successes: int, trials: int) -> None:
    known = binomtest(successes, trials).proportion_ci(0.95, "wilson")
    assert wilson(successes, trials) == pytest.approx((known.low, known.high), abs=1e-12)


@given(st.integers(1, 500).flatmap(lambda n: st.tuples(st.floats(0, n), st.just(n))))
def test_wilson_holds_the_share(counted: tuple[float, int]) -> None:
    low, high = wilson(*counted)
    assert 0 <= low <= counted[0] / counted[1] <= high <= 1


def test_residual_risk_by_hand() -> None:
    risk, low, high = residual_risk(Rate(80, 100), Rate(50, 100))
    # z^2 = 3.8415: the centres are 81.92073 / 103.84146 and one half
    assert risk == pytest.approx((0.788902 - 0.5) / 0.5, abs=1e-5)
    attack = 1.959964 / 103.84146 * math.sqrt(80 * 20 / 100 + 3.841459 / 4)
    control = 1.959964 / 103.84146 * math.sqrt(50 * 50 / 100 + 3.841459 / 4)
    half = math.sqrt((attack / 0.5) ** 2 + (control * (1 - 0.788902) / 0.25) ** 2)
    assert (low, high) == pytest.approx((risk - half, risk + half), abs=1e-5)


def test_an_attack_that_gains_nothing_has_no_risk() -> None:
    assert residual_risk(Rate(30, 60), Rate(30, 60))[0] == 0
    assert residual_risk(Rate(60, 60), Rate(60, 60))[0] == 0
    risk, low, high = residual_risk(Rate(0, 60), Rate(60, 60))
    assert (risk, low) == (0, 0)
    assert high <= 1


def test_an_attack_that_does_worse_than_on_strangers_is_no_certainty() -> None:
    """The estimate is cut to 0, and its interval does not shrink to that point with it."""
    for attack, control in ((2, 12), (10, 50), (0, 60)):
        risk, low, high = residual_risk(Rate(attack, 60), Rate(control, 60))
        assert (risk, low) == (0, 0)
        assert high > 0.05


@given(st.integers(1, 60), st.data())
def test_residual_risk_stays_within_its_range(trials: int, data: st.DataObject) -> None:
    attack, control = (Rate(data.draw(st.floats(0, trials)), trials) for _ in range(2))
    risk, low, high = residual_risk(attack, control)
    assert 0 <= low <= risk <= high <= 1
    assert low == 0 or low > 1e-9  # no rest of rounding looks like a leak


def test_an_area_by_hand() -> None:
    # At 1 the interval ends where 1 - a = z * sqrt(a (1 - a) (1 + 9 ((1 - a) / (2 - a) + a / (1 + a))) / 100).
    low, high = ranked(1.0, 10, 10)
    assert high == 1
    error = math.sqrt(low * (1 - low) * (1 + 9 * ((1 - low) / (2 - low) + low / (1 + low))) / 100)
    assert 1 - low == pytest.approx(1.959964 * error, abs=1e-6)
    assert 0.75 < low < 0.85
    assert ranked(0.0, 10, 10) == pytest.approx((0, 1 - low))


@given(st.floats(0, 1), st.integers(1, 500), st.integers(1, 500))
def test_an_area_lies_in_its_interval_which_is_never_a_point(area: float, above: int, below: int) -> None:
    low, high = ranked(area, above, below)
    assert 0 <= low <= area <= high <= 1
    assert high - low > 1e-4


@pytest.mark.parametrize("true", [0.8, 0.95, 0.99])
def test_areas_near_one_are_covered(true: float) -> None:
    # 10 against 20 normal rows: the area is the normal distribution's at shift / sqrt(2).
    rng, shift = np.random.default_rng(0), float(norm.ppf(true)) * math.sqrt(2)
    held = []
    for _ in range(300):
        scores = np.concatenate([rng.normal(shift, 1, 10), rng.normal(0, 1, 20)])
        low, high = area(np.repeat([True, False], (10, 20)), scores).interval()
        assert low is not None
        assert high is not None
        held.append(low <= true <= high)
    assert np.mean(held) >= 0.93  # DeLong's alone holds 99% in half of all samples


def test_resampled_mean_of_single_rows_is_the_normal_one() -> None:
    values = np.random.default_rng(1).random(2_000)
    low, high = resampled_mean(values, np.ones(2_000), np.random.default_rng(2))
    half = 1.96 * values.std() / math.sqrt(2_000)
    assert (low, high) == pytest.approx((values.mean() - half, values.mean() + half), abs=half / 6)


def test_groups_are_as_sure_as_single_rows_of_their_number() -> None:
    values = np.random.default_rng(1).random(40)
    once = resampled_mean(values, np.ones(40), np.random.default_rng(2))
    many = resampled_mean(values * 1_000, np.full(40, 1_000.0), np.random.default_rng(2))
    assert many == pytest.approx(once)


def test_a_large_bootstrap_is_made_in_pieces() -> None:
    values = np.tile([1.0, 0.0], 15_000)
    low, high = resampled_mean(values, np.ones(30_000), np.random.default_rng(0))
    assert (low, high) == pytest.approx((0.5 - 1.96 * 0.5 / 173.2, 0.5 + 1.96 * 0.5 / 173.2), abs=0.0005)


def test_groups_all_alike_are_no_certainty() -> None:
    rng = np.random.default_rng(0)
    assert resampled_mean(np.full(40, 6.0), np.full(40, 6.0), rng) == wilson(40, 40)
    assert resampled_mean(np.full(30, 0.75), np.ones(30), rng, 0.75) == pytest.approx(
        [0.75 * end for end in wilson(30, 30)]
    )
    low, high = resampled_mean(np.array([40.0]), np.array([80.0]), rng)
    assert low < 0.1
    assert high > 0.9


def test_few_groups_are_as_unsure_as_so_few_trials() -> None:
    totals = np.array([1.0, 1.0, 1.0, 0.0])
    low, high = resampled_mean(totals, np.ones(4), np.random.default_rng(0))
    assert low <= wilson(3, 4)[0]
    assert high >= wilson(3, 4)[1]


def test_percentiles_hold_the_value() -> None:
    assert percentiles(np.linspace(0, 1, 41), 0.5) == pytest.approx((0.025, 0.975))
    assert percentiles(np.array([0.5, 0.6]), 0.2)[0] == 0.2
