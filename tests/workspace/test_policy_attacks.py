"""What a dataset's owner allows, and every way round it that somebody might try."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pandas as pd
import pytest

from localsynth import Workspace
from localsynth.core.contracts import (
    Ask,
    Draft,
    EngineInfo,
    Filled,
    Message,
    MethodParams,
    SampleRequest,
    Task,
)
from localsynth.core.errors import LocalsynthError, PolicyError, RecipeError, RuleError
from localsynth.core.events import BatchCommitted, Event
from localsynth.core.grammar import FreeText
from localsynth.core.recipe import Recipe
from localsynth.core.run import Exposure, Status
from localsynth.core.schema import Rule
from localsynth.engine.uniform import UniformEngine
from localsynth.methods import registry
from localsynth.runs import ask as asking
from localsynth.workspace import Control
from tests.workspace.jobs_kit import ended

SECRET = "only in a real row"


class Params(MethodParams):
    """learn : as filling says it."""

    learn: str = ""


class Liar:
    """Tells the model all it has got hold of."""

    name: ClassVar[str] = "liar"
    version: ClassVar[int] = 1
    needs_model: ClassVar[bool] = True
    summary: ClassVar[str] = "It lies."
    Params: ClassVar[type[MethodParams]] = Params
    exposure: ClassVar[Exposure] = Exposure.SCHEMA
    honest: ClassVar[int] = 1_000_000  # how often it is asked before it says that it sees everything
    reads_targets: ClassVar[bool] = False
    tasks: ClassVar[list[Task]] = []
    between: ClassVar[Callable[[], object]] = staticmethod(lambda: None)  # done before the model is asked

    def __init__(self, params: Params) -> None:
        self.asked = 0

    def __getattribute__(self, name: str) -> Any:
        if name == "exposure":
            self.asked += 1
            if self.asked > Liar.honest:
                return Exposure.ROWS
        return super().__getattribute__(name)

    def prepare(self, task: Task, info: EngineInfo | None) -> None:
        self.task = task
        Liar.tasks.append(task)

    def batch_rows(self) -> int:
        return 4

    def learn(self, ask: Ask | None, seed: int) -> None:
        assert ask is not None
        rows = str(self.task.train().to_pylist()) if self.task.train is not None else ""
        counts = repr(self.task.targets.margins(3)) if self.task.targets is not None else ""
        Liar.between()
        ask.sample("tell", [SampleRequest((Message("user", f"{rows} {counts} ..."),), FreeText(1, 2))])

    def batch(self, n: int, seed: int, ask: Ask | None) -> Draft:
        import pyarrow as pa

        from localsynth.tables import arrow_schema

        return Draft(pa.Table.from_pylist([{"note": "x", "age": 30}] * n, arrow_schema(self.task.schema)))

    def state(self) -> Mapping[str, Any]:
        return {}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Nothing."""

    def fill(self, rows: Any, seed: int, ask: Ask) -> Filled:
        import numpy as np

        self.learn(ask, seed)
        return Filled(rows, np.zeros(rows.num_rows, np.bool_))


@pytest.fixture
def liar(monkeypatch: pytest.MonkeyPatch) -> type[Liar]:
    """The plug-in, beside all others; as set up it declares ``schema`` and asks for nothing."""
    points = [*registry.METHODS._points(registry.METHODS.group)]
    mine = EntryPoint("liar", f"{__name__}:Liar", registry.METHODS.group)
    monkeypatch.setattr(registry.METHODS, "_points", lambda group: [*points, mine])
    for name, value in (
        ("exposure", Exposure.SCHEMA),
        ("honest", 10**6),
        ("reads_targets", False),
        ("tasks", []),
    ):
        monkeypatch.setattr(Liar, name, value)
    return Liar


@pytest.fixture
def space(tmp_path: Path) -> Workspace:
    """``people``, of which a description alone may be shown."""
    made = Workspace(tmp_path / "ws")
    frame = pd.DataFrame(
        {"note": [f"{SECRET} {i:03d}" for i in range(60)], "age": [20 + i % 50 for i in range(60)]}
    )
    made.import_frame(frame, "people", policy="schema")
    return made


def recipe(method: str = "liar", name: str = "people", **parts: Any) -> Recipe:
    """parts : of its dataset, its condition, and else the method's parameters."""
    dataset, where = {"name": name, **parts.pop("dataset", {})}, parts.pop("where", None)
    made = {"rows": 8, "dataset": dataset, "model": {"name": "uniform"}, "method": {"name": method, **parts}}
    return Recipe.model_validate({**made, "where": where})


def prompts(space: Workspace) -> str:
    return "\n".join(space.sql_arrow("SELECT prompt FROM meta.calls")["prompt"].to_pylist())


# --- plug-ins ---------------------------------------------------------------------------------------------------------


def test_rows_are_not_for_who_declares_less(space: Workspace, liar: type[Liar]) -> None:
    run = space.run(recipe())
    assert run.status is Status.FINISHED
    assert (liar.tasks[0].train, liar.tasks[0].targets, liar.tasks[0].explore) == (None, None, None)
    assert SECRET not in prompts(space)


def test_statistics_are_not_for_who_declares_less(
    space: Workspace, liar: type[Liar], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever asks for target statistics sees statistics, whatever it declares."""
    monkeypatch.setattr(liar, "reads_targets", True)
    with pytest.raises(PolicyError, match="statistics of the real rows"):
        space.run(recipe())
    space.set_policy("people", "statistics")
    run = space.run(recipe())
    assert run.exposure is Exposure.STATISTICS  # and that is recorded, not what it says


def test_rows_are_not_for_a_model_under_the_word_statistics(
    space: Workspace, liar: type[Liar], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Methods without a model count statistics themselves, over the rows. One with a model would show it these rows."""
    monkeypatch.setattr(liar, "exposure", Exposure.STATISTICS)
    space.set_policy("people", "statistics")
    space.run(recipe())
    assert liar.tasks[0].train is None
    assert SECRET not in prompts(space)


@pytest.mark.parametrize("honest", range(1, 16))
def test_not_for_who_changes_its_mind(
    space: Workspace, liar: type[Liar], monkeypatch: pytest.MonkeyPatch, honest: int
) -> None:
    monkeypatch.setattr(liar, "honest", honest)
    with suppress(LocalsynthError):
        space.run(recipe())
    assert all(task.train is None and task.targets is None for task in liar.tasks)
    assert SECRET not in prompts(space)


@pytest.mark.parametrize("asks", [False, True])
def test_filling_hands_out_no_more(
    space: Workspace, liar: type[Liar], monkeypatch: pytest.MonkeyPatch, asks: bool
) -> None:
    monkeypatch.setattr(liar, "reads_targets", asks)
    known = pd.DataFrame({"note": ["y"], "age": [None]})
    if asks:
        with pytest.raises(PolicyError):
            space.fill(recipe(), known)
    else:
        space.fill(recipe(), known)
        assert liar.tasks[0].train is None
        assert liar.tasks[0].explore is None


# --- recipes ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["people", "PEOPLE", "People"])
def test_a_recipe_cannot_allow_more(space: Workspace, name: str) -> None:
    with pytest.raises(PolicyError, match="allows no more than: schema"):
        space.run(recipe("mallm-gan", name, dataset={"policy": "rows"}))
    assert space.dataset("people").policy is Exposure.SCHEMA


def test_nor_by_a_schema_or_a_source_of_its_own(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "s.toml").write_text(space.schema("people").to_toml())
    (tmp_path / "other.csv").write_text("note,age\nx,30\n")
    more = {"policy": "rows", "schema": str(tmp_path / "s.toml"), "source": str(tmp_path / "other.csv")}
    with pytest.raises(PolicyError, match="allows no more than: schema"):
        space.run(recipe("mallm-gan", dataset=more))


@pytest.mark.parametrize("view", ["people_real", "people_synth", "real.people", "meta.calls"])
def test_nor_by_the_name_of_a_view(space: Workspace, view: str) -> None:
    with pytest.raises(LocalsynthError):
        space.run(recipe("mallm-gan", view, dataset={"policy": "rows"}))
    assert prompts(space) == ""


def test_published_statistics_allow_statistics_of_the_file_alone(
    space: Workspace, liar: type[Liar], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "s.toml").write_text('[[margins]]\ncolumn = "age"\nmean = 40\nsd = 5\n')
    published = {"statistics": str(tmp_path / "s.toml")}
    monkeypatch.setattr(liar, "reads_targets", True)
    space.run(recipe(dataset=published))
    (task,) = liar.tasks
    assert task.train is None
    assert SECRET not in prompts(space)
    monkeypatch.setattr(liar, "exposure", Exposure.ROWS)
    with pytest.raises(PolicyError):
        space.run(recipe(dataset=published))


def test_a_file_of_rows_is_no_file_of_statistics(space: Workspace, tmp_path: Path) -> None:
    path = space.export_sql("FROM people_real", tmp_path / "rows.csv")
    with pytest.raises(RecipeError) as caught:
        space.run(recipe("llmsynthor", dataset={"statistics": str(path)}))
    assert SECRET not in str(caught.value)


@pytest.mark.parametrize(
    "check",
    [
        "age > (SELECT min(age) FROM real.people)",
        "age IN (SELECT age FROM people_real)",
        "note <> (SELECT content FROM read_text('/etc/hostname'))",
        "EXISTS (FROM read_csv('/etc/passwd'))",
        "age > 1 AND getenv('HOME') <> ''",
        "age > 1; ATTACH 'x.duckdb'",
        "age > len(glob('/*'))",
        "query('FROM people_real') IS NULL",
    ],
)
def test_rules_and_conditions_see_their_own_row_alone(space: Workspace, check: str) -> None:
    schema = space.schema("people")
    space.set_schema("people", schema.model_copy(update={"rules": (Rule(check=check),)}))
    with pytest.raises(RuleError):
        space.run(recipe("text-to-tabular"))
    space.set_schema("people", schema)
    space.set_policy("people", "rows")
    with pytest.raises(RecipeError):
        space.run(recipe("paft", where=check))


# --- a policy that is narrowed ----------------------------------------------------------------------------------------


def narrowing(space: Workspace, at: int) -> Callable[[Event], None]:
    """Narrows the policy after a batch, as its owner may at any time, from another window."""
    other = Workspace(space.folder)

    def heard(event: Event) -> None:
        if isinstance(event, BatchCommitted) and event.batch_no == at:
            other.set_policy("people", "schema")

    return heard


def test_a_run_that_goes_on_ends_at_its_next_batch(
    space: Workspace, liar: type[Liar], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liar, "exposure", Exposure.ROWS)
    space.set_policy("people", "rows")
    with pytest.raises(PolicyError, match="narrowed meanwhile"):
        space.run(recipe(), on_event=narrowing(space, 1))
    (run,) = space.runs()
    assert (run.status, run.rows_done) == (Status.FAILED, 4)
    with pytest.raises(PolicyError, match="allows no more than: schema"):
        space.resume(run)
    told = [entry for entry in space.audit() if entry.what == "refused by policy"]
    assert [entry.about["deed"] for entry in told] == ["run", "resume"]
    assert told[0].about["dataset"] == "people"


def test_a_run_that_learns_for_long_ends_at_its_next_question(
    space: Workspace, liar: type[Liar], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(asking, "_PERMITTED_S", 0.0)
    monkeypatch.setattr(liar, "exposure", Exposure.ROWS)
    monkeypatch.setattr(
        liar, "between", staticmethod(lambda: Workspace(space.folder).set_policy("people", "schema"))
    )
    asked = []
    monkeypatch.setattr(UniformEngine, "sample", lambda *request: asked.append(request))
    space.set_policy("people", "rows")
    with pytest.raises(PolicyError, match="narrowed meanwhile"):
        space.run(recipe())
    assert asked == []
    assert space.runs()[0].status is Status.FAILED


def test_a_run_is_not_taken_up_again(
    space: Workspace, liar: type[Liar], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(liar, "exposure", Exposure.ROWS)
    space.set_policy("people", "rows")
    control = Control()
    run = space.run(recipe(), control=control, on_event=lambda event: control.stop())
    assert run.status is Status.CANCELLED
    space.set_policy("people", "statistics")
    for as_recorded in (False, True):
        with pytest.raises(PolicyError, match="allows no more than: statistics"):
            space.resume(run, as_recorded=as_recorded)


def test_a_job_that_was_asked_for_before(space: Workspace) -> None:
    job = space.start_job("run", recipe=recipe("bootstrap").to_toml())
    error = ended(job).error
    assert error is not None
    assert "allows no more than: schema" in error.message
    assert [(entry.what, entry.who["program"]) for entry in space.audit("people")][-1] == (
        "refused by policy",
        "job",
    )


def test_what_was_shown_is_not_shown_again(space: Workspace, tmp_path: Path) -> None:
    """A prompt with rows stands in no report, and is not looked at, under a policy that would not allow it."""
    space.set_policy("people", "rows")
    run = space.run(recipe("mallm-gan", rounds=1, proposals=0, searched=0))
    assert SECRET in (space.last_prompt(run) or "")
    space.set_policy("people", "schema")
    with pytest.raises(PolicyError):
        space.last_prompt(run)
    with pytest.raises(PolicyError):
        space.nearest(run, 1)
    judged = space.evaluate(run, metrics=("copies",), threads=1)
    assert SECRET not in space.report(judged, tmp_path / "report.html").read_text()


def test_importing_anew_does_not_widen_it(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "people.csv").write_text("note,age\nx,30\ny,31\nz,32\n")
    space.import_file(tmp_path / "people.csv", replace=True)
    assert space.dataset("people").policy is Exposure.SCHEMA
    space.import_file(tmp_path / "people.csv", name="PEOPLE", replace=True)
    assert space.dataset("people").policy is Exposure.SCHEMA
    space.import_file(tmp_path / "people.csv", replace=True, policy="statistics")
    assert space.dataset("people").policy is Exposure.STATISTICS
    assert space.import_file(tmp_path / "people.csv", name="new").policy is Exposure.ROWS
