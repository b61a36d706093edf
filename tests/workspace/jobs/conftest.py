"""A recipe, and a workspace whose jobs end with the test."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localsynth import Workspace
from tests.waiting_kit import workspace_with_jobs
from tests.workspace.jobs_kit import RECIPE, SCHEMA


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    (tmp_path / "tiny.schema.toml").write_text(SCHEMA)
    path = tmp_path / "tiny.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    with workspace_with_jobs(tmp_path / "ws") as made:
        yield made
