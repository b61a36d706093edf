"""Rows over the cells of targets: shares and coverage counted by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest

from localsynth.core.judging import Case
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics
from localsynth.metrics.fit import Targets
from localsynth.metrics.validity import Validity
from tests.metrics.support import assert_kept, case_of, find, value

MANY = tuple(f"k{i}" for i in range(40))
SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "age", "kind": "integer", "range": [0, 99], "nullable": True},
            {"name": "sex", "kind": "categorical", "categories": ["F", "M", "missing"], "nullable": True},
            {"name": "code", "kind": "categorical", "categories": list(MANY)},
        ]
    }
)
AGE = Margin(Axis("age", edges=(0, 50, 80, 100), missing=True), (0.5, 0.25, 0.0, 0.25))
SEX = Margin(Axis("sex", labels=(("F",), ("M",), ("missing",)), missing=True), (0.5, 0.3, 0.2, 0.0))
CODE = Margin(Axis("code", labels=tuple((k,) for k in MANY)), tuple((i + 1) / 820 for i in range(40)))
ROWS = [[10, "F", "k39"], [20, "F", "k0"], [60, "missing", "k1"], [None, None, "k39"]]


def case(*margins: Margin) -> Case:
    return replace(case_of(SCHEMA, ROWS), targets=Statistics(margins))


def test_both_shares_of_each_cell() -> None:
    scores = assert_kept(Targets(), case(AGE, SEX))
    wanted = {s.item: s.value for s in scores if s.metric == "target_shares" and s.column_a == "age"}
    found = {s.item: s.value for s in scores if s.metric == "target_cells" and s.column_a == "age"}
    assert wanted == {"0 to 49": 0.5, "50 to 79": 0.25, "80 to 99": 0.0, "missing": 0.25}
    assert found == {"0 to 49": 0.5, "50 to 79": 0.25, "80 to 99": 0.0, "missing": 0.25}
    assert value(scores, "target_cells", "sex", item="missing") == 0.25
    assert value(scores, "target_cells", "sex", item="missing (no value)") == 0.25


def test_of_many_categories_the_largest_are_told_and_the_rest_together() -> None:
    scores = [s for s in assert_kept(Targets(), case(CODE)) if s.column_a == "code"]
    cells = [s for s in scores if s.metric == "target_cells"]
    assert [s.item for s in cells] == [*MANY[20:], "(20 others)"]
    assert cells[-1].value == 0.5
    assert sum(s.value or 0 for s in cells) == pytest.approx(1)
    assert sum(s.value or 0 for s in scores if s.metric == "target_shares") == pytest.approx(1)


def test_coverage_is_of_the_cells_that_should_hold_a_row() -> None:
    scores = list(Validity().scores(case(AGE, SEX)))
    # of 4 rows F should have 2, M 1.2, 'missing' 0.8, no value 0
    assert value(scores, "category_coverage", "sex") == 0.5
    assert find(scores, "category_coverage", "sex").note == "1 of 2 cells of the target"
    assert value(scores, "range_coverage", "age") == pytest.approx(50 / 79)  # 10 to 60 of 0 to 79
    inner = replace(AGE, inner=((10, 20, 30), (55, 60, 70), (80, 90, 99)))
    assert value(Validity().scores(case(inner)), "range_coverage", "age") == pytest.approx(50 / 60)


def test_without_targets_and_train_rows_there_is_no_coverage() -> None:
    scores = list(Validity().scores(case_of(SCHEMA, ROWS)))
    assert "no real train rows" in find(scores, "category_coverage").note
    withheld = replace(case_of(SCHEMA, ROWS), withheld="it is private")
    assert find(Validity().scores(withheld), "range_coverage").note == "not applicable, because it is private"
