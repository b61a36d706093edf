"""Which adapter a table is filled with: the newest that writes such rows, or the one named, if it does."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import localsynth.engine
from localsynth import Workspace
from localsynth.core.adapter import LearntAdapter
from localsynth.core.contracts import Engine
from localsynth.core.errors import AdapterError
from localsynth.core.recipe import Recipe
from localsynth.core.schema import Schema
from localsynth.engine.catalog import Model
from localsynth.engine.layout import Layout
from localsynth.engine.uniform import UniformEngine
from localsynth.store import adapters, datasets
from localsynth.store.rowhash import rows_sha256
from tests.engine.lora_files import write_adapter
from tests.engine.tuning_kit import install
from tests.workspace.learning_kit import SCHEMA, people

BEGUN = datetime(2026, 11, 1, tzinfo=UTC)
HOLES = pd.DataFrame({"ward": ["n", "s", None]})


@pytest.fixture(autouse=True)
def own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    """A model, and an engine that only pretends to open it."""

    def open_engine(model: Model | None, *, log_folder: Path, layout: Layout | None) -> Engine:
        return UniformEngine()

    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(localsynth.engine, "open_engine", open_engine)
    return install(tmp_path / "models")


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "ws")
    space.import_frame(people(), "people", schema=SCHEMA)
    return space


def recipe(dataset: str = "people", **method: Any) -> Recipe:
    named = {"name": "paft", "learn": "in-context", "examples": 2, **method}
    return Recipe.model_validate(
        {"rows": 5, "dataset": {"name": dataset}, "model": {"name": "own"}, "method": named}
    )


def learnt(space: Workspace, own: Model, recipe: Recipe, name: str, **changes: Any) -> LearntAdapter:
    """An adapter as a run of that recipe would keep it; each is newer than those before."""
    run = space.run(recipe)
    path = space.folder / f"{name}.gguf"
    many = len(space.adapters())
    write_adapter(path, seed=many, layers=1)
    sha256, size = adapters.measured(path)
    identity = f"20261101-00000{many}-people-00000{many}"
    made = LearntAdapter(
        adapter_id=identity,
        name=name,
        run_id=run.run_id,
        dataset=run.dataset,
        rows_sha256=rows_sha256(datasets.train_table(space.store, run.dataset)),
        method="paft",
        recipe_json=run.recipe_json,
        model="own",
        model_sha256=own.sha256,
        architecture="llama",
        file=f"adapters/{identity}.gguf",
        sha256=sha256,
        size=size,
        created_at=BEGUN + timedelta(hours=many),
        order=("ward", "age"),
    )
    return adapters.put(space.store, path, replace(made, **changes))


def test_the_newest_that_writes_such_rows_is_taken(space: Workspace, own: Model) -> None:
    assert space.fill(recipe(), HOLES).adapter is None
    good = learnt(space, own, recipe(), "good")
    newest = learnt(space, own, recipe(), "newest")
    assert space.fill(recipe(), HOLES).adapter == newest
    space.delete_adapter(newest)
    assert space.fill(recipe(), HOLES).adapter == good


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"method": "gone-plugin"}, "learnt by the method gone-plugin"),
        ({"method": "learner", "recipe": {"name": "learner"}}, "learnt by the method learner"),
        ({"recipe": {"name": "gone-plugin"}}, "parameters that this version does not know"),
        ({"recipe": {"name": "paft", "lora_rank": 3}}, "parameters that this version does not know"),
        ({"recipe": {"name": "paft", "mode": "faithful"}}, "learnt in the mode faithful"),
        ({"order": ("ward", "height")}, "writes a column 'height', which 'people' has not"),
        ({"order": ("ward",)}, "does not write the column 'age' of 'people'"),
    ],
)
def test_one_that_does_not_is_passed_over_or_refused(
    space: Workspace, own: Model, changes: dict[str, Any], words: str
) -> None:
    good = learnt(space, own, recipe(), "good")
    parts = dict(changes)
    if method := parts.pop("recipe", None):
        parts["recipe_json"] = Recipe.model_validate(recipe().model_dump() | {"method": method}).to_json()
    learnt(space, own, recipe(), "other", **parts)
    assert space.fill(recipe(), HOLES).adapter == good
    with pytest.raises(AdapterError) as caught:
        space.fill(recipe(), HOLES, adapter="other")
    assert words in caught.value.message
    assert "localsynth adapters list --dataset people" in caught.value.hint


@pytest.mark.parametrize(
    ("column", "words"),
    [
        (
            {"name": "age", "kind": "float", "range": [0, 99], "decimals": 1},
            "learnt 'age' as float, which is integer in 'people'",
        ),
        (
            {"name": "ward", "kind": "categorical", "categories": ["n", "s", "w"]},
            "other categories of 'ward'",
        ),
    ],
)
def test_what_was_learnt_of_other_columns_is_refused(
    space: Workspace, own: Model, column: dict[str, Any], words: str
) -> None:
    columns = [column if column["name"] == one.name else one.model_dump() for one in SCHEMA.columns]
    space.import_frame(people(), "others", schema=Schema.model_validate({"columns": columns}))
    other = learnt(space, own, recipe("others"), "other")
    with pytest.raises(AdapterError, match="the adapter other learnt") as caught:
        space.fill(recipe(), HOLES, adapter=other)
    assert words in caught.value.message
    assert space.fill(recipe("others"), HOLES).adapter == other


def test_of_a_run_that_is_deleted_the_columns_tell(space: Workspace, own: Model) -> None:
    made = learnt(space, own, recipe(), "orphan")
    space.delete_run(made.run_id)
    assert space.fill(recipe(), HOLES, adapter="orphan").rows.num_rows == 3
