"""What several threads of one process must agree on: who has the file, how private new files are, how long to wait."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from localsynth.core.errors import StoreLocked

from .memory import limit_memory

if TYPE_CHECKING:
    import duckdb

__all__ = ["Backoff", "lock_down", "private_files", "reading", "wanted", "writing"]


class Backoff:
    """Waits longer each time, until the time is over."""

    def __init__(self, timeout: float) -> None:
        self._end = time.monotonic() + timeout
        self._pause = 0.005

    def more(self) -> bool:
        """Sleep a little; False when the time is over."""
        left = self._end - time.monotonic()
        if left <= 0:
            return False
        time.sleep(min(self._pause, left))
        self._pause = min(self._pause * 1.6, 0.2)
        return True


class _Turn:
    """Many readers or one writer. DuckDB refuses to open a file twice in one process with different settings."""

    def __init__(self) -> None:
        self.condition = threading.Condition()
        self.readers = 0
        self.writer = False
        self.asking = 0  # to write


_turns: dict[Path, _Turn] = {}
_turns_lock = threading.Lock()


def _turn(path: Path) -> _Turn:
    with _turns_lock:
        return _turns.setdefault(path, _Turn())


def _busy(path: Path) -> StoreLocked:
    return StoreLocked(
        f"the workspace {path.parent} is in use by another thread of this process (pid {os.getpid()})",
        "wait until it is done, then try again",
    )


@contextmanager
def writing(path: Path, timeout: float) -> Iterator[None]:
    """Alone with the file, as far as this process goes. Raises ``StoreLocked`` after ``timeout`` seconds."""
    turn = _turn(path)
    with turn.condition:
        turn.asking += 1
        try:
            if not turn.condition.wait_for(lambda: not turn.writer and turn.readers == 0, timeout):
                raise _busy(path)
        finally:
            turn.asking -= 1
        turn.writer = True
    try:
        yield
    finally:
        with turn.condition:
            turn.writer = False
            turn.condition.notify_all()


def wanted(path: Path) -> bool:
    """Does another thread of this process wait to write?"""
    return _turn(path).asking > 0


@contextmanager
def reading(path: Path, timeout: float) -> Iterator[None]:
    """Beside other readers of this process, never beside its writer. Raises ``StoreLocked``."""
    turn = _turn(path)
    with turn.condition:
        if not turn.condition.wait_for(lambda: not turn.writer, timeout):
            raise _busy(path)
        turn.readers += 1
    try:
        yield
    finally:
        with turn.condition:
            turn.readers -= 1
            turn.condition.notify_all()


_mask_lock = threading.Lock()
_mask_users = 0
_mask_before = 0


@contextmanager
def private_files() -> Iterator[None]:
    """Files made inside the block are for their owner only: database, write-ahead log, spill files.

    The mask belongs to the whole process, so the first thread in sets it and the last one out puts it back.
    """
    global _mask_users, _mask_before
    with _mask_lock:
        if _mask_users == 0:
            _mask_before = os.umask(0o077)
        _mask_users += 1
    try:
        yield
    finally:
        with _mask_lock:
            _mask_users -= 1
            if _mask_users == 0:
                os.umask(_mask_before)


_lock_down_lock = threading.Lock()


def lock_down(con: duckdb.DuckDBPyConnection, memory: str | None = None, limit: int | None = None) -> None:
    """No Python variable can be read as a table, and no setting changed any more.

    Connections to one file share one instance, which a reader beside this one may have locked already. memory : the most it
    may hold while no other reader joins; the next one lifts that, so settings are not locked yet. Only for statements of
    ours. limit : bytes of the whole command, where that is limited.
    """
    with _lock_down_lock:
        (locked,) = con.execute("SELECT current_setting('lock_configuration')").fetchall()[0]
        if locked:
            return
        con.execute("SET python_enable_replacements = false")
        if memory is None:
            con.execute("RESET memory_limit")
            limit_memory(con, limit)
            con.execute("SET lock_configuration = true")
        else:
            con.execute(f"SET memory_limit = '{memory}'")
