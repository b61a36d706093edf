"""One process makes a run, and a killed one makes none."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from localsynth.core.errors import RunError
from localsynth.runs.lock import RunLock, holder

HOLD = """
import sys
from pathlib import Path
from localsynth.runs.lock import RunLock
with RunLock(Path(sys.argv[1]), "r1"):
    print("held", flush=True)
    sys.stdin.read()
"""


def hold(folder: Path) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(folder)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "held\n"
    return process


def test_nobody_holds_what_was_never_locked(tmp_path: Path) -> None:
    assert holder(tmp_path) is None
    assert list(tmp_path.iterdir()) == []


def test_a_second_process_is_told_who_has_it(tmp_path: Path) -> None:
    with hold(tmp_path) as process:
        assert holder(tmp_path) == process.pid
        with (
            pytest.raises(RunError, match=f"is being made by process {process.pid}"),
            RunLock(tmp_path, "r1"),
        ):
            pass
        process.stdin.close()  # type: ignore[union-attr]
        process.wait(10)
    assert holder(tmp_path) is None


def test_kill_9_frees_it(tmp_path: Path) -> None:
    with hold(tmp_path) as process:
        os.kill(process.pid, signal.SIGKILL)
        process.wait(10)
        with RunLock(tmp_path, "r1"):
            assert holder(tmp_path) == os.getpid()
    assert (tmp_path / "lock").stat().st_mode & 0o777 == 0o600
