"""Two runs that begin at the same moment."""

from __future__ import annotations

from pathlib import Path

import pytest

from localsynth import Workspace
from localsynth.core.dataset import Dataset
from localsynth.core.errors import NotFound
from localsynth.core.run import Status
from localsynth.store import datasets
from localsynth.store.session import Store
from tests.durability.test_run_files import RECIPE, SCHEMA


def test_a_dataset_that_the_other_makes_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tiny.schema.toml").write_text(SCHEMA)
    recipe = tmp_path / "tiny.toml"
    recipe.write_text(RECIPE)
    space = Workspace(tmp_path / "ws")
    get = datasets.get
    made = []

    def absent(store: Store, name: str) -> Dataset:
        with monkeypatch.context() as patch:
            patch.setattr(datasets, "get", get)
            made.append(space.run(recipe))
        monkeypatch.setattr(datasets, "get", get)
        raise NotFound(f"there is no dataset '{name}'")

    monkeypatch.setattr(datasets, "get", absent)
    second = space.run(recipe)
    assert [run.status for run in (*made, second)] == [Status.FINISHED] * 2
    assert space.rows_arrow(second).equals(space.rows_arrow(made[0]))
