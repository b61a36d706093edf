"""Two columns together: by hand and against numpy and scipy."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chi2_contingency
from threadpoolctl import threadpool_limits

from localsynth.core.judging import Score
from localsynth.core.schema import Schema
from localsynth.metrics import association
from localsynth.metrics.pace import now_and_then
from localsynth.metrics.pairs import Pairs
from tests.metrics.support import case_of, find, mixed_case, numbers_schema, value, words_schema


def scores(schema: Schema, made: list[Any], train: list[Any]) -> list[Score]:
    return list(Pairs().scores(case_of(schema, made, train)))


def test_two_numbers_by_their_correlation() -> None:
    train = [[1, 1], [2, 2], [3, 3], [None, 9], [9, None]]
    made = [[1, 3], [2, 2], [3, 1], [None, 5]]
    found = scores(numbers_schema("x", "y"), made, train)
    assert value(found, "pair_trends", "x", "y") == pytest.approx(0.0)  # r = 1 became -1
    assert value(found, "correlation_difference") == pytest.approx(2.0)


def test_two_categories_by_their_combinations() -> None:
    train = [["a", "a"], ["a", "b"], ["b", None], ["b", None]]
    made = [["a", "a"], ["a", "a"], ["b", None], ["c", None]]
    found = scores(words_schema("x", "y"), made, train)
    # (a,a) .5/.25, (a,b) 0/.25, (b,-) .25/.5, (c,-) .25/0
    assert value(found, "pair_trends", "x", "y") == pytest.approx(0.5)


def test_a_number_and_a_category_cut_at_deciles() -> None:
    schema = Schema.model_validate(
        {
            "columns": [
                *numbers_schema("x").model_dump()["columns"],
                *words_schema("y").model_dump()["columns"],
            ]
        }
    )
    train = [[i, "a" if i < 50 else "b"] for i in range(100)]
    made = [[i, "b" if i < 50 else "a"] for i in range(100)]
    same = [[i + 0.3, "a" if i < 50 else "b"] for i in range(100)]
    assert value(scores(schema, made, train), "pair_trends", "x", "y") == pytest.approx(0.0)
    assert value(scores(schema, train, train), "pair_trends", "x", "y") == pytest.approx(1.0)
    assert value(scores(schema, same, train), "pair_trends", "x", "y") > 0.9


def test_a_pair_without_a_correlation_in_train_is_left_out() -> None:
    train = [[1, 1, 1], [1, 2, 2], [1, 3, 3]]
    found = scores(numbers_schema("x", "y", "z"), train, train)
    assert find(found, "pair_trends", "x", "y").value is None
    assert value(found, "pair_trends") == pytest.approx(1.0)
    assert "2 left out" in find(found, "pair_trends").note


def test_no_correlation_here_counts_as_none() -> None:
    found = scores(numbers_schema("x", "y"), [[1, 1], [1, 2], [1, 3]], [[1, 1], [2, 2], [3, 3]])
    assert value(found, "pair_trends", "x", "y") == pytest.approx(0.5)


def test_texts_are_left_out_and_all_other_pairs_are_there() -> None:
    pairs = {(s.column_a, s.column_b) for s in Pairs().scores(mixed_case()) if s.column_a}
    assert len(pairs) == 15  # of six columns
    assert not any("note" in pair for pair in pairs)


def test_texts_of_a_small_table_are_left_out_too() -> None:
    schema = Schema.model_validate(
        {"columns": [*numbers_schema("x", "y").model_dump()["columns"], {"name": "note", "kind": "text"}]}
    )
    train = [[i, i % 5, f"note {i % 6}"] for i in range(12)]
    holdout = [[i, i % 7, f"note {i}"] for i in range(12)]
    found = Pairs().scores(case_of(schema, train, train, holdout))
    assert {(s.column_a, s.column_b) for s in found if s.column_a} == {("x", "y")}


def columns_with_gaps(rng: np.random.Generator, n: int) -> list[Any]:
    base = rng.normal(size=n)
    made = [base, base + rng.normal(size=n), rng.normal(size=n) * 1e6 + 1e9, np.full(n, 0.1), base * -3 + 7]
    for column in made[1:4]:
        column[rng.random(n) < 0.2] = np.nan
    return made


@pytest.mark.parametrize("n", [3, 40, 45_000])
def test_correlations_are_numpys(n: int) -> None:
    columns = columns_with_gaps(np.random.default_rng(n), n)
    found = association.pearson(columns)
    for i, a in enumerate(columns):
        for j, b in enumerate(columns):
            both = ~np.isnan(a) & ~np.isnan(b)
            if both.sum() < 2 or np.ptp(a[both]) == 0 or np.ptp(b[both]) == 0:
                assert np.isnan(found[i, j])
            else:
                assert found[i, j] == pytest.approx(np.corrcoef(a[both], b[both])[0, 1], abs=1e-9)


def test_a_correlation_beside_an_outlier() -> None:
    """Over the rows both have, the first column varies a billion times less than elsewhere."""
    a = np.array([1e9, 1.0, 2.0, 3.0, 4.0])
    b = np.array([np.nan, 1.0, 2.0, 3.0, 5.0])
    assert association.pearson([a, b])[0, 1] == pytest.approx(np.corrcoef(a[1:], b[1:])[0, 1])


def bergsma(table: Any) -> float:
    """The formulas of the paper, one by one."""
    n = table.sum()
    r, k = table.shape
    phi = chi2_contingency(table, correction=False).statistic / n
    phi = max(0.0, phi - (r - 1) * (k - 1) / (n - 1))
    r, k = r - (r - 1) ** 2 / (n - 1), k - (k - 1) ** 2 / (n - 1)
    return float(np.sqrt(phi / min(r - 1, k - 1)))


def test_cramers_v_without_its_bias() -> None:
    rng = np.random.default_rng(0)
    first = rng.integers(0, 3, 200)
    second = np.where(rng.random(200) < 0.5, first, rng.integers(0, 4, 200))
    table = np.zeros((3, 4))
    np.add.at(table, (first, second), 1)
    found = association.cramers_v(association.count(first, second, (3, 4)), 4)
    assert found == pytest.approx(bergsma(table))


def test_unrelated_columns_have_next_to_no_association() -> None:
    rng = np.random.default_rng(1)
    words, numbers = rng.integers(0, 15, 130), rng.normal(size=130)
    strength = [association.correlation_ratio(rng.permutation(words), numbers) for _ in range(200)]
    assert np.mean(np.square(strength)) < 0.03  # uncorrected it is about 14 / 129
    assert association.cramers_v(association.count(words, rng.permutation(words), (15, 15)), 15) < 0.15


def test_the_correlation_ratio_by_hand() -> None:
    codes, values = np.array([0, 0, 1, 1, 1]), np.array([1.0, 3.0, 5.0, 7.0, np.nan])
    # within: 1 + 1 + 1 + 1 = 4 over n - k = 2; total: 20 over n - 1 = 3
    assert association.correlation_ratio(codes, values) == pytest.approx(np.sqrt(1 - (4 / 2) / (20 / 3)))


@pytest.mark.parametrize("threads", [1, 2])
def test_the_last_digit_does_not_depend_on_threads(threads: int) -> None:
    rng = np.random.default_rng(4)
    table = (rng.normal(size=(3_000, 40)) @ rng.normal(size=(40, 40))).round(6).clip(-1e6, 1e6).tolist()
    schema = numbers_schema(*(f"c{i}" for i in range(40)))
    with threadpool_limits(1):
        expected = list(Pairs().scores(case_of(schema, table[:2000], table[2000:])))
    with threadpool_limits(threads):
        found = list(Pairs().scores(case_of(schema, table[:2000], table[2000:], threads=threads)))
    assert found == expected


def test_it_is_asked_whether_to_stop_by_the_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    now, asked = [0.0], []
    monkeypatch.setattr("localsynth.metrics.pace.time.monotonic", lambda: now[0])
    check = now_and_then(lambda: asked.append(now[0]))
    for _ in range(30):
        check()
        now[0] += 0.125
    assert asked == [0.0, 0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5]


def test_pairs_of_thousands_of_categories() -> None:
    """Far more cells than rows: against counts in plain Python."""
    rng = np.random.default_rng(5)
    one, other = ([(int(a), int(b)) for a, b in rng.pareto(1, (n, 2)) * 300 // 1] for n in (4000, 900))
    tables = [association.count(*np.array(rows).T % 5000, (5000, 5000)) for rows in (one, other)]
    p, q = (Counter((a % 5000, b % 5000) for a, b in rows) for rows in (one, other))
    expected = sum(abs(p[cell] / len(one) - q[cell] / len(other)) for cell in p | q) / 2
    assert association.total_variation(*tables) == pytest.approx(expected)
    assert association.total_variation(tables[1], tables[0]) == pytest.approx(expected)
    assert association.total_variation(tables[0], tables[0]) == 0.0


CODES = st.lists(st.tuples(st.integers(0, 3), st.integers(0, 4)), min_size=1, max_size=30)


@given(CODES, CODES)
def test_few_and_many_cells_are_counted_alike(one: list[Any], other: list[Any]) -> None:
    (a, b), (c, d) = np.array(one).T, np.array(other).T
    dense = [association.count(x, y, (4, 5)) for x, y in ((a, b), (c, d))]
    sparse = [association.count(x, y, (10**6, 5)) for x, y in ((a, b), (c, d))]
    for (keys, counts), (keys_, counts_) in zip(dense, sparse, strict=True):
        assert keys.tolist() == keys_.tolist()
        assert counts.tolist() == counts_.tolist()
    tables = [np.zeros((4, 5)) for _ in range(2)]
    np.add.at(tables[0], (a, b), 1 / len(a))
    np.add.at(tables[1], (c, d), 1 / len(c))
    assert association.total_variation(*dense) == pytest.approx(np.abs(tables[0] - tables[1]).sum() / 2)


def test_of_a_very_wide_table_the_same_pairs_are_judged(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localsynth.metrics.pairs._MOST", 4)
    one = [s for s in Pairs().scores(mixed_case(seed=1)) if s.column_a]
    other = [s for s in Pairs().scores(mixed_case(rows=30, seed=2)) if s.column_a]
    assert len(one) == 4
    assert [(s.column_a, s.column_b) for s in one] == [(s.column_a, s.column_b) for s in other]
