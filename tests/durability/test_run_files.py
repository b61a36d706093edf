"""Files of a run that a power cut left empty, or full of zeros: the run goes on from what was committed."""

from __future__ import annotations

import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from localsynth import Workspace
from localsynth.core.events import BatchCommitted, Event
from localsynth.core.run import Run, Status
from localsynth.workspace import Control

SCHEMA = """\
[[columns]]
name = "age"
kind = "integer"
range = [18, 90]
"""
RECIPE = """\
rows = 20
[dataset]
name = "tiny"
schema = "tiny.schema.toml"
[model]
name = "uniform"
[method]
name = "text-to-tabular"
batch_rows = 5
"""


def stopped(space: Workspace, recipe: Path) -> Run:
    control = Control()

    def stop(event: Event) -> None:
        if isinstance(event, BatchCommitted) and event.rows_done:
            control.stop()

    return space.run(recipe, on_event=stop, control=control)


@pytest.fixture(scope="module")
def broken_off(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, pa.Table]:
    """A workspace, the run in it that was stopped after some rows, and all rows of an undisturbed one."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "tiny.schema.toml").write_text(SCHEMA)
    recipe = folder / "tiny.toml"
    recipe.write_text(RECIPE)
    space = Workspace(folder / "ws")
    undisturbed = space.run(recipe)
    run = stopped(space, recipe)
    assert (run.status, run.rows_done) == (Status.CANCELLED, 5)
    return space.folder, run.run_id, space.rows_arrow(undisturbed)


@pytest.mark.parametrize(
    ("name", "content"),
    [("recipe.toml", b""), ("recipe.toml", bytes(300)), ("events.jsonl", bytes(300)), ("lock", bytes(300))],
    ids=["no recipe", "recipe", "events", "lock"],
)
def test_a_file_that_was_not_synced(
    name: str, content: bytes, broken_off: tuple[Path, str, pa.Table], tmp_path: Path
) -> None:
    folder, run_id, wanted = broken_off
    space = Workspace(shutil.copytree(folder, tmp_path / "ws"))
    (space.folder / "runs" / run_id / name).write_bytes(content)
    resumed = space.resume(run_id)
    assert resumed.status is Status.FINISHED
    assert space.rows_arrow(resumed).equals(wanted)
    assert any(isinstance(event, BatchCommitted) for event in space.watch(run_id))
