"""Cells, rules, dependencies, coverage, repeats: counted by hand and against the cell reader."""

from __future__ import annotations

from dataclasses import replace
from datetime import date, datetime
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.cells import read_cell
from localsynth.core.celltext import text_of
from localsynth.core.errors import RuleError
from localsynth.core.judging import Kept, Score
from localsynth.core.schema import Schema
from localsynth.metrics.cells import forbidden_cells
from localsynth.metrics.validity import Validity
from localsynth.tables import arrow_type
from tests.core.strategies import cells, columns
from tests.metrics.support import MIXED, case_of, find, mixed_rows, numbers_schema, value, words_schema


def scores(*tables: Any, schema: Schema) -> list[Score]:
    return list(Validity().scores(case_of(schema, *tables)))


def one(kind: dict[str, Any]) -> Schema:
    return Schema.model_validate({"columns": [{"name": "x", **kind}]})


@pytest.mark.parametrize(
    ("kind", "values", "wrong"),
    [
        ({"kind": "integer", "range": [0, 9]}, [0, 9, -1, 10, None], [0, 0, 1, 1, 1]),
        ({"kind": "integer", "range": [0, 9], "nullable": True}, [0, None], [0, 0]),
        ({"kind": "integer", "range": [-(2**63) + 1, 2**63 - 1]}, [2**63 - 1, -(2**63)], [0, 1]),
        (
            {"kind": "float", "range": [0, 1], "decimals": 1},
            [0.1, 0.30000000000000004, 0.15, 1.0, 1.1, -0.0, float("nan"), float("inf"), 1e300],
            [0, 0, 1, 0, 1, 0, 1, 1, 1],
        ),
        ({"kind": "float", "range": [0, 1], "decimals": 0}, [1.0, 0.5], [0, 1]),
        ({"kind": "boolean"}, [True, False, None], [0, 0, 1]),
        ({"kind": "categorical", "categories": ["a", ""]}, ["a", "", "A", None], [0, 0, 1, 1]),
        (
            {"kind": "date", "range": ["2024-02-01", "2024-02-29"]},
            [date(2024, 2, 1), date(2024, 2, 29), date(2024, 3, 1), date(2024, 1, 31)],
            [0, 0, 1, 1],
        ),
        (
            {"kind": "datetime", "range": ["2024-02-01T08:00", "2024-02-01T09:00"]},
            [datetime(2024, 2, 1, 8), datetime(2024, 2, 1, 9), datetime(2024, 2, 1, 8, 0, 30), datetime(1969, 1, 1)],
            [0, 0, 1, 1],
        ),
        ({"kind": "text", "min_length": 2, "max_length": 3}, ["é😀", "abc", "a", "abcd", ""], [0, 0, 1, 1, 1]),
    ],
)  # fmt: skip
def test_cells_that_the_schema_forbids(kind: dict[str, Any], values: list[Any], wrong: list[int]) -> None:
    schema = one(kind)
    table = pa.table({"x": pa.array(values, arrow_type(schema.columns[0]))})
    assert forbidden_cells(schema, table)["x"].tolist() == [bool(w) for w in wrong]


KINDS = ("integer", "float", "boolean", "categorical", "date", "datetime", "text")
ANY: dict[str, st.SearchStrategy[Any]] = {
    "integer": st.integers(-(10**7), 10**7),
    "float": st.one_of(st.floats(-1e7, 1e7), st.integers(-(10**7), 10**7).map(lambda i: i / 100)),
    "boolean": st.booleans(),
    "categorical": st.text(max_size=3),
    "date": st.dates(),
    "datetime": st.datetimes(),
    "text": st.text(st.characters(exclude_categories=["Cs"]), max_size=30),
}


@given(st.data())
def test_the_cell_reader_refuses_the_same_cells(data: st.DataObject) -> None:
    kind = data.draw(st.sampled_from(KINDS))
    schema = Schema.model_validate({"columns": [data.draw(columns("x", kind))]})
    column = schema.columns[0]
    values = data.draw(st.lists(st.one_of(cells(column), ANY[kind], st.none()), max_size=20))

    def refused(cell: Any) -> bool:
        try:
            read_cell(column, text_of(cell), quoted=isinstance(cell, str))
        except ValueError:
            return True
        return False

    found = forbidden_cells(schema, pa.table({"x": pa.array(values, arrow_type(column))}))["x"]
    assert found.tolist() == [refused(cell) for cell in values]


def test_rows_and_columns_with_forbidden_cells() -> None:
    made = [["a", "a"], ["x", "y"], ["a", "z"], ["b", None]]
    found = scores(made, schema=words_schema("p", "q"))
    assert value(found, "invalid_rows") == 0.5
    assert value(found, "invalid_cells", "p") == 0.25
    assert value(found, "invalid_cells", "q") == 0.5
    assert value(found, "invalid_cells") == 0.375


def test_broken_rules_each_and_any() -> None:
    made = mixed_rows(8)
    for row, (age, dose, ill) in zip(made, [(5, 9.5, True), (5, 1.0, True), (50, None, True)], strict=False):
        row[0], row[1], row[3] = age, dose, ill
    found = scores(made, schema=MIXED)
    assert value(found, "rule_violations", item="the young are well") == 2 / 8
    assert value(found, "rule_violations", item="dose < 9") == 1 / 8
    assert value(found, "rule_violations") == 2 / 8


def test_a_rule_that_fails_on_a_value_is_told() -> None:
    def fails(table: pa.Table) -> Any:
        raise RuleError("rule 'x': could not convert 'a' to a number")

    case = replace(case_of(MIXED, mixed_rows(5)), violations=fails, kept=Kept())
    score = find(Validity().scores(case), "rule_violations")
    assert score.value is None
    assert "a rule fails on a value" in score.note
    assert "convert" not in score.note  # DuckDB's words quote the cell


def dependent(*determinant: str, schema: Schema, on: str) -> Schema:
    data = {**schema.model_dump(), "dependencies": [{"determinant": determinant, "dependent": on}]}
    return Schema.model_validate(data)


def test_rows_that_disagree_with_most_of_their_group() -> None:
    schema = dependent("town", schema=words_schema("town", "land"), on="land")
    made = [["a", "a"], ["a", "a"], ["a", "b"], ["b", None], ["b", None], ["b", "c"], [None, "a"], ["c", "c"]]
    found = scores(made, schema=schema)
    assert value(found, "dependency_violations", item="town -> land") == 2 / 8
    assert value(found, "dependency_violations") == 2 / 8


def test_a_dependency_on_two_columns() -> None:
    schema = dependent("p", "q", schema=words_schema("p", "q", "r"), on="r")
    made = [["a", "a", "a"], ["a", "a", "b"], ["a", "a", "b"], ["a", "b", "c"], ["b", "a", "a"]]
    found = scores(made, schema=schema)
    assert value(found, "dependency_violations", item="p, q -> r") == 1 / 5


def test_a_dependency_on_an_identifier_is_left_out() -> None:
    data = MIXED.model_dump()
    data["dependencies"] = [{"determinant": ["id"], "dependent": "age"}]
    found = scores(mixed_rows(5), schema=Schema.model_validate(data))
    assert find(found, "dependency_violations").value is None
    assert "identifier" in find(found, "dependency_violations", item="id -> age").note


def test_coverage_of_categories_counts_missing_as_one() -> None:
    train = [["a", "a"], ["b", "b"], [None, "b"], ["c", "a"]]
    found = scores([["a", "a"], ["x", "b"], [None, "a"]], train, schema=words_schema("p", "q"))
    assert value(found, "category_coverage", "p") == 2 / 4
    assert value(found, "category_coverage", "q") == 1.0
    assert value(found, "category_coverage") == 0.75


@pytest.mark.parametrize(
    ("made", "train", "covered"),
    [
        ([2, 4], [0, 10], 0.2),
        ([-5, 20, None], [0, 10, None], 1.0),
        ([20, 30], [0, 10], 0.0),
        ([10, 30], [0, 10], 0.0),
        ([None], [0, 10], 0.0),
        ([3], [3], 1.0),
        ([4], [3], 0.0),
    ],
)
def test_how_much_of_a_range_is_reached(made: list[Any], train: list[Any], covered: float) -> None:
    found = scores([[x] for x in made], [[x] for x in train], schema=numbers_schema("x"))
    assert value(found, "range_coverage", "x") == pytest.approx(covered)


def test_rows_that_repeat_an_earlier_one() -> None:
    made = [["a", "b"], ["a", "b"], ["a", None], ["a", None], ["a", None], ["b", "a"]]
    found = scores(made, schema=words_schema("p", "q"))
    assert value(found, "duplicate_rows") == 3 / 6


def test_repeats_are_exact_over_many_columns() -> None:
    rng = np.random.default_rng(1)
    rows = rng.integers(0, 2, (400, 12)).astype(float)
    found = scores(rows.tolist(), schema=numbers_schema(*(f"c{i}" for i in range(12))))
    assert value(found, "duplicate_rows") == (400 - len(np.unique(rows, axis=0))) / 400


def test_only_coverage_needs_real_rows() -> None:
    found = scores(mixed_rows(10), schema=MIXED)
    without = {score.metric for score in found if score.value is None}
    assert without == {"category_coverage", "range_coverage"}
