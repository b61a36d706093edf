"""Runs that go on without the command that started them, and ``runs stop``."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from localsynth import Workspace
from localsynth.cli import detaching
from tests.cli.conftest import Cli
from tests.cli.test_process import localsynth
from tests.waiting_kit import until, workspace_with_jobs


@pytest.fixture
def space(tmp_path: Path) -> Iterator[Workspace]:
    with workspace_with_jobs(tmp_path / "ws") as made:
        yield made


def test_a_detached_run_is_stopped_and_taken_up_again(cli: Cli, recipe: Path, space: Workspace) -> None:
    said = cli("run", recipe, "--rows", 100_000, "--detach")
    assert said.code == 0
    run_id = said.out.strip()
    assert f"localsynth runs watch {run_id}" in said.err
    (job,) = space.jobs()
    assert f"process {job.pid}" in said.err
    assert space.standing(space.get_run(run_id)) == "running"
    soft = cli("runs", "stop")
    assert (soft.code, soft.out) == (0, "")
    assert f"run {run_id} finishes its batch" in soft.err
    assert f"localsynth runs resume {run_id}" in soft.err
    until(lambda: not job.alive())
    again = cli("runs", "stop", run_id)
    assert again.code == 1
    assert f"error: run {run_id} is not being made" in again.err
    assert "it is cancelled" in again.err
    assert cli("runs", "resume", run_id, "--detach").out.strip() == run_id
    at_once = cli("runs", "stop", run_id, "--now")
    assert at_once.code == 0
    assert f"run {run_id} is stopped" in at_once.err
    assert space.maker(space.get_run(run_id)) is None


def test_a_run_on_a_terminal_is_stopped_from_another(cli: Cli, recipe: Path, tmp_path: Path) -> None:
    process = localsynth("run", recipe, "--rows", 100_000, "--workspace", tmp_path / "ws")
    try:
        until(lambda: any(tmp_path.glob("ws/runs/*/events.jsonl")) and cli("runs", "stop").code == 0)
        _, err = process.communicate(timeout=60)
        assert process.returncode == 130
        assert "finishing the batch" in err
    finally:
        process.kill()
        process.communicate()


def test_what_refuses_a_run_refuses_a_detached_one(cli: Cli, recipe: Path, space: Workspace) -> None:
    said = cli("run", recipe, "--model", "nosuch", "--detach")
    plain = cli("run", recipe, "--model", "nosuch")
    assert (said.code, said.out, said.err) == (plain.code, "", plain.err)
    assert "there is no model named 'nosuch'" in said.err
    assert cli("run", "nosuch", "--detach").code == 2
    assert len(space.jobs()) == 1


def test_ctrl_c_before_it_has_begun_stops_it(
    cli: Cli, recipe: Path, space: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def pressed(_job: object, **_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(detaching, "begun", pressed)
    assert cli("run", recipe, "--rows", 100_000, "--detach").code == 130
    (job,) = space.jobs()
    until(lambda: not job.alive())
    assert job.state().phase == "stopped"
