"""The rules by which figures become words, on fixed numbers."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.report.lookup import Figure
from localsynth.report.standing import (
    Closeness,
    Leak,
    Likeness,
    badness,
    closeness,
    leaking,
    wilson,
)
from tests.report.support import MEASURES

HIGHER, IDEAL, LOWER = MEASURES["tstr_rf_auc"], MEASURES["c2st_rf_auc"], MEASURES["correlation_difference"]


def one(value: float, half: float | None = None) -> Figure:
    return Figure((value,), None if half is None else value - half, None if half is None else value + half)


@pytest.mark.parametrize(
    ("run", "likeness"),
    [
        (0.90, Likeness.REAL),
        (0.87, Likeness.REAL),
        (0.85, Likeness.BETWEEN),
        (0.70, Likeness.BETWEEN),
        (0.53, Likeness.NONE),
        (0.48, Likeness.NONE),
        (0.40, Likeness.WORSE),
        (0.97, Likeness.REAL),
    ],
)
def test_a_run_without_intervals_stands_where_it_is_on_the_way(run: float, likeness: Likeness) -> None:
    assert closeness(HIGHER, one(run), one(0.9), one(0.5)).likeness is likeness


def test_the_share_of_the_way_is_turned_as_the_measure_is() -> None:
    assert closeness(HIGHER, one(0.7), one(0.9), one(0.5)).share == pytest.approx(0.5)
    assert closeness(LOWER, one(0.3), one(0.1), one(0.5)).share == pytest.approx(0.5)
    assert closeness(IDEAL, one(0.7), one(0.5), one(0.9)).share == pytest.approx(0.5)
    # Below 0.5 is as far from the ideal as above it.
    assert closeness(IDEAL, one(0.3), one(0.5), one(0.9)).share == pytest.approx(0.5)


def test_within_the_interval_of_a_yardstick_is_there() -> None:
    assert closeness(HIGHER, one(0.8), one(0.9, 0.12), one(0.5, 0.02)).likeness is Likeness.REAL
    assert closeness(HIGHER, one(0.6), one(0.9, 0.02), one(0.5, 0.12)).likeness is Likeness.NONE
    assert closeness(HIGHER, one(0.7), one(0.9, 0.25), one(0.5, 0.25)).likeness is Likeness.UNSURE


@pytest.mark.parametrize(
    ("real", "independent"), [(one(0.5), one(0.5)), (one(0.5), one(0.6)), (one(0.55, 0.1), one(0.5, 0.1))]
)
def test_a_measure_that_cannot_tell_real_from_independent_is_silent(
    real: Figure, independent: Figure
) -> None:
    assert closeness(HIGHER, one(0.7), real, independent) == Closeness(Likeness.SILENT)


def test_without_a_yardstick_or_a_value_nothing_is_known() -> None:
    nothing = Figure((), note="not applicable, because")
    for run, real, independent, likeness in (
        (nothing, one(0.9), one(0.5), Likeness.UNKNOWN),
        (one(0.7), nothing, one(0.5), Likeness.UNHELD),
        (one(0.7), one(0.9), nothing, Likeness.ALONE),
    ):
        assert closeness(HIGHER, run, real, independent).likeness is likeness
    assert closeness(MEASURES["mean"], one(1.0), one(2.0), one(3.0)).likeness is Likeness.UNKNOWN


@pytest.mark.parametrize(
    ("run", "leak"),
    [
        (one(0.97, 0.02), Leak.FOUND),
        (one(0.80, 0.02), Leak.FOUND),
        (one(0.60, 0.02), Leak.SIGNS),
        (one(0.60, 0.12), Leak.NONE),
        (one(0.45, 0.02), Leak.NONE),
        (one(0.80), Leak.FOUND),
        (one(0.60), Leak.SIGNS),
        (one(0.53), Leak.NONE),
        (Figure(()), Leak.UNKNOWN),
    ],
)
def test_a_leak_lies_above_chance_and_is_found_out_nearer_to_copies(run: Figure, leak: Leak) -> None:
    assert leaking(run, one(0.5), one(1.0)).leak is leak


def test_without_copies_beside_it_a_run_can_only_show_signs() -> None:
    assert leaking(one(0.99, 0.005), one(0.5), Figure(())).leak is Leak.SIGNS
    assert leaking(one(0.99), one(0.5), Figure(())).leak is Leak.SIGNS


def test_the_way_begins_no_lower_than_guessing() -> None:
    found = closeness(HIGHER, one(0.7), one(0.9), one(0.35), 0.5)
    assert found == Closeness(Likeness.BETWEEN, pytest.approx(0.5))
    assert closeness(HIGHER, one(0.448, 0.02), one(0.9), one(0.351), 0.5).likeness is Likeness.GUESSING
    assert closeness(HIGHER, one(0.56, 0.07), one(0.9), one(0.351), 0.5).likeness is Likeness.GUESSING
    # What may be guessing and may be as good as real is neither.
    assert closeness(HIGHER, one(0.6, 0.12), one(0.7, 0.15), one(0.4), 0.5).likeness is Likeness.UNSURE
    # Real rows that do no better than guessing say nothing, even beside columns that do worse.
    assert closeness(HIGHER, one(0.4), one(0.5, 0.1), one(0.3), 0.5).likeness is Likeness.SILENT


def test_far_off_on_the_bad_side_is_worse_even_where_real_is_no_better() -> None:
    real, independent = one(0.55, 0.05), one(0.54, 0.05)
    assert closeness(IDEAL, one(0.95, 0.02), real, independent).likeness is Likeness.WORSE
    assert closeness(IDEAL, one(0.56, 0.05), real, independent).likeness is Likeness.SILENT
    assert closeness(IDEAL, one(0.99, 0.01), one(0.51, 0.05), one(0.68, 0.07)).likeness is Likeness.WORSE


def test_intervals_that_overlap_with_nothing_are_no_part_of_the_way() -> None:
    assert closeness(IDEAL, one(0.812, 0.041), one(0.48, 0.04), one(0.866, 0.03)).likeness is Likeness.NONE


def test_only_what_catches_copies_has_power() -> None:
    assert leaking(one(0.5, 0.05), one(0.5), one(0.52, 0.04)).leak is Leak.WEAK
    assert leaking(one(0.5, 0.3), one(0.5), one(0.7, 0.01)).leak is Leak.WEAK
    assert leaking(one(0.5, 0.05), one(0.5), Figure(())).leak is Leak.WEAK
    assert leaking(one(0.5, 0.05), one(0.5), one(0.7, 0.1)).leak is Leak.NONE
    # Above chance is a sign all the same, but no finding.
    assert leaking(one(0.6, 0.05), one(0.5), one(0.52, 0.04)).leak is Leak.SIGNS


def test_a_measured_chance_has_an_interval_of_its_own() -> None:
    assert leaking(one(0.05, 0.01), one(0.03, 0.02), one(1.0)).leak is Leak.NONE
    assert leaking(one(0.09, 0.01), one(0.03, 0.02), one(1.0)).leak is Leak.SIGNS


def test_seeds_that_differ_widen_what_a_figure_may_be() -> None:
    assert Figure((0.6, 0.8)).span == (0.6, 0.8)
    assert Figure((0.6, 0.8), 0.55, 0.7).span == (0.55, 0.8)
    assert Figure((0.6,)).span is None
    assert Figure((0.6, 0.8)).spread == pytest.approx(math.sqrt(0.02))


def test_wilson_by_hand() -> None:
    # Wilson (1927) for 5 of 50, as in textbooks: 0.0435 to 0.2136.
    assert wilson(0.1, 50) == pytest.approx((0.0435, 0.2136), abs=1e-4)
    assert wilson(0.0, 10)[0] == 0.0
    assert wilson(1.0, 10)[1] == pytest.approx(1.0)


numbers = st.floats(-1e6, 1e6)


@given(numbers, numbers, numbers, st.sampled_from([HIGHER, IDEAL, LOWER]))
def test_no_numbers_trip_the_rules(run: float, real: float, independent: float, measure: object) -> None:
    found = closeness(measure, one(run), one(real, 1.0), one(independent))  # type: ignore[arg-type]
    assert isinstance(found.likeness, Likeness)
    assert isinstance(leaking(one(run, 1.0), one(real), one(independent)).leak, Leak)
    assert badness(0.5, IDEAL) == 0
