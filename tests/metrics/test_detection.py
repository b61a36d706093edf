"""Rows told from real ones: what is alike cannot be, what is not is."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer
from sklearn.metrics import roc_auc_score

from localsynth.core.judging import Score
from localsynth.metrics import detection
from localsynth.metrics.detection import Detection
from localsynth.metrics.ranking import area, mean_area
from tests.metrics.support import case_of, find, mixed_case, mixed_rows, numbers_schema, value, words_schema

MEASURES = [measure.name for measure in Detection.measures]


def breast_cancer() -> tuple[Any, list[Any]]:
    """A bundled table of real measurements: 569 rows, ten columns, in an order of no meaning."""
    rows = load_breast_cancer().data[:, :10].round(6)
    rows = np.random.default_rng(0).permutation(rows)
    return numbers_schema(*(f"c{i}" for i in range(10))), rows.tolist()


def scores(schema: Any, made: list[Any], holdout: list[Any], seed: int = 7) -> list[Score]:
    return list(Detection().scores(case_of(schema, made, [], holdout, seed=seed)))


def test_real_rows_cannot_be_told_from_real_rows() -> None:
    schema, rows = breast_cancer()
    found = scores(schema, rows[:280], rows[280:])
    for metric in MEASURES:
        assert value(found, metric) == pytest.approx(0.5, abs=0.07)


def test_columns_resampled_alone_are_told_by_trees() -> None:
    schema, rows = breast_cancer()
    rng = np.random.default_rng(1)
    alone = np.column_stack([rng.permutation(column) for column in np.array(rows[:280]).T])
    found = scores(schema, alone.tolist(), rows[280:])
    assert value(found, "c2st_rf_auc") > 0.9
    assert value(found, "c2st_gb_auc") > 0.9


def test_a_shifted_column_is_told_by_all() -> None:
    schema = numbers_schema("x", "y")
    rng = np.random.default_rng(2)
    made, real = rng.normal(3, 1, (150, 2)), rng.normal(0, 1, (150, 2))
    found = scores(schema, made.tolist(), real.tolist())
    for metric in MEASURES:
        assert value(found, metric) > 0.95


def test_missing_values_alone_can_give_rows_away() -> None:
    schema = numbers_schema("x", "y")
    rng = np.random.default_rng(3)
    real = rng.normal(size=(120, 2)).tolist()
    made = [[None, y] if i % 2 else [x, y] for i, (x, y) in enumerate(rng.normal(size=(120, 2)).tolist())]
    assert value(scores(schema, made, real), "c2st_rf_auc") > 0.65


def test_repeats_are_dropped_and_both_sides_are_equally_many() -> None:
    case = case_of(mixed_case().schema, mixed_rows(30, 1) * 3, [], mixed_rows(50, 2))
    made, real = detection._equally_many(case, 0)
    assert 10 < len(made) == len(real) <= 30
    assert len({i % 30 for i in made}) == len(made)


def test_tables_that_repeat_by_nature_are_not_given_away_by_it() -> None:
    """Both are drawn from the same 81 combinations, one table much larger than the other."""
    words = ["a", "b", "c"]
    rng = np.random.default_rng(4)
    schema = words_schema("p", "q", "r", "s")
    cells = list(product(words, repeat=4))
    weights = rng.exponential(size=81)
    draw = [rng.choice(81, n, p=weights / weights.sum()) for n in (5000, 300)]
    made, real = ([list(cells[i]) for i in drawn] for drawn in draw)
    assert value(scores(schema, made, real), "c2st_rf_auc") < 0.6


def test_too_few_rows_are_told() -> None:
    found = scores(mixed_case().schema, mixed_rows(9, 1), mixed_rows(40, 2))
    assert {score.value for score in found} == {None}
    assert "10 different rows" in found[0].note


def test_boosted_trees_learn_from_few_rows() -> None:
    rng = np.random.default_rng(8)
    made, real = rng.normal(3, 1, (13, 2)).tolist(), rng.normal(0, 1, (13, 2)).tolist()
    assert value(scores(numbers_schema("x", "y"), made, real), "c2st_gb_auc") > 0.8


def test_boosted_trees_that_cannot_split_have_no_figure() -> None:
    """They leave categories of fewer than ten rows aside: one half would be no finding."""
    words = [f"w{i}" for i in range(12)]
    schema = words_schema("x", categories=words)
    found = scores(schema, [[w] for w in words], [[w] for w in words])
    assert "12 different rows of each are too few for boosted trees" in find(found, "c2st_gb_auc").note
    assert value(found, "c2st_lr_auc") < 0.6


def test_at_most_so_many_rows_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(detection, "_MOST", 40)
    found = scores(mixed_case().schema, mixed_rows(90, 1), mixed_rows(70, 2))
    assert find(found, "c2st_lr_auc").note == "40 different rows of each"


def test_of_small_tables_the_mean_of_several_draws_is_given() -> None:
    found = scores(mixed_case().schema, mixed_rows(30, 1), mixed_rows(60, 2))
    assert find(found, "c2st_lr_auc").note == "30 different rows of each, mean of 5 draws"


def test_another_seed_draws_otherwise() -> None:
    schema, made, real = mixed_case().schema, mixed_rows(30, 1), mixed_rows(60, 2)
    assert scores(schema, made, real, 1) != scores(schema, made, real, 2)


RANKED = st.lists(st.tuples(st.booleans(), st.integers(0, 5).map(float)), min_size=2, max_size=30).filter(
    lambda rows: len({side for side, _ in rows}) == 2
)


@given(RANKED)
def test_the_area_is_scikit_learns_and_its_variance_delongs(rows: list[tuple[bool, float]]) -> None:
    positive, ranks = (np.array(column) for column in zip(*rows, strict=True))
    found = area(positive, ranks)
    assert found.value == pytest.approx(roc_auc_score(positive, ranks))
    wins = np.array([[float(a > b) + (a == b) / 2 for b in ranks[~positive]] for a in ranks[positive]])
    if min(wins.shape) < 2:
        assert found.variance is None
    else:
        by_row, by_column = wins.mean(axis=1), wins.mean(axis=0)
        expected = by_row.var(ddof=1) / len(by_row) + by_column.var(ddof=1) / len(by_column)
        assert found.variance == pytest.approx(expected)


def test_the_interval_covers_the_truth_about_as_often_as_it_says() -> None:
    rng = np.random.default_rng(5)
    truth = 0.7602  # of two normal distributions one deviation apart
    hits = 0
    for _ in range(300):
        positive = np.arange(120) < 60
        low, high = area(positive, rng.normal(size=120) + positive).interval()
        assert low is not None
        assert high is not None
        hits += low <= truth <= high
    assert 0.91 <= hits / 300 <= 0.98


def test_the_mean_of_folds_is_surer_than_each() -> None:
    rng = np.random.default_rng(6)
    folds = [area(np.arange(60) < 30, rng.normal(size=60)) for _ in range(3)]
    mean = mean_area(folds)
    assert mean.value == pytest.approx(np.mean([fold.value for fold in folds]))
    assert mean.variance == pytest.approx(sum(fold.variance or 0 for fold in folds) / 9)
