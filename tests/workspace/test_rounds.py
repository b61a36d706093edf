"""Runs that learn in steps, from the workspace: what they tried, and going on after being killed in the middle of a step."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from localsynth import Workspace
from localsynth.core.recipe import Recipe
from localsynth.core.run import Status
from localsynth.methods import registry
from tests.runs.steps_kit import HOSTILE, SCHEMA, Stepwise

ROOT = Path(__file__).parents[2]
POINT = ("stepwise", "tests.runs.steps_kit:Stepwise")
RECIPE = {"rows": 25, "seed": 5, "dataset": {"name": "tiny"}, "method": {"name": "stepwise"}}
#: Makes the run, and is killed when the step of that number is half done.
CHILD = """
import os, signal, sys
from importlib.metadata import EntryPoint
from localsynth import Workspace
from localsynth.core.recipe import Recipe
from localsynth.methods import registry
from tests.runs.steps_kit import Stepwise
from tests.workspace.test_rounds import POINT, RECIPE

registry.METHODS._points = lambda group: [EntryPoint(*POINT, group)]
dies = int(sys.argv[2])
Stepwise.breaks = staticmethod(lambda step: os.kill(os.getpid(), signal.SIGKILL) if step == dies else None)
space = Workspace(sys.argv[1])
space.resume("last") if space.runs() else space.run(Recipe.model_validate(RECIPE))
"""


@pytest.fixture(autouse=True)
def method(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint(*POINT, registry.METHODS.group)
    monkeypatch.setattr(registry.METHODS, "_points", lambda group: [point])


def workspace(folder: Path) -> Workspace:
    space = Workspace(folder)
    space.declare("tiny", SCHEMA)
    return space


def test_what_was_tried_is_a_frame_and_a_table(tmp_path: Path) -> None:
    space = workspace(tmp_path / "ws")
    run = space.run(Recipe.model_validate(RECIPE))
    assert run.status is Status.FINISHED
    frame = space.rounds(run)
    assert list(frame.columns) == [
        "batch_no", "round", "candidate", "author", "move", "accepted", "score", "low", "high", "novelty", "theta", "gaps",
    ]  # fmt: skip
    assert frame["round"].tolist() == [1, 2, 2, 3, 3]
    assert frame["accepted"].tolist() == [True, True, False, True, False]
    assert frame["score"].isna().tolist() == [False, False, True, False, True]
    assert frame["move"][0] == HOSTILE
    assert json.loads(frame["theta"][1])["parents"] == {"x": ["run no"]}
    assert space.rounds_arrow().equals(space.rounds_arrow(run.run_id))
    counted = space.sql(f"SELECT count(*) AS n FROM meta.rounds WHERE run_id = '{run.run_id}'")
    assert counted["n"].tolist() == [5]


def test_a_method_that_learns_at_once_tried_nothing(tmp_path: Path) -> None:
    space = workspace(tmp_path / "ws")
    plain = {**RECIPE, "method": {"name": "text-to-tabular"}, "model": {"name": "uniform"}}
    run = space.run(Recipe.model_validate(plain))
    assert space.rounds(run).empty


def test_killed_in_every_step_a_run_goes_on_to_the_same_rows(tmp_path: Path) -> None:
    undisturbed = workspace(tmp_path / "whole")
    whole = undisturbed.run(Recipe.model_validate(RECIPE))
    space = workspace(tmp_path / "killed")
    for step in range(3):
        child = subprocess.run(
            [sys.executable, "-c", CHILD, str(space.folder), str(step)],
            cwd=ROOT,
            env={"PYTHONPATH": str(ROOT), "PATH": ""},
            check=False,
            capture_output=True,
        )
        assert child.returncode == -signal.SIGKILL, child.stderr.decode()
        run = space.get_run("last")
        assert (space.standing(run), run.rows_done) == ("interrupted", 0)
        assert space.count(("meta", "batches")) == step
        assert set(space.rounds(run)["batch_no"]) == set(range(step))
    assert space.resume("last").status is Status.FINISHED
    assert len(space.runs()) == 1
    assert space.rows_arrow("last").equals(undisturbed.rows_arrow(whole))
    assert space.rounds_arrow("last").equals(undisturbed.rounds_arrow(whole))
    query = "SELECT batch_no, rows, seed FROM meta.batches ORDER BY batch_no"
    assert space.sql(query).equals(undisturbed.sql(query))
    assert Stepwise().learnt() is False  # what was patched was the child's
