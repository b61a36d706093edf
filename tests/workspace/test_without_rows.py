"""Judging runs of a table of which no real row is known: what can be judged is, the rest says why not."""

from __future__ import annotations

from pathlib import Path

import pytest

from localsynth import Workspace
from localsynth.core.evaluation import CAUTION
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Margin, Statistics, Table
from localsynth.metrics.registry import measures
from localsynth.report.lookup import Lookup
from localsynth.report.outline import main
from localsynth.report.verdict import Level, verdicts
from localsynth.store import runs as records
from localsynth.store.given import Given, put
from localsynth.store.session import Store
from localsynth.workspace import copy_recipe, packaged_recipes
from localsynth.workspace.aiming import aims_of
from localsynth.workspace.evaluate import families

SCHEMA = Schema.model_validate(
    {
        "target": "sex",
        "columns": [
            {"name": "id", "kind": "identifier"},
            {"name": "part", "kind": "float", "range": [0, 1], "decimals": 2, "null_rate": 0.3},
            {"name": "sex", "kind": "categorical", "categories": ["F", "M"]},
            {"name": "day", "kind": "date", "range": ["2020-01-01", "2020-12-31"]},
            {"name": "note", "kind": "text", "max_length": 20},
        ],
        "rules": [{"name": "small", "check": "part < 0.99"}],
    }
)
PART = Axis("part", edges=(0, 50, 101), missing=True)
SEX = Axis("sex", labels=(("F",), ("M",)))
TARGETS = Statistics(
    (Margin(PART, (0.5, 0.25, 0.25)), Margin(SEX, (1.0, 0.0)), Margin(Axis("note"), (1.0,))),
    (Table((PART, SEX), (0.5, 0.0, 0.25, 0.0, 0.25, 0.0)),),
    "file",
)


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    space = Workspace(tmp_path / "ws")
    space.declare("some", SCHEMA)
    return space


@pytest.fixture
def run(space: Workspace) -> Run:
    return space.run(
        Recipe.model_validate(
            {
                "rows": 24,
                "dataset": {"name": "some"},
                "model": {"name": "uniform"},
                "method": {"name": "text-to-tabular"},
            }
        )
    )


def aimed(space: Workspace, run: Run) -> Store:
    """The workspace's store, the run as one that was given the targets."""
    store = Store(space.folder)
    put(store, run.run_id, SCHEMA, Given("tables", "", TARGETS))
    return store


def test_what_can_be_judged_is_and_the_rest_says_why_not(space: Workspace, run: Run, tmp_path: Path) -> None:
    found = space.evaluate(run, threads=1)
    told = {judged.score.metric: judged.score for judged in found.scores if judged.subject == run.run_id}
    assert set(told) - {CAUTION} == set(measures())
    for metric in ("invalid_rows", "invalid_cells", "rule_violations", "duplicate_rows"):
        assert told[metric].value is not None, metric
    for metric in (
        "column_shapes",
        "c2st_rf_auc",
        "tstr_rf_auc",
        "exact_copies",
        "membership_auc",
        "histogram",
    ):
        assert told[metric].value is None
        assert told[metric].note.startswith("not applicable, because"), metric
        assert "no real" in told[metric].note, metric
    lookup = Lookup(found, measures(), families())
    (verdict,) = verdicts(lookup)
    assert verdict.likeness.level is Level.UNKNOWN
    assert "cannot be judged, because the dataset has no real rows" in verdict.likeness.text
    assert "target_margins" not in main(lookup, "fidelity")
    assert "cannot be judged" in space.report(found, tmp_path / "report.html").read_text()


def test_a_run_aims_at_what_it_was_given(space: Workspace, run: Run) -> None:
    store = aimed(space, run)
    run = records.get(store, run.run_id)
    assert aims_of(store, [run], SCHEMA) == {run.run_id: TARGETS}
    finer = SCHEMA.model_dump(mode="json", exclude_none=True)
    finer["columns"][1]["decimals"] = 3
    assert aims_of(store, [run], Schema.model_validate(finer)) == {}


def test_a_packed_recipe_is_copied_with_all_it_reads(tmp_path: Path) -> None:
    assert not [name for name in packaged_recipes() if "." in name]
    names = {path.name for path in copy_recipe("survey_margins", tmp_path)}
    assert names == {
        "survey_margins.toml",
        "survey_margins.schema.toml",
        "survey_margins.statistics.toml",
        "survey_margins.age_by_gender.csv",
    }


def test_a_run_is_held_against_its_targets(space: Workspace, run: Run) -> None:
    aimed(space, run)
    found = space.evaluate(run, threads=1)
    rows = space.rows(run).drop(columns="id")
    women = float((rows["sex"] == "F").mean())
    score = next(s.score for s in found.find("target_margins", run.run_id) if s.score.column_a == "sex")
    assert score.value == pytest.approx(1 - women)
    assert found.of_table("target_tables", run.run_id).value > 0  # type: ignore[union-attr,operator]
    lookup = Lookup(found, measures(), families())
    (verdict,) = verdicts(lookup)
    assert "From the statistics they were made to meet the rows are apart by at most" in verdict.likeness.text
    assert "target_margins" in main(lookup, "fidelity")
