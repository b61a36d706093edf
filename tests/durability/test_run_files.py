"""Files of a run that a power cut left empty, or full of zeros: the run goes on from what was committed."""

from __future__ import annotations

from pathlib import Path

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


@pytest.mark.parametrize("content", [b"", bytes(300)], ids=["empty", "zeros"])
@pytest.mark.parametrize("name", ["recipe.toml", "events.jsonl", "lock"])
def test_a_file_that_was_not_synced(name: str, content: bytes, tmp_path: Path) -> None:
    (tmp_path / "tiny.schema.toml").write_text(SCHEMA)
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE)
    space = Workspace(tmp_path / "ws")
    undisturbed = space.run(recipe)
    run = stopped(space, recipe)
    assert (run.status, run.rows_done) == (Status.CANCELLED, 5)
    (space.folder / "runs" / run.run_id / name).write_bytes(content)
    resumed = space.resume(run.run_id)
    assert resumed.status is Status.FINISHED
    assert space.rows_arrow(resumed).equals(space.rows_arrow(undisturbed))
    assert any(isinstance(event, BatchCommitted) for event in space.watch(run.run_id))
