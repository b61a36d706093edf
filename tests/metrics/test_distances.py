from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors
from sklearn.preprocessing import StandardScaler

from localsynth.core.judging import Case
from localsynth.core.schema import Schema
from localsynth.metrics.distances import Distances

from .privacy_cases import again, leaking_case
from .support import MIXED, assert_kept, case_of, cases, find, mixed_rows, numbers_schema, value, words_schema

NUMBER, WORDS = numbers_schema("x"), words_schema("a", "b", "c")


def share(rows: list[Any], train: list[Any], holdout: list[Any], schema: Schema = NUMBER) -> float:
    # The share of the same rows over and over is the same, and there are enough of them for one.
    return value(Distances().scores(case_of(schema, rows * 10, train, holdout)), "dcr_share")


def drawn_share(rows: list[float], train: list[float], holdout: list[float]) -> float:
    """The same with numbers, by going through every draw of the larger set."""
    few = min(len(train), len(holdout))
    shares = []
    for known in combinations(train, few):
        for held in combinations(holdout, few):
            for row in rows:
                a, b = min(abs(row - x) for x in known), min(abs(row - x) for x in held)
                shares.append(1.0 if a < b else 0.5 if a == b else 0.0)
    return float(np.mean(shares))


def test_equally_many_by_hand() -> None:
    # to 0: train; 3: both 2 away from 1 and 5; 4: held-out 5; 20: train 10 is 10 away, held-out 9 is 11
    rows, train, holdout = [[0.0], [3.0], [4.0], [20.0]], [[1.0], [10.0]], [[5.0], [9.0]]
    assert share(rows, train, holdout) == (1 + 0.5 + 0 + 1) / 4


@settings(max_examples=25)
@given(
    st.lists(st.integers(0, 12), min_size=1, max_size=6),
    st.lists(st.integers(0, 12), min_size=1, max_size=4),
    st.lists(st.integers(0, 12), min_size=4, max_size=7),
)
def test_more_held_out_rows_are_averaged_over_every_draw(
    rows: list[int], train: list[int], holdout: list[int]
) -> None:
    found = share([[x] for x in rows], [[x] for x in train], [[x] for x in holdout])
    assert found == pytest.approx(drawn_share(list(rows), list(train), list(holdout)))


def test_fewer_held_out_rows() -> None:
    # 3 train rows, 1 held out: copies give (3 + 1) / (2 * 3), as going through the draws does where no row is tied
    train, holdout = [[0.0], [100.0], [200.0]], [[120.0]]
    assert share([[0.0]], train, holdout) == pytest.approx(2 / 3)
    assert share([[199.0]], train, holdout) == pytest.approx(2 / 3)
    assert share([[119.0]], train, holdout) == 0
    assert share([[110.0]], train, holdout) == pytest.approx(1 / 2 * 2 / 3)  # one of each as near
    # Copies of all train rows far from the only held-out row: each is drawn every third time.
    assert drawn_share([0.0, 100.0, 200.0], [0.0, 100.0, 200.0], [1e6]) == 1
    note = find(Distances().scores(case_of(NUMBER, [[0.0]] * 10, train, holdout)), "dcr_share").note
    assert note.startswith(
        "against 1 train and as many held-out rows, as if so many had been drawn out of 3 train rows"
    )
    assert note.endswith("copies of train rows would give 66.7%")


@pytest.mark.parametrize(("train", "holdout"), [(200, 100), (100, 100), (60, 200)])
def test_new_people_of_few_kinds_give_one_half(train: int, holdout: int) -> None:
    """Nearly all of them have a double on both sides."""
    shares = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        rows, known, held = (
            [[str(x) for x in rng.choice(["a", "b", "c"], 3, p=[0.6, 0.3, 0.1])] for _ in range(n)]
            for n in (200, train, holdout)
        )
        shares.append(share(rows, known, held, WORDS))
    assert np.mean(shares) == pytest.approx(0.5, abs=0.03)


def test_medians_and_ratios_as_sklearn_finds_them() -> None:
    rng = np.random.default_rng(3)

    def frame(n: int) -> pd.DataFrame:
        numbers = {name: rng.normal(5, scale, n).round(2) for name, scale in (("x", 1), ("y", 30))}
        return pd.DataFrame({**numbers, "w": rng.choice(list("abc"), n), "v": rng.choice(list("ab"), n)})

    rows, train, holdout = frame(70), frame(90), frame(50)
    columns: list[dict[str, Any]] = [
        *({"name": name, "kind": "float", "range": [-200, 200]} for name in "xy"),
        *({"name": name, "kind": "categorical", "categories": list("abc")} for name in "wv"),
    ]
    schema = Schema.model_validate({"columns": columns})
    tables = [frame.to_numpy().tolist() for frame in (rows, train, holdout)]
    scores = list(Distances().scores(case_of(schema, *tables)))

    scaler = StandardScaler().fit(train[["x", "y"]])

    def vectors(table: pd.DataFrame) -> Any:
        words = [table[c].to_numpy()[:, None] == np.array(list("abc")) for c in "wv"]
        return np.hstack([scaler.transform(table[["x", "y"]]), *(w / np.sqrt(2) for w in words)])

    trees = NearestNeighbors(n_neighbors=2).fit(vectors(train))
    held = NearestNeighbors(n_neighbors=1).fit(vectors(holdout))
    for table, suffix in ((rows, ""), (holdout, "_holdout")):
        away = trees.kneighbors(vectors(table))[0]
        assert value(scores, f"dcr_median{suffix}") == pytest.approx(np.median(away[:, 0]), rel=1e-5)
        assert value(scores, f"nndr{suffix}") == pytest.approx(np.median(away[:, 0] / away[:, 1]), rel=1e-5)
    wins = trees.kneighbors(vectors(rows))[0][:, 0] < held.kneighbors(vectors(rows))[0][:, 0]
    assert value(scores, "dcr_share") == pytest.approx(wins.mean() * (90 + 50) / 180)


def test_a_row_like_two_train_rows_singles_out_neither() -> None:
    scores = list(Distances().scores(case_of(NUMBER, [[1.0]], [[1.0], [1.0], [5.0]], [[1.5]])))
    assert value(scores, "nndr") == 1
    assert value(scores, "dcr_median") == 0


def test_one_train_row_has_no_ratio() -> None:
    scores = assert_kept(Distances(), case_of(NUMBER, [[1.0]], [[3.0]], [[4.0]]))
    assert "only one train row" in find(scores, "nndr").note
    assert value(scores, "dcr_median") == 2


def test_copies_are_told_from_new_people() -> None:
    copies, fresh = (find(Distances().scores(leaking_case(s)), "dcr_share") for s in ("copies", "fresh"))
    assert (copies.value, copies.high) == (1, 1)
    assert copies.low is not None
    assert 0.95 < copies.low < 1
    assert fresh.low is not None
    assert fresh.high is not None
    assert fresh.low < 0.5 < fresh.high
    diluted = find(Distances().scores(leaking_case("copies", 150, 200, 100)), "dcr_share")
    assert diluted.value == diluted.high == pytest.approx(0.75)
    assert diluted.low is not None
    assert 0.72 < diluted.low < 0.75


@pytest.mark.parametrize(("count", "said"), [(1, "1 row is too few"), (9, "9 rows are too few")])
def test_few_rows_have_no_share(count: int, said: str) -> None:
    known = mixed_rows(40, 1)
    scores = assert_kept(Distances(), case_of(MIXED, known[:count], known, mixed_rows(20, 2)))
    assert said in find(scores, "dcr_share").note
    assert value(scores, "dcr_median") == 0


def test_ten_copies_of_one_row_are_as_unsure_as_one() -> None:
    known = mixed_rows(40, 1)
    score = find(Distances().scores(case_of(MIXED, known[:1] * 10, known, mixed_rows(40, 2))), "dcr_share")
    assert score.value == 1
    assert score.low is not None
    assert score.low < 0.25


def test_many_rows_around_few_real_ones_are_no_surer() -> None:
    rng = np.random.default_rng(0)
    train, holdout = ([[float(x)] for x in rng.normal(size=30)] for _ in range(2))
    widths = []
    for n in (100, 10_000):
        score = find(
            Distances().scores(case_of(NUMBER, [[float(x)] for x in rng.normal(size=n)], train, holdout)),
            "dcr_share",
        )
        assert score.low is not None
        assert score.high is not None
        widths.append(score.high - score.low)
    assert widths[1] > 0.6 * widths[0]


@pytest.mark.parametrize("empty", ["rows", "train", "holdout"])
def test_without_rows_nothing_applies(empty: str) -> None:
    tables = {"rows": [[1.0]], "train": [[1.0]], "holdout": [[1.0]], empty: []}
    assert all(score.value is None for score in assert_kept(Distances(), case_of(NUMBER, **tables)))


@settings(max_examples=40)
@given(cases())
def test_the_contract(case: Case) -> None:
    assert assert_kept(Distances(), case) == again(Distances(), case)
