from __future__ import annotations

from itertools import combinations
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.judging import Case
from localsynth.core.schema import Schema
from localsynth.metrics.dealing import Fits, _by_chance, exactly_one, gained, hits, weights
from localsynth.metrics.encode import views
from localsynth.metrics.intervals import wilson
from localsynth.metrics.predicates import Condition, at_random, fits, multivariate, univariate
from localsynth.metrics.singling_out import SinglingOut

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
    assert exactly_one(np.array([matching]), total, drawn)[0] == pytest.approx(expected)


def test_conditions() -> None:
    columns = [np.array([1.0, 2.0, np.nan, 2.0]), np.array([0, 1, 1, 2])]
    predicates = [
        (Condition(0, "=", 2.0),),
        (Condition(0, "<=", 1.0),),
        (Condition(0, ">=", 0.0),),
        (Condition(0, "=", float("nan")),),
        (Condition(0, ">=", 2.0), Condition(1, "=", 1.0)),
    ]
    assert fits(predicates, columns, 9, idle).counts.tolist() == [2, 1, 3, 1, 1]


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
    assert set(fits(found, seen(case), 9, idle).counts) == {1}
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
    # Two guesses each are about 1 and 9: they count for 6^2 / (4 + 1 + 1 + 4) independent ones.
    assert (attack.value, attack.low, attack.high) == (0.5, *wilson(1.8, 3.6))
    assert (control.value, control.low, control.high) == pytest.approx((2 / 6, *wilson(1.2, 3.6)))
    risk = find(scores, "singling_out_risk_univariate")
    assert risk.value == pytest.approx((3 / 6 - 2 / 6) / (4 / 6))
    assert risk.low == 0
    assert risk.high is not None
    assert risk.high > 0.6
    assert risk.note.startswith(
        "50.0% of 6 guesses fit exactly one of 4 train rows, 33.3% would fit exactly one of as many people nobody has seen, as"
        " 4 held-out rows tell"
    )
    assert find(scores, "singling_out_risk_multivariate").note.endswith("the table has only one column")


def test_more_held_out_rows_are_brought_to_as_many_as_train_rows() -> None:
    # 3 and "at least 3" are alone. Of the held-out rows one is 3, two are at least 3; two of four are drawn.
    case = case_of(NUMBER, [[1.0], [1.0], [3.0]] * 4, [[3.0], [1.0]], [[3.0], [4.0], [0.0], [2.0]])
    # distinct rows are 1 and 3: 1 and "at most 1" stand alone too; held out: none is 1, one is at most 1
    scores = list(SinglingOut().scores(case))
    expected = [1 / 2, 2 / 3, 0, 1 / 2]  # =3, >=3, =1, <=1
    assert value(scores, "singling_out_control_univariate") == pytest.approx(np.mean(expected))
    assert value(scores, "singling_out_rate_univariate") == 1


def test_fewer_held_out_rows_are_brought_to_as_many_as_train_rows() -> None:
    train = [[float(i)] for i in range(8)]
    case = case_of(NUMBER, train * 2, train, [[0.0], [1.0], [50.0], [60.0]])
    scores = assert_kept(SinglingOut(), case)
    # 8 values, at most 0, at least 7: all fit one train row. Held out fit 0, 1 and "at most 0"; "at least 7" fits two. Two real
    # rows fit each of the three in all, so that each counts for one hit.
    rate, control, risk = (
        find(scores, f"singling_out_{what}_univariate") for what in ("rate", "control", "risk")
    )
    assert (rate.value, rate.note) == (1, "10 guesses, 8 train rows")
    assert control.value == pytest.approx(0.3)
    assert control.note == "10 guesses, 4 held-out rows brought to 8; one hit counts for 1.00 on average"
    assert risk.value == pytest.approx(1)


def test_held_out_hits_count_for_more_where_no_train_row_fits() -> None:
    train = [[float(i)] for i in range(8)]
    # Alone are 0, 1, 2, 50 and 60, at most 0, at least 60. Four fit one train row. 50 and 60 fit one of 4 held-out rows and no
    # train row, "at least 60" too: two hits each.
    case = case_of(NUMBER, [*train[:3], [50.0], [60.0]] * 2, train, [[49.0], [50.0], [51.0], [60.0]])
    scores = assert_kept(SinglingOut(), case)
    control = find(scores, "singling_out_control_univariate")
    assert control.value == pytest.approx(6 / 7)
    assert "one hit counts for 2.00" in control.note
    trials = 49 / (4 + 1 + 1 + 1 + 4)
    assert (control.low, control.high) == (pytest.approx(2 * wilson(trials * 3 / 7, trials)[0]), 1)
    assert value(scores, "singling_out_rate_univariate") == pytest.approx(4 / 7)
    assert value(scores, "singling_out_risk_univariate") == 0


@given(st.integers(1, 9), st.integers(1, 9), st.data())
def test_a_held_out_hit_counts_for_the_train_hits_that_chance_would_give(
    m: int, more: int, data: Any
) -> None:
    n = m + more
    fitting = data.draw(st.integers(1, n + 1))  # more never leave exactly one held out
    train_hit, held_out_hit = (exactly_one(np.array([fitting]), n + m, drawn)[0] for drawn in (n, m))
    assert weights(np.array([fitting]), n, m)[0] * held_out_hit == pytest.approx(train_hit)
    assert weights(np.array([0, 1, 2]), n, m).tolist() == pytest.approx([n / m, n / m, 1])


@pytest.mark.parametrize("holdout", [25, 50, 100])
def test_rows_that_several_train_rows_share_single_nobody_out(holdout: int) -> None:
    people = mixed_rows(50, 1)
    scores = assert_kept(SinglingOut(), case_of(MIXED, people, people * 2, mixed_rows(holdout, 2)))
    for mode in MODES:
        risk = find(scores, f"singling_out_risk_{mode}")
        assert (value(scores, f"singling_out_rate_{mode}"), risk.value, risk.low) == (0, 0, 0)


@pytest.mark.parametrize("holdout", [20, 40, 80])
def test_the_rates_that_are_told_give_the_risk(holdout: int) -> None:
    train = mixed_rows(40, 1)
    scores = list(
        SinglingOut().scores(case_of(MIXED, train[:20] + mixed_rows(20, 2), train, mixed_rows(holdout, 3)))
    )
    for mode in MODES:
        rate, control, risk = (
            value(scores, f"singling_out_{what}_{mode}") for what in ("rate", "control", "risk")
        )
        assert risk == pytest.approx((rate - control) / (1 - control))
        note = find(scores, f"singling_out_risk_{mode}").note
        assert note.startswith(f"{rate:.1%} of ")
        assert f", {control:.1%} would fit exactly one of as many" in note


def test_the_risk_does_not_depend_on_how_many_are_held_out() -> None:
    risks = []
    for seed in range(6):
        train, strangers = mixed_rows(120, seed), mixed_rows(240, 100 + seed)
        rows = train[:40] + mixed_rows(80, 200 + seed)
        risks.append([
            value(SinglingOut().scores(case_of(MIXED, rows, train, strangers[:m])), "singling_out_risk_multivariate")
            for m in (60, 120, 240)
        ])  # fmt: skip
    half, equal, twice = np.mean(risks, axis=0)
    assert 0.2 < equal < 0.5
    assert half == pytest.approx(equal, abs=0.03)
    assert twice == pytest.approx(equal, abs=0.03)


def test_without_a_hit_there_is_no_risk() -> None:
    # No guess fits one of 40 train rows, two of the four fit one of 20 held-out rows, each three rows in all.
    train = Fits(
        40,
        np.array([2, 2, 3, 0]),
        [np.array([0, 1]), np.array([2, 3]), np.array([0, 2, 3]), np.array([], int)],
    )
    holdout = Fits(20, np.array([1, 1, 0, 0]), [np.array([4]), np.array([5]), *[np.array([], int)] * 2])
    found = hits(train, holdout)
    assert found.attack == 0
    assert found.worth == pytest.approx(2 * 20 / 40 * 19 / 39)
    assert found.control == pytest.approx(found.worth / 2)
    risk, low, high = gained(train, holdout, 4, np.random.default_rng(0), idle)
    assert (risk, low) == (0, 0)
    assert high > 0.2


@pytest.mark.parametrize(("train", "holdout"), [(40, 20), (30, 30), (20, 50)])
def test_dealing_anew_is_all_ways_to_deal(train: int, holdout: int) -> None:
    rng = np.random.default_rng(train)
    total = train + holdout
    fitting = [rng.choice(total, size, replace=False) for size in rng.integers(1, 6, 40)]

    def side(first: int, last: int, places: Any) -> Fits:
        rows = [
            np.sort(places[found][(places[found] >= first) & (places[found] < last)]) - first
            for found in fitting
        ]
        return Fits(last - first, np.array([len(found) for found in rows]), rows)

    gaps = []
    for _ in range(4_000):
        places = rng.permutation(total)
        found = hits(side(0, train, places), side(train, total, places))
        gaps.append(found.attack - found.control)
    assert np.mean(gaps) == pytest.approx(0, abs=0.01)  # whatever the sizes
    kept = np.arange(total)
    ends = _by_chance(side(0, train, kept), side(train, total, kept), np.random.default_rng(1), idle)
    assert ends == pytest.approx(np.quantile(gaps, [0.025, 0.975]), abs=0.03)


@pytest.mark.parametrize("holdout", [20, 40])
def test_where_nothing_leaked_the_risk_is_seldom_above_zero(holdout: int) -> None:
    found = [
        score
        for seed in range(40)
        for score in SinglingOut().scores(leaking_case("fresh", 40, 40, holdout, seed))
        if score.metric.startswith("singling_out_risk") and score.value is not None
    ]
    assert len(found) == 80
    missed = np.mean([score.low is not None and score.low > 0 for score in found])
    assert missed <= 0.07  # at most 2.5% are expected, and guesses of one case go together


def test_long_numbers_are_told_apart() -> None:
    # Alone among the rows are both numbers, which float64 cannot tell apart; only one is a train row's.
    schema = Schema.model_validate({"columns": [{"name": "x", "kind": "integer", "range": [0, 2**62]}]})
    long = 10**17
    case = case_of(schema, [[long], [long + 3]] * 5, [[long], [5], [6]], [[7], [8], [9]])
    note = find(SinglingOut().scores(case), "singling_out_rate_univariate")
    # = long, <= long, = long + 3, >= long + 3
    assert note.value == pytest.approx(1 / 4)


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
