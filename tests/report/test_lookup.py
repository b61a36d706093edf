"""Scores by who they are of: seeds together, pairs either way round, numbers as people read them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.evaluation import Judged
from localsynth.core.judging import Measure, Score
from localsynth.report.columnplot import Bins, Series, bars, histogram
from localsynth.report.lookup import Figure, Lookup
from localsynth.report.numbers import (
    direction,
    figure,
    number,
    of_column,
    percent,
    plain_number,
    range_of,
    with_interval,
)
from localsynth.report.plaintext import axis, clipped, one_line, shown, sparks, wide
from localsynth.report.svg import nice_ticks
from tests.report.support import FAMILIES, MEASURES, Wanted, make, tiny


def look(*wanted: Wanted) -> Lookup:
    return Lookup(make(*wanted), MEASURES, FAMILIES)


def test_seeds_of_a_recipe_are_one_subject() -> None:
    lookup = look(Wanted(seeds=(1, 2, 3)), Wanted("copying", method="other"))
    assert next((s.label, s.detail) for s in lookup.runs) == ("text-to-tabular", "3 seeds")
    assert [s.label for s in lookup.subjects][:4] == ["REAL", "independent", "gaussian-copula", "bootstrap"]
    assert len(lookup.runs) == 2


def test_the_same_seed_twice_is_no_spread() -> None:
    evaluation = make(Wanted(seeds=(1,)))
    again = replace(evaluation.runs[0], run_id="another")
    lookup = Lookup(replace(evaluation, runs=(*evaluation.runs, again)), MEASURES, FAMILIES)
    assert [len(subject.runs) for subject in lookup.runs] == [1, 1]


def test_recipes_that_share_a_method_are_told_apart() -> None:
    labels = [s.label for s in look(Wanted(), Wanted(model="qwen"), Wanted("real")).runs]
    assert len(set(labels)) == 3
    assert labels[1] == "text-to-tabular qwen"


def test_a_recipe_nobody_can_read_stands_alone() -> None:
    evaluation = make(Wanted(seeds=(1, 2)))
    broken = tuple(replace(run, recipe_json="[1, {") for run in evaluation.runs)
    assert len(Lookup(replace(evaluation, runs=broken), MEASURES, FAMILIES).runs) == 2


def test_pairs_are_found_either_way_round() -> None:
    evaluation = tiny({})
    scores = (Judged("run", Score("pair_trends", 0.5, "b", "a")),)
    lookup = Lookup(replace(evaluation, scores=scores), MEASURES, FAMILIES)
    assert lookup.figure("pair_trends", lookup.runs[0], "a", "b").value == 0.5
    assert lookup.figure("pair_trends", lookup.runs[0], "b", "a").value == 0.5


def test_seeds_without_a_value_are_told() -> None:
    evaluation = tiny({"run 1": {"nndr": 0.4}, "run 2": {"nndr": None}}, runs=2)
    found = Lookup(evaluation, MEASURES, FAMILIES)
    figured = found.figure("nndr", found.runs[0])
    assert figured.values == (0.4,)
    assert "1 of 2 runs have a value" in figured.note
    assert found.figure("dcr_share", found.runs[0]).note == "not measured"


def test_a_measure_nobody_described() -> None:
    lookup = look()
    assert lookup.measure("odd").title == "odd"
    assert lookup.family("odd") == "other"


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0.0, "0%"),
        (1.0, "100%"),
        (0.123, "12.3%"),
        (0.0001, "<0.1%"),
        (0.9999, ">99.9%"),
        (0.5, "50.0%"),
        (-0.02, "−2.0%"),
    ],
)
def test_shares(value: float, words: str) -> None:
    assert percent(value) == words


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (0, "0"),
        (1234567.8, "1,234,568"),
        (123.456, "123.5"),
        (12.3456, "12.35"),
        (0.01, "0.010"),
        (-3.5, "−3.500"),
        (1.5e12, "1.5e12"),
        (2e-7, "2e−07"),
    ],
)
def test_plain_numbers(value: float, words: str) -> None:
    assert plain_number(value) == words


def test_numbers_of_measures() -> None:
    auc = MEASURES["c2st_rf_auc"]
    assert number(0.00001, auc) == "<0.001"
    assert number(0.99999, auc) == ">0.999"
    assert figure(Figure((0.5, 0.7)), auc) == "0.600 ± 0.141"
    assert figure(Figure((0.5, 0.5)), auc) == "0.500"
    assert with_interval(Figure((0.5,), 0.4, 0.6), auc) == "0.500 [0.400, 0.600]"
    assert direction(auc) == "ideal 0.5"
    assert direction(MEASURES["dcr_share"]) == "ideal 50%"
    assert range_of(auc) == "0 to 1"
    assert range_of(MEASURES["wasserstein"]) == "from 0"
    assert range_of(Measure("x", "x", "", "none", None, None, "")) == "any number"


def test_days_and_moments() -> None:
    assert of_column(20080.4, "date") == "2024-12-23"
    assert of_column(20080 * 1440 + 61, "datetime") == "2024-12-23 01:01"
    assert of_column(1e300, "date") == "1e300"
    assert of_column(38.6, "integer") == "38.60"


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_has_words(value: float) -> None:
    for measure in (MEASURES["dcr_share"], MEASURES["c2st_rf_auc"], MEASURES["mean"]):
        assert number(value, measure)
    assert of_column(value, "date")
    assert of_column(value, "datetime")


@given(st.floats(-1e9, 1e9), st.floats(0, 1e9))
def test_ticks_reach_around(low: float, width: float) -> None:
    ticks = nice_ticks(low, low + width)
    assert 2 <= len(ticks) <= 12
    assert ticks == sorted(set(ticks))
    slack = 1e-6 * max(abs(low), abs(low + width), 1)
    assert ticks[0] <= low + slack
    assert ticks[-1] >= low + width - slack


@given(st.text(max_size=50), st.integers(1, 30))
def test_clipped_text_fits(text: str, cells: int) -> None:
    kept = clipped(text, cells)
    assert wide(kept) <= max(cells, 1) + 1
    assert kept == text or kept.endswith("…")
    assert "\x1b" not in shown(text)
    assert "\n" not in one_line(text)


def test_bars_of_characters() -> None:
    assert sparks([0, 0.5, 1], 1, 10) == " ▄█"
    assert sparks([0.001, 1], 1, 10) == "▁█"
    assert len(sparks([0.1] * 21, 0.1, 11)) == 11
    assert sparks([], 1, 5) == ""
    assert axis(0, 1, 11, 0.5, (0.3, 0.7), 0.0) == "┊  ├─●─┤   "


def series(who: str, *shares: float) -> Series:
    return Series(who, "run r0", (shares,))


def test_a_histogram_says_where_it_begins_and_ends() -> None:
    bins = Bins("x", ("< 10", "[10, 20)", "[20, 30)", "[30, 40)", "[40, 50)", "missing"),
                series("REAL", 0.1, 0.2, 0.3, 0.2, 0.1, 0.1), (series("run", 0.2, 0.2, 0.3, 0.2, 0.1, 0.0),))  # fmt: skip
    drawn = histogram(bins)
    assert "&lt; 10" in drawn
    assert ">50</text>" in drawn
    assert ">missing</text>" in drawn
    assert drawn.count('class="fill real"') == 6
    assert "run: most frequent [20, 30) with 30.0%" in drawn


def test_many_categories_leave_the_rare_ones_out() -> None:
    labels = tuple(f"c{index}" for index in range(12))
    shares = tuple(0.2 if index in (3, 11) else 0.06 for index in range(12))
    drawn, rest = bars(Bins("x", labels, series("REAL", *shares), (series("run", *shares),)))
    assert len(rest) == 4
    assert not {"c3", "c11"} & set(rest)
    assert "c11" in drawn


@given(st.lists(st.floats(0, 1), min_size=0, max_size=30))
def test_any_bars_can_be_drawn(shares: list[float]) -> None:
    labels = tuple(str(index) for index in range(len(shares)))
    bins = Bins("x", labels, None, (series("run", *shares),))
    assert histogram(bins).startswith("<svg")
    assert bars(bins)[0].startswith("<svg")
