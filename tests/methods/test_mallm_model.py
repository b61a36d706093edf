"""The game with the embedded model, from the workspace: played, judged, kept, and gone on with after a kill."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localsynth import Workspace
from localsynth.core.recipe import Recipe
from localsynth.core.run import Status

pytestmark = pytest.mark.model
ROOT = Path(__file__).parents[2]
RECIPE = {
    "rows": 20,
    "seed": 3,
    "dataset": {"name": "asia", "source": "sample:asia", "policy": "rows", "holdout": 0.88},
    "model": {"name": "smollm2-135m"},
    "method": {
        "name": "mallm-gan",
        "rounds": 2,
        "proposals": 1,
        "searched": 1,
        "game_rows": 20,
        "batch_rows": 10,
    },
}
#: Makes the run; killed by the second round's first answer.
CHILD = """
import os, signal, sys
from localsynth import Workspace
from localsynth.core.recipe import Recipe
from localsynth.runs.ask import RecordedAsk
from tests.methods.test_mallm_model import RECIPE

inner, asked = RecordedAsk.sample, []
def sample(self, purpose, requests):
    found = inner(self, purpose, requests)
    asked.append(purpose)
    if asked.count("optimiser") == 1 and purpose == "game":
        os.kill(os.getpid(), signal.SIGKILL)
    return found
RecordedAsk.sample = sample
Workspace(sys.argv[1]).run(Recipe.model_validate(RECIPE))
"""


def test_a_game_is_played_killed_and_gone_on_with(tmp_path: Path, embedded_model: Path) -> None:
    space = Workspace(tmp_path / "whole")
    run = space.run(Recipe.model_validate(RECIPE))
    assert run.status is Status.FINISHED
    rounds = space.rounds(run)
    assert set(rounds["author"]) >= {"start", "kept", "search", "model"}
    assert (rounds.groupby("round")["accepted"].sum() >= 1).all()
    first = rounds[rounds["round"] == 1].iloc[0]
    assert first["low"] <= first["score"] <= first["high"]
    assert json.loads(first["theta"])["focus"] == []
    rows = space.rows(run)
    assert len(rows) == 20
    columns = list(space.sql("FROM asia_real").columns)
    assert set(columns) <= set(rows.columns)

    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", CHILD, str(tmp_path / "killed")],
        env=environment,
        capture_output=True,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL, done.stderr.decode()[-2000:]
    other = Workspace(tmp_path / "killed")
    before = other.rounds("last")
    assert list(before["round"].unique()) == [1], "what was committed stays"
    again = other.resume("last")
    assert again.status is Status.FINISHED
    pairs = zip(other.rounds(again).to_dict("records"), rounds.to_dict("records"), strict=True)
    assert all(one == two for one, two in pairs)
    assert other.rows(again)[columns].equals(rows[columns])
