"""Runs of PAFT that train: broken off and taken up again. The child writes what the real one does, learnt from nothing."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import IO, Any

import pytest

import localsynth.engine
from localsynth import Workspace
from localsynth.core.asking import Traced
from localsynth.core.contracts import Engine, EngineInfo, ScoreRequest, Trace
from localsynth.core.errors import RecipeError, RunError
from localsynth.core.recipe import Recipe
from localsynth.core.run import Status
from localsynth.core.schema import Schema
from localsynth.engine.catalog import Model
from localsynth.engine.layout import Layout
from localsynth.engine.uniform import UniformEngine
from localsynth.methods.paft.training import start
from localsynth.runs.control import Control
from localsynth.store import runs
from tests.engine.tuning_kit import install
from tests.workspace.learning_kit import SCHEMA, people

ROOT = Path(__file__).parents[2]
#: What was learnt is a random number, which ``kept.pt`` holds: an adapter that is the same again was written from there.
CHILD = """
import json, secrets, sys
from pathlib import Path
from tests.engine.lora_files import write_adapter

folder = Path(sys.argv[1])
settings = json.loads((folder / "job.json").read_text())
assert Path(settings["model"]).exists() and (folder / "corpus.npz").exists()
kept = folder / "kept.pt"
if not kept.exists():
    kept.write_text(str(secrets.randbits(32)))
    print(json.dumps({"what": "step", "step": 1, "steps": 1, "epoch": 1, "loss": 3.5, "held": 3.0, "seen": 2.5}))
write_adapter(folder / "adapter.gguf", seed=int(kept.read_text()), layers=1)
ended = {"curve": [{"epoch": 1, "held": 3.0, "seen": 2.5}], "best": 1, "why": "all 1 epochs", "seconds": 0.5}
(folder / "ended.json").write_text(json.dumps(ended))
print(json.dumps({"what": "done", **ended}))
"""


class Pretending(UniformEngine):
    """It says that it reads a model, and takes bytes for its tokens."""

    def info(self) -> EngineInfo:
        return replace(super().info(), model="own")

    def trace(self, requests: Sequence[ScoreRequest]) -> list[Trace]:
        def traced(text: str) -> Traced:
            return Traced(tuple(text.encode()), (-1,) * len(text.encode()))

        return [Trace((10,), (), tuple(map(traced, request.texts))) for request in requests]


@pytest.fixture(autouse=True)
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Model:
    def open_engine(model: Model | None, *, log_folder: Path, layout: Layout | None) -> Engine:
        return Pretending()

    def spawn(folder: Path, log: IO[bytes], spin: bool | None) -> subprocess.Popen[bytes]:
        return subprocess.Popen(
            [sys.executable, "-c", CHILD, os.fspath(folder)], stdout=subprocess.PIPE, stderr=log, cwd=ROOT
        )

    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "models"))
    monkeypatch.setattr(localsynth.engine, "open_engine", open_engine)
    monkeypatch.setattr(start, "_spawn", spawn)
    monkeypatch.setattr("localsynth.methods.paft.method.can_train", lambda: True)
    return install(tmp_path / "models")


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "ws")
    space.import_frame(people(), "people", schema=SCHEMA)
    return space


def recipe(dataset: str = "people", **params: Any) -> Recipe:
    return Recipe.model_validate(
        {"rows": 20, "dataset": {"name": dataset}, "model": {"name": "own"},
         "method": {"name": "paft", "batch_rows": 10, "align": False, "drop_near": False, **params}}
    )  # fmt: skip


def training(space: Workspace) -> set[str]:
    folder = space.folder / "runs" / space.get_run("last").run_id / "training"
    return {path.name for path in folder.iterdir()}


def test_broken_off_between_the_adapter_and_the_commit(
    space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = runs.commit_batch

    def burn(*_: object) -> None:
        raise OSError("the disk burns")

    for _ in range(2):  # once more where it was taken up
        monkeypatch.setattr(runs, "commit_batch", burn)
        with pytest.raises(OSError, match="burns"):
            space.run(recipe()) if not space.runs() else space.resume("last")
        (first,) = space.adapters()
        assert "adapter.gguf" not in training(space)
        assert {"ended.json", "kept.pt", "corpus.npz"} <= training(space)
    monkeypatch.setattr(runs, "commit_batch", commit)
    assert space.resume("last").status is Status.FINISHED
    assert space.adapters() == [first]
    assert space.check_adapter(first).exists()


def test_what_holds_rows_goes_with_the_first_batch(space: Workspace) -> None:
    control = Control()
    run = space.run(recipe(), on_event=lambda event: control.stop() if event.type == "batch_committed" and event.rows
                    else None, control=control)  # fmt: skip
    assert run.status is Status.CANCELLED
    assert run.rows_done == 10
    assert training(space) == {"job.json", "ended.json", "training.log"}
    assert space.resume(run).status is Status.FINISHED


def test_the_model_is_where_it_is_now(
    space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    told = start._messages

    def ended(process: subprocess.Popen[bytes]) -> Any:
        process.kill()
        yield from told(process)

    monkeypatch.setattr(start, "_messages", ended)
    with pytest.raises(RunError, match="ended by SIGKILL"):
        space.run(recipe())
    job = space.folder / "runs" / space.get_run("last").run_id / "training" / "job.json"
    before = json.loads(job.read_text())
    shutil.move(tmp_path / "models", tmp_path / "elsewhere")
    monkeypatch.setenv("LOCALSYNTH_MODELS", str(tmp_path / "elsewhere"))
    seen: list[dict[str, Any]] = []

    def looked(process: subprocess.Popen[bytes]) -> Any:
        seen.append(json.loads(job.read_text()))
        return told(process)

    monkeypatch.setattr(start, "_messages", looked)
    assert space.resume("last").status is Status.FINISHED
    (after,) = seen
    assert Path(after.pop("model")).is_relative_to(tmp_path / "elsewhere")
    assert Path(before.pop("model")).is_relative_to(tmp_path / "models")
    assert after == before


def test_an_adapter_of_something_else_leaves_no_run(space: Workspace) -> None:
    assert space.run(recipe()).status is Status.FINISHED
    (made,) = space.adapters()
    assert space.run(recipe(adapter=made.adapter_id)).status is Status.FINISHED
    columns = [{"name": "ward", "kind": "categorical", "categories": ["n", "s", "w"]},
               {"name": "age", "kind": "integer", "range": [0, 99]}]  # fmt: skip
    space.import_frame(people(), "others", schema=Schema.model_validate({"columns": columns}))
    count = len(space.runs())
    with pytest.raises(RecipeError, match="learnt other categories of 'ward' than 'others' has"):
        space.run(recipe("others", adapter=made.adapter_id))
    with pytest.raises(RecipeError, match="learnt in the aligned mode"):
        space.run(recipe(adapter=made.adapter_id, mode="faithful"))
    with pytest.raises(RecipeError, match="'age' is named twice"):
        space.run(recipe(order=["age", "age"]))
    assert len(space.runs()) == count
