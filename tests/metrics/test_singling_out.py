from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.judging import Case
from localsynth.metrics.encode import views
from localsynth.metrics.intervals import Rate, residual_risk, wilson
from localsynth.metrics.predicates import Condition, at_random, counts, multivariate, univariate
from localsynth.metrics.singling_out import SinglingOut, _exactly_one

from .privacy_cases import again, leaking_case
from .support import (
    MIXED,
    assert_kept,
    case_of,
    cases,
    find,
    mixed_case,
    mixed_rows,
    numbers_schema,
    value,
    words_schema,
)

NUMBER, WORDS = numbers_schema("x"), words_schema("a", "b")
MODES = ("univariate", "multivariate")


def idle() -> None:
    pass


def seen(case: Case) -> list[Any]:
    return [view.parts["rows"] for view in views(case)]


@given(st.integers(1, 7).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n), st.integers(1, n))))
def test_exactly_one_is_in_a_draw(numbers: tuple[int, int, int]) -> None:
    total, matching, drawn = numbers
    draws = list(combinations(range(total), drawn))
    expected = sum(sum(i < matching for i in draw) == 1 for draw in draws) / len(draws)
    assert _exactly_one(np.array([matching]), total, drawn)[0] == pytest.approx(expected)


def test_conditions() -> None:
    columns = [np.array([1.0, 2.0, np.nan, 2.0]), np.array([0, 1, 1, 2])]
    predicates = [
        (Condition(0, "=", 2.0),),
        (Condition(0, "<=", 1.0),),
        (Condition(0, ">=", 0.0),),
        (Condition(0, "=", float("nan")),),
        (Condition(0, ">=", 2.0), Condition(1, "=", 1.0)),
    ]
    assert counts(predicates, columns, idle).tolist() == [2, 1, 3, 1, 1]


def test_what_stands_alone_in_one_column() -> None:
    rows = [[1.0, "a"], [1.0, "a"], [2.0, "b"], [3.0, None], [None, "a"]]
    schema = numbers_schema("x").model_copy(update={"columns": (*NUMBER.columns, *WORDS.columns[:1])})
    case = case_of(schema, rows)
    found = univariate(views(case), seen(case), 100, np.random.default_rng(0))
    levels = views(case)[1].levels
    told = {(c.column, c.sign, "missing" if np.isnan(c.value) else c.value) for (c,) in found}
    # 1 occurs twice, as number and as smallest number; "a" three times
    assert told == {
        (0, "=", 2.0), (0, "=", 3.0), (0, ">=", 3.0), (0, "=", "missing"),
        (1, "=", float(levels.index("b"))), (1, "=", float(levels.index(None))),
    }  # fmt: skip
    assert len(univariate(views(case), seen(case), 2, np.random.default_rng(0))) == 2


def test_combinations_single_out_one_row_each() -> None:
    case = mixed_case(80)
    found = multivariate(views(case), seen(case), 60, np.random.default_rng(0), idle)
    assert len(set(found)) == len(found) == 60
    assert set(counts(found, seen(case), idle)) == {1}
    sizes = {len(predicate) for predicate in found}
    assert min(sizes) >= 2
    assert max(sizes) == 7
    for predicate in found:
        assert [c.column for c in predicate] == sorted({c.column for c in predicate})


def test_blind_guesses_have_the_sizes_asked_for() -> None:
    case = mixed_case(30)
    blind = at_random(views(case), seen(case), [1, 3, 7], np.random.default_rng(0))
    assert [len(predicate) for predicate in blind] == [1, 3, 7]
    assert all(c.sign == "=" for p in blind for c in p if views(case)[c.column].kind != "number")


def test_one_column_by_hand() -> None:
    # Alone among the rows: 1, 2, 3, 9; at most 1; at least 9. Train rows: 1, 2 and "at most 1" fit one each, 3 two, 9 and "at
    # least 9" none. Held-out rows: 3 fits one; "at most 1" none; "at least 9" fits one.
    case = case_of(
        NUMBER, [[1.0], [2.0], [3.0], [9.0]] * 3, [[1.0], [2.0], [3.0], [3.0]], [[3.0], [12.0], [5.0], [6.0]]
    )
    scores = assert_kept(SinglingOut(), case)
    attack, control = (
        find(scores, "singling_out_rate_univariate"),
        find(scores, "singling_out_control_univariate"),
    )
    assert (attack.value, attack.low, attack.high) == (0.5, *wilson(3, 6))
    assert (control.value, control.low, control.high) == (2 / 6, *wilson(2, 6))
    risk = find(scores, "singling_out_risk_univariate")
    assert (risk.value, risk.low, risk.high) == residual_risk(Rate(3, 6), Rate(2, 6))
    assert risk.note.startswith("50.0% of 6 guesses fit one train row, 33.3% one held-out row")
    assert find(scores, "singling_out_risk_multivariate").note.endswith("the table has only one column")


def test_more_held_out_rows_are_brought_to_as_many_as_train_rows() -> None:
    # 3 and "at least 3" are alone. Of the held-out rows one is 3, two are at least 3; two of four are drawn.
    case = case_of(NUMBER, [[1.0], [1.0], [3.0]] * 4, [[3.0], [1.0]], [[3.0], [4.0], [0.0], [2.0]])
    # distinct rows are 1 and 3: 1 and "at most 1" stand alone too; held out: none is 1, one is at most 1
    scores = list(SinglingOut().scores(case))
    expected = [1 / 2, 2 / 3, 0, 1 / 2]  # =3, >=3, =1, <=1
    assert value(scores, "singling_out_control_univariate") == pytest.approx(np.mean(expected))
    assert value(scores, "singling_out_rate_univariate") == 1


def test_fewer_held_out_rows_raise_the_control() -> None:
    train = [[float(i)] for i in range(8)]
    case = case_of(NUMBER, train * 2, train, [[0.0], [1.0], [50.0], [60.0]])
    scores = list(SinglingOut().scores(case))
    # 8 values, at most 0, at least 7. All fit one train row; one of half as many would fit every second time. Held out fit
    # 0, 1 and "at most 0"; "at least 7" fits two.
    control = find(scores, "singling_out_control_univariate")
    assert control.value == pytest.approx(3 / 10 * 2)
    assert control.note == "3 of 10 guesses, 4 held-out rows, brought to 8: times 2.00"
    assert value(scores, "singling_out_risk_univariate") == residual_risk(Rate(10, 10), Rate(3, 10), 2)[0]


def test_repeated_rows_count_once() -> None:
    train = mixed_rows(40, 1)
    once, thrice = (case_of(MIXED, train * times, train, mixed_rows(40, 2)) for times in (1, 3))
    for case in (once, thrice):
        assert value(SinglingOut().scores(case), "singling_out_rate_multivariate") > 0.95


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize(("train", "holdout"), [(150, 150), (150, 75), (80, 200)])
def test_copies_are_found_and_new_people_are_not(mode: str, train: int, holdout: int) -> None:
    name = f"singling_out_risk_{mode}"
    copies = find(SinglingOut().scores(leaking_case("copies", 150, train, holdout)), name)
    fresh = find(SinglingOut().scores(leaking_case("fresh", 150, train, holdout)), name)
    assert copies.low is not None
    assert copies.low > 0.6
    assert fresh.low == 0
    assert fresh.value is not None
    assert fresh.value < 0.08


def test_new_people_are_singled_out_as_often_on_both_sides_whatever_the_sizes() -> None:
    for train, holdout in ((200, 70), (70, 200)):
        rates = [
            [value(scores, f"singling_out_{side}_multivariate") for side in ("rate", "control")]
            for seed in range(6)
            for scores in [list(SinglingOut().scores(leaking_case("fresh", 150, train, holdout, seed)))]
        ]
        attack, control = np.mean(rates, axis=0)
        assert control == pytest.approx(attack, abs=0.02)


def test_an_attack_no_better_than_blind_says_so() -> None:
    case = case_of(NUMBER, [[100.0], [101.0]] * 5, [[1.0], [2.0]], [[1.0], [2.0]])
    assert "shows nothing" in find(SinglingOut().scores(case), "singling_out_risk_univariate").note


def test_without_holdout_there_are_rates_and_no_risk() -> None:
    scores = assert_kept(
        SinglingOut(), case_of(WORDS, [["a", "b"], ["b", "c"]] * 5, [["a", "b"], ["b", "a"]])
    )
    for mode in MODES:
        assert find(scores, f"singling_out_risk_{mode}").value is None
        assert find(scores, f"singling_out_control_{mode}").value is None
        assert find(scores, f"singling_out_rate_{mode}").value is not None


def test_where_nothing_stands_alone() -> None:
    # Every value occurs twice, and two columns still single out a row.
    rows = [[a, b] for a in "ab" for b in "ab"]
    scores = assert_kept(SinglingOut(), case_of(WORDS, rows * 3, rows, rows))
    assert "singles out one of the rows" in find(scores, "singling_out_risk_univariate").note
    assert value(scores, "singling_out_rate_multivariate") == 1


def test_guesses_of_a_few_rows_mean_nothing() -> None:
    people = mixed_rows(40, 1)
    for count, said in ((9, "9 rows are too few"), (1, "1 row is too few")):
        scores = assert_kept(SinglingOut(), case_of(MIXED, people[:count], people, mixed_rows(40, 2)))
        assert {score.value for score in scores} == {None}
        assert all(said in score.note for score in scores)


@pytest.mark.parametrize("empty", ["rows", "train"])
def test_without_rows_nothing_applies(empty: str) -> None:
    tables = {"rows": [[1.0]], "train": [[1.0]], "holdout": [[1.0]], empty: []}
    assert all(score.value is None for score in assert_kept(SinglingOut(), case_of(NUMBER, **tables)))


@settings(max_examples=25)
@given(cases())
def test_the_contract(case: Case) -> None:
    assert assert_kept(SinglingOut(), case) == again(SinglingOut(), case)
