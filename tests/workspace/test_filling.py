"""Tables known in part: read, filled, and given back as they came."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow.parquet as pq
import pytest

from localsynth import Workspace
from localsynth.cli.main import run as command
from localsynth.core.errors import DatasetError, LocalsynthError, RecipeError
from localsynth.core.recipe import Recipe
from tests.workspace.test_conditions import BIRDS, people

RECIPE = """\
rows = 10
[dataset]
name = "people"
[model]
name = "uniform"
[method]
name = "paft"
examples = 2
"""


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "ws")
    space.import_frame(people(), "people", target="disease")
    return space


def holes(n: int = 60) -> pd.DataFrame:
    frame = people(n).astype({"age": "Int64", "smoker": "boolean"})
    frame["bmi"] = frame["bmi"].clip(20, 35)
    rng = np.random.default_rng(1)
    for name in frame.columns:
        frame.loc[rng.random(n) < 0.3, name] = None
    return frame


def test_a_frame_is_filled(space: Workspace) -> None:
    frame = holes()
    made = space.fill(Recipe.from_toml(RECIPE), frame)
    after = made.rows.to_pandas()
    assert made.cells == int(frame.isna().sum().sum())
    assert made.broken == 0
    assert made.adapter is None
    assert not after.isna().any().any()
    for name in frame.columns:
        known = frame[name].notna()
        assert after[name][known].tolist() == frame[name][known].tolist()
    assert [BIRDS[state] for state in after["state"]] == after["bird"].tolist()
    again = space.fill(Recipe.from_toml(RECIPE), frame)
    assert again.rows.equals(made.rows)
    other = space.fill(Recipe.from_toml(RECIPE), frame, seed=9)
    assert not other.rows.equals(made.rows)


def test_columns_that_are_not_there_are_made(space: Workspace) -> None:
    made = space.fill(Recipe.from_toml(RECIPE), pd.DataFrame({"state": ["i", "o"], "bmi": [25.0, None]}))
    assert made.rows.column_names == ["state", "bmi", "age", "bird", "smoker", "disease"]
    assert made.rows["bird"].to_pylist() == ["owl", "jay"]


@pytest.mark.parametrize(
    ("frame", "words"),
    [
        ({"state": ["i", "x"]}, "'x' in row 2 is no category"),
        ({"age": [20, 30, 400]}, "'400' in row 3 lies outside"),
        ({"age": ["old"]}, "'old' in row 1 is not of kind integer"),
        ({"agee": [20]}, "did you mean 'age'?"),
    ],
)
def test_what_does_not_fit_is_refused(space: Workspace, frame: dict[str, Any], words: str) -> None:
    with pytest.raises(DatasetError) as caught:
        space.fill(Recipe.from_toml(RECIPE), pd.DataFrame(frame))
    assert words in caught.value.message


def test_other_methods_and_modes_fill_nothing(space: Workspace) -> None:
    plain = Recipe.from_toml(RECIPE.replace("paft", "independent").replace("examples = 2", ""))
    with pytest.raises(RecipeError, match="independent fills no missing cells") as caught:
        space.fill(plain, holes())
    assert "paft" in caught.value.hint
    with pytest.raises(RecipeError, match="faithful"):
        space.fill(Recipe.from_toml(RECIPE + 'mode = "faithful"\n'), holes())
    with pytest.raises(LocalsynthError, match="no adapter"):
        space.fill(Recipe.from_toml(RECIPE), holes(), adapter="mine")


# --- the command ------------------------------------------------------------------------------------------------------


@pytest.fixture
def here(space: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOCALSYNTH_WORKSPACE", str(space.folder))
    monkeypatch.chdir(tmp_path)
    Path("people.toml").write_text(RECIPE)
    return tmp_path


def test_a_file_comes_back_whole(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    holes().to_csv("holes.csv", index=False)
    assert command(["fill", "people.toml", "holes.csv", "-o", "whole.csv"]) == 0
    shown = capsys.readouterr()
    assert shown.out == "whole.csv\n"
    assert "cells filled in 60 rows" in shown.err
    whole = pd.read_csv("whole.csv")
    assert not whole.isna().any().any()
    assert list(whole.columns) == list(holes().columns)
    assert command(["fill", "people.toml", "whole.csv", "-o", "whole.parquet"]) == 0
    assert pq.read_table("whole.parquet").num_rows == 60
    assert command(["fill", "people.toml", "holes.csv", "-o", "whole.csv"]) == 2  # it exists


def test_nothing_is_written_where_it_breaks_off(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    holes().to_csv("holes.csv", index=False)

    def pressed(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("localsynth.methods.paft.filling.Filler._chosen", pressed)
    before = sorted(path.name for path in here.iterdir())
    assert command(["fill", "people.toml", "holes.csv", "-o", "whole.csv"]) == 130
    assert sorted(path.name for path in here.iterdir()) == before
    assert not list((here / "ws").glob("tmp-*"))


def test_rows_under_a_condition_from_the_command(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(["run", "people.toml", "--where", "age > 60 and disease = 'yes'"]) == 0
    capsys.readouterr()
    assert (
        command(
            [
                "sql",
                "select count(*) as n from people_synth where age > 60 and disease = 'yes'",
                "--format",
                "csv",
            ]
        )
        == 0
    )
    assert capsys.readouterr().out.split() == ["n", "10"]
    assert command(["run", "people.toml", "--where", "agee > 60"]) == 2
    assert "did you mean 'age'?" in capsys.readouterr().err
