"""What PAFT says of a recipe before the run: parameters that contradict each other, and adapters of something else."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from localsynth.core.adapter import LearntAdapter, kinds_of
from localsynth.core.contracts import Task
from localsynth.core.errors import RecipeError
from localsynth.core.schema import Schema
from localsynth.methods.paft import PAFT
from localsynth.methods.paft.params import PAFTParams
from localsynth.tables import table_of
from tests.methods.support import FakeAsk, task_of

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "ward", "kind": "categorical", "categories": ["n", "s"]},
            {"name": "age", "kind": "integer", "range": [0, 99]},
        ]
    }
)
REAL = replace(FakeAsk().info, model="own")


class Shelf:
    """One adapter."""

    def __init__(self, **changes: Any) -> None:
        made = LearntAdapter(
            "20260101-000000-people-000000", "mine", "20260101-a", "people", "ab", "paft",
            json.dumps({"method": {"name": "paft"}}), "own", "cd", "llama", "adapters/x.gguf", "ef", 1,
            datetime(2026, 1, 1, tzinfo=UTC), settings={"kinds": kinds_of(SCHEMA)}, order=("age", "ward"),
        )  # fmt: skip
        self.adapter = replace(made, **changes)

    def find(self, id_or_name: str) -> LearntAdapter:
        return self.adapter

    def keep(self, path: Path, **_: Any) -> LearntAdapter:
        raise AssertionError

    def path(self, adapter: LearntAdapter) -> Path:
        raise AssertionError


def task(schema: Schema = SCHEMA, shelf: Shelf | None = None) -> Task:
    rows = [[f"P{at}", "ns"[at % 2], at % 90] for at in range(30)]
    return replace(task_of(schema, 10, 1, table_of(SCHEMA, rows)), adapters=shelf)


def refused(given: Task, info: Any = REAL, **params: Any) -> RecipeError:
    with pytest.raises(RecipeError) as caught:
        PAFT(PAFTParams(**params)).prepare(given, info)
    return caught.value


def test_an_order_names_each_column_once() -> None:
    assert "the column 'age' is named twice" in refused(task(), order=["age", "ward", "age"]).message


def test_an_adapter_is_not_shown_in_the_prompt() -> None:
    told = refused(task(shelf=Shelf()), learn="in-context", adapter="mine")
    assert "in-context" in told.message
    assert "leave out one" in told.hint


def test_the_faithful_mode_is_a_fitted_model(monkeypatch: pytest.MonkeyPatch) -> None:
    for learn in ("auto", "finetune"):
        told = refused(task(), FakeAsk().info, mode="faithful", learn=learn)
        assert "uniform engine has nothing to train" in told.message
        assert 'mode = "aligned"' in told.hint
    told = refused(task(), mode="faithful", learn="in-context")
    assert "shows no rows in a prompt" in told.message
    assert 'mode = "aligned"' in told.hint
    monkeypatch.setattr("localsynth.methods.paft.method.can_train", lambda: False)
    told = refused(task(), mode="faithful")
    assert "not installed" in told.message
    assert "localsynth[finetune]" in told.hint
    assert 'mode = "aligned"' in told.hint
    recipe_json = json.dumps({"method": {"name": "paft", "mode": "faithful"}})
    PAFT(PAFTParams(mode="faithful", adapter="mine")).prepare(
        task(shelf=Shelf(recipe_json=recipe_json)), REAL
    )


def other(**columns: dict[str, Any]) -> Schema:
    data = SCHEMA.model_dump(mode="json", exclude_none=True, exclude_defaults=True)
    kept = [{"kind": column.kind, **one} for one, column in zip(data["columns"], SCHEMA.columns, strict=True)]
    return Schema.model_validate({"columns": [columns.get(one["name"], one) for one in kept]})


@pytest.mark.parametrize(
    ("changes", "params", "words", "hint"),
    [
        ({}, {"mode": "faithful"}, "learnt in the aligned mode of paft", 'mode = "aligned"'),
        ({"recipe_json": '{"method": {"name": "paft", "mode": "faithful"}}'}, {},
         "learnt in the faithful mode of paft", 'mode = "faithful"'),
        ({"method": "learner"}, {}, "learnt by the method learner", "choose another"),
        ({"order": ("age", "ward", "bmi")}, {}, "writes a column 'bmi', which 'it' has not", "choose another"),
    ],
)  # fmt: skip
def test_an_adapter_of_something_else_is_refused(
    changes: dict[str, Any], params: dict[str, Any], words: str, hint: str
) -> None:
    told = refused(task(shelf=Shelf(**changes)), adapter="mine", **params)
    assert words in told.message
    assert hint in told.hint


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"ward": {"name": "ward", "kind": "categorical", "categories": ["n", "s", "w"]}}, "learnt other categories of 'ward'"),
        ({"ward": {"name": "ward", "kind": "text", "max_length": 9}}, "learnt 'ward' as categorical, which is text in 'it'"),
        ({"age": {"name": "age", "kind": "float", "range": [0, 99]}}, "learnt 'age' as integer, which is float in 'it'"),
    ],
)  # fmt: skip
def test_of_columns_that_are_others_now(columns: dict[str, Any], words: str) -> None:
    with pytest.raises(RecipeError, match=words):
        PAFT(PAFTParams(adapter="mine")).prepare(task(other(**columns), Shelf()), REAL)


def test_what_is_written_alike_is_accepted() -> None:
    method = PAFT(PAFTParams(adapter="mine"))
    method.prepare(task(shelf=Shelf()), REAL)
    turned = {"ward": {"name": "ward", "kind": "categorical", "categories": {"s": "south", "n": "north"}},
              "age": {"name": "age", "kind": "integer", "range": [0, 120]}}  # fmt: skip
    method.prepare(task(other(**turned), Shelf()), REAL)
    method.prepare(task(other(**turned), Shelf(settings={})), REAL)  # of a version that told less
