"""One column against another: by hand and against scipy."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.distance import jensenshannon
from scipy.stats import ks_2samp

from localsynth.core.judging import Kept, Score
from localsynth.core.schema import Schema
from localsynth.metrics.binning import quantile_cuts
from localsynth.metrics.columns import Columns, jensen_shannon, kolmogorov_smirnov, total_variation
from tests.metrics.support import case_of, find, numbers_schema, value, words_schema


def of_one(schema: Schema, made: list[Any], train: list[Any]) -> list[Score]:
    return list(Columns().scores(case_of(schema, [[x] for x in made], [[x] for x in train])))


VALUES = st.lists(st.integers(-4, 4).map(float), min_size=1, max_size=25)


@given(VALUES, VALUES)
def test_the_gap_between_two_curves_is_the_largest_at_any_point(made: list[float], real: list[float]) -> None:
    one, other = np.array(made), np.array(real)
    gaps = [abs((one <= point).mean() - (other <= point).mean()) for point in (*made, *real)]
    assert kolmogorov_smirnov(one, other) == pytest.approx(max(gaps), abs=1e-12)


def test_the_gap_between_two_curves_is_scipys() -> None:
    rng = np.random.default_rng(3)
    made, real = rng.normal(size=400).round(1), rng.normal(0.3, 1.2, 300).round(1)
    assert kolmogorov_smirnov(made, real) == pytest.approx(ks_2samp(made, real).statistic)


@given(st.lists(st.tuples(st.integers(0, 9), st.integers(0, 9)), min_size=1, max_size=8))
def test_distances_of_shares_are_scipys(counts: list[tuple[int, int]]) -> None:
    one, other = np.array(counts, float).T + 1e-3
    one, other = one / one.sum(), other / other.sum()
    with np.errstate(invalid="ignore"):  # of equal shares scipy takes the root of a number just below 0
        theirs = np.nan_to_num(jensenshannon(one, other, base=2))
    assert jensen_shannon(one, other) == pytest.approx(theirs, abs=1e-7)
    assert total_variation(one, other) == pytest.approx(np.abs(one - other).sum() / 2)


def test_shapes_of_numbers() -> None:
    found = of_one(numbers_schema("x"), [1, 2, 3, 4, None], [3, 4, 5, 6])
    assert value(found, "column_shapes", "x") == 0.5
    assert value(found, "column_shapes") == 0.5


def test_shapes_of_categories_count_missing() -> None:
    found = of_one(words_schema("x"), ["a", "a", "b", "x"], ["a", "b", None, None])
    # shares: a .5/.25, b .25/.25, x .25/0, missing 0/.5
    assert value(found, "column_shapes", "x") == 0.5


def test_shapes_of_texts_compare_their_lengths() -> None:
    schema = Schema.model_validate({"columns": [{"name": "x", "kind": "text", "nullable": True}]})
    train = [f"{i:02}{'.' * (i % 2)}" for i in range(60)]
    found = of_one(schema, ["??", "!!!", "**", "+++", None], train)
    assert value(found, "column_shapes", "x") == 1.0
    assert "lengths" in find(found, "column_shapes", "x").note
    assert not [score for score in found if score.metric == "mean" and score.column_a]


def test_texts_of_a_small_table_compare_their_lengths_too() -> None:
    """No note is in both tables, and nobody wrote another way."""
    schema = Schema.model_validate({"columns": [{"name": "x", "kind": "text", "nullable": True}]})
    made, train = ([f"{who} {i:02}{'.' * (i % 3)}" for i in range(30)] for who in ("mine", "ours"))
    found = of_one(schema, made, train)
    assert value(found, "column_shapes", "x") == 1.0
    assert value(found, "jensen_shannon", "x") == 0.0
    words = of_one(schema, ["yes"] * 10, ["yes", "not"] * 10)
    assert value(words, "column_shapes", "x") == 0.5


def test_missing_values_against_trains() -> None:
    found = of_one(numbers_schema("x"), [1, None, None, None], [1, 2, 3, None, 4] * 5)
    assert value(found, "missing_rate", "x") == 0.75
    assert value(found, "missing_rate_difference", "x") == pytest.approx(0.55)


@pytest.mark.parametrize("train", [[1.0] * 30 + [None] * 4, [None] * 30 + [1.0]])
def test_few_missing_cells_of_real_rows_are_not_counted(train: list[Any]) -> None:
    """Whoever knows the rate of the rows has that of train by their difference."""
    case = case_of(numbers_schema("x", "y"), [[None, 1.0]] * 4, [[x, 1.0] for x in train], [[None, 2.0]] * 2)
    found = list(Columns().scores(case))
    assert value(found, "missing_rate", "x") == 1.0
    score = find(found, "missing_rate_difference", "x")
    assert score.value is None
    assert "fewer than 5 train rows are empty, or are not" in score.note
    assert value(found, "missing_rate_difference") == 0.0  # of the other column alone
    real = list(Columns().scores(replace(case, rows=case.holdout, kept=Kept())))
    assert find(real, "missing_rate", "x").value is None


def test_distance_in_deviations_of_the_real_column() -> None:
    found = of_one(numbers_schema("x"), [3, 5, None], [0, 2])
    assert value(found, "wasserstein", "x") == pytest.approx(3.0)  # moved by 3, real deviation 1


def test_distance_of_distributions_of_categories() -> None:
    found = of_one(words_schema("x"), ["a", "a"], ["b"] * 5)
    assert value(found, "jensen_shannon", "x") == 1.0
    found = of_one(words_schema("x"), ["a", "b"], ["b", "a"] * 5)
    assert value(found, "jensen_shannon", "x") == 0.0


def test_distance_of_distributions_cuts_numbers_at_deciles() -> None:
    train = list(range(100))
    made = [*range(50), *range(50)]
    found = of_one(numbers_schema("x"), made, train)
    halves = jensenshannon([0.2] * 5 + [0.0] * 5, [0.1] * 10, base=2)
    assert value(found, "jensen_shannon", "x") == pytest.approx(halves)


def test_plain_facts_of_numbers() -> None:
    found = of_one(numbers_schema("x"), [1, 2, 6, 2, 4, None], [0, 1, 1, 2, 3])
    assert value(found, "mean", "x") == 3.0
    assert value(found, "std", "x") == pytest.approx(np.std([1, 2, 6, 2, 4]))
    assert not [score for score in found if score.metric in {"mean", "std"} and score.column_a is None]


@pytest.mark.parametrize(("made", "train"), [([987654321], [1] * 9), ([3] * 9, [987654321, None])])
def test_the_mean_of_a_few_values_is_not_told(made: list[int], train: list[int | None]) -> None:
    """It would be a person's own number."""
    found = of_one(numbers_schema("x"), made, train)
    for metric in ("mean", "std"):
        score = find(found, metric, "x")
        assert score.value is None
        assert "987654321" not in score.note


def test_the_mean_of_dates_can_be_read() -> None:
    schema = Schema.model_validate(
        {"columns": [{"name": "x", "kind": "date", "range": ["2000-01-01", "2001-01-01"]}]}
    )
    found = of_one(schema, [date(2000, 1, 1), date(2000, 1, 3)] * 3, [date(2000, 1, 1)] * 5)
    assert "2000-01-02" in find(found, "mean", "x").note


def test_a_column_that_is_empty_here_but_not_in_train_has_nothing_in_common() -> None:
    found = of_one(numbers_schema("x"), [None, None], [1, 2])
    assert value(found, "column_shapes", "x") == 0.0
    assert find(found, "wasserstein", "x").value is None


def test_a_column_that_is_empty_in_train_is_left_out() -> None:
    made, train = [[1.0, 2.0]] * 3, [[None, 2.0]] * 3
    found = list(Columns().scores(case_of(numbers_schema("x", "y"), made, train)))
    assert find(found, "column_shapes", "x").value is None
    assert value(found, "column_shapes") == 1.0
    assert "1 left out" in find(found, "column_shapes").note


@pytest.mark.parametrize(
    ("values", "cuts"),
    [
        ([float(i) for i in range(11)], [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        ([0.0] * 19 + [1.0], [0]),
        ([0.0] + [1.0] * 19, [0]),
        ([float("nan"), 5.0, 5.0], []),
        ([float("nan")], []),
    ],
)
def test_cuts_part_what_can_be_parted(values: list[float], cuts: list[float]) -> None:
    found = quantile_cuts(np.array(values))
    assert [cut for cut in found if np.isfinite(cut)] == pytest.approx(cuts)


@pytest.mark.parametrize("few", [1, 4])
def test_one_share_of_a_few_train_rows_does_not_follow_from_a_distance(few: int) -> None:
    """|p - q| with p counted by anyone gives q."""
    for schema, one, other in (
        (words_schema("x"), "a", "b"),
        (words_schema("x"), "a", None),
        (numbers_schema("x"), 0, 1),
    ):
        found = of_one(schema, [one] * 30 + [other] * 10, [one] * (60 - few) + [other] * few)
        names = ["jensen_shannon", "column_shapes"] + ["wasserstein"] * (other == 1)
        for name in names:
            score = find(found, name, "x")
            assert score.value is None
            assert "only two values occur" in score.note
        enough = of_one(schema, [one] * 30 + [other] * 10, [one] * 55 + [other] * 5)
        assert all(find(enough, name, "x").value is not None for name in names)
    third = of_one(words_schema("x"), ["a"] * 30 + ["b"] * 10, ["a"] * 50 + ["b"] * few + ["c"] * 9)
    assert value(third, "column_shapes", "x") < 1
