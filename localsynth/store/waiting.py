"""Who waits for the file: a process that commits again and again lets them in between two of its transactions.

DuckDB gives the file to whoever asks at the right moment. One who asks every fifth of a second, of a run that commits ten times
a second, may ask in vain for long.
"""

from __future__ import annotations

import fcntl
import os
import time
from contextlib import suppress
from pathlib import Path

__all__ = ["Waiting", "awaited", "let_in"]

_NAME = "waiting"
_MOST_S = (
    0.5  # that a writer stands back: more than the longest pause between two questions (see guard.Backoff)
)
_STEP_S = 0.01


class Waiting:
    """Says that this process waits, until :meth:`over`, or until it ends. Where it may write nothing it just waits."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / _NAME
        self._fd: int | None = None

    def announce(self) -> None:
        """Say so, once; in vain for the moment in which a writer looks."""
        if self._fd is not None:
            return
        with suppress(OSError):
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                os.close(fd)
            else:
                self._fd = fd

    def over(self) -> None:
        """It does not wait any more."""
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None


def awaited(folder: Path) -> bool:
    """Does someone wait?"""
    try:
        fd = os.open(folder / _NAME, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False  # nobody ever waited, or nothing can be known of it
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(fd)
    return False


def let_in(folder: Path) -> None:
    """Stand back while someone waits, half a second at most. For who is about to write and has not asked yet."""
    end = time.monotonic() + _MOST_S
    while time.monotonic() < end and awaited(folder):
        time.sleep(_STEP_S)
