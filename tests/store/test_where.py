"""Conditions read by DuckDB's parser: what limits one column, what is left, and what is refused."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from random import Random
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth.core.cells import read_cell, row_grammar, write_cell
from localsynth.core.columns import Column
from localsynth.core.errors import RecipeError
from localsynth.core.schema import Rule, Schema
from localsynth.core.where import Limit, Where, limited_cell, narrowed, single
from localsynth.engine.uniform_text import draw_text, text_logprobs
from localsynth.methods.paft.narrowing import limit_mask
from localsynth.store.rules import RuleChecker
from localsynth.store.where import read_where
from localsynth.tables import table_of

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "age", "kind": "integer", "range": [0, 120]},
            {"name": "bmi", "kind": "float", "range": [10, 60], "decimals": 1, "nullable": True},
            {"name": "disease", "kind": "categorical", "categories": ["yes", "no", "maybe"]},
            {"name": "smoker", "kind": "boolean", "nullable": True},
            {"name": "day", "kind": "date", "range": ["2024-01-01", "2024-12-31"]},
            {"name": "seen", "kind": "datetime", "range": ["2024-01-01T00:00", "2024-12-31T23:59"]},
            {"name": 'a "b"', "kind": "text"},
        ]
    }
)
JUNE = date(2024, 6, 1).toordinal()


@pytest.mark.parametrize(
    ("text", "limits", "rest"),
    [
        ("disease = 'yes' and age > 60", {"disease": Limit(values=("yes",)), "age": Limit(low=61)}, ""),
        ("60 <= age and age < 61.5", {"age": Limit(low=60, high=61)}, ""),
        ("not (age <= 5) AND NOT age >= 9", {"age": Limit(low=6, high=8)}, ""),
        ("bmi < 20.55", {"bmi": Limit(high=205)}, ""),
        ("bmi between 20 and 30.05", {"bmi": Limit(low=200, high=300)}, ""),
        ("age in (1, 2, 500)", {"age": Limit(only=frozenset({1, 2, 500}))}, ""),
        ("age not in (1, 2)", {"age": Limit(but=frozenset({1, 2}))}, ""),
        ("disease not in ('yes')", {"disease": Limit(values=("no", "maybe"))}, ""),
        ("disease < 'n'", {"disease": Limit(values=("maybe",))}, ""),
        ("not smoker and bmi is null", {"smoker": Limit(values=("false",)), "bmi": Limit(null=True)}, ""),
        ("smoker is true", {"smoker": Limit(values=("true",))}, ""),
        ("bmi is not null", {"bmi": Limit()}, ""),
        ("day >= '2024-06-01' and day < DATE '2024-06-03'", {"day": Limit(low=JUNE, high=JUNE + 1)}, ""),
        ("SMOKER = true -- a remark", {"smoker": Limit(values=("true",))}, ""),
        ("age > 5 and age + bmi > 100", {"age": Limit(low=6)}, "(((age + bmi) > 100))"),
        ("age < 5 or age > 90", {}, "(((age < 5) OR (age > 90)))"),
        ('"a ""b""" = \'x\'', {}, '(("a ""b""" = \'x\'))'),
    ],
)
def test_it_is_taken_apart(text: str, limits: dict[str, Limit], rest: str) -> None:
    assert read_where(text, SCHEMA) == Where(text, limits, rest)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "empty"),
        ("agee > 3", "did you mean 'age'?"),
        ("disease = 'yess'", "no category of disease; did you mean 'yes'?"),
        ("disease = 1", "texts, and 1 in the condition is none"),
        ("age > 200", "leaves age no value"),
        ("age in (500)", "leaves age no value"),
        ("age = 60.5", "leaves age no value"),
        ("age = null", "leaves age no value"),
        ("age is null", "leaves age no value"),
        ("age > 60 and age < 61", "leaves age no value"),
        ("smoker and not smoker", "leaves smoker no value"),
        ("bmi is null and bmi > 3", "leaves bmi no value"),
        ("age > 'old'", "holds numbers, and cannot be compared with 'old'"),
        ("day > 'soon'", "holds days, and cannot be compared with 'soon'"),
        ("smoker = 'perhaps'", "true or false"),
        ("id = 'x'", "identifier"),
        ("age", "not true or false"),
        ("count(*) > 1", "aggregate"),
        ("age > (select 1)", "subquery"),
        ("age > random()", "changes from call to call"),
        ("age > 60) or (1 = 1", "does not parse"),
        ("age > 60; drop table x", "does not parse"),
    ],
)
def test_it_is_refused_in_one_sentence(text: str, words: str) -> None:
    with pytest.raises(RecipeError) as caught:
        read_where(text, SCHEMA)
    assert words in caught.value.message
    assert caught.value.hint


# --- any condition means what DuckDB says it means --------------------------------------------------------------------


def _cells(column: Column, random: Random) -> Any:
    """A value of a column, or none."""
    if column.nullable and random.random() < 0.3:
        return None
    if column.kind == "text":
        return random.choice(["x", "y z"])
    text = draw_text(limited_cell(column, Limit()), random)
    return read_cell(column, text.strip('"'))


def _constants(column: Column) -> st.SearchStrategy[str]:
    match column.kind:
        case "integer":
            return st.one_of(st.integers(-3, 130).map(str), st.sampled_from(["60.5", "1e1", "NULL"]))
        case "float":
            return st.integers(950, 6050).map(lambda n: f"{n / 100}")
        case "categorical":
            return st.sampled_from(["'yes'", "'no'", "'maybe'"])
        case "boolean":
            return st.sampled_from(["true", "false"])
        case "date":
            days = st.integers(-3, 370).map(lambda n: date(2024, 1, 1) + timedelta(days=n))
            return days.map(lambda day: f"'{day}'") | days.map(lambda day: f"DATE '{day}'")
        case _:
            times = st.integers(-60, 530_000).map(
                lambda n: datetime(2024, 1, 1) + timedelta(seconds=60 * n + n % 7)
            )
            return times.map(lambda moment: f"TIMESTAMP '{moment}'")


@st.composite
def _pieces(draw: st.DrawFn) -> str:
    column = draw(st.sampled_from([c for c in SCHEMA.columns if c.kind not in {"identifier", "text"}]))
    value = _constants(column)
    form = draw(st.sampled_from(["cmp", "turned", "in", "between", "null", "not"]))
    signs = ["=", "<>"] if column.kind == "boolean" else ["=", "<>", "<", "<=", ">", ">="]
    sign = draw(st.sampled_from(signs))
    some = f"{column.name} {sign} {draw(value)}"
    match form:
        case "turned":
            return f"{draw(value)} {sign} {column.name}"
        case "in":
            listed = ", ".join(draw(st.lists(value, min_size=1, max_size=3)))
            return f"{column.name} {draw(st.sampled_from(['in', 'not in']))} ({listed})"
        case "between":
            return f"{column.name} between {draw(value)} and {draw(value)}"
        case "null":
            return f"{column.name} is {draw(st.sampled_from(['', 'not ']))}null"
        case "not":
            return f"not ({some})"
    return some


@settings(deadline=None, max_examples=60)
@given(st.lists(_pieces(), min_size=1, max_size=3), st.integers(0, 2**32))
def test_limits_and_rest_together_are_the_condition(pieces: list[str], seed: int) -> None:
    text = " and ".join(pieces)
    random = Random(seed)
    rows = [["r1", *(_cells(c, random) for c in SCHEMA.columns[1:])] for _ in range(60)]
    table = table_of(SCHEMA, rows)
    with RuleChecker(SCHEMA.model_copy(update={"rules": (Rule(check=text),)})) as checker:
        wanted = checker.truth(table)[:, 0] == 1
    try:
        where = read_where(text, SCHEMA)
    except RecipeError:
        assert not wanted.any()
        return
    mask = np.ones(table.num_rows, np.bool_)
    for name, limit in where.limits.items():
        column = SCHEMA.column(name)
        found = limit_mask(column, limit, table.column(name))
        mask &= found
        grammar = limited_cell(column, limit)
        open_ = [
            np.isfinite(sum(text_logprobs(grammar, write_cell(column, row))))
            for row in table.column(name).to_pylist()
        ]
        assert open_ == found.tolist()
        cell = draw_text(grammar, random)
        own = narrowed(column, limit)
        value = read_cell(own, cell)
        assert single(column, limit) <= (cell == draw_text(grammar, random))
        assert (
            value is None or limit_mask(column, limit, table_of(SCHEMA, [_row(name, value)]).column(name))[0]
        )
    if where.rest:
        with RuleChecker(SCHEMA.model_copy(update={"rules": (Rule(check=where.rest),)})) as checker:
            mask &= checker.truth(table)[:, 0] == 1
    assert mask.tolist() == wanted.tolist()


def _row(name: str, value: Any) -> list[Any]:
    return [value if column.name == name else None for column in SCHEMA.columns]


def test_the_narrowed_schema_has_the_condition_as_a_rule() -> None:
    made = read_where("disease = 'yes' and bmi > 30", SCHEMA).applied(SCHEMA)
    assert made.column("disease").model_dump()["categories"] == ["yes"]
    assert not made.column("bmi").nullable
    grammar = row_grammar([made.column("bmi")])
    assert text_logprobs(grammar, "30.0\n") == (-np.inf,)
    rows = [["a", 1, None, "yes", None, None, None, None], ["a", 1, 31.0, "yes", None, None, None, None]]
    with RuleChecker(made) as checker:
        assert checker.violations(table_of(SCHEMA, rows))[:, -1].tolist() == [True, False]
