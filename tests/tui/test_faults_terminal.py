"""Terminals of all kinds: it draws, its keys go, and it gives the terminal back; or says in a sentence why not."""

from __future__ import annotations

import os
import termios
from pathlib import Path

import pytest

from .test_start import drained, read_until, terminal

F3 = b"\x1bOR"


@pytest.mark.parametrize(
    ("f3", "env"),
    [
        (b"\x1b[[C", {"TERM": "linux", "LC_ALL": "C"}),
        (F3, {"TERM": "screen", "LANG": "C"}),
        (F3, {"TERM": "vt100"}),
        (F3, {"TERM": "known-to-nobody"}),
    ],
    ids=lambda value: value.get("TERM") if isinstance(value, dict) else "",
)
def test_it_draws_goes_and_gives_the_terminal_back(tmp_path: Path, f3: bytes, env: dict[str, str]) -> None:
    with terminal(tmp_path, **env) as (fd, process):
        before = termios.tcgetattr(fd)
        assert "╭".encode() in read_until(fd, b"Report") + read_until(fd, "╯".encode())
        os.write(fd, f3)
        read_until(fd, b"There is no dataset yet")
        os.write(fd, b"\x11")  # ctrl+q
        assert b"Traceback" not in read_until(fd, b"\x1b[?1049l")  # the screen that was there before
        assert drained(fd, process) == 0
        assert termios.tcgetattr(fd) == before


def test_a_terminal_that_cannot_show_frames_is_told(tmp_path: Path) -> None:
    with terminal(tmp_path, PYTHONIOENCODING="latin-1") as (fd, process):
        said = read_until(fd, b"LC_ALL=C.UTF-8")
        assert b"the encoding of this terminal" in said
        assert b"Traceback" not in said
        assert b"\x1b[?1049h" not in said
        assert drained(fd, process) == 2
