"""Judging runs that have a privacy budget: nothing tells more of real rows than their noisy statistics, unless asked to."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from rich.console import Console

from localsynth import Workspace
from localsynth.core.errors import NotFound, PolicyError
from localsynth.core.evaluation import CAUTION, OUTSIDE, REAL, WITHHELD, Evaluation, Spent
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.core.schema import Schema
from localsynth.core.targets import Axis, Budget, Margin, Spending, Statistics, Table
from localsynth.metrics.belonging import Members
from localsynth.metrics.registry import measures
from localsynth.report.cautions import cautions, cautions_of
from localsynth.report.lookup import Lookup
from localsynth.report.terminal import terminal_report
from localsynth.report.verdict import verdicts
from localsynth.store import datasets, migrate
from localsynth.store.budgets import spent_on
from localsynth.store.counting import Counting
from localsynth.store.given import Given, put
from localsynth.store.session import Store
from localsynth.workspace.evaluate import families

SCHEMA = Schema.model_validate(
    {
        "target": "sex",
        "columns": [
            {"name": "age", "kind": "integer", "range": [0, 999999]},
            {"name": "sex", "kind": "categorical", "categories": ["F", "M", "X"]},
        ],
        "rules": [{"name": "grown up", "check": "age >= 0"}],
    }
)
AGE, SEX = Axis("age", edges=(0, 500_000, 1_000_000)), Axis("sex", labels=(("F",), ("M",), ("X",)))
BUDGET = Budget(0.5, 1e-6, (Spending("margin of age", 0.001), Spending("margin of sex", 0.003)))
NOISY = Statistics(
    (Margin(AGE, (0.5, 0.5), 31.0), Margin(SEX, (0.5, 0.5, 0.0), 31.0)),
    (Table((AGE, SEX), (0.25, 0.25, 0.0, 0.25, 0.25, 0.0), 31.0, "target"),),
    "noisy",
    "counts of about 31 rows with noise",
    ("the noise is large",),
    BUDGET,
)
ALLOWED = {
    "invalid_rows", "invalid_cells", "rule_violations", "duplicate_rows", "category_coverage", "range_coverage",
    "target_margins", "target_tables", "target_shares", "target_cells",
}  # fmt: skip
CANARY = 987_654


def frame(first: int = CANARY) -> pd.DataFrame:
    return pd.DataFrame({"age": [first - i for i in range(45)], "sex": ["F", "M", "F"] * 15})


def recipe(epsilon: float | None = 0.5, seed: int = 1) -> Recipe:
    return Recipe.model_validate(
        {
            "rows": 24,
            "seed": seed,
            "dataset": {"name": "some"},
            "model": {"name": "uniform"},
            "method": {"name": "text-to-tabular"},
            "privacy": {} if epsilon is None else {"epsilon": epsilon},
        }
    )


def made(space: Workspace, seed: int = 1, statistics: Statistics = NOISY) -> Run:
    """A run as one that was given noisy statistics."""
    run = space.run(recipe(seed=seed))
    put(Store(space.folder), run.run_id, SCHEMA, Given("tables", "", statistics))
    return run


def filled(folder: Path, real: pd.DataFrame) -> Workspace:
    space = Workspace(folder)
    space.import_frame(real, "some", schema=SCHEMA)
    return space


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    return filled(tmp_path / "ws", frame())


@pytest.fixture
def run(space: Workspace) -> Run:
    return made(space)


def told(evaluation: Evaluation, run: Run) -> dict[str, Any]:
    """The first score of each measure: that of the table, where there is one."""
    scores = [judged.score for judged in evaluation.scores if judged.subject == run.run_id]
    return {score.metric: score for score in reversed(scores) if score.metric != CAUTION}


def shown(evaluation: Evaluation, width: int = 100) -> str:
    out = io.StringIO()
    console = Console(file=out, width=width, markup=True)
    console.print(terminal_report(evaluation, measures(), families()))
    return out.getvalue()


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    """No way to a real row."""

    def reads(*_: Any, **__: Any) -> Any:
        raise AssertionError("a real row is read")

    for name in ("train_table", "holdout_table", "train_and_holdout_tables", "_read_part", "_part"):
        monkeypatch.setattr(datasets, name, reads)
    monkeypatch.setattr(Counting, "of", reads)


def test_no_real_row_is_read_and_only_what_is_covered_is_judged(
    space: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        forbid(patch)
        with pytest.raises(AssertionError, match="a real row"):
            space.evaluate(run, threads=1, outside_budget=True)  # the ways are those that evaluations take
    forbid(monkeypatch)
    found = space.evaluate(run, threads=1)
    assert found.covered
    assert (found.dataset.rows, found.dataset.train_rows, found.dataset.holdout_rows) == (0, 0, 0)
    assert found.subjects == (run.run_id,)
    scores = told(found, run)
    assert set(scores) == set(measures())
    assert {name for name in ALLOWED if scores[name].value is None} == set()
    elsewhere = {"dependency_violations"} | {measure.name for measure in Members.measures}
    for name in set(measures()) - ALLOWED - elsewhere:
        assert scores[name].value is None
        assert scores[name].note == f"not applicable, because {WITHHELD}", name
    assert space.evaluation(run) == found


def test_real_rows_near_a_row_are_not_looked_up(
    space: Workspace, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    free = space.run(recipe(epsilon=None))
    assert space.nearest(free, 1).rows.num_rows == 3
    assert space.nearest(run, 1, outside_budget=True).rows.num_rows == 3
    monkeypatch.setattr("localsynth.workspace.nearest.numbered_train_rows", None)
    with pytest.raises(PolicyError, match="has a privacy budget") as caught:
        space.nearest(run, 1)
    assert "outside_budget=True" in caught.value.hint


def test_the_report_tells_of_the_budget_and_of_no_row(space: Workspace, run: Run, tmp_path: Path) -> None:
    found = space.evaluate(run, threads=1)
    page = space.report(found, tmp_path / "report.html").read_text()
    for text in (page, " ".join(shown(found).split())):
        assert "epsilon = 0.5" in text
        assert "margin of sex" in text
        assert "basic composition" in text
        assert "about 31 rows" in text
        assert "the noise is large" in text
        assert "grown up" in text
        assert str(CANARY) not in text
        assert "45 real rows" not in text
        assert "30 train" not in text
        assert "Bounded by a privacy budget" in text
    assert "Handle it as you handle those rows" not in page
    (verdict,) = verdicts(Lookup(found, measures(), families()))
    assert verdict.privacy.headline == "Bounded by a privacy budget"
    assert WITHHELD in verdict.likeness.text
    assert "by at most" in verdict.likeness.text


def test_the_same_noisy_statistics_give_the_same_scores_whatever_the_rows(
    space: Workspace, run: Run, tmp_path: Path
) -> None:
    other = filled(tmp_path / "other", frame(500)[:20])
    twin = made(other)
    one, two = (s.evaluate(r, threads=1) for s, r in ((space, run), (other, twin)))
    assert [judged.score for judged in one.scores] == [judged.score for judged in two.scores]
    assert replace(one.dataset, imported_at=two.dataset.imported_at) == two.dataset
    assert (list(one.aims.values()), one.spent) == (list(two.aims.values()), two.spent)


def test_a_schema_read_off_the_rows_since_is_not_what_is_judged_by(space: Workspace, run: Run) -> None:
    narrow = SCHEMA.model_dump(mode="json", exclude_none=True)
    narrow["columns"][0]["range"] = [CANARY - 44, CANARY]
    datasets.set_schema(Store(space.folder), "some", Schema.model_validate(narrow), declared=False)
    found = space.evaluate(run, threads=1)
    assert found.dataset.schema == SCHEMA
    assert told(found, run)["invalid_rows"].value == 0.0
    assert space.evaluation(run).dataset.schema == SCHEMA


def test_figures_from_real_rows_need_asking_for_are_warned_of_and_kept_apart(
    space: Workspace, run: Run, tmp_path: Path
) -> None:
    outside = space.evaluate(run, threads=1, outside_budget=True)
    assert not outside.covered
    assert REAL in outside.subjects
    assert told(outside, run)["column_shapes"].value is not None
    (caution,) = [judged for judged in outside.scores if judged.score.metric == CAUTION]
    assert (caution.subject, caution.score.item) == (run.run_id, OUTSIDE)
    lookup = Lookup(outside, measures(), families())
    (sentence,) = cautions(lookup)
    assert "do not release them" in sentence
    assert cautions_of(lookup, lookup.runs[0]) == ()  # it speaks against the figures, not against the rows
    page = space.report(outside, tmp_path / "outside.html").read_text()
    assert page.index("do not release them") < page.index('id="verdict"')
    text = " ".join(shown(outside).replace("|", " ").split())
    assert text.index("do not release them") < text.index("Beside reality")
    with pytest.raises(NotFound, match="no scores are kept"):
        space.evaluation(run)

    covered = space.evaluate(run, threads=1)
    again = space.evaluation(run)
    assert again == covered
    assert again.covered
    assert REAL not in again.subjects
    assert space.evaluation(run, outside_budget=True) == outside
    space.evaluate(run, threads=1, outside_budget=True, metrics=("columns",))
    assert space.evaluation(run) == covered


def test_what_was_not_asked_for_is_not_there(space: Workspace, run: Run) -> None:
    space.evaluate(run, threads=1)
    with pytest.raises(NotFound, match="outside its privacy budget") as caught:
        space.evaluation(run, outside_budget=True)
    assert "--outside-budget" in caught.value.hint


def test_runs_without_a_budget_do_not_stand_beside_those_with_one(space: Workspace, run: Run) -> None:
    plain = space.run(recipe(epsilon=None))
    for ask in (space.evaluate, space.evaluation, space.compare):
        with pytest.raises(PolicyError, match=r"has a privacy budget and run .* has none"):
            ask(run, plain)
    both = space.evaluate(run, plain, threads=1, outside_budget=True)
    assert {j.subject for j in both.scores if j.score.item == OUTSIDE} == {run.run_id}
    alone = space.evaluation(plain)  # it has no budget that could be left
    assert not alone.covered
    assert told(alone, plain)["column_shapes"].value is not None
    assert space.compare(run, plain, outside_budget=True).cautions
    with pytest.raises(NotFound):
        space.evaluation(run)


def test_another_table_is_not_covered_either(space: Workspace, run: Run) -> None:
    space.import_frame(frame(700), "other", schema=SCHEMA)
    with pytest.raises(PolicyError, match="rows of 'other'"):
        space.evaluate(run, against="other", threads=1)
    assert space.evaluate(run, against="some", threads=1).covered
    assert not space.evaluate(run, against="other", threads=1, outside_budget=True).covered


def test_budgets_of_a_dataset_add_up(space: Workspace, run: Run) -> None:
    second = made(space, 2, replace(NOISY, budget=replace(BUDGET, epsilon=0.25)))
    space.run(recipe(epsilon=None))  # sees a description only
    found = space.evaluate(run, second, threads=1, metrics=("targets",))
    assert found.spent == Spent(0.75, 2e-6, 2, 0)
    data = recipe(epsilon=None).model_dump(mode="json", exclude_none=True)
    data |= {"method": {"name": "independent"}, "model": {}}
    space.run(Recipe.model_validate(data))
    spent = space.evaluation(run, second).spent
    assert spent == Spent(0.75, 2e-6, 2, 1)
    again = space.evaluation(run)
    assert again.covered
    assert "1 run of 'some' was made from real rows" in " ".join(shown(again).split())


def test_a_budget_that_nothing_was_spent_of(space: Workspace) -> None:
    run = space.run(recipe())
    found = space.evaluate(run, threads=1)
    assert found.covered
    (verdict,) = verdicts(Lookup(found, measures(), families()))
    assert verdict.privacy.headline == "No statistics of real rows were read"
    assert found.spent == Spent(0.0, 0.0, 0, 0)


def test_scores_of_before_are_outside_the_budget(space: Workspace, run: Run) -> None:
    space.evaluate(run, threads=1, metrics=("columns",), outside_budget=True)
    step = next(step for step in migrate.known() if step.name == "budget")
    with Store(space.folder).write() as con:
        con.execute("ALTER TABLE meta.metrics DROP COLUMN outside_budget")
        con.execute("DROP TABLE meta.budgets; DROP TABLE meta.refusals")
        con.execute(step.sql)
    with pytest.raises(NotFound):
        space.evaluation(run)
    assert not space.evaluation(run, outside_budget=True).covered
    assert spent_on(Store(space.folder), "some") == Spent(
        0.5, 1e-6, 1, 0
    )  # what was kept before there was a ledger
