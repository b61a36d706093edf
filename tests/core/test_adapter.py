"""Whether an adapter writes rows of a dataset, told by the columns it learnt."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest

from localsynth.core.adapter import LearntAdapter, kinds_of, other_columns
from localsynth.core.schema import Schema

WARD = {"name": "ward", "kind": "categorical", "categories": ["n", "s"]}
AGE = {"name": "age", "kind": "integer", "range": [0, 99]}


def schema(*columns: dict[str, Any]) -> Schema:
    return Schema.model_validate({"columns": [{"name": "id", "kind": "identifier"}, *columns]})


def adapter(*order: str) -> LearntAdapter:
    return LearntAdapter(
        "a", None, "run", "people", "ab", "paft", "{}", "own", "cd", "llama", "adapters/a.gguf", "ef", 1,
        datetime(2026, 1, 1, tzinfo=UTC), order=order,
    )  # fmt: skip


def test_kinds_tell_categories_whatever_their_order_and_go_through_json() -> None:
    kinds = kinds_of(schema(WARD, AGE))
    assert kinds["age"] == "integer"
    assert kinds["ward"].startswith("categorical:")
    assert set(kinds) == {"ward", "age"}
    assert json.loads(json.dumps(kinds)) == kinds
    assert kinds == kinds_of(schema(AGE | {"range": [1, 5]}, WARD | {"categories": {"s": "south", "n": ""}}))


@pytest.mark.parametrize(
    ("order", "columns", "words"),
    [
        (("age", "ward"), (WARD, AGE), ""),
        (("age", "ward"), (WARD | {"categories": ["s", "n"]}, AGE | {"nullable": True}), ""),
        (("age", "ward"), (WARD,), "writes a column 'age', which 'it' has not"),
        (("ward",), (WARD, AGE), "does not write the column 'age' of 'it'"),
        (("age", "ward"), (WARD | {"categories": ["n", "w"]}, AGE), "learnt other categories of 'ward' than 'it' has"),
        (("age", "ward"), (WARD, AGE | {"kind": "float"}), "learnt 'age' as integer, which is float in 'it'"),
        (("age", "ward"), ({"name": "ward", "kind": "boolean"}, AGE), "learnt 'ward' as categorical, which is boolean in 'it'"),
    ],
)  # fmt: skip
def test_columns_are_those_it_learnt_or_it_is_said_which_are_not(
    order: tuple[str, ...], columns: tuple[dict[str, Any], ...], words: str
) -> None:
    learnt = kinds_of(schema(WARD, AGE))
    assert other_columns(adapter(*order), learnt, "it", schema(*columns)) == words


def test_of_kinds_that_nobody_knows_nothing_is_said() -> None:
    other = schema(WARD | {"categories": ["x"]}, AGE)
    assert other_columns(adapter("age", "ward"), {}, "it", other) == ""
    assert other_columns(adapter("age", "ward"), {"age": "float"}, "it", other) != ""
