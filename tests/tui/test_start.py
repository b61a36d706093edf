"""The UI in a terminal of its own: it starts, shows its places, and ends; without a terminal it says so."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PATIENCE_S = 60.0


@contextmanager
def terminal(folder: Path, **env: str) -> Iterator[tuple[int, subprocess.Popen[bytes]]]:
    """``python -m localsynth`` in a terminal of 80 x 24."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    settings = {**os.environ, "TERM": "xterm-256color", "XDG_CONFIG_HOME": str(folder / "config"), **env}
    process = subprocess.Popen(
        [sys.executable, "-m", "localsynth"],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        cwd=folder,
        env=settings,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(
            signal.SIGHUP, signal.SIG_DFL
        ),  # ``nohup`` hands down that it is ignored
    )
    os.close(theirs)
    try:
        yield ours, process
    finally:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()
        os.close(ours)


def read_until(fd: int, wanted: bytes) -> bytes:
    """What comes until something is in it."""
    seen, end = b"", time.monotonic() + PATIENCE_S
    while wanted not in seen:
        assert time.monotonic() < end, seen[-2000:]
        if select.select([fd], [], [], 0.2)[0]:
            try:
                seen += os.read(fd, 65536)
            except OSError:  # the other end is closed
                break
    return seen


def drained(fd: int, process: subprocess.Popen[bytes]) -> int:
    """The exit code; what is still printed is read, or the process could not end."""
    end = time.monotonic() + PATIENCE_S
    while process.poll() is None:
        assert time.monotonic() < end
        read_until_quiet(fd)
    return process.returncode


def read_until_quiet(fd: int) -> None:
    if select.select([fd], [], [], 0.1)[0]:
        try:
            os.read(fd, 65536)
        except OSError:
            time.sleep(0.05)


def test_it_starts_and_ends(tmp_path: Path) -> None:
    with terminal(tmp_path) as (fd, process):
        seen = read_until(fd, b"Report")
        assert b"Home" in seen
        assert b"SQL" in seen
        os.write(fd, b"\x11")  # ctrl+q
        assert drained(fd, process) == 0


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT, signal.SIGTERM])
def test_a_signal_to_end_gives_the_terminal_back(tmp_path: Path, number: signal.Signals) -> None:
    (tmp_path / "workspace").mkdir()
    with terminal(tmp_path) as (fd, process):
        before = termios.tcgetattr(fd)
        read_until(fd, b"Report")
        assert termios.tcgetattr(fd)[3] != before[3]  # keys come one by one, unprinted
        process.send_signal(number)
        read_until(fd, b"\x1b[?1049l")  # the screen that was there before
        assert drained(fd, process) == 128 + number
        assert termios.tcgetattr(fd)[3] == before[3]
    assert (tmp_path / "workspace" / "ui" / "state.json").exists()


def test_the_end_of_the_terminal_ends_it(tmp_path: Path) -> None:
    (tmp_path / "workspace").mkdir()
    with terminal(tmp_path) as (fd, process):
        read_until(fd, b"Report")
        process.send_signal(signal.SIGHUP)
        # what it prints now is read by nobody, and goes nowhere
        blind = os.open(os.devnull, os.O_RDWR)
        os.dup2(blind, fd)
        os.close(blind)
        assert process.wait(PATIENCE_S) == 128 + signal.SIGHUP
    assert (tmp_path / "workspace" / "ui" / "state.json").exists()


def test_a_terminal_that_only_prints_is_told(tmp_path: Path) -> None:
    with terminal(tmp_path, TERM="dumb") as (fd, process):
        assert b"TERM=dumb" in read_until(fd, b"TERM=dumb")
        assert drained(fd, process) == 2


def test_without_a_terminal_it_says_so(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "localsynth", "--read-only"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=tmp_path,
        check=False,
        timeout=PATIENCE_S,
    )
    assert done.returncode == 2
    assert "needs a terminal" in done.stderr
    assert "localsynth --help" in done.stderr
    assert "Traceback" not in done.stderr
