"""Learned from rows, asked of real ones: against scikit-learn's own pipeline on bundled tables."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.datasets import load_breast_cancer, load_diabetes, load_wine
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.metrics import r2_score, roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from localsynth.core.judging import Score
from localsynth.core.schema import Schema
from localsynth.metrics import utility
from localsynth.metrics.encode import views
from localsynth.metrics.targets import auc, r_squared, target_of
from localsynth.metrics.utility import Utility
from tests.metrics.support import (
    MIXED,
    case_of,
    find,
    mixed_case,
    mixed_rows,
    numbers_schema,
    value,
    words_schema,
)


def bundled(load: Any, target_kind: dict[str, Any], most: int = 8) -> tuple[Schema, list[list[Any]]]:
    """A bundled table of a few columns, its target last, rows in an order of no meaning."""
    data = load()
    columns = numbers_schema(*(f"c{i}" for i in range(most))).model_dump()["columns"]
    schema = Schema.model_validate({"target": "y", "columns": [*columns, {"name": "y", **target_kind}]})
    answers = data.target.tolist() if target_kind["kind"] != "categorical" else [f"k{y}" for y in data.target]
    rows = [[*map(float, x), y] for x, y in zip(data.data[:, :most].round(6), answers, strict=True)]
    order = np.random.default_rng(0).permutation(len(rows))
    return schema, [rows[i] for i in order]


BINARY = bundled(load_breast_cancer, {"kind": "categorical", "categories": ["k0", "k1"]})
THREE = bundled(load_wine, {"kind": "categorical", "categories": ["k0", "k1", "k2"]})
NUMBER = bundled(load_diabetes, {"kind": "float", "range": [0, 400], "decimals": 1})


def scores(
    schema: Schema, made: list[Any], train: list[Any], holdout: list[Any], seed: int = 7
) -> list[Score]:
    return list(Utility().scores(case_of(schema, made, train, holdout, seed=seed)))


def split(table: tuple[Schema, list[Any]], n: int) -> tuple[Schema, list[Any], list[Any]]:
    return table[0], table[1][:n], table[1][n:]


def test_logistic_regression_is_scikit_learns() -> None:
    schema, made, holdout = split(BINARY, 200)
    found = scores(schema, made, made, holdout)
    x, y = np.array([r[:-1] for r in made]), np.array([r[-1] for r in made])
    z, w = np.array([r[:-1] for r in holdout]), np.array([r[-1] for r in holdout])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x, y)
    assert value(found, "tstr_lr_accuracy") == pytest.approx(model.score(z, w))
    assert value(found, "tstr_lr_auc") == pytest.approx(
        roc_auc_score(w, model.predict_proba(z)[:, 1]), abs=1e-4
    )


def test_mixed_columns_with_gaps_are_prepared_by_what_the_training_rows_know() -> None:
    """Medians, deviations and categories come from the training rows; unknown categories count for nothing."""
    rows = [[r[0], r[1], r[2] or "none", r[3]] for r in mixed_rows(300, 9)]
    made, holdout = rows[:150], rows[150:]
    for row in made:
        row[2] = "A" if row[2] == "<c>" else row[2]  # the training rows do not know this ward
    numbers = [c.model_dump() for c in MIXED.columns if c.name in {"age", "dose"}]
    wards = {"name": "ward", "kind": "categorical", "categories": ["A", "B,b", "<c>", "none"]}
    schema = Schema.model_validate(
        {"target": "ill", "columns": [*numbers, wards, {"name": "ill", "kind": "boolean"}]}
    )
    found = scores(schema, made, made, holdout)

    age, dose = (np.array([row[i] for row in made], float) for i in (0, 1))

    def prepared(part: list[Any]) -> Any:
        ages, doses = (np.array([row[i] for row in part], float) for i in (0, 1))
        gaps = np.isnan(doses)
        doses = np.where(gaps, np.nanmedian(dose), doses)
        words = [[float(row[2] == ward) for ward in ("A", "B,b", "none")] for row in part]
        scaled = (ages - age.mean()) / age.std(), (doses - np.nanmean(dose)) / np.nanstd(dose)
        return np.column_stack([*scaled, gaps, words])

    model = LogisticRegression(max_iter=1000).fit(prepared(made), [row[3] for row in made])
    truth = [row[3] for row in holdout]
    chances = model.predict_proba(prepared(holdout))[:, 1]
    assert value(found, "tstr_lr_auc") == pytest.approx(roc_auc_score(truth, chances), abs=1e-4)
    assert value(found, "tstr_lr_accuracy") == pytest.approx(np.mean((chances > 0.5) == truth))


def test_boosted_trees_learn_from_few_rows() -> None:
    for table, metric in ((BINARY, "tstr_gb_auc"), (NUMBER, "tstr_gb_r2")):
        schema, made, holdout = split(table, 27)
        assert value(scores(schema, made, made, holdout), metric) not in (0.0, 0.5)
    schema, made, holdout = split(BINARY, 27)
    assert value(scores(schema, made, made, holdout), "tstr_gb_auc") > 0.8
    found = scores(schema.model_copy(update={"target": None}), made, made, holdout)
    assert value(found, "tstr_columns") > 0.3


def test_boosted_trees_that_cannot_split_have_no_figure() -> None:
    schema = words_schema("x", "y", categories=[f"w{i}" for i in range(9)], target="y")
    rows = [[f"w{i}", f"w{i % 2}"] for i in range(9)]
    found = scores(schema, rows, rows, rows)
    assert find(found, "tstr_gb_auc").note.endswith("9 rows are too few for boosted trees to learn from")
    assert value(found, "tstr_rf_auc") > 0.5
    found = scores(schema.model_copy(update={"target": None}), rows, rows, rows)
    assert find(found, "tstr_columns", "y").note.endswith("are too few for boosted trees to learn from")
    assert find(found, "tstr_columns").note.endswith(
        "in every column the rows are too few for boosted trees to learn from"
    )


def test_several_classes_are_each_ranked_against_the_others() -> None:
    schema, made, holdout = split(THREE, 100)
    found = scores(schema, made, made, holdout)
    x, y = np.array([r[:-1] for r in made]), np.array([r[-1] for r in made])
    z, w = np.array([r[:-1] for r in holdout]), np.array([r[-1] for r in holdout])
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x, y)
    expected = roc_auc_score(w, model.predict_proba(z), multi_class="ovr")
    assert value(found, "tstr_lr_auc") == pytest.approx(expected, abs=1e-4)
    forest = RandomForestClassifier(300, random_state=1).fit(x, y)
    assert value(found, "tstr_rf_auc") == pytest.approx(
        roc_auc_score(w, forest.predict_proba(z), multi_class="ovr"), abs=0.01
    )
    assert find(found, "tstr_lr_auc").low is None


def test_numbers_are_regressed() -> None:
    schema, made, holdout = split(NUMBER, 250)
    found = scores(schema, made, made, holdout)
    x, y = np.array([r[:-1] for r in made]), np.array([r[-1] for r in made])
    z, w = np.array([r[:-1] for r in holdout]), np.array([r[-1] for r in holdout])
    model = make_pipeline(StandardScaler(), Ridge()).fit(x, y)
    assert value(found, "tstr_lr_r2") == pytest.approx(r2_score(w, model.predict(z)), abs=1e-5)
    assert value(found, "tstr_rf_r2") > 0.25
    assert value(found, "tstr_gb_r2") > 0.1
    assert {s.value for s in found if s.metric.endswith(("_auc", "_accuracy"))} == {None}


def test_rows_without_structure_teach_nothing() -> None:
    schema, made, holdout = split(BINARY, 280)
    rng = np.random.default_rng(1)
    alone = list(
        zip(*([column[i] for i in rng.permutation(280)] for column in zip(*made, strict=True)), strict=True)
    )
    real, independent = scores(schema, made, made, holdout), scores(schema, alone, made, holdout)
    for kind in ("lr", "rf", "gb"):
        assert value(real, f"tstr_{kind}_auc") > 0.95
    for kind in ("lr", "rf"):
        assert value(real, f"tstr_{kind}_accuracy") > 0.9
        assert value(independent, f"tstr_{kind}_accuracy") < 0.8


def test_more_rows_than_train_has_are_no_advantage() -> None:
    schema, made, holdout = split(BINARY, 300)
    found = scores(schema, made, made[:40], holdout)
    assert find(found, "tstr_lr_auc").note.startswith("learned from 40 rows")


def test_caps_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(utility, "_MOST_TRAIN", 50)
    monkeypatch.setattr(utility, "_MOST_TEST", 60)
    schema, made, holdout = split(BINARY, 300)
    note = find(scores(schema, made, made, holdout), "tstr_lr_auc").note
    assert note == "learned from 50 rows, tested on 60 held-out rows"


def test_rows_with_a_missing_target_are_left_out() -> None:
    schema = words_schema("x", "y", target="y")
    made = [["a", "a"], ["b", "b"], ["c", None]] * 10
    holdout = [["a", "a"], ["b", "b"], ["c", None], ["c", None]]
    found = scores(schema, made, made, holdout)
    assert find(found, "tstr_lr_accuracy").note == "learned from 20 rows, tested on 2 held-out rows"
    assert value(found, "tstr_lr_accuracy") == 1.0
    assert find(found, "tstr_lr_accuracy").low == pytest.approx(0.342, abs=0.001)  # Wilson, 2 of 2


def test_rows_of_one_class_say_it_always() -> None:
    schema = words_schema("x", "y", target="y")
    made, holdout = [["a", "a"]] * 20, [["a", "a"], ["b", "b"], ["b", "a"], ["a", "a"]]
    found = scores(schema, made, holdout, holdout)
    assert value(found, "tstr_lr_accuracy") == 0.75
    assert value(found, "tstr_rf_auc") == 0.5
    assert "nothing to learn" in find(found, "tstr_rf_auc").note


def test_one_class_in_the_holdout_leaves_nothing_to_rank() -> None:
    schema = words_schema("x", "y", target="y")
    made, holdout = [["a", "a"], ["b", "b"]] * 10, [["a", "a"]] * 4
    found = scores(schema, made, made, holdout)
    assert find(found, "tstr_lr_auc").value is None
    assert value(found, "tstr_lr_accuracy") == 1.0


def test_with_a_target_no_other_column_is_predicted() -> None:
    score = find(Utility().scores(mixed_case()), "tstr_columns")
    assert score.note == "not applicable, because a target is declared: 'ill'"


def test_without_a_target_each_column_is_predicted_in_turn() -> None:
    rng = np.random.default_rng(2)
    letters = np.array(["a", "b", "c"])

    def table(n: int) -> list[list[Any]]:
        first = rng.integers(0, 3, n)
        return [
            [letters[i], letters[i], letters[j]] for i, j in zip(first, rng.integers(0, 3, n), strict=True)
        ]

    found = scores(words_schema("p", "q", "r"), table(200), table(200), table(200))
    assert value(found, "tstr_columns", "p") == 1.0
    assert value(found, "tstr_columns", "q") == 1.0
    assert value(found, "tstr_columns", "r") < 0.2
    mean = np.mean([value(found, "tstr_columns", name) for name in "pqr"])
    assert value(found, "tstr_columns") == pytest.approx(mean)


def test_a_target_that_cannot_be_predicted_leaves_each_column_in_turn() -> None:
    schema = MIXED.model_copy(update={"target": "note"})
    found = list(Utility().scores(case_of(schema, mixed_rows(80, 1), mixed_rows(80, 2), mixed_rows(80, 3))))
    assert find(found, "tstr_rf_auc").value is None
    assert value(found, "tstr_columns", "age") > 0.5  # told by the day


def test_numbers_of_few_values_are_classes() -> None:
    schema = numbers_schema("x", target="x")
    (few,) = views(case_of(schema, [[5.5]], [[1.0], [2.0], [None], [2.0]], [[3.0]]))
    target = target_of(few)
    assert target is not None
    assert target.classes == 4
    assert target.answers["train"].tolist() == [
        1,
        0,
        0,
        0,
    ]  # 2 is the most frequent; the missing one is not asked
    assert target.known["train"].tolist() == [True, True, False, True]
    (many,) = views(case_of(schema, [], [[float(i)] for i in range(11)]))
    found = target_of(many)
    assert found is not None
    assert found.classes == 0


def test_very_many_classes_are_read_as_twenty_and_the_rest() -> None:
    words = [f"w{i}" for i in range(40)]
    train = [[word] for i, word in enumerate(words) for _ in range(40 - i)]
    (view,) = views(case_of(words_schema("x", categories=words), [["w39"], ["w0"]], train))
    target = target_of(view)
    assert target is not None
    assert target.classes == 21
    assert target.answers["rows"].tolist() == [20, 0]
    assert "20 rarest of 40 classes" in target.note


@given(
    st.lists(st.integers(-5, 5), min_size=2, max_size=20).filter(lambda ys: len(set(ys)) > 1), st.randoms()
)
def test_explained_variance_is_scikit_learns(answers: list[int], random: Any) -> None:
    truth = np.array(answers, float)
    said = np.array([random.uniform(-5, 5) for _ in answers])
    assert r_squared(said, truth) == pytest.approx(r2_score(truth, said))


def test_a_class_the_rows_do_not_know_is_ranked_by_nothing() -> None:
    chances = np.array([[0.9, 0.1, 0.0], [0.2, 0.8, 0.0], [0.5, 0.5, 0.0]])
    score = auc("m", chances, np.array([0, 1, 2]), "note")
    assert score.value == pytest.approx((1.0 + 1.0 + 0.5) / 3)
    assert auc("m", chances, np.array([0, 2, 2]), "note").value == 0.5  # one class against one nobody expects
