"""Fit to target statistics: distances counted by hand."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.columns import BooleanColumn, CategoricalColumn
from localsynth.core.evaluation import REAL
from localsynth.core.judging import Case
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics, Table
from localsynth.metrics.fit import Targets
from localsynth.metrics.judge import judge
from tests.metrics.support import assert_kept, case_of, cases, columns_of, find, value

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "age", "kind": "integer", "range": [0, 99]},
            {"name": "sex", "kind": "categorical", "categories": ["F", "M"], "nullable": True},
            {"name": "note", "kind": "text"},
        ]
    }
)
AGE = Axis("age", edges=(0, 50, 100))
SEX = Axis("sex", labels=(("F",), ("M",)), missing=True)
MARGINS = (Margin(AGE, (0.5, 0.5)), Margin(SEX, (0.5, 0.25, 0.25)), Margin(Axis("note"), (1.0,)))
ROWS = [[10, "F", "a"], [20, "M", "b"], [30, "F", "c"], [70, None, "d"]]


def aiming(targets: Statistics | None, rows: Any = ROWS) -> Case:
    return replace(case_of(SCHEMA, rows), targets=targets)


def test_margins_are_held_against_every_row() -> None:
    scores = assert_kept(Targets(), aiming(Statistics(MARGINS)))
    assert value(scores, "target_margins", "age") == pytest.approx(0.25)  # 3 and 1 where 2 and 2 were wanted
    assert value(scores, "target_margins", "sex") == 0.0
    assert value(scores, "target_margins") == pytest.approx(0.25)
    assert value(scores, "target_margins", item="mean") == pytest.approx(0.125)
    assert find(scores, "target_margins").note == "the largest of 2 columns (age); their mean is 0.1250"
    assert not [score for score in scores if score.column_a == "note"]
    assert "hold no tables" in find(scores, "target_tables").note


def test_a_value_in_no_cell_is_in_the_wrong_one() -> None:
    young = (Margin(Axis("age", edges=(0, 50)), (1.0,)), *MARGINS[1:])
    wide = (Margin(Axis("age", edges=(0, 20, 50)), (0.25, 0.75)), *MARGINS[1:])
    assert not [s for s in Targets().scores(aiming(Statistics(young))) if s.column_a == "age"]
    found = find(Targets().scores(aiming(Statistics(wide))), "target_margins", "age")
    assert found.value == pytest.approx(0.25)
    assert found.note == "25.0% of the rows have a value that no cell holds"


def test_tables_are_held_against_the_rows_in_their_cells() -> None:
    both = Table((AGE, replace(SEX, missing=False)), (0.5, 0.5, 0.0, 0.0))
    three = Table((AGE, SEX), (0.5, 0.25, 0.0, 0.0, 0.0, 0.25))
    scores = assert_kept(Targets(), aiming(Statistics(MARGINS, (both, three))))
    # F, M, F of the three whose sex is known: 2/3 and 1/3 where halves were wanted.
    first = find(scores, "target_tables", "age", "sex")
    assert first.value == pytest.approx(1 / 6)
    assert first.note == "of the 75.0% of rows that lie in its cells"
    assert value(scores, "target_tables", "age", "sex", item="(2)") == 0.0
    assert value(scores, "target_tables") == pytest.approx(1 / 6)


def test_a_table_of_three_columns_is_called_by_their_names() -> None:
    table = Table((AGE, SEX, Axis("note")), (0.5, 0.25, 0.0, 0.0, 0.0, 0.25))
    scores = assert_kept(Targets(), aiming(Statistics(MARGINS, (table,))))
    assert value(scores, "target_tables", item="age, sex, note") == 0.0


def test_a_table_none_of_whose_cells_has_a_row_is_missed_wholly() -> None:
    table = Table((Axis("age", edges=(90, 100)), SEX), (0.5, 0.25, 0.25))
    scores = assert_kept(Targets(), aiming(Statistics(MARGINS, (table,))))
    assert value(scores, "target_tables") == 1.0


@pytest.mark.parametrize(
    ("targets", "rows", "because"),
    [(None, ROWS, "not made to meet target statistics"), (Statistics(MARGINS), [], "no rows to judge")],
)
def test_nothing_to_measure(targets: Statistics | None, rows: Any, because: str) -> None:
    for score in assert_kept(Targets(), aiming(targets, rows)):
        assert because in score.note


def test_only_rows_that_have_targets_are_judged() -> None:
    case = case_of(SCHEMA, (), ROWS, ROWS)
    judged = list(
        judge(case, {"a": case.train, "b": case.train}, [Targets()], targets={"b": Statistics(MARGINS)})
    )
    told = {j.subject for j in judged if j.score.value is not None}
    assert told == {"b"}
    assert {j.subject for j in judged} == {REAL, "a", "b"}


@given(cases(), st.data())
@settings(max_examples=40, deadline=None)
def test_never_fails_whatever_the_rows_hold(case: Case, data: st.DataObject) -> None:
    margins = []
    for name in columns_of(case.schema):
        column = case.schema.column(name)
        missing = data.draw(st.booleans())
        if isinstance(column, CategoricalColumn | BooleanColumn):
            values = tuple(column.categories) if isinstance(column, CategoricalColumn) else ("true", "false")
            axis = Axis(name, labels=(values[:1], *([values[1:]] if values[1:] else [])), missing=missing)
        elif column.kind == "text":
            axis = Axis(name, missing=missing)
        else:
            edges = sorted(data.draw(st.sets(st.integers(-(10**6), 10**6), min_size=2, max_size=4)))
            axis = Axis(name, edges=tuple(edges), missing=missing)
        margins.append(Margin(axis, (1.0,) + (0.0,) * (axis.size - 1)))
    axes = tuple(margin.axis for margin in margins[:2])
    size = axes[0].size * axes[-1].size
    tables = (Table(axes, (1 / size,) * size),) if len(axes) == 2 else ()
    assert_kept(Targets(), replace(case, targets=Statistics(tuple(margins), tables)))
