"""What only shows in a process of its own: start-up, pipes, signals, kills."""

from __future__ import annotations

import importlib.util
import os
import signal
import subprocess
import sys
import time
from argparse import Namespace
from pathlib import Path

import pytest

from tests.waiting_kit import until

ROOT = Path(__file__).resolve().parents[2]
HEAVY = (
    "textual",
    "pandas",
    "pyarrow",
    "llama_cpp",
    "torch",
    "sklearn",
    "duckdb",
    "scipy",
    "numpy",
    "pydantic",
    "rich",
)


def localsynth(*arguments: object, **options: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "localsynth", *map(str, arguments)]
    pipes = {
        "stdout": subprocess.PIPE,
        "stderr": subprocess.PIPE,
        "text": True,
        "env": {**os.environ, "PYTHONPATH": str(ROOT)},
    }
    return subprocess.Popen(command, **{**pipes, **options})  # type: ignore[call-overload, no-any-return]


def test_the_command_line_loads_nothing_heavy() -> None:
    code = f"import sys, localsynth.cli.main; print([m for m in {HEAVY} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    assert done.stdout == "[]\n"


def test_help_is_quick() -> None:
    best = float("inf")
    for _ in range(5):
        started = time.perf_counter()
        process = localsynth("--help")
        out, _ = process.communicate()
        best = min(best, time.perf_counter() - started)
    assert "Commands:" in out
    assert best < 0.3


def test_without_a_command_a_short_help() -> None:
    process = localsynth()
    out, err = process.communicate()
    assert (process.returncode, err) == (0, "")
    assert "localsynth demo" in out


def test_a_closed_pipe_is_no_error(recipe: Path, tmp_path: Path) -> None:
    made = localsynth("run", recipe, "--workspace", tmp_path / "ws")
    made.communicate()
    assert made.returncode == 0
    query = "select * from range(300000)"
    process = localsynth("sql", query, "--format", "csv", "--workspace", tmp_path / "ws")
    assert process.stdout is not None
    assert process.stderr is not None
    assert process.stdout.readline() == "range\n"
    process.stdout.close()
    assert process.stderr.read() == ""
    process.stderr.close()
    assert process.wait() == 0


@pytest.fixture
def long_run(recipe: Path, tmp_path: Path) -> subprocess.Popen[str]:
    """A run that will not end by itself soon, with some batches committed."""
    process = localsynth("run", recipe, "--rows", 100_000, "--workspace", tmp_path / "ws")
    until(lambda: _committed(tmp_path) >= 2 or process.poll() is not None)
    assert process.poll() is None
    return process


def _committed(folder: Path) -> int:
    return sum(path.read_text().count('"batch_committed"') for path in folder.glob("ws/runs/*/events.jsonl"))


def test_ctrl_c_once_finishes_the_batch(long_run: subprocess.Popen[str], tmp_path: Path) -> None:
    from localsynth import Workspace

    long_run.send_signal(signal.SIGINT)
    out, err = long_run.communicate(timeout=60)
    assert long_run.returncode == 130
    assert "finishing the batch" in err
    assert f"localsynth runs resume {out.strip()}" in err
    space = Workspace(tmp_path / "ws")
    run = space.get_run("last")
    assert space.standing(run) == "cancelled"
    assert run.rows_done == space.rows_arrow(run).num_rows > 0
    assert run.rows_done % 10 == 0


def test_ctrl_c_twice_stops_at_once_and_nothing_committed_is_lost(
    long_run: subprocess.Popen[str], tmp_path: Path
) -> None:
    from localsynth import Workspace

    before = _committed(tmp_path)
    long_run.send_signal(signal.SIGINT)
    time.sleep(0.001)  # two signals at the same moment are one
    long_run.send_signal(signal.SIGINT)
    long_run.communicate(timeout=60)
    assert long_run.returncode == 130
    run = Workspace(tmp_path / "ws").get_run("last")
    assert run.rows_done >= (before - 1) * 10


def test_a_killed_run_is_seen_as_interrupted_and_others_may_read_meanwhile(
    long_run: subprocess.Popen[str], tmp_path: Path
) -> None:
    import duckdb

    from localsynth import Workspace

    space = Workspace(tmp_path / "ws")
    run = space.get_run("last")
    assert space.standing(run) == "running"
    assert space.maker(run) == long_run.pid

    def read() -> bool:
        try:
            with duckdb.connect(str(space.store.path), read_only=True) as con:
                return bool(con.execute("SELECT count(*) FROM synth.tiny").fetchall()[0][0])
        except duckdb.IOException:
            return False

    until(read)
    long_run.kill()
    long_run.communicate()
    assert space.standing(space.get_run("last")) == "interrupted"
    events = list(space.watch("last"))  # ends by itself: nobody writes any more
    assert any(event.type == "batch_committed" for event in events)


def test_a_second_process_cannot_make_the_same_run(long_run: subprocess.Popen[str], tmp_path: Path) -> None:
    process = localsynth("runs", "resume", "last", "--workspace", tmp_path / "ws")
    _, err = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"is being made by process {long_run.pid}" in err
    long_run.kill()
    long_run.communicate()


def test_kill_9_at_random_moments_changes_no_row(recipe: Path, tmp_path: Path) -> None:
    spec = importlib.util.spec_from_file_location("kill_and_resume", ROOT / "scripts" / "kill_and_resume.py")
    assert spec is not None
    assert spec.loader is not None
    script = importlib.util.module_from_spec(spec)
    sys.modules["kill_and_resume"] = script
    spec.loader.exec_module(script)
    options = Namespace(recipe=str(recipe), rows=120, seed=3, kills=4, model="uniform", chance=1)
    assert script.prove(options, tmp_path).startswith("SAME: 120 rows")
