"""A recipe, and a workspace whose jobs end with the test."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from localsynth import Workspace
from tests.workspace.jobs_kit import RECIPE, SCHEMA, until


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "tiny.schema.toml").write_text(SCHEMA)
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    """A workspace; what a failed test left running is ended with it."""
    made = Workspace(tmp_path / "ws")
    yield made
    for job in made.jobs():
        if pid := job.pid:
            os.killpg(pid, signal.SIGKILL)
            until(lambda gone=job: not gone.alive())  # type: ignore[misc]
