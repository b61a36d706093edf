"""A table and a recipe that need no model, and what is waited for of jobs."""

from __future__ import annotations

from localsynth import Workspace
from localsynth.workspace import Job, JobState
from tests.waiting_kit import until

SCHEMA = """\
[[columns]]
name = "age"
kind = "integer"
range = [18, 90]

[[columns]]
name = "sex"
kind = "categorical"
categories = ["f", "m"]
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
batch_rows = 10
"""
LONG = 100_000  # rows that nobody waits for


def ended(job: Job) -> JobState:
    until(lambda: job.state().over and not job.alive())
    return job.state()


def committed(space: Workspace) -> int:
    return sum(
        path.read_text().count('"batch_committed"') for path in space.folder.glob("runs/*/events.jsonl")
    )
