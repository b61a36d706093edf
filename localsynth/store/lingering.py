"""A reading connection that stays open for a moment, so that one page of rows after the other need not open the file anew.

A reader blocks writers. So the connection closes by itself soon after its last use, at once when someone says that they wait
(see :mod:`.waiting`), and for the sake of programs that say nothing, nobody can keep it open without a pause by using it all
the time.
"""

from __future__ import annotations

import atexit
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack
from typing import TYPE_CHECKING, TypeVar

from localsynth.core.errors import Cancelled, SqlError

from . import guard
from .reading import Stop, interruptible
from .waiting import awaited

if TYPE_CHECKING:
    import duckdb

    from .session import Store

__all__ = ["Lingering"]

_T = TypeVar("_T")
_IDLE = 0.5  # seconds it stays open after its last use
_LONGEST = 30.0  # seconds it stays open at all
_PAUSE = 0.25  # seconds it then stays closed: a writer that waits asks every 0.2 s (see guard.Backoff)
_MEMORY = "48MB"  # for the blocks of the file; DuckDB would keep all it has read until the file is closed


class Lingering:
    """One connection that reads, for one piece of work at a time. May be shared between threads.

    idle : seconds it stays open after its last use. longest : seconds it stays open at all.
    """

    def __init__(self, store: Store, *, idle: float = _IDLE, longest: float = _LONGEST) -> None:
        self._store = store
        self._idle, self._longest = idle, longest
        self._lock = threading.Lock()
        self._stack = ExitStack()
        self._con: duckdb.DuckDBPyConnection | None = None
        self._timer: threading.Timer | None = None
        self._openings = 0
        self._opened = self._used = self._not_before = 0.0

    @property
    def is_open(self) -> bool:
        """Whether it keeps writers out just now."""
        return self._con is not None

    def work(self, do: Callable[[duckdb.DuckDBPyConnection, int], _T], stop: Stop | None = None) -> _T:
        """What ``do`` gives for the connection and the number of its opening: within one nothing in the file changes.

        Raises ``Cancelled`` when interrupted by ``stop`` or Ctrl+C, ``SqlError``, and what ``Store.read`` raises.
        """
        with self._lock:
            if stop is not None and stop.is_set():
                raise Cancelled("the query was interrupted")
            con = self._con or self._open()
            number = self._openings
            try:
                made = interruptible(con, lambda same: do(same, number), stop)
            except SqlError as error:
                self._close()
                if "Out of Memory" not in error.message:
                    raise
                with self._store.read() as plenty:
                    self._openings += 1
                    return interruptible(plenty, lambda same: do(same, self._openings), stop)
            except BaseException:
                self._close()  # an error ends the transaction
                raise
            self._used = time.monotonic()
            if self._used - self._opened >= self._longest or self._awaited():
                self._not_before = self._used + _PAUSE
                self._close()
            return made

    def release(self) -> None:
        """Close now, or as soon as the piece of work in hand is done; the next one opens again."""
        with self._lock:
            self._close()

    def _open(self) -> duckdb.DuckDBPyConnection:
        time.sleep(max(0.0, self._not_before - time.monotonic()))
        self._con = self._stack.enter_context(self._store.read(memory=_MEMORY))
        self._openings += 1
        self._opened = self._used = time.monotonic()
        self._arm(self._idle)
        atexit.register(self._at_exit)
        return self._con

    def _awaited(self) -> bool:
        return guard.wanted(self._store.path) or awaited(self._store.folder)

    def _close(self) -> None:
        atexit.unregister(self._at_exit)
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        try:
            self._stack.close()
        finally:
            self._con = None

    def _arm(self, seconds: float) -> None:
        self._timer = threading.Timer(seconds, self._tidy, [self._openings])
        self._timer.daemon = True
        self._timer.name = "localsynth-lingering"
        self._timer.start()

    def _tidy(self, opening: int) -> None:
        with self._lock:
            if self._con is None or opening != self._openings:
                return
            left = self._used + self._idle - time.monotonic()
            if left > 0:
                self._arm(left)
            else:
                self._close()

    def _at_exit(self) -> None:
        """DuckDB complains on standard error of a connection that outlives the interpreter."""
        if self._lock.acquire(timeout=_IDLE):
            self._close()
            self._lock.release()
