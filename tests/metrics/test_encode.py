"""Cells as numbers, codes and vectors."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.schema import Schema
from localsynth.metrics.design import designs
from localsynth.metrics.encode import PARTS, View, _numbers, _ranks, features, one_hot_width, views
from localsynth.metrics.grouping import cell_codes, distinct_rows, row_groups
from tests.metrics.support import MIXED, case_of, mixed_case, numbers_schema, words_schema


def view(kind: dict[str, Any], made: list[Any], train: list[Any] = (), holdout: list[Any] = ()) -> View:  # type: ignore[assignment]
    schema = Schema.model_validate({"columns": [{"name": "x", "nullable": True, **kind}]})
    case = case_of(schema, [[x] for x in made], [[x] for x in train], [[x] for x in holdout])
    (found,) = views(case)
    return found


def test_kinds_of_columns() -> None:
    kinds = {found.name: found.kind for found in views(mixed_case())}
    assert kinds == {
        "age": "number", "dose": "number", 'ward "x"': "category", "ill": "category", "day": "number", "seen": "number",
        "note": "text",
    }  # fmt: skip


def test_whole_numbers_are_told() -> None:
    assert [found.whole for found in views(mixed_case()) if found.kind == "number"] == [
        True,
        False,
        True,
        True,
    ]


def test_days_and_minutes_since_1970() -> None:
    days = view(
        {"kind": "date", "range": ["1900-01-01", "2100-01-01"]}, [date(1970, 1, 3), None, date(1969, 12, 31)]
    )
    assert np.array_equal(days.parts["rows"], [2, np.nan, -1], equal_nan=True)
    moments = view(
        {"kind": "datetime", "range": ["1900-01-01T00:00", "2100-01-01T00:00"]},
        [datetime(1970, 1, 1, 1, 1), datetime(1969, 12, 31, 23, 59)],
    )
    assert moments.parts["rows"].tolist() == [61, -1]


def test_what_is_no_finite_number_is_missing() -> None:
    found = view({"kind": "float", "range": [0, 1]}, [0.5, float("inf"), float("-inf"), float("nan"), None])
    assert found.missing("rows").tolist() == [False, True, True, True, True]


def test_levels_are_shared_and_the_most_frequent_of_train_come_first() -> None:
    found = view(
        {"kind": "categorical", "categories": ["a", "b", "c", "d"]},
        ["d", None],
        ["c", "b", "c", "b", "b", None, None, None],
        ["a", "c"],
    )
    assert found.levels == ("b", None, "c", "d", "a")
    assert found.unasked == 1
    assert found.parts["rows"].tolist() == [3, 1]
    assert found.parts["train"].tolist() == [2, 0, 2, 0, 0, 1, 1, 1]
    assert found.missing("rows").tolist() == [False, True]


@given(*(st.lists(st.sampled_from([*"abcdefg", None]), max_size=9) for _ in range(4)))
def test_held_out_values_move_no_code_of_another(made: Any, train: Any, held: Any, other: Any) -> None:
    kind = {"kind": "categorical", "categories": list("abcdefg")}
    one, two = view(kind, made, train, held), view(kind, made, train, other)
    for part in ("rows", "train"):
        assert one.parts[part].tolist() == two.parts[part].tolist()
    known = len({*made, *train})
    assert one.levels[:known] == two.levels[:known]
    assert len(one.levels) - one.unasked == len(two.levels) - two.unasked == known
    assert one_hot_width(one) == one_hot_width(two) == known


def test_held_out_values_do_not_narrow_a_table() -> None:
    names = [f"w{i}" for i in range(400)]
    columns = [f"c{i}" for i in range(12)]
    schema = words_schema(*columns, categories=names)
    train = [
        [names[i % 200]] * 12 for i in range(400)
    ]  # 12 x 200 places are few enough, 12 x 320 would not be
    held = [[name] * 12 for name in names]
    made = {
        side: designs(views(case_of(schema, train, train, rows)), {"rows": np.arange(400)})["rows"]
        for side, rows in {"few": train, "many": held}.items()
    }
    assert made["many"].note == made["few"].note == ""
    assert np.array_equal(made["many"].vectors, made["few"].vectors)


def test_texts_that_repeat_are_categories_however_many_are_made() -> None:
    made = [f"new {i}" for i in range(90)]
    assert view({"kind": "text"}, made, ["a", "b"] * 40).kind == "category"
    assert view({"kind": "text"}, made, ["a", "b", None] * 5).kind == "category"
    assert view({"kind": "text"}, made, [f"real {i}" for i in range(51)] * 9).kind == "text"


@pytest.mark.parametrize(
    ("train", "holdout"),
    [
        ([f"real {i}" for i in range(30)], []),  # a small table of notes
        (["a", "b"] * 4, []),
        ([f"real {i}" for i in range(10)], ["a", "b"] * 90),
        ([None] * 40, []),
        ([], []),
    ],
)
def test_texts_that_hardly_repeat_are_texts_however_few(train: list[Any], holdout: list[Any]) -> None:
    assert view({"kind": "text"}, ["a"] * 90, train, holdout).kind == "text"


def test_held_out_rows_do_not_decide_how_texts_are_read() -> None:
    held = [f"real {i}" for i in range(60)]
    assert view({"kind": "text"}, ["a"], ["a", "b"] * 10, held).kind == "category"
    assert view({"kind": "text"}, ["a"], ["a", "b"] * 10, []).kind == "category"


@pytest.mark.parametrize("base", [10**17, -(10**17), 2**53 - 1])
def test_whole_numbers_beyond_float64_are_told_apart(base: int) -> None:
    found = view(
        {"kind": "integer", "range": [-(2**62), 2**62]},
        [base, None, base + 1, base],
        [base + 3, base + 1, base + 2],
        [base + 2, None],
    )
    assert found.parts["rows"][0] == float(base)
    cells = found.cells("rows")
    assert np.isnan(cells[1])
    assert cells[[0, 3, 2]].tolist() == [0, 0, 1]
    assert found.cells("train").tolist() == [3, 1, 2]
    assert found.cells("holdout")[0] == 2
    assert cell_codes(found, "train").tolist() == [2, 0, 1]


@given(
    st.lists(
        st.lists(st.one_of(st.none(), st.integers(-(2**63), 2**63 - 1)), max_size=6), min_size=3, max_size=3
    )
)
def test_whole_numbers_compare_as_they_do(tables: list[list[int | None]]) -> None:
    arrays = {part: pa.array(cells, pa.int64()) for part, cells in zip(PARTS, tables, strict=True)}
    found = View(
        "x", "number", {part: _numbers(array) for part, array in arrays.items()}, ranks=_ranks(arrays)
    )
    given = [cell for cells in tables for cell in cells]
    told = np.concatenate([found.cells(part) for part in PARTS]).tolist()
    for one, cell in zip(given, told, strict=True):
        for other, mark in zip(given, told, strict=True):
            if one is not None and other is not None:
                assert (one < other, one == other) == (cell < mark, cell == mark)
        assert (one is None) == bool(np.isnan(cell))


def test_numbers_float64_tells_apart_need_no_ranks() -> None:
    assert view({"kind": "integer", "range": [0, 2**60]}, [2**53, None, 1]).ranks is None
    assert view({"kind": "float", "range": [0, 1]}, [0.5]).ranks is None
    assert view({"kind": "date", "range": ["1900-01-01", "2100-01-01"]}, [date(1970, 1, 3)]).ranks is None


def test_moments_off_the_minute_are_told_apart() -> None:
    far = datetime(9998, 1, 1, 0, 0, 0, 1)
    kind = {"kind": "datetime", "range": ["1900-01-01T00:00", "9999-01-01T00:00"]}
    assert view(kind, [far.replace(microsecond=0)]).ranks is None
    assert view(kind, [far, far.replace(microsecond=2)], [far]).cells("rows").tolist() == [0, 1]


def test_numbers_are_standardised_by_train_and_missing_ones_stand_at_its_median() -> None:
    case = case_of(numbers_schema("x"), [[5], [None]], [[1], [2], [6], [None]])
    matrix = features(case).matrix["rows"]
    mean, spread = np.mean([1, 2, 6]), np.std([1, 2, 6])
    assert matrix[:, 0] == pytest.approx([(5 - mean) / spread, (2 - mean) / spread])
    assert matrix[:, 1].tolist() == [0, 1]


def test_equal_decimals_have_no_deviation_to_divide_by() -> None:
    case = case_of(numbers_schema("x"), [[0.1], [1.1]], [[0.1]] * 3)
    assert features(case).matrix["rows"][:, 0] == pytest.approx([0.0, 1.0])


def test_rows_that_differ_in_one_category_are_one_apart() -> None:
    case = case_of(words_schema("x"), [["a"], ["b"], [None]], [["a"]])
    matrix = features(case, onehot=float(np.sqrt(0.5))).matrix["rows"]
    apart = np.linalg.norm(matrix[:, None] - matrix[None], axis=2)
    assert apart == pytest.approx(1 - np.eye(3))


def test_very_many_levels_share_places() -> None:
    words = [f"w{i}" for i in range(1000)]
    case = case_of(words_schema("x", categories=words), [[word] for word in words], [])
    matrix = features(case).matrix["rows"]
    assert matrix.shape[1] < 400
    assert (matrix.sum(axis=1) == 1).all()


def test_features_of_all_columns_but_one() -> None:
    found = features(mixed_case())
    left = found.without("ill")
    assert set(range(*found.blocks["ill"].indices(10**6))).isdisjoint(left)
    assert len(left) + 2 == found.matrix["rows"].shape[1]
    assert "note" not in found.blocks


def test_a_case_computes_its_views_once() -> None:
    case = mixed_case()
    assert views(case) is views(case)
    assert features(case) is features(case)


def test_equal_rows_share_a_number() -> None:
    rows = [["a", "b"], [None, "b"], ["a", "b"], [None, None], [None, "b"]]
    columns = views(case_of(words_schema("p", "q"), rows))
    groups = row_groups(cell_codes(found, "rows") for found in columns).tolist()
    assert [groups.index(group) for group in groups] == [0, 1, 0, 3, 1]
    assert distinct_rows(columns, "rows", np.arange(5)).tolist() == [0, 1, 3]
    assert distinct_rows(columns, "rows", np.array([2, 4, 0, 1])).tolist() == [2, 4]


def test_missing_numbers_are_alike() -> None:
    (found,) = views(case_of(numbers_schema("x"), [[None], [1], [None], [-0.0], [0.0]]))
    codes = cell_codes(found, "rows")
    assert codes[0] == codes[2] != codes[1]
    assert codes[3] == codes[4]


def test_tables_without_rows() -> None:
    case = case_of(MIXED, [], [], [])
    assert all(found.parts[part].size == 0 for found in views(case) for part in ("rows", "train", "holdout"))
    assert features(case).matrix["rows"].shape[0] == 0
