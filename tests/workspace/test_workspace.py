"""The Python API: what people do in a notebook."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from localsynth import Workspace
from localsynth.core.errors import (
    DatasetError,
    LocalsynthError,
    NotFound,
    PolicyError,
    RecipeChanged,
    RecipeError,
    RunError,
)
from localsynth.core.events import BatchCommitted, Event, RunEnded
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure, Status
from localsynth.core.schema import Schema
from localsynth.runs.control import Control
from localsynth.workspace.choosing import new_run_id
from localsynth.workspace.sources import schema_changes

SCHEMA = Schema.model_validate(
    {
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "whole", "kind": "integer", "range": [0, 9], "null_rate": 0.3},
            {"name": "sure", "kind": "integer", "range": [0, 9]},
            {"name": "yes", "kind": "boolean", "null_rate": 0.3},
            {"name": "word", "kind": "categorical", "categories": ["a", "b", "never"]},
            {"name": "day", "kind": "date", "range": ["2020-01-01", "2020-12-31"], "null_rate": 0.3},
            {"name": "moment", "kind": "datetime", "range": ["2020-01-01T00:00", "2020-12-31T00:00"]},
            {"name": "part", "kind": "float", "range": [0, 1], "decimals": 2},
            {"name": "note", "kind": "text", "max_length": 20},
        ]
    }
)


def recipe(**method: Any) -> Recipe:
    data = {"name": "text-to-tabular", "batch_rows": 10, **method}
    return Recipe.model_validate(
        {"rows": 40, "dataset": {"name": "all"}, "model": {"name": "uniform"}, "method": data}
    )


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "ws")
    space.declare("all", SCHEMA)
    return space


@pytest.fixture
def frame() -> pd.DataFrame:
    rng = np.random.default_rng(1)
    return pd.DataFrame(
        {
            "age": rng.integers(20, 60, 90),
            "sex": rng.choice(["f", "m"], 90),
            "x y": rng.normal(5, 1, 90).round(1),
        }
    )


def test_a_workspace_is_made_when_something_is_put_into_it(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "a" / "b")
    with pytest.raises(LocalsynthError, match="there is no workspace"):
        space.runs()
    assert not space.folder.exists()
    assert space.init().runs() == []
    assert space.folder.stat().st_mode & 0o777 == 0o700


def test_the_folder_is_the_one_given_or_the_environments_or_here(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("LOCALSYNTH_WORKSPACE", raising=False)
    assert Workspace().folder == tmp_path / "workspace"
    monkeypatch.setenv("LOCALSYNTH_WORKSPACE", str(tmp_path / "x"))
    assert Workspace().folder == tmp_path / "x"
    assert Workspace("y").folder == tmp_path / "y"


def test_rows_come_as_a_frame_with_the_right_types(space: Workspace) -> None:
    run = space.run(recipe(), seed=2)
    assert run.status is Status.FINISHED
    rows = space.rows(run)
    assert {name: str(kind) for name, kind in rows.dtypes.items()} == {
        "id": "str",
        "whole": "Int64",
        "sure": "int64",
        "yes": "boolean",
        "word": "category",
        "day": "datetime64[ms]",
        "moment": "datetime64[us]",
        "part": "float64",
        "note": "str",
    }
    assert list(rows.columns) == list(SCHEMA.names)
    assert list(rows["word"].cat.categories) == ["a", "b", "never"]
    assert 0 < rows["whole"].isna().sum() < 40
    assert rows["id"].tolist() == [f"{i:06d}" for i in range(1, 41)]


def test_everything_can_be_asked_with_sql_and_paged(space: Workspace) -> None:
    run = space.run(recipe())
    assert space.sql("select count(*) as n from all_synth")["n"].tolist() == [40]
    assert space.count("all_synth") == 40
    page = space.page("all_synth", 10, 5, [("id", True)])
    assert page["id"].to_pylist() == [f"{i:06d}" for i in range(30, 25, -1)]
    assert space.count(("synth", "all")) == 40
    assert (
        space.sql("select status from meta.runs where run_id = '" + run.run_id + "'")["status"][0]
        == "finished"
    )


def test_a_frame_is_imported_and_resampled(space: Workspace, frame: pd.DataFrame) -> None:
    dataset = space.import_frame(frame, "people", target="sex", holdout=0.2, policy="statistics")
    assert (dataset.rows, dataset.train_rows, dataset.policy) == (90, 72, Exposure.STATISTICS)
    made = space.run(
        Recipe.model_validate({"rows": 50, "dataset": {"name": "people"}, "method": {"name": "independent"}})
    )
    assert made.model is None
    rows = space.rows(made)
    assert len(rows) == 50
    assert set(rows["sex"]) <= {"f", "m"}
    with pytest.raises(NotFound, match="people"):
        space.schema("peple")


def test_a_policy_is_kept_before_anything_is_recorded(space: Workspace, frame: pd.DataFrame) -> None:
    space.import_frame(frame, "people", policy="schema")
    wanted = Recipe.model_validate(
        {"rows": 5, "dataset": {"name": "people"}, "method": {"name": "independent"}}
    )
    with pytest.raises(PolicyError, match="allows no more than: schema") as caught:
        space.run(wanted)
    assert "--policy statistics" in caught.value.hint
    assert space.runs() == []
    assert list((space.folder / "runs").iterdir()) == []


def test_copies_of_train_rows_are_dropped_when_the_recipe_says_so(space: Workspace) -> None:
    few = pd.DataFrame({"a": ["x", "y"] * 20, "b": ["u", "v"] * 20})  # only two of the four pairs are real
    space.import_frame(few, "pairs", holdout=0)
    data = {"rows": 30, "dataset": {"name": "pairs"}, "method": {"name": "independent"}}
    free = space.rows(space.run(Recipe.model_validate(data)))
    guarded = space.run(Recipe.model_validate({**data, "privacy": {"drop_copies": True}}))
    rows = space.rows(guarded)
    assert {"xu", "yv"} & set(free["a"].astype(str) + free["b"].astype(str))
    assert set(rows["a"].astype(str) + rows["b"].astype(str)) == {"xv", "yu"}
    assert guarded.rows_done == 30
    reasons = space.sql("select distinct reason from meta.rejects")["reason"].tolist()
    assert reasons == ["copy"]


def test_stop_and_go_on_gives_the_rows_of_an_undisturbed_run(space: Workspace) -> None:
    whole = space.run(recipe(), seed=9)
    control = Control()

    def listen(event: Event) -> None:
        if isinstance(event, BatchCommitted) and event.rows_done == 20:
            control.stop()

    part = space.run(recipe(), seed=9, on_event=listen, control=control)
    assert (part.status, part.rows_done, space.standing(part)) == (Status.CANCELLED, 20, "cancelled")
    done = space.resume(part)
    assert (done.status, done.rows_done) == (Status.FINISHED, 40)
    assert space.rows_arrow(done).equals(space.rows_arrow(whole))
    assert space.resume(done).run_id == done.run_id
    events = list(space.watch(done))
    assert [event.status for event in events if isinstance(event, RunEnded)] == ["cancelled", "finished"]


def test_a_schema_that_changed_meanwhile_is_refused_with_a_diff_unless_asked_for(space: Workspace) -> None:
    control = Control()
    control.stop()
    run = space.run(recipe(), control=control)
    assert run.rows_done == 0
    columns = [c if c.name != "sure" else c.model_copy(update={"range": (0, 5)}) for c in SCHEMA.columns]
    space.set_schema("all", SCHEMA.model_copy(update={"columns": tuple(columns)}))
    with pytest.raises(RecipeChanged, match="the schema of 'all' has changed") as caught:
        space.resume(run)
    assert "-range = [0, 9]" in caught.value.diff
    assert "+range = [0, 5]" in caught.value.diff
    assert space.resume(run, as_recorded=True).rows_done == 40


def test_another_version_of_the_method_is_refused(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    from localsynth.methods.text_to_tabular import TextToTabular

    control = Control()
    control.stop()
    run = space.run(recipe(), control=control)
    monkeypatch.setattr(TextToTabular, "version", TextToTabular.version + 1)
    with pytest.raises(RecipeChanged, match="version"):
        space.resume(run)


def test_words_for_runs(space: Workspace) -> None:
    first = space.run(recipe(), rows=10)
    second = space.run(recipe(), rows=10)
    assert [run.run_id for run in space.runs()] == [second.run_id, first.run_id]
    assert space.get_run("last").run_id == second.run_id
    assert space.get_run("all").run_id == second.run_id
    assert space.get_run(first.run_id[:-1]).run_id == first.run_id
    with pytest.raises(NotFound):
        space.get_run("nothing")
    space.delete_run(second)
    assert [run.run_id for run in space.runs()] == [first.run_id]


def test_a_second_thread_cannot_make_the_same_run(space: Workspace) -> None:
    run = space.run(recipe(), rows=10)
    seen: list[str] = []

    def listen(event: Event) -> None:
        if isinstance(event, BatchCommitted) and event.batch_no == 1:
            made = space.get_run("last")
            assert space.standing(made) == "running"
            with pytest.raises(RunError, match="is being made"):
                space.resume(made)
            with pytest.raises(RunError, match="is being made"):
                space.delete_run(made)
            seen.append(made.run_id)

    made = space.run(recipe(), rows=20, on_event=listen)
    assert seen == [made.run_id]
    assert run.run_id != made.run_id


@pytest.mark.parametrize("change", [{"rows": 0}, {"rows": -1}, {"threads": 0}, {"seed": -1}])
def test_arguments_that_cannot_be(space: Workspace, change: dict[str, int]) -> None:
    with pytest.raises(RecipeError):
        space.run(recipe(), **change)  # type: ignore[arg-type]
    with pytest.raises(RecipeError, match="bach_rows") as caught:
        space.run(recipe(bach_rows=3))
    assert "did you mean 'batch_rows'" in caught.value.hint
    assert space.runs() == []


def test_a_schema_without_a_dataset_and_a_dataset_without_a_schema(space: Workspace) -> None:
    with pytest.raises(NotFound, match="did you mean 'all'"):
        space.run(
            Recipe.model_validate({"rows": 5, "dataset": {"name": "alll"}, "model": {"name": "uniform"}})
        )


def test_export_keeps_what_is_there(space: Workspace, tmp_path: Path) -> None:
    run = space.run(recipe())
    path = space.export(run, tmp_path / "a.parquet")
    back = pd.read_parquet(path)
    assert str(back["whole"].dtype) == "Int64"
    assert str(back["yes"].dtype) == "boolean"
    assert str(back["word"].dtype) == "category"
    assert pd.api.types.is_datetime64_any_dtype(back["day"])
    with pytest.raises(DatasetError, match="exists already"):
        space.export(run, path)
    with pytest.raises(DatasetError, match="no suffix"):
        space.export(run, tmp_path / "a")
    link = tmp_path / "folder.csv"
    link.mkdir()
    with pytest.raises(DatasetError, match="is a folder"):
        space.export(run, link)


def test_run_ids_sort_by_time_and_name_a_folder() -> None:
    for name in ("clinic", "a b/c", "🙂", "..", "x" * 99):
        run_id = new_run_id(name)
        assert set(run_id) <= set("abcdefghijklmnopqrstuvwxyz0123456789-")
        assert len(run_id) < 50
        assert run_id[8] == "-"


def test_changes_of_a_schema_are_told_in_words() -> None:
    other = Schema(columns=tuple(reversed(SCHEMA.columns)), description="new")
    assert schema_changes(SCHEMA, other) == ["columns in another order", "other description"]
    assert schema_changes(SCHEMA, SCHEMA) == []
