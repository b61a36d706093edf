"""Jobs in turn: runs that wait are there, can be stopped, and survive the death of any other."""

from __future__ import annotations

import json
import os
import random
import signal
from itertools import pairwise
from pathlib import Path

import pytest

from localsynth import Workspace
from localsynth.workspace import Job, Phase
from localsynth.workspace.background import run_of
from tests.waiting_kit import until
from tests.workspace.jobs_kit import LONG, committed, ended


def queued(job: Job) -> bool:
    return job.state().phase is Phase.QUEUED


def worked(job: Job) -> tuple[float, float]:
    """When its work began and ended."""
    said = [json.loads(line) for line in (job.folder / "status.jsonl").read_text().splitlines() if line]
    return next(one["at"] for one in said if one.get("phase") == "running"), said[-1]["at"]


def test_runs_wait_in_order_whoever_is_killed(space: Workspace, recipe: Path) -> None:
    first = space.start_job("run", path=str(recipe), rows=LONG)
    until(lambda: committed(space) >= 1)
    jobs = [space.start_job("run", path=str(recipe), rows=20) for _ in range(9)]
    until(lambda: all(map(queued, jobs)))
    assert [job.id for job in space.queued()] == [job.id for job in jobs]
    texts = [step.text for job in jobs if (step := job.state().step) is not None]
    assert texts == ["waiting for 1 other", *(f"waiting for {n} others" for n in range(2, 10))]
    doomed = random.Random(1).sample(jobs, 3)
    for job in doomed:
        assert job.pid
        os.kill(job.pid, signal.SIGKILL)
    until(lambda: not any(job.alive() for job in doomed))
    assert [job.id for job in space.queued()] == [job.id for job in jobs if job not in doomed]
    assert len(space.runs()) == 1  # nobody began meanwhile
    assert first.pid
    os.kill(first.pid, signal.SIGKILL)
    others = [job for job in jobs if job not in doomed]
    for job in others:
        assert ended(job).phase is Phase.DONE
    spans = [worked(job) for job in others]
    assert spans == sorted(spans)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))
    assert [job.state().phase for job in doomed] == [Phase.DIED] * 3
    assert [run.run_id for run in reversed(space.runs())][1:] == [run_of(job) for job in others]
    assert space.queued() == []


def test_a_run_that_waits_is_named_and_taken_out(space: Workspace, recipe: Path) -> None:
    first = space.start_job("run", path=str(recipe), rows=LONG)
    until(lambda: committed(space) >= 1)
    job = space.start_job("run", path=str(recipe), rows=20)
    until(lambda: queued(job))
    run_id = run_of(job)
    assert run_id is not None
    assert space.coming_run(run_id) is not None
    assert space.stop_run(run_id)
    assert ended(job).phase is Phase.STOPPED
    assert space.coming_run(run_id) is None
    assert len(space.runs()) == 1
    at_once = space.start_job("evaluate")
    until(lambda: queued(at_once))
    at_once.kill()
    assert ended(at_once).phase is Phase.STOPPED
    assert space.start_job("import", source="sample:iris").state().phase is not Phase.QUEUED
    first.kill()
    ended(first)


def test_a_foreground_run_waits_for_nobody(space: Workspace, recipe: Path) -> None:
    first = space.start_job("run", path=str(recipe), rows=LONG)
    until(lambda: committed(space) >= 1)
    assert space.run(recipe, rows=10).rows_done == 10
    assert first.alive()


def test_more_places_work_side_by_side(
    space: Workspace, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOCALSYNTH_PARALLEL", "2")
    jobs = [space.start_job("run", path=str(recipe), rows=LONG) for _ in range(3)]
    until(lambda: [job.state().run_id is not None for job in jobs] == [True, True, False])
    until(lambda: queued(jobs[2]))
    assert jobs[2].state().step is not None
    jobs[0].kill()
    until(lambda: jobs[2].state().run_id is not None)
