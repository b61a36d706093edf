"""Detached runs wait for each other: what is printed, listed, watched and taken out."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localsynth import Workspace
from localsynth.workspace.background import run_of
from tests.cli.conftest import Cli
from tests.waiting_kit import until, workspace_with_jobs

FEW = 100_000  # rows that nobody waits for


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    with workspace_with_jobs(tmp_path / "ws") as made:
        yield made


def test_a_detached_run_behind_another_is_queued(cli: Cli, recipe: Path, space: Workspace) -> None:
    first = cli("run", recipe, "--rows", FEW, "--detach").out.strip()
    said = cli("run", recipe, "--rows", 10, "--detach")
    second = said.out.strip()
    assert said.code == 0
    assert f"run {second} is queued in the background: waiting for 1 other" in said.err
    assert f"localsynth runs stop {second}" in said.err
    third = cli("run", recipe, "--rows", 20, "--detach").out.strip()
    assert cli("runs", "stop", first, "--now").code == 0
    until(lambda: space.coming_run(second) is None)
    again = cli("runs", "resume", first, "--detach")
    assert (again.code, again.out.strip()) == (0, first)
    listed = cli("runs", "list", "--format", "csv").out.splitlines()
    assert {line.split(",")[0] for line in listed[1:]} == {first, second, third}
    assert len(listed) == 4  # none of them twice
    assert cli("runs", "watch", third).code == 0
    until(lambda: space.get_run(third).status.value == "finished")
    assert space.get_run(second).status.value == "finished"
    assert space.get_run(second).started_at < space.get_run(third).started_at


def test_a_queued_run_is_listed_and_taken_out(cli: Cli, recipe: Path, space: Workspace) -> None:
    first = cli("run", recipe, "--rows", FEW, "--detach").out.strip()
    second, third = (cli("run", recipe, "--rows", n, "--detach").out.strip() for n in (10, 20))
    listed = cli("runs", "list", "--format", "csv").out.splitlines()
    assert [line.split(",")[0] for line in listed[1:]] == [third, second, first]
    assert "queued (waiting for 2 others)" in listed[1]
    assert "queued (waiting for 1 other)" in listed[2]
    assert cli("runs", "list", "--dataset", "another").out.count("queued") == 0
    said = cli("runs", "stop", second)
    assert said.code == 0
    assert f"run {second} will not begin" in said.err
    until(lambda: [run_of(job) for job in space.queued()] == [third])
    assert cli("runs", "stop", second).code == 2  # there never was such a run
    assert cli("runs", "stop", third, "--now").code == 0
    assert cli("runs", "stop", first, "--now").code == 0
    assert [run.run_id for run in space.runs()] == [first]


def test_a_wrong_number_of_places_is_told(
    cli: Cli, recipe: Path, space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALSYNTH_PARALLEL", "none")
    said = cli("run", recipe, "--detach")
    assert said.code == 2
    assert "$LOCALSYNTH_PARALLEL is 'none'" in said.err
    assert space.jobs() == []
