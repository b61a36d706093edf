from __future__ import annotations

from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings

from localsynth.core.judging import Case
from localsynth.core.schema import Schema
from localsynth.metrics import space as spaces
from localsynth.metrics.copies import Copies
from localsynth.metrics.intervals import wilson

from .privacy_cases import again, leaking_case
from .support import MIXED, assert_kept, case_of, cases, find, mixed_rows, numbers_schema, value, words_schema

NUMBER, WORDS = numbers_schema("x"), words_schema("a", "b")


def test_exact_copies_are_counted_with_their_interval() -> None:
    train = [["a", "b"], [None, "c"], ["b", "b"]]
    rows = [["a", "b"], ["a", "b"], [None, "c"], ["b", None], ["c", "c"]]
    score = find(Copies().scores(case_of(WORDS, rows, train, train)), "exact_copies")
    assert score.value == 0.6
    assert (score.low, score.high) == wilson(3, 5)
    assert score.note == "3 of 5 rows equal a train row in every column"


def test_every_kind_of_cell_is_compared() -> None:
    row = [40, 1.25, "A", True, date(2021, 2, 3), None, "a note"]
    others = [41, 1.26, None, False, date(2021, 2, 4), None, "another"]
    rows = [row, *([*row[:i], other, *row[i + 1 :]] for i, other in enumerate(others) if other != row[i])]
    scores = list(Copies().scores(case_of(MIXED, rows, [row])))
    assert find(scores, "exact_copies").note.startswith("1 of 7 rows")


def test_long_numbers_are_compared_digit_by_digit() -> None:
    schema = Schema.model_validate(
        {"columns": [{"name": "x", "kind": "integer", "range": [0, 2**62], "nullable": True}]}
    )
    real = [[10**17 + 16 * i] for i in range(20)]
    made = [[10**17 + 16 * i + 3] for i in range(19)]
    case = case_of(schema, [*made, real[3], [None]], [*real, [None]], real)
    assert find(Copies().scores(case), "exact_copies").note.startswith("2 of 21 rows")


def test_zero_has_no_sign_and_missing_is_missing() -> None:
    case = case_of(NUMBER, [[-0.0], [None], [1.0]], [[0.0], [None]])
    assert value(Copies().scores(case), "exact_copies") == pytest.approx(2 / 3)


def test_near_copies_by_hand() -> None:
    # Train rows at 0 and 20, so that 10 is one standard deviation. The 40 held-out rows lie 1, 2, ... 40 beyond 20: the
    # nearest 5% are the first two, at most 2 away.
    held = [[20.0 + i] for i in range(1, 41)]
    case = case_of(NUMBER, [[0.0], [1.9], [2.0], [2.1], [18.5], [9.0], [23.0], [30.0]], [[0.0], [20.0]], held)
    scores = list(Copies().scores(case))
    near, own = find(scores, "near_copies"), find(scores, "near_copies_holdout")
    assert (near.value, own.value) == (0.5, 0.05)
    assert (near.low, near.high) == wilson(4, 8)
    assert (own.low, own.high) == wilson(2, 40)
    assert near.note == "4 of 8 rows are at most 0.2 from a train row, as are 5.0% of the held-out rows"


def test_where_many_are_alike_the_threshold_is_no_distance() -> None:
    case = case_of(WORDS, [["a", "a"], ["b", "b"]], [["a", "a"]], [["a", "a"]] * 30 + [["b", "a"]] * 10)
    scores = list(Copies().scores(case))
    assert value(scores, "near_copies") == 0.5
    assert value(scores, "near_copies_holdout") == 0.75
    assert "many people look the same" in find(scores, "near_copies").note


def test_few_held_out_rows_are_said_to_be_few() -> None:
    case = case_of(NUMBER, [[0.0]], [[0.0], [20.0]], [[1.0], [2.0], [3.0]])
    scores = list(Copies().scores(case))
    assert value(scores, "near_copies_holdout") == pytest.approx(1 / 3)
    assert "with 3 held-out rows" in find(scores, "near_copies").note


def test_without_holdout_only_exact_copies() -> None:
    scores = list(Copies().scores(case_of(NUMBER, [[1.0]], [[1.0]])))
    assert value(scores, "exact_copies") == 1
    assert find(scores, "near_copies").value is None
    assert "held out" in find(scores, "near_copies_holdout").note


def test_free_text_has_no_distance() -> None:
    schema = MIXED.model_copy(
        update={"columns": (MIXED.column("note"),), "rules": (), "dependencies": (), "target": None}
    )
    train = [[f"text {i}"] for i in range(60)]
    scores = list(Copies().scores(case_of(schema, [["text 1"], ["x"]], train, [["y"]])))
    assert value(scores, "exact_copies") == 0.5
    assert "free text" in find(scores, "near_copies").note


@pytest.mark.parametrize("empty", ["rows", "train"])
def test_without_rows_nothing_applies(empty: str) -> None:
    tables = {"rows": [[1.0]], "train": [[1.0]], "holdout": [[1.0]], empty: []}
    assert all(score.value is None for score in assert_kept(Copies(), case_of(NUMBER, **tables)))


def test_copies_are_found_and_new_people_are_not() -> None:
    copies, fresh = (list(Copies().scores(leaking_case(source))) for source in ("copies", "fresh"))
    assert value(copies, "exact_copies") == 1
    assert value(copies, "near_copies") == 1
    assert value(fresh, "exact_copies") == 0
    near = find(fresh, "near_copies")
    assert near.low is not None
    assert near.high is not None
    assert near.low <= value(fresh, "near_copies_holdout") <= near.high


def test_rows_beyond_what_a_moment_allows_are_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = list(Copies().scores(leaking_case("fresh", 1_500)))
    monkeypatch.setattr(spaces, "_WORK", 0)
    some = list(Copies().scores(leaking_case("fresh", 1_500)))
    assert find(some, "exact_copies") == find(whole, "exact_copies")
    assert "judged on 500 of 1,500 rows, drawn by chance" in find(some, "near_copies").note
    assert value(some, "near_copies") == pytest.approx(value(whole, "near_copies"), abs=0.04)


def test_tables_beyond_memory_are_cut(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spaces, "_CELLS", 0)
    case = case_of(MIXED, mixed_rows(1_200, 1), mixed_rows(1_100, 2), mixed_rows(50, 3))
    space = spaces.space(case)
    assert space is not None
    assert {part: len(matrix) for part, matrix in space.matrix.items()} == {
        "rows": 1_000,
        "train": 1_000,
        "holdout": 50,
    }
    np.testing.assert_array_equal(space.rows["holdout"], np.arange(50))
    note = find(Copies().scores(case), "near_copies").note
    assert "memory held 1,000 of 1,200 rows judged and 1,000 of 1,100 train rows, drawn by chance" in note


def test_outliers_stay_within_bounds() -> None:
    assert_kept(Copies(), case_of(NUMBER, [[1e300], [-1e300], [float("inf")]], [[0.0], [1e-3]], [[0.5]] * 3))


@settings(max_examples=40)
@given(cases())
def test_the_contract(case: Case) -> None:
    assert assert_kept(Copies(), case) == again(Copies(), case)
