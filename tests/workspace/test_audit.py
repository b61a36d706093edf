"""What the audit log is told of: everything by which real data came in, was shown to a model, was left in a file, or went."""

from __future__ import annotations

import json
from pathlib import Path

import pandas as pd
import pytest

from localsynth import Workspace
from localsynth.cli.main import run as run_command
from localsynth.core.errors import NotFound, PolicyError
from localsynth.core.recipe import Recipe
from localsynth.store import audit
from localsynth.workspace.auditing import left_view

SECRET = "only in a real row"


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / "ws")
    frame = pd.DataFrame(
        {"note": [f"{SECRET} {i:03d}" for i in range(60)], "age": [20 + i % 50 for i in range(60)]}
    )
    made.import_frame(frame, "people", policy="rows")
    return made


def recipe(method: str, **params: object) -> Recipe:
    made = {"rows": 8, "dataset": {"name": "people"}, "model": {"name": "uniform"}}
    return Recipe.model_validate({**made, "method": {"name": method, **params}})


def last(space: Workspace) -> tuple[str, dict[str, object]]:
    entry = space.audit()[-1]
    return entry.what, dict(entry.about)


def test_what_comes_in_and_what_is_changed(space: Workspace) -> None:
    what, about = last(space)
    assert what == "dataset imported"
    assert about["dataset"] == "people"
    assert (about["rows"], about["held_out"], about["columns"], about["policy"]) == (60, 20, 2, "rows")
    assert about["source"] == "a pandas frame"
    space.set_policy("people", "statistics")
    assert last(space) == (
        "policy changed",
        {"dataset": "people", "before_it": "rows", "policy": "statistics"},
    )
    space.set_schema("people", space.schema("people"))
    assert last(space)[0] == "schema changed"
    space.declare("other", space.schema("people"))
    assert last(space)[0] == "dataset declared"


def test_what_is_shown_to_a_model(space: Workspace) -> None:
    run = space.run(recipe("text-to-tabular", batch_rows=4))
    mine = space.audit(run=run)
    assert mine[0].what == "run started"
    assert mine[-1].what == "run ended"
    about = mine[0].about
    assert (about["exposure"], about["policy"], about["model"]) == ("schema", "rows", run.model)
    assert about["recipe"] == run.fingerprint
    shown = [entry for entry in mine if entry.what == "prompts shown"]
    calls = space.sql_arrow("SELECT batch_no, prompt FROM meta.calls ORDER BY batch_no, call_no").to_pylist()
    assert sum(entry.about["calls"] for entry in shown) == len(calls) > 0
    before = None
    for entry in shown:
        prompts = [one["prompt"] for one in calls if one["batch_no"] == entry.about["batch"]]
        before = audit.prompts_sha256(before, prompts)
        assert entry.about["prompts_sha256"] == before
    found = space.verify_audit()
    assert found.whole
    assert found.prompts == len(calls)


def test_filling_is_told_with_the_hash_of_its_prompts(space: Workspace) -> None:
    space.fill(recipe("paft"), pd.DataFrame({"note": [f"{SECRET} 999"], "age": [None]}))
    began, filled = space.audit("people")[-2:]
    assert (began.what, filled.what) == ("filling began", "cells filled")
    assert began.about["exposure"] == "rows"
    assert filled.about["calls"] > 0
    assert len(filled.about["prompts_sha256"]) == 64


def test_what_is_left_in_files(space: Workspace, tmp_path: Path) -> None:
    run = space.run(recipe("bootstrap"))
    path = space.export(run, tmp_path / "rows.csv")
    assert last(space) == (
        "rows exported",
        {"dataset": "people", "run": run.run_id, "rows": 8, "format": "csv", "path": str(path)},
    )
    query = f"SELECT * FROM people_real WHERE note <> '{SECRET}'"
    space.export_sql(query, tmp_path / "query.parquet")
    what, about = last(space)
    assert (what, about["dataset"], about["rows"]) == ("query exported", "people", 60)
    assert about["sql_sha256"] == audit.sha256_of(query)
    left_view(space, space.browse("people", kind="real"), tmp_path / "view.csv", format="csv")
    assert last(space)[0] == "real rows exported"
    judged = space.evaluate(run, metrics=("copies",), threads=1, outside_budget=True)
    assert last(space) == ("runs judged", {"dataset": "people", "runs": [run.run_id], "outside_budget": True})
    space.report(judged, tmp_path / "report.html")
    assert last(space)[0] == "report written"
    space.nearest(run, 1)
    assert last(space)[0] == "real rows looked up"
    space.delete_run(run)
    assert last(space)[0] == "run deleted"
    assert [entry.what for entry in space.audit(run=run.run_id)][-1] == "run deleted"
    space.remove_dataset("people")
    assert last(space)[0] == "dataset removed"
    assert space.verify_audit().whole
    assert SECRET not in (space.folder / "audit.jsonl").read_text()
    with pytest.raises(NotFound):
        space.audit(run="never there")


def test_what_is_refused(space: Workspace) -> None:
    space.set_policy("people", "schema")
    with pytest.raises(PolicyError):
        space.run(recipe("bootstrap"))
    assert last(space) == ("refused by policy", {"deed": "run", "dataset": "people", "method": "bootstrap"})


def test_who_may_only_look_leaves_a_trace(space: Workspace, tmp_path: Path) -> None:
    looking = Workspace(space.folder, read_only=True)
    looking.export_sql("FROM people_real", tmp_path / "x.csv")
    assert last(space)[0] == "query exported"


def test_commands(space: Workspace, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    place = ["--workspace", str(space.folder)]
    assert run_command(["sql", "FROM people_real", "--format", "csv", *place]) == 0
    assert last(space)[0] == "query printed"
    assert run_command(["schema", "export", "people", "-o", str(tmp_path / "s.toml"), *place]) == 0
    assert last(space)[0] == "schema exported"
    capsys.readouterr()
    assert run_command(["audit", "--format", "json", *place]) == 0
    shown = json.loads(capsys.readouterr().out)
    assert [row["what"] for row in shown] == [entry.what for entry in space.audit()]
    assert run_command(["audit", "show", "--dataset", "people", *place]) == 0
    assert run_command(["audit", "show", "--dataset", "nobody", "--format", "csv", *place]) == 0
    capsys.readouterr()
    assert run_command(["audit", "verify", *place]) == 0
    head = capsys.readouterr().out.strip()
    assert run_command(["audit", "verify", "--head", head, *place]) == 0
    assert run_command(["audit", "verify", "--head", "0" * 64, *place]) == 1
    log = space.folder / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b'"rows":60', b'"rows":61', 1))
    assert run_command(["audit", "verify", *place]) == 1
    assert "line 1: it is not as it was written" in capsys.readouterr().err
