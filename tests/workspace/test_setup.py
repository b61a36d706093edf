"""A run is made with one file and one setup from its first row to its last, whatever is tuned in between."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import localsynth.engine
from localsynth import Workspace
from localsynth.core.contracts import Engine
from localsynth.core.errors import RecipeChanged
from localsynth.core.events import Event, Notice
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.core.schema import Schema
from localsynth.engine.catalog import Model
from localsynth.engine.layout import Layout, layout_for
from localsynth.engine.machine import this_machine
from localsynth.engine.setup import Setup
from localsynth.engine.tuned import TunedFile, forget
from localsynth.engine.uniform import UniformEngine
from localsynth.runs.control import Control
from localsynth.store.session import Store
from localsynth.workspace import doctor
from tests.engine.tuning_kit import entry_for, install

SCHEMA = Schema.model_validate({"columns": [{"name": "n", "kind": "integer", "range": [0, 9]}]})


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "models"))
    return install(tmp_path / "models")


@pytest.fixture
def opened(monkeypatch: pytest.MonkeyPatch) -> list[Layout]:
    """The layouts with which engines were asked for; each is the engine without a model."""
    seen: list[Layout] = []

    def open_engine(model: Model, *, log_folder: Path, layout: Layout) -> Engine:
        layout.open(model)
        seen.append(layout)
        return UniformEngine()

    monkeypatch.setattr(localsynth.engine, "open_engine", open_engine)
    return seen


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "ws")
    space.declare("t", SCHEMA)
    return space


def begun(space: Workspace, **model: Any) -> Run:
    """A run stopped before its first row."""
    control = Control()
    control.stop()
    data = {"rows": 20, "dataset": {"name": "t"}, "model": {"name": "own", **model}}
    return space.run(Recipe.model_validate(data), control=control)


def tuned(model: Model, quantization: str = "Q8_0") -> Setup:
    entry = entry_for(model, this_machine(), quantization, setup=Setup(threads=3, contexts=3, lanes=8))
    TunedFile(model.folder).put(model.name, entry)
    return entry.setup


def test_tuned_after_it_began(space: Workspace, model: Model, opened: list[Layout]) -> None:
    run = begun(space)
    assert run.setup_json is not None
    plain = layout_for(model).setup
    assert json.loads(run.setup_json)["weights"] == {
        "file": None,
        "sha256": model.sha256,
        "size": model.size,
    }
    tuned(model)
    assert space.resume(run).rows_done == 20
    assert [(layout.file, layout.setup) for layout in opened] == [(None, plain), (None, plain)]
    begun(space)
    assert opened[-1].file is not None


def test_tuned_otherwise_after_it_began(space: Workspace, model: Model, opened: list[Layout]) -> None:
    setup = tuned(model)
    run = begun(space)
    tuned(model, "BF16")
    assert space.resume(run).rows_done == 20
    assert opened[0] == opened[1]
    assert opened[0].setup == setup
    assert "Q8_0" in str(opened[0].file)


def test_forgotten_after_it_began(space: Workspace, model: Model, opened: list[Layout]) -> None:
    tuned(model)
    run = begun(space)
    forget(model.folder, model.name, model.sha256)
    with pytest.raises(RecipeChanged, match=f"run {run.run_id} cannot go on") as caught:
        space.resume(run)
    assert "own-Q8_0-" in caught.value.message
    assert "models tune own --keep" in caught.value.hint
    with pytest.raises(RecipeChanged):
        space.resume(run, as_recorded=True)
    tuned(model)  # the same file again
    assert space.resume(run).rows_done == 20
    assert opened[0] == opened[1]


def test_changed_after_it_began(space: Workspace, model: Model, opened: list[Layout]) -> None:
    tuned(model)
    run = begun(space)
    path = next((model.folder / "tuned").iterdir())
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(RecipeChanged, match="has changed"):
        space.resume(run)


def test_threads_of_the_recipe(space: Workspace, model: Model, opened: list[Layout]) -> None:
    begun(space, threads=2)
    assert opened[-1].setup.threads == 2
    tuned(model)
    run = begun(space, threads=2)
    assert (opened[-1].setup.threads, opened[-1].setup.contexts, opened[-1].setup.lanes) == (2, 2, 8)
    space.resume(run)
    assert opened[-1] == opened[-2]


def test_a_run_from_before_this_was_recorded(space: Workspace, model: Model, opened: list[Layout]) -> None:
    run = begun(space)
    with Store.open(space.folder).write() as con:
        con.execute("UPDATE meta.runs SET setup_json = NULL")
    setup = tuned(model)
    assert space.resume(run).rows_done == 20
    assert opened[-1].setup == setup


def test_a_record_that_makes_no_sense(space: Workspace, model: Model, opened: list[Layout]) -> None:
    run = begun(space)
    with Store.open(space.folder).write() as con:
        con.execute("UPDATE meta.runs SET setup_json = '{}'")
    with pytest.raises(RecipeChanged, match="cannot be read"):
        space.resume(run)


def test_without_a_model_nothing_is_recorded(space: Workspace) -> None:
    run = space.run(
        Recipe.model_validate({"rows": 5, "dataset": {"name": "t"}, "model": {"name": "uniform"}})
    )
    assert run.setup_json is None


def test_the_setup_is_told(space: Workspace, model: Model, opened: list[Layout]) -> None:
    tuned(model)
    events: list[Event] = []
    control = Control()
    control.stop()
    recipe = Recipe.model_validate({"rows": 5, "dataset": {"name": "t"}, "model": {"name": "own"}})
    space.run(recipe, control=control, on_event=events.append)
    said = [event.text for event in events if isinstance(event, Notice)]
    assert any("3 contexts of 1 thread, 8 lanes" in text for text in said)


def test_the_doctor_knows(model: Model, opened: list[Layout]) -> None:
    assert list(doctor._tuned(model)) == []
    tuned(model)
    (finding,) = doctor._tuned(model)
    assert (finding.state, finding.what) == ("ok", "tuned own")
    assert "Q8_0, 3 contexts" in finding.found
    forget_file = next((model.folder / "tuned").iterdir())
    forget_file.unlink()
    (finding,) = doctor._tuned(model)
    assert finding.state == "note"
    assert "is gone" in finding.found
