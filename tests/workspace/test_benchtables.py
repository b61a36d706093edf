"""The tables that are measured: the same columns asked for in three ways."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth.core.columns import TextColumn
from localsynth.core.schema import Schema
from localsynth.engine.uniform import UniformEngine
from localsynth.workspace.benchtables import BenchTable, clinic_table, six_columns, table_of

EVERY = Schema.model_validate(
    {
        "description": 'What "is"\nrecorded.',
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": 'a "b", c', "kind": "integer", "range": [-9, 9], "nullable": True},
            {"name": "yes", "kind": "boolean"},
            {"name": "word", "kind": "categorical", "categories": ["a,b", 'say "x"', "日本", "null"]},
            {"name": "day", "kind": "date", "range": ["2020-01-01", "2020-01-01"]},
            {"name": "moment", "kind": "datetime", "range": ["2020-01-01T00:00", "2020-12-31T00:01"]},
            {"name": "part", "kind": "float", "range": [-0.5, 0.25], "decimals": 2},
            {"name": "whole", "kind": "float", "range": [3, 4], "decimals": 0, "null_rate": 0.3},
            {"name": "note", "kind": "text", "min_length": 30, "max_length": 31},
        ],
    }
)
TABLES = [six_columns(), clinic_table(), table_of("every", EVERY)]


@pytest.fixture(params=TABLES, ids=lambda table: table.name)
def table(request: pytest.FixtureRequest) -> BenchTable:
    found: BenchTable = request.param
    return found


def as_json(table: BenchTable, **changes: Any) -> str:
    line = table.tasks()["json"].prompt.splitlines()[-1]
    return json.dumps({**json.loads(line), **changes})


def test_examples_are_rows_of_the_table(table: BenchTable) -> None:
    tasks = table.tasks()
    lines = tasks["plain"].prompt.splitlines()[-len(table.examples) :]
    assert all(table.holds("plain", line) for line in lines)
    assert table.holds("json", tasks["json"].prompt.splitlines()[-1])
    assert all(line in table.request(1, 0).messages[0].text for line in lines)


def test_the_engine_s_rows_are_rows_of_the_table(table: BenchTable) -> None:
    (sample,), _ = UniformEngine().sample([table.request(40, 3)])
    assert len(sample.texts) == 40
    assert all(table.holds("plain", text) for text in sample.texts)


def test_every_prompt_names_every_column(table: BenchTable) -> None:
    prompts = [table.request(1, 0).messages[0].text, *(task.prompt for task in table.tasks().values())]
    for prompt in prompts:
        assert all(column.name in prompt for column in table.columns)


def test_the_json_schema_asks_for_every_column_and_no_other(table: BenchTable) -> None:
    schema = json.loads(table.tasks()["json"].json_schema or "")
    names = [column.name for column in table.columns]
    assert list(schema["properties"]) == schema["required"] == names
    assert schema["additionalProperties"] is False
    assert table.tasks()["plain"].json_schema is None


def test_there_is_room_for_a_row(table: BenchTable) -> None:
    tasks = table.tasks()
    assert tasks["json"].max_tokens >= len(as_json(table).encode()) * 0.9
    assert tasks["plain"].max_tokens >= 60


def test_the_six_columns() -> None:
    assert [column.name for column in six_columns().columns] == [
        "sex",
        "smoker",
        "diagnosis",
        "age",
        "systolic_bp",
        "hba1c",
    ]


def test_the_clinic_has_what_a_grammar_can_hold_and_few_values_come_first() -> None:
    table = clinic_table()
    kinds = [column.kind for column in table.columns]
    assert len(kinds) == 16
    assert not {"identifier", "text"} & set(kinds)
    few = [kind in {"boolean", "categorical"} for kind in kinds]
    assert few == sorted(few, reverse=True)
    assert len(table.examples) == 1


def test_a_table_without_examples_gets_one_that_fits() -> None:
    bare = TABLES[2]
    assert len(bare.examples) == 1
    assert isinstance(bare.columns[-1], TextColumn)
    assert len(str(bare.examples[0][-1])) == 30


@pytest.mark.parametrize(
    "changes",
    [
        {"age": 17},
        {"age": None},
        {"age": "a"},
        {"smoker": "perhaps"},
        {"sex": "other"},
        {"hba1c": float("inf")},
        {"hba1c": float("nan")},
        {"more": 1},
    ],
)
def test_what_the_schema_does_not_allow_is_no_row(changes: dict[str, Any]) -> None:
    table = six_columns()
    assert table.holds("json", as_json(table))
    assert not table.holds("json", as_json(table, **changes))


def test_json_may_have_more_decimals_and_whole_numbers() -> None:
    table = six_columns()
    assert table.holds("json", as_json(table, hba1c=5.123456))
    assert table.holds("json", as_json(table, hba1c=5))


def test_what_is_cut_off_is_no_row() -> None:
    table = six_columns()
    assert not table.holds("json", as_json(table)[:-3])
    assert not table.holds("json", "[]")
    assert not table.holds("plain", "female,false,healthy,31,117")


@given(st.text(max_size=60), st.sampled_from(TABLES), st.sampled_from(["json", "plain"]))
def test_any_text_is_judged(text: str, table: BenchTable, name: str) -> None:
    assert table.holds(name, text) in {True, False}


@given(
    st.dictionaries(
        st.sampled_from([column.name for column in six_columns().columns]),
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5) | st.lists(st.none()),
    )
)
def test_any_json_is_judged(changes: dict[str, Any]) -> None:
    assert six_columns().holds("json", as_json(six_columns(), **changes)) in {True, False}
