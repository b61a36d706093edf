"""Judging runs when things go wrong: what is left out is told, and what was computed is not lost."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from localsynth import Workspace
from localsynth.core.errors import (
    Cancelled,
    DatasetError,
    ExitCode,
    LocalsynthError,
    RunError,
    StoreLocked,
)
from localsynth.core.evaluation import CAUTION, NOBODY, NOTE, REAL, UNFINISHED, Evaluation, NotKept
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run, Status
from localsynth.core.schema import Schema
from localsynth.report.cautions import cautions, cautions_of
from localsynth.report.lookup import Lookup
from localsynth.store import metrics as kept
from localsynth.workspace import evaluate as judging
from localsynth.workspace.cautioning import common_rows

COLUMNS = ("columns",)


def frame(first: int = 0) -> pd.DataFrame:
    """30 rows, none twice."""
    return pd.DataFrame(
        {"x": [first + i // 2 for i in range(30)], "y": [i * 0.5 for i in range(30)], "z": list("abc") * 10}
    )


def recipe(dataset: str = "some", rows: int = 20, method: str = "independent", seed: int = 1) -> Recipe:
    return Recipe.model_validate(
        {"rows": rows, "seed": seed, "dataset": {"name": dataset}, "method": {"name": method}}
    )


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "ws")
    space.import_frame(frame(), "some")
    return space


@pytest.fixture
def run(space: Workspace) -> Run:
    return space.run(recipe())


def said(evaluation: Evaluation) -> tuple[str, ...]:
    return cautions(Lookup(evaluation, {}, {}))


def failing(name: str, error: BaseException) -> Callable[..., Any]:
    create = judging.methods.create

    def made(wanted: str) -> Any:
        if wanted == name:
            raise error
        return create(wanted)

    return made


# --- reference methods ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (MemoryError(), "MemoryError"),
        (ValueError("cell 17"), "ValueError"),
        (RunError("12 columns are too many", "fewer"), "12 columns are too many"),
    ],
)
def test_a_reference_that_cannot_be_made_is_left_out_and_told(
    space: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, error: Exception, words: str
) -> None:
    monkeypatch.setattr(judging.methods, "create", failing("gaussian-copula", error))
    told: list[LocalsynthError] = []
    found = space.evaluate(run, metrics=COLUMNS, threads=1, on_warning=told.append)
    sentence = f"the reference method 'gaussian-copula' could not be made on this dataset: {words}"
    assert [one.message for one in told] == [sentence]
    (shown,) = said(found)
    assert shown.startswith(f"T{sentence[1:]}")
    assert "cell 17" not in shown
    lost = found.of_table("column_shapes", "gaussian-copula")
    assert lost is not None
    assert lost.value is None
    assert "could not be made" in lost.note
    for subject in (REAL, "independent", "bootstrap", run.run_id):
        score = found.of_table("column_shapes", subject)
        assert score is not None
        assert score.value is not None
    assert found.subjects == (REAL, "independent", "gaussian-copula", "bootstrap", NOBODY, run.run_id)
    assert space.evaluation(run) == found
    page = space.report(found, tmp_path / "report.html").read_text()
    assert "could not be made on this dataset" in page


def test_lost_references_take_the_place_of_older_figures(
    space: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    space.evaluate(run, metrics=COLUMNS, threads=1)
    monkeypatch.setattr(judging.methods, "create", failing("bootstrap", MemoryError()))
    space.evaluate(run, metrics=COLUMNS, threads=1)
    values = {
        judged.score.value
        for judged in space.evaluation(run).scores
        if judged.subject == "bootstrap" and judged.score.metric == "column_shapes"
    }
    assert values == {None}


@pytest.mark.parametrize("stop", [Cancelled("enough"), KeyboardInterrupt()])
def test_who_stops_is_obeyed_while_references_are_made(
    space: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch, stop: BaseException
) -> None:
    monkeypatch.setattr(judging.methods, "create", failing("independent", stop))
    with pytest.raises(type(stop)):
        space.evaluate(run, metrics=COLUMNS, threads=1)
    assert space.count(("meta", "metrics")) == 0


# --- keeping the scores -----------------------------------------------------------------------------------------------


def locked(times: int) -> Callable[..., None]:
    put, left = kept.put, [times]

    def busy(*arguments: Any, **more: Any) -> None:
        if left[0]:
            left[0] -= 1
            raise StoreLocked("the workspace is in use by another process (shell, pid 7)", "end it")
        put(*arguments, **more)

    return busy


def test_a_workspace_taken_for_a_while_is_waited_for(
    space: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(judging.kept, "put", locked(3))
    told: list[LocalsynthError] = []
    found = space.evaluate(run, metrics=COLUMNS, threads=1, on_warning=told.append)
    (only,) = told
    assert "pid 7" in only.message
    assert "waiting up to 60 seconds" in only.message
    assert space.evaluation(run) == found


def test_a_workspace_taken_for_good_costs_no_scores(
    space: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(judging, "PATIENCE", 0.0)
    monkeypatch.setattr(judging.kept, "put", locked(99))
    with pytest.raises(NotKept, match=r"the scores were not kept: .*pid 7") as caught:
        space.evaluate(run, metrics=COLUMNS, threads=1)
    error = caught.value
    assert error.code is ExitCode.LOCKED
    assert error.hint.startswith("end it; ")
    score = error.evaluation.of_table("column_shapes", run.run_id)
    assert score is not None
    assert score.value is not None
    assert said(error.evaluation) == ("These scores are shown without being kept in the workspace.",)
    assert error.evaluation.scores[-1].score.item == NOTE
    page = space.report(error.evaluation, tmp_path / "report.html", prompts=error.prompts)
    assert "without being kept" in page.read_text()
    assert space.count(("meta", "metrics")) == 0


def test_waiting_can_be_stopped(space: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(judging.kept, "put", locked(99))
    over = [False]

    def check() -> None:
        if over[0]:
            raise Cancelled("enough")

    with pytest.raises(Cancelled):
        space.evaluate(
            run,
            metrics=COLUMNS,
            threads=1,
            check=check,
            on_warning=lambda _: over.__setitem__(0, True),
        )


def test_rows_replaced_meanwhile_are_not_passed_for_the_new_ones(space: Workspace, run: Run) -> None:
    again = [True]

    def step(done: int, total: int, subject: str, metric: str) -> None:
        if subject == run.run_id and again.pop():
            again.append(False)
            space.import_frame(frame(), "some", seed=5, replace=True)

    with pytest.raises(NotKept, match="imported anew while") as caught:
        space.evaluate(run, metrics=COLUMNS, threads=1, on_step=step)
    assert caught.value.code is ExitCode.USAGE
    assert space.count(("meta", "metrics")) == 0


def test_scores_of_a_run_deleted_meanwhile_are_not_kept(space: Workspace, run: Run) -> None:
    def step(done: int, total: int, subject: str, metric: str) -> None:
        if subject == run.run_id:
            space.delete_run(run)

    with pytest.raises(NotKept, match="there is no run called"):
        space.evaluate(run, metrics=COLUMNS, threads=1, on_step=step)
    assert space.count(("meta", "metrics")) == 0


# --- which rows are held against which --------------------------------------------------------------------------------


def test_runs_of_several_datasets_need_one_to_be_held_against(space: Workspace, run: Run) -> None:
    space.import_frame(frame(1000), "other")
    other = space.run(recipe("other"))
    for ask in (space.evaluate, space.evaluation, space.compare):
        with pytest.raises(DatasetError, match=r"different datasets: .* of 'some', .* of 'other'") as caught:
            ask(run, other)
        assert "--against" in caught.value.hint
    found = space.evaluate(run, other, against="some", metrics=COLUMNS, threads=1)
    assert {run.run_id, other.run_id} <= set(found.subjects)
    assert space.evaluation(run, other, against="some") == found


def test_columns_of_another_kind_are_not_cast(space: Workspace, run: Run) -> None:
    data = frame()
    data["x"] = data["x"] + 0.25
    space.import_frame(data, "fine")
    sentence = "the column 'x' is integer in the run and float in the dataset"
    with pytest.raises(DatasetError, match=sentence):
        space.evaluate(run, against="fine", metrics=COLUMNS)


def test_a_schema_changed_since_is_told(space: Workspace, run: Run) -> None:
    plain = space.dataset("some").schema.model_dump(mode="json", exclude_none=True)
    plain["columns"][0] = {"name": "x", "kind": "float", "range": [0, 99]}
    space.set_schema("some", Schema.model_validate(plain))
    with pytest.raises(DatasetError, match="is integer in the run and float") as caught:
        space.evaluate(run, metrics=COLUMNS)
    assert "make a new run" in caught.value.hint


def test_held_out_rows_that_a_run_learned_from_are_counted(space: Workspace, run: Run) -> None:
    space.import_frame(frame(), "twin", seed=3)
    from localsynth.store import datasets

    train = datasets.train_table(space.store, "some").to_pylist()
    held = datasets.holdout_table(space.store, "twin").to_pylist()
    both = sum(row in train for row in held)
    assert both > 0
    found = space.evaluate(run, against="twin", metrics=COLUMNS, threads=1)
    assert said(found)[0].startswith(f"{both} of the 10 rows held out of 'twin' are train rows of 'some'")


def test_what_cannot_be_told_is_said(space: Workspace, run: Run) -> None:
    space.import_frame(frame(), "twin", seed=3)
    space.import_frame(frame(), "some", seed=8, replace=True)
    found = space.evaluate(run, against="twin", metrics=COLUMNS, threads=1)
    assert "cannot be told, because 'some' was imported anew" in said(found)[0]


_cell = st.none() | st.sampled_from([0.0, -0.0, 1.5])
_word = st.none() | st.sampled_from(["", "a", "b"])
_rows = st.lists(st.tuples(_cell, _word, st.none() | st.booleans()), max_size=12)


@given(_rows, _rows)
def test_common_rows_are_those_python_finds(rows: list[Any], others: list[Any]) -> None:
    def table(given: list[Any]) -> pa.Table:
        parts = [given[:5], given[5:]]  # in two chunks
        schema = pa.schema({"a": pa.float64(), "b": pa.string(), "c": pa.bool_()})
        return pa.concat_tables(
            pa.Table.from_pylist([dict(zip("abc", row, strict=True)) for row in part], schema=schema)
            for part in parts
        )

    assert common_rows(table(rows), table(others)) == sum(row in others for row in rows)


# --- what is said of the figures --------------------------------------------------------------------------------------


def test_a_run_that_has_not_ended_is_cautioned_about_even_later(
    space: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = judging.records.run_with_rows

    def half_done(store: Any, run_id: str, most: int) -> tuple[Run, pa.Table]:
        found, rows = read(store, run_id, most)
        return replace(found, rows_done=8, status=Status.RUNNING), rows.slice(0, 8)

    monkeypatch.setattr(judging.records, "run_with_rows", half_done)
    found = space.evaluate(run, metrics=COLUMNS, threads=1)
    words = "This run had not ended when it was judged: there were 8 of 20 rows asked for, and all figures are of those"
    assert said(found) == (f"{words} few rows.",)
    later = space.evaluation(run)
    assert later.runs[0].rows_done == 20  # it went on
    assert said(later) == said(found)
    (stored,) = [judged for judged in later.scores if judged.score.metric == CAUTION]
    assert (stored.subject, stored.score.item) == (run.run_id, UNFINISHED)


def test_figures_of_several_draws_are_told(space: Workspace, run: Run) -> None:
    space.evaluate(run, metrics=COLUMNS, threads=1)
    space.evaluate(run, metrics=("validity",), threads=1)
    assert said(space.evaluation(run)) == ()
    space.evaluate(run, metrics=("validity",), seed=4, threads=1)
    (words,) = said(space.evaluation(run))
    assert "seed 0 with 20 reference rows; seed 4 with 20 reference rows" in words
    space.evaluate(run, metrics=COLUMNS, seed=4, threads=1)
    assert said(space.evaluation(run)) == ()


def test_without_a_holdout_the_facts_beside_a_run_are_those_of_train(tmp_path: Path) -> None:
    space = Workspace(tmp_path / "ws")
    space.import_frame(frame(), "some", holdout=0)
    run = space.run(recipe())
    found = space.evaluate(run, metrics=COLUMNS, threads=1)
    of_real = {(j.score.metric, j.score.column_a): j.score for j in found.scores if j.subject == REAL}
    mean = of_real["mean", "x"]
    assert mean.value == 7.0
    assert mean.note == "of the train split, because no real rows were held out"
    assert of_real["missing_rate", "x"].value == 0
    assert of_real["column_shapes", None].value is None  # train is not held against itself
    from rich.console import Console

    from localsynth.report.terminal import terminal_report

    console = Console(width=120)
    with console.capture() as captured:
        console.print(terminal_report(found, judging.measures(), judging.families()))
    text = captured.get()
    assert "the train split, because there is no holdout | synthetic" in text
    assert re.search(r"^x .* 7(\.0*)? \|", text, re.MULTILINE)


def test_notes_weigh_nothing_in_the_verdict(
    space: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib.metadata import EntryPoint

    from localsynth.metrics import registry

    points = [EntryPoint("gone", "no_such_module:Gone", registry.METRICS.group)]
    monkeypatch.setattr(registry.METRICS, "_points", lambda group: points)
    monkeypatch.setattr(registry.METRICS, "built_in", {"columns": registry.METRICS.built_in["columns"]})
    told: list[LocalsynthError] = []
    found = space.evaluate(run, threads=1, on_warning=told.append)
    assert [error.message.split(" (")[0] for error in told] == ["the metric 'gone'"]
    lookup = Lookup(found, {}, {})
    (words,) = cautions(lookup)
    assert words.endswith("it was left out.")
    assert cautions_of(lookup, lookup.runs[0]) == ()
