"""Jobs: work in processes of their own, told from small files, stopped by signals, and there after who started them."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from localsynth import Workspace
from localsynth.core.errors import DatasetError, ExitCode, NotFound, Problem, RunError, StoreError
from localsynth.runs.lock import RunLock
from localsynth.workspace import Control, Failure, Job, JobState, JobStep, Phase
from localsynth.workspace.jobfiles import StatusFile, StatusReader
from localsynth.workspace.jobrequests import RunRequest, read_request, write_request
from localsynth.workspace.signalling import signalled
from tests.waiting_kit import until
from tests.workspace.jobs_kit import LONG, RECIPE, committed, ended

ROOT = Path(__file__).resolve().parents[3]


def underway(space: Workspace, job: Job) -> str:
    """The run, when some of its batches are there."""
    until(lambda: committed(space) >= 2 or job.state().over)
    state = job.state()
    assert state.phase is Phase.RUNNING
    assert state.run_id is not None
    return state.run_id


def test_a_run_in_the_background_is_the_run_it_would_be(
    space: Workspace, recipe: Path, tmp_path: Path
) -> None:
    job = space.start_job("run", path=str(recipe), rows=30, seed=7)
    assert job.alive()
    assert job.state().phase in {Phase.STARTING, Phase.RUNNING}
    assert (job.kind, job.title) == ("run", "run tiny")
    with pytest.raises(RunError, match="still going on"):
        job.forget()
    state = ended(job)
    assert (state.phase, state.error, state.notes) == (Phase.DONE, None, ())
    run = space.get_run("last")
    assert state.run_ids == (run.run_id,)
    assert state.result["status"] == "finished"
    assert run.recipe_path == str(recipe)
    undisturbed = Workspace(tmp_path / "other")
    made = undisturbed.run(recipe, rows=30, seed=7)
    assert space.rows_arrow(run).equals(undisturbed.rows_arrow(made))
    modes = {path.name: path.stat().st_mode & 0o777 for path in job.folder.iterdir()}
    assert modes == dict.fromkeys(("lock", "log", "request.json", "status.jsonl"), 0o600)
    assert {path.stat().st_mode & 0o777 for path in (job.folder, job.folder.parent)} == {0o700}
    (found,) = Workspace(space.folder).jobs()
    assert (found.id, found.state(), found.pid) == (job.id, state, None)
    assert space.stop_run(run) is False
    space.delete_run(run)
    assert space.jobs() == []
    with pytest.raises(NotFound, match="no job"):
        space.job(job.id)


def test_a_job_goes_on_when_the_process_that_started_it_ends(space: Workspace, recipe: Path) -> None:
    code = (
        "import sys; from localsynth import Workspace;"
        "print(Workspace(sys.argv[1]).start_job('run', path=sys.argv[2], rows=100_000).id)"
    )
    parent = subprocess.run(
        [sys.executable, "-c", code, str(space.folder), str(recipe)],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    job = space.job(parent.stdout.strip())
    assert job.alive()
    run_id = underway(space, job)
    assert space.maker(space.get_run(run_id)) == job.pid
    assert os.getsid(job.pid or 0) == job.pid
    # kill -9 is seen, and the run can go on
    os.kill(job.pid or 0, signal.SIGKILL)
    until(lambda: not job.alive())
    state = job.state()
    assert state.phase is Phase.DIED
    assert state.error is not None
    assert f"runs resume {run_id}" in state.error.hint
    assert space.standing(space.get_run(run_id)) == "interrupted"
    control = Control()
    resumed = space.resume(run_id, control=control, on_event=lambda event: control.stop())
    assert resumed.status.value == "cancelled"
    assert resumed.rows_done >= 10  # the first commit is what was learnt


def test_a_run_that_was_stopped_softly_gives_the_rows_of_an_undisturbed_one(
    space: Workspace, recipe: Path, tmp_path: Path
) -> None:
    job = space.start_job("run", path=str(recipe), rows=LONG)
    run_id = underway(space, job)
    assert space.stop_run(run_id) is True
    assert job.state().stopping
    state = ended(job)
    assert (state.phase, state.result["message"]) == (Phase.STOPPED, "stopped after a finished batch")
    run = space.get_run(run_id)
    assert run.status.value == "cancelled"
    assert run.rows_done % 10 == 0
    again = space.start_job("resume", run=run_id)
    until(lambda: space.get_run(run_id).rows_done > run.rows_done)
    assert space.stop_run(run_id, now=True) is True
    assert ended(again).phase is Phase.STOPPED
    rows = space.rows_arrow(run_id)
    assert rows.num_rows > run.rows_done
    other = Workspace(tmp_path / "other")
    undisturbed = other.rows_arrow(other.run(recipe, rows=rows.num_rows))
    assert rows.equals(undisturbed)


def test_a_job_that_is_stopped_while_it_starts_has_no_traceback(space: Workspace) -> None:
    job = space.start_job("import", source="sample:iris")
    job.kill()  # both signals wait until the process can judge them
    assert ended(job).phase is Phase.STOPPED
    assert "Traceback" not in job.log.read_text()
    assert signalled(job.folder, signal.SIGINT) is False


def test_a_refused_recipe_is_told_with_all_that_is_wrong(space: Workspace, recipe: Path) -> None:
    text = RECIPE.replace("rows = 20", "rows = 0\nrowz = 3")
    job = space.start_job("run", recipe=text, path=str(recipe))
    missing = space.start_job("resume", run="nobody")
    failed = ended(job).error
    assert failed is not None
    assert (failed.code, failed.kind) == (ExitCode.USAGE, "RecipeError")
    assert {problem.line for problem in failed.problems} == {1, 2}
    assert str(recipe) in failed.message
    assert ended(missing).phase is Phase.FAILED


def test_a_text_that_is_not_saved_finds_its_files_beside_the_recipe(space: Workspace, recipe: Path) -> None:
    job = space.start_job("run", recipe=RECIPE.replace("20", "10"), path=str(recipe))
    state = ended(job)
    assert state.phase is Phase.DONE, state
    run = space.get_run("last")
    assert (run.rows_done, run.recipe_path) == (10, None)


def test_an_import_is_done_or_says_what_is_wrong(space: Workspace, tmp_path: Path) -> None:
    (tmp_path / "bad.csv").write_text("a,a\n1,2\n")
    (tmp_path / "good.csv").write_text("a,b\n" + "1,x\n2,y\n" * 10)
    bad = space.start_job("import", source=str(tmp_path / "bad.csv"))
    good = space.start_job("import", source=str(tmp_path / "good.csv"), name="fine")
    state = ended(bad)
    assert state.phase is Phase.FAILED
    assert state.error is not None
    assert "'a'" in state.error.message
    assert state.error.hint
    assert ended(good).result == {"dataset": "fine", "rows": 20}
    space.remove_dataset("fine")
    assert [job.id for job in space.jobs()] == [bad.id]
    bad.forget()
    assert space.jobs() == []


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"policy": "row"}, "'row' is not one of: schema, statistics, rows"),
        ({"policy": 3}, "'3' is not one of"),
        ({"holdout": 1.5}, "1.5, but must be a number from 0 to below 1"),
        ({"holdout": float("nan")}, "nan, but must be a number"),
        ({"holdout": "1/3"}, '"1/3", but must be a number'),
    ],
)
def test_an_import_that_no_file_could_make_right_is_refused_before_it_begins(
    space: Workspace, wrong: dict[str, object], sentence: str
) -> None:
    with pytest.raises(DatasetError, match=sentence) as told:
        space.start_job("import", source="sample:iris", **wrong)
    assert told.value.hint
    assert space.jobs() == []
    assert not space.folder.exists()


def test_an_evaluation_tells_its_steps_and_keeps_its_scores(space: Workspace, recipe: Path) -> None:
    run = space.run(recipe)
    job = space.start_job("evaluate", runs=(run.run_id,), metrics=("invalid_cells",), seed=1)
    state = ended(job)
    assert state.phase is Phase.DONE, state
    assert state.step is not None
    assert state.step.total >= state.step.done
    assert state.result["runs"] == [run.run_id]
    assert space.evaluation(run).scores


def test_a_folder_that_cannot_be_written_is_one_sentence(space: Workspace, tmp_path: Path) -> None:
    space.folder.mkdir()
    (space.folder / "jobs").write_text("")
    with pytest.raises(StoreError, match="a file is in the way"):
        space.start_job("import", source="sample:iris")
    with pytest.raises(StoreError, match="for looking only"):
        Workspace(space.folder, read_only=True).start_job("import", source="sample:iris")
    assert space.jobs() == []


# --- without a process -------------------------------------------------------------------------------------------------


def over(space: Workspace, name: str, *, days_ago: float = 0) -> Path:
    folder = space.folder / "jobs" / name
    folder.mkdir(parents=True)
    write_request(folder, "run", RunRequest(path="/r.toml"))
    StatusFile(folder).add(phase=Phase.DONE)
    moment = time.time() - days_ago * 24 * 3600
    os.utime(folder / "status.jsonl", (moment, moment))
    return folder


def test_old_jobs_and_too_many_are_removed(
    space: Workspace, recipe: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("localsynth.workspace.background._KEPT", 3)
    names = [f"20260101-00000{number}-run-aaaaaa" for number in range(4)]
    for name in names:
        over(space, name)
    old = over(space, "20270101-000000-run-aaaaaa", days_ago=31)
    held = over(space, "20250101-000000-run-aaaaaa", days_ago=400)
    lock = os.open(held / "lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    job = space.start_job("run", recipe="rows = 0")
    os.close(lock)
    left = {path.name for path in (space.folder / "jobs").iterdir()}
    assert left == {job.id, names[3], held.name}
    assert not old.exists()
    assert ended(job).phase is Phase.FAILED


def test_nobody_but_the_maker_is_signalled(tmp_path: Path) -> None:
    with RunLock(tmp_path, "r1"), pytest.raises(RunError, match="this very process"):
        signalled(tmp_path, signal.SIGTERM)
    lock = os.open(tmp_path / "lock", os.O_RDWR)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with subprocess.Popen(["sleep", "60"]) as stranger:  # its number, but not its lock
            os.pwrite(lock, f"{stranger.pid}\n".encode(), 0)
            with pytest.raises(RunError, match="cannot be seen"):
                signalled(tmp_path, signal.SIGKILL)
            assert stranger.poll() is None
            stranger.terminate()
    finally:
        os.close(lock)
    assert signalled(tmp_path, signal.SIGKILL) is False


DEAF = """
import fcntl, os, signal, sys
signal.signal(signal.SIGINT, signal.SIG_IGN), signal.signal(signal.SIGTERM, signal.SIG_IGN)
lock = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(lock, fcntl.LOCK_EX)
os.pwrite(lock, f"{os.getpid()}\\n".encode(), 0)
print("held", flush=True)
sys.stdin.read()
"""


def test_what_does_not_stop_is_killed(space: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("localsynth.workspace.background._GRACE_S", 0.05)
    folder = space.folder / "jobs" / "20260101-000000-run-aaaaaa"
    folder.mkdir(parents=True)
    write_request(folder, "run", RunRequest(path="/r.toml"))
    command = [sys.executable, "-c", DEAF, str(folder / "lock")]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, start_new_session=True
    ) as deaf:
        assert deaf.stdout is not None
        assert deaf.stdout.readline() == b"held\n"
        job = space.job(folder.name)
        job.stop()
        assert job.state() == JobState(stopping=True)
        job.kill()
        assert deaf.wait(30) == -signal.SIGKILL
    assert ended(job).phase is Phase.STOPPED


def test_a_request_that_is_none_is_no_job(space: Workspace) -> None:
    folder = over(space, "20260101-000000-run-aaaaaa")
    for text in ("{", "[]", '{"kind": "dance", "started_at": 0, "request": {}}', '{"kind": "run"}'):
        (folder / "request.json").write_text(text)
        assert space.jobs() == []
    shutil.rmtree(folder)


texts = st.text(max_size=30)
problems = st.builds(Problem, texts, texts, st.none() | st.integers(1, 99), texts)
failures = st.builds(
    Failure, texts, texts, st.sampled_from(ExitCode), st.lists(problems, max_size=3).map(tuple), texts, texts
)


@settings(max_examples=40)
@given(failures, st.builds(JobStep, st.integers(0, 9), st.integers(0, 9), texts), texts, st.data())
def test_a_status_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, failure: Failure, step: JobStep, note: str, data: st.DataObject
) -> None:
    folder = tmp_path_factory.mktemp("job")
    reader, file = StatusReader(folder), StatusFile(folder)
    assert reader.read() == JobState()
    said: list[dict[str, Any]] = [
        {"phase": Phase.RUNNING},
        {"run": "r1"},
        {"step": asdict(step)},
        {"note": note},
        {"run": "r2", "stopping": True},
        {"run": "r1"},
        {"phase": Phase.FAILED, "error": asdict(failure), "result": {"rows": 3}},
    ]
    torn = data.draw(st.integers(0, len(said)))
    for place, line in enumerate(said):
        if place == torn:
            with (folder / "status.jsonl").open("ab") as half:
                half.write(json.dumps({"phase": "done"}).encode()[: data.draw(st.integers(1, 15))])
        file.add(**line)
        if data.draw(st.booleans()):
            reader.read()
    wanted = JobState(Phase.FAILED, ("r1", "r2"), step, True, (note,), failure, {"rows": 3})
    assert reader.read() == wanted
    assert StatusReader(folder).read() == wanted


@settings(max_examples=40)
@given(recipe=st.none() | texts, rows=st.none() | st.integers(), where=st.none() | texts)
def test_a_request_is_read_as_it_was_written(
    tmp_path_factory: pytest.TempPathFactory, recipe: str | None, rows: int | None, where: str | None
) -> None:
    folder = tmp_path_factory.mktemp("job")
    asked = RunRequest(recipe=recipe, path="/caf\udce9/ü.toml", rows=rows, where=where)
    write_request(folder, "run", asked)
    kind, _, found = read_request(folder)
    assert (kind, found) == ("run", asked)


def test_a_run_that_somebody_makes_or_will_make_is_not_taken_up(space: Workspace, recipe: Path) -> None:
    first = space.start_job("run", path=str(recipe), rows=LONG)
    run = underway(space, first)
    with pytest.raises(RunError, match=f"run {run} is being made by process {first.pid}"):
        space.start_job("resume", run=run)
    first.stop()
    ended(first)
    ahead = space.start_job("run", path=str(recipe), rows=LONG)
    until(lambda: ahead.state().phase is Phase.RUNNING)
    waits = space.start_job("resume", run=run)
    until(lambda: waits.state().phase is Phase.QUEUED)
    with pytest.raises(RunError, match=f"run {run} waits for its turn already"):
        space.start_job("resume", run=run)
    assert {job.id for job in space.jobs()} == {first.id, ahead.id, waits.id}
    ahead.kill()
    until(lambda: waits.state().run_id == run)
    waits.stop()
    assert ended(waits).phase is Phase.STOPPED
