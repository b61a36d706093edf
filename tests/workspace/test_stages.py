"""What selection and alignment are worth, from the run to the report: judged, kept, found again, shown."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from rich.console import Console

from localsynth import Workspace
from localsynth.cli.main import run as run_command
from localsynth.core.evaluation import REAL, REFERENCES, staged
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.report.terminal import terminal_report
from localsynth.store import runs as records
from localsynth.store.stages import read_stages
from localsynth.workspace import stages as judged_stages
from localsynth.workspace.evaluate import families, measures

CHEAP = ("validity", "columns", "copies")


def recipe(seed: int = 1, **params: object) -> Recipe:
    return Recipe.model_validate(
        {
            "rows": 40,
            "seed": seed,
            "dataset": {"name": "some"},
            "model": {"name": "uniform"},
            "method": {"name": "paft", "learn": "in-context", "batch_rows": 25, **params},
        }
    )


def frame() -> pd.DataFrame:
    rows = range(90)
    return pd.DataFrame(
        {
            "id": [f"P{i:03d}" for i in rows],
            "x": [i * 7 % 53 for i in rows],
            "y": [round(i % 17 + i / 90, 2) for i in rows],
            "z": ["aab"[i % 3] for i in rows],
        }
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("stages")


@pytest.fixture(scope="module")
def space(folder: Path) -> Workspace:
    space = Workspace(folder / "ws")
    space.import_frame(frame(), "some", target="z")
    return space


@pytest.fixture(scope="module")
def run(space: Workspace) -> Run:
    return space.run(recipe())


def test_a_run_has_the_stages_of_all_its_batches(space: Workspace, run: Run) -> None:
    found = read_stages(space.store, run.run_id)
    assert {name: rows.num_rows for name, rows in found.items()} == {"drawn": 40, "selected": 40}
    per_batch = space.sql_arrow(
        "select batch_no, stage, count(*) n from meta.stages group by all order by all"
    )
    assert list(zip(*per_batch.to_pydict().values(), strict=True)) == [
        (1, "drawn", 25),
        (1, "selected", 25),
        (2, "drawn", 15),
        (2, "selected", 15),
    ]
    assert found["drawn"].column_names == list(space.schema("some").names)


def test_what_evaluate_gives_is_read_back_and_steps_are_counted(space: Workspace, run: Run) -> None:
    steps: list[tuple[int, int, str, str]] = []
    made = space.evaluate(run, metrics=CHEAP, threads=1, on_step=lambda *step: steps.append(step))
    assert list(made.stages) == [run.run_id]
    assert list(made.stages[run.run_id]) == ["drawn", "selected"]
    assert made.subjects == (REAL, *REFERENCES, run.run_id)
    own = {judged.score.metric for judged in made.scores if judged.subject == run.run_id}
    for stage, scores in made.stages[run.run_id].items():
        assert {judged.subject for judged in scores} == {staged(run.run_id, stage)}
        assert {judged.score.metric for judged in scores} == own - {"caution"}
    assert space.evaluation(run) == made
    judging = [step for step in steps if step[1] > 1]
    assert [done for done, *_ in judging] == list(range(len(judging)))
    assert {total for _, total, *_ in judging} == {len(judging)} == {3 * (1 + len(REFERENCES) + 1 + 2)}
    assert judging[-1][2] == staged(run.run_id, "selected")


def test_figures_of_stages_are_those_of_their_rows(space: Workspace, run: Run) -> None:
    """The share of train rows among those drawn, counted by hand."""
    made = space.evaluate(run, metrics=CHEAP, threads=1)
    train = space.sql_arrow(
        "select x, y, z from real.some join meta.splits using (row_id) where part = 'train'"
    ).to_pylist()
    for stage, rows in read_stages(space.store, run.run_id).items():
        copied = [row in train for row in rows.select(["x", "y", "z"]).to_pylist()]
        (told,) = [
            judged.score.value
            for judged in made.stages[run.run_id][stage]
            if judged.score.metric == "exact_copies" and judged.score.column_a is None
        ]
        assert told == pytest.approx(sum(copied) / len(copied))


def test_report_and_json_have_them(
    space: Workspace,
    run: Run,
    folder: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    made = space.evaluate(run, metrics=CHEAP, threads=1)
    page = space.report(made, folder / "report.html").read_text()
    assert "What selection and alignment did" in page
    out = StringIO()
    Console(file=out, width=100, no_color=True).print(terminal_report(made, measures(), families()))
    assert "as drawn  selected  as kept" in out.getvalue()
    monkeypatch.setenv("LOCALSYNTH_WORKSPACE", str(space.folder))
    assert run_command(["report", run.run_id, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert list(told["stages"][run.run_id]) == ["drawn", "selected"]
    first = told["stages"][run.run_id]["drawn"][0]
    assert first == made.stages[run.run_id]["drawn"][0].plain()
    assert not [score for score in told["scores"] if " " in score["subject"]]
    assert run_command(["runs", "show", run.run_id]) == 0
    assert "What selection and alignment did" in capsys.readouterr().out


def test_runs_without_stages_and_their_neighbours(space: Workspace, run: Run) -> None:
    bare = space.run(recipe(align=False, drop_near=False))
    guarded = space.run(recipe(align=False))
    made = space.evaluate(run, bare, guarded, metrics=CHEAP, threads=1)
    assert {run_id: list(stages) for run_id, stages in made.stages.items()} == {
        run.run_id: ["drawn", "selected"],
        guarded.run_id: ["drawn"],
    }
    assert space.evaluation(run, bare, guarded) == made
    assert space.evaluation(bare).stages == {}
    # The compared runs' figures are their own.
    assert {row.metric for row in space.compare(run, bare).differences} <= set(measures())


def test_nothing_is_read_of_stages_where_a_budget_covers_the_figures(
    space: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*arguments: object) -> None:
        raise AssertionError("stages were read")

    monkeypatch.setattr(judged_stages, "read_stages", refuse)
    declared = space.schema("some").model_copy(update={"inferred": False})
    space.import_frame(frame(), "declared", schema=declared)
    bounded = space.run(
        Recipe.model_validate(
            {
                "rows": 20,
                "dataset": {"name": "declared"},
                "model": {"name": "uniform"},
                "method": {"name": "text-to-tabular", "elicit": False, "examples": 0},
                "privacy": {"epsilon": 1.0},
            }
        )
    )
    made = space.evaluate(bounded, metrics=CHEAP, threads=1)
    assert made.covered
    assert made.stages == {}
    with pytest.raises(AssertionError, match="stages were read"):
        space.evaluate(run, metrics=CHEAP, threads=1)


def test_a_metric_that_fails_over_a_stage_is_told_of(
    space: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    from localsynth.metrics import registry

    create = registry.create_all

    def failing(names: object = None, known: object = None) -> list[object]:
        made: list[object] = list(create(names, known))  # type: ignore[arg-type]
        (copies,) = [metric for metric in made if metric.name == "copies"]  # type: ignore[attr-defined]
        scores: Callable[..., object] = copies.scores  # type: ignore[attr-defined]
        calls: list[int] = []

        def sometimes(case: object) -> object:
            calls.append(1)
            if len(calls) == 6:  # after REAL, the references and the run
                raise ValueError("a cell")
            return scores(case)

        copies.scores = sometimes  # type: ignore[attr-defined]
        return made

    monkeypatch.setattr(registry, "create_all", failing)
    made = space.evaluate(run, metrics=CHEAP, threads=1)
    subject = staged(run.run_id, "drawn")
    told = [judged.score.note for judged in made.scores if judged.score.metric == "caution"]
    assert any(subject in note and "copies" in note for note in told)
    copies = [j.score for j in made.stages[run.run_id]["drawn"] if j.score.metric == "exact_copies"]
    assert [score.value for score in copies] == [None]
    assert space.evaluation(run) == made


def test_a_deleted_run_takes_its_stages_along(space: Workspace) -> None:
    other = space.run(recipe(seed=9))
    space.evaluate(other, metrics=CHEAP, threads=1)
    space.delete_run(other)
    for table in ("stages", "metrics"):
        left = space.sql_arrow(f"select count(*) n from meta.{table} where run_id = '{other.run_id}'")
        assert left["n"].to_pylist() == [0]
    assert other.run_id not in {one.run_id for one in records.list_all(space.store)}
