"""Learners: what is done in pieces is what scikit-learn does at once; too wide tables are narrowed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.ensemble import (
    HistGradientBoostingClassifier,
    HistGradientBoostingRegressor,
    RandomForestClassifier,
    RandomForestRegressor,
)
from sklearn.linear_model import LogisticRegression, Ridge

from localsynth.core.errors import Cancelled
from localsynth.metrics import design, models, pace
from localsynth.metrics.design import Design, designs
from localsynth.metrics.detection import Detection
from localsynth.metrics.encode import View
from localsynth.metrics.models import Kind, Learner
from localsynth.metrics.utility import Utility
from tests.metrics.support import case_of, find, words_schema


def table(rows: int, wide: int = 6, seed: int = 0) -> tuple[Design, Any]:
    """Numbers and what leans on the first of them."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(rows, wide))
    return Design(x.astype(np.float32), x, np.zeros(wide, np.bool_)), x[:, 0] + rng.normal(size=rows)


def classes(answers: Any, count: int) -> Any:
    return np.digitize(answers, np.quantile(answers, np.arange(1, count) / count))


@pytest.mark.parametrize("threads", [1, 2])
def test_a_forest_grown_bit_by_bit_is_scikit_learns(threads: int) -> None:
    (rows, answers), (asked, _) = table(150), table(90, seed=1)
    labels = classes(answers, 3)
    plain = {"max_features": "sqrt", "n_estimators": 40, "random_state": 11}
    model = Learner("rf", 3, 11, trees=40, threads=threads).fit(rows, labels)
    expected = RandomForestClassifier(**plain).fit(rows.vectors, labels).predict_proba(asked.vectors)
    assert np.array_equal(model.chances(asked), expected)
    numbers = Learner("rf", 0, 11, trees=40, threads=threads).fit(rows, answers).numbers(asked)
    forest = RandomForestRegressor(**plain).fit(rows.vectors, answers)
    assert np.array_equal(numbers, forest.predict(asked.vectors))


@pytest.mark.parametrize("count", [0, 2, 4])
def test_boosting_round_by_round_is_scikit_learns(count: int, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, answers = table(600)
    answers = classes(answers, count) if count else answers
    make = HistGradientBoostingClassifier if count else HistGradientBoostingRegressor
    whole = make(max_iter=25, early_stopping=False, random_state=3).fit(rows.cells, answers)
    monkeypatch.setattr(models, "_CELLS", 7 * rows.cells.size * (count if count > 2 else 1))
    looks: list[None] = []
    learner = Learner("gb", count, 3, rounds=25, check=lambda: looks.append(None))
    model = learner.fit(rows, answers)
    expected = whole.predict_proba(rows.cells) if count else whole.predict(rows.cells)
    assert np.array_equal(model.said(rows), expected)
    assert len(looks) >= 4


@pytest.mark.parametrize("count", [2, 4])
def test_logistic_regression_in_pieces_ends_where_it_would_at_once(
    count: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, answers = table(300, wide=30)
    labels = classes(answers, count)
    expected = LogisticRegression(max_iter=1000).fit(rows.vectors.astype(float), labels)
    monkeypatch.setattr(models, "_PRODUCTS", 1)
    monkeypatch.setattr(models, "_LEAST", 4)
    looks: list[None] = []
    model = Learner("lr", count, 0, check=lambda: looks.append(None)).fit(rows, labels)
    assert len(looks) > 2
    found, wanted = model.chances(rows), expected.predict_proba(rows.vectors.astype(float))
    assert np.abs(found - wanted).max() < 5e-3  # both stop where the slope is small


def test_linear_models_of_wide_tables_are_those_of_narrow_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(2)
    x = (rng.random((200, 60)) < 0.1).astype(np.float32)
    rows = Design(x, np.zeros((200, 1)), np.zeros(1, np.bool_))
    answers = x[:, 0] - x[:, 1] + 0.1 * rng.normal(size=200)
    monkeypatch.setattr(models, "_WIDE", 50)
    ridge = Ridge().fit(x.astype(float), answers).predict(x.astype(float))
    assert Learner("lr", 0, 0).fit(rows, answers).numbers(rows) == pytest.approx(ridge, abs=1e-6)
    labels = classes(answers, 3)
    logistic = LogisticRegression(max_iter=1000).fit(x.astype(float), labels).predict_proba(x.astype(float))
    assert np.abs(Learner("lr", 3, 0).fit(rows, labels).chances(rows) - logistic).max() < 1e-4


@pytest.mark.parametrize("kind", ["lr", "rf", "gb"])
def test_whoever_wants_to_stop_is_heard_while_it_learns(kind: Kind, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, answers = table(300, wide=30)
    monkeypatch.setattr(models, "_PRODUCTS", 1)
    monkeypatch.setattr(models, "_LEAST", 4)
    monkeypatch.setattr(models, "_CELLS", 1)
    monkeypatch.setattr(pace, "EVERY_S", 0.0)
    left = [3]

    def check() -> None:
        left[0] -= 1
        if not left[0]:
            raise Cancelled("stopped")

    learner = Learner(kind, 2, 0, trees=40, check=check)
    with pytest.raises(Cancelled):
        learner.fit(rows, classes(answers, 2)).chances(rows)


# --- tables too wide --------------------------------------------------------------------------------------------------


def category(name: str, made: Any, asked: Any, levels: int) -> View:
    nobody = np.zeros(0, np.int64)
    parts: Any = {"rows": np.array(made), "train": nobody, "holdout": np.array(asked)}
    return View(name, "category", parts, tuple(f"w{i}" for i in range(levels)))


def test_the_rarest_categories_are_one_where_a_table_is_too_wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(design, "_FEATURES", 5)
    monkeypatch.setattr(design, "_LEAST", 2)
    views = [
        category("x", [5, 5, 5, 2, 2, 0, 1], [5, 2, 0, 3], 7),
        category("y", [1, 1, 0, 0, 1, 1, 1], [0, 1, 1, 1], 2),
    ]
    made = designs(views, {"rows": np.arange(7), "holdout": np.arange(4)})
    # x: 2, 5, the others; y: 0, 1. What the rows do not know counts for nothing.
    assert made["holdout"].vectors.tolist() == [
        [0, 1, 0, 1, 0],
        [1, 0, 0, 0, 1],
        [0, 0, 1, 0, 1],
        [0, 0, 0, 0, 1],
    ]
    assert made["rows"].vectors[:, 2].tolist() == [0, 0, 0, 0, 0, 1, 1]
    assert made["rows"].cells[:, 0].tolist() == [5, 5, 5, 2, 2, 0, 1]  # boosting takes them as they are
    assert (
        made["rows"].note
        == "1 column has too many categories: the 2 most frequent of each count, the rest as one"
    )


def test_tables_that_are_not_too_wide_are_left_alone() -> None:
    rng = np.random.default_rng(1)
    views = [category(f"c{i}", rng.integers(0, 200, 500), [0], 200) for i in range(12)]
    made = designs(views, {"rows": np.arange(500), "holdout": np.arange(1)})["rows"]
    assert made.note == ""
    assert made.vectors.shape[1] == sum(len(np.unique(view.parts["rows"])) for view in views) > 2000


def test_many_columns_of_thousands_of_categories_stay_within_bounds() -> None:
    rng = np.random.default_rng(0)
    names = [f"c{i}" for i in range(40)]
    schema = words_schema(*names, categories=[f"w{i}" for i in range(3000)], target="c0")
    tables = [
        [[f"w{code}" for code in row] for row in rng.integers(0, 3000, (n, 40)).tolist()] for n in (300, 90)
    ]
    for row in (*tables[0], *tables[1]):
        row[0] = f"w{len(row[1]) % 2}"
    case = case_of(schema, tables[0], tables[0], tables[1])
    note = find(Utility().scores(case), "tstr_lr_auc").note
    assert "39 columns have too many categories: the 63 most frequent of each count, the rest as one" in note
    found = list(Detection().scores(case))
    assert "too many categories" in find(found, "c2st_rf_auc").note
    assert "too many categories" not in find(found, "c2st_gb_auc").note
