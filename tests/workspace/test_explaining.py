"""What a run found out, from the workspace: shown, put into the report, and never in the way."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from localsynth import Workspace
from localsynth.core.explaining import Explanation, Facts, Graph, Steps
from localsynth.core.recipe import Recipe
from localsynth.core.run import Run
from localsynth.methods import registry
from localsynth.methods.paft.method import PAFT
from tests.workspace.test_conditions import people, recipe


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Run]:
    space = Workspace(tmp_path_factory.mktemp("explaining") / "ws")
    space.import_frame(people(), "people", target="disease")
    return space, space.run(recipe(None))


def test_a_run_tells_what_it_found_out(made: tuple[Workspace, Run]) -> None:
    space, run = made
    told = space.explain(run)
    assert told is not None
    assert told == space.explain("last") == space.explain(run.run_id)
    (order,) = (part for part in told.parts if isinstance(part, Steps))
    assert {step.name for step in order.steps} == {"age", "state", "bird", "bmi", "smoker", "disease"}
    assert all(step.why for step in order.steps)
    (graph,) = (part for part in told.parts if isinstance(part, Graph))
    assert ("state", "bird", "state determines bird") in {
        (one.source, one.target, one.why) for one in graph.links
    }
    learnt = told.parts[0]
    assert isinstance(learnt, Facts)
    assert dict(learnt.facts)["In its prompt"] == "2 train rows"


def test_a_state_of_another_version_tells_nothing(
    made: tuple[Workspace, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    space, run = made
    monkeypatch.setattr(PAFT, "version", PAFT.version + 1)
    assert space.explain(run) is None


def test_a_state_that_cannot_be_read_tells_nothing(
    made: tuple[Workspace, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    from localsynth.store import runs as records

    space, run = made
    states: list[object] = [{}, {"method": None}, {"method": {"learnt": 3}}, {"method": {"structure": {}}}]
    for state in states:
        monkeypatch.setattr(records, "checkpoint", lambda store, run_id, state=state: (1, state))
        assert space.explain(run) is None
    monkeypatch.setattr(records, "checkpoint", lambda store, run_id: None)  # no batch yet
    assert space.explain(run) is None


def test_a_method_that_is_gone_or_silent_tells_nothing(
    made: tuple[Workspace, Run], monkeypatch: pytest.MonkeyPatch
) -> None:
    space, run = made
    plain = {"rows": 20, "dataset": {"name": "people"}, "method": {"name": "bootstrap"}}
    silent = space.run(Recipe.model_validate(plain))
    assert space.explain(silent) is None
    space.delete_run(silent)
    for wrong in ("nonsense", Explanation()):
        monkeypatch.setattr(PAFT, "explain", staticmethod(lambda state, wrong=wrong: wrong))
        assert space.explain(run) is None
    monkeypatch.setattr(registry, "get", lambda name: registry.METHODS.get("no-such-method"))
    assert space.explain(run) is None


def test_the_report_has_it(made: tuple[Workspace, Run], tmp_path: Path) -> None:
    space, run = made
    evaluation = space.evaluate(run, metrics=("validity",), threads=2)
    text = space.report(evaluation, tmp_path / "report.html").read_text("utf-8")
    assert "How the rows were made" in text
    assert '<ol class="chips">' in text
    unstaged = replace(evaluation, stages={})
    bare = space.report(unstaged, tmp_path / "bare.html", explanations={}).read_text("utf-8")
    assert "How the rows were made" not in bare


def test_the_command_prints_it(made: tuple[Workspace, Run], capfd: pytest.CaptureFixture[str]) -> None:
    from localsynth.cli.main import run as command

    space, run = made
    assert command(["runs", "show", run.run_id, "--workspace", str(space.folder)]) == 0
    lines = capfd.readouterr().out.splitlines()
    assert lines[0] == f"run       {run.run_id}"
    assert "state -> bird: state determines bird" in lines
    assert lines[lines.index("The order of the columns") + 2].split()[:2] == ["1.", "disease"]
    assert max(map(len, lines[lines.index("What was learnt") :])) <= 100
