"""Who makes a run: one process at a time, told by a lock that the system drops when the process ends.

``flock`` rather than a pid alone: after ``kill -9`` the lock is gone at once, and a pid used again by a stranger
cannot be mistaken for the maker of the run. The pid is written beside it for people.
"""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path
from types import TracebackType

from localsynth.core.errors import RunError, StoreError

__all__ = ["RunLock", "alive", "being_made", "holder"]

_PATIENCE_S = 0.5  # someone asking `holder` holds a shared lock for some microseconds
_PATIENCE_DEAD_S = 10.0  # a killed maker's engine process may hold the inherited lock for a moment longer


class RunLock:
    """The right to make a run, held inside ``with``. Raises ``RunError`` when another process has it."""

    def __init__(self, folder: Path, run_id: str) -> None:
        self._path = folder / "lock"
        self._run_id = run_id
        self._fd: int | None = None

    def __enter__(self) -> RunLock:
        try:
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            fd = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                f"the run's folder {self._path.parent} cannot be written: {error.strerror}",
                "check the folder's rights and free space",
            ) from error
        try:
            self._wait(fd)
            os.ftruncate(fd, 0)
            os.pwrite(fd, f"{os.getpid()}\n".encode(), 0)
        except BaseException:
            os.close(fd)
            raise
        self._fd = fd
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._fd is not None:
            os.close(self._fd)
            self._fd = None

    def _wait(self, fd: int) -> None:
        started = time.monotonic()
        while True:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = _pid(fd)
                waited = time.monotonic() - started
                if waited > (_PATIENCE_S if pid is None or alive(pid) else _PATIENCE_DEAD_S):
                    raise being_made(self._run_id, pid) from None
                time.sleep(0.02)
            else:
                return


def being_made(run_id: str, pid: int | None) -> RunError:
    """The error that says so, and by which process, where that is known."""
    who = f"process {pid}" if pid else "another process"
    return RunError(
        f"run {run_id} is being made by {who}", f"`localsynth runs watch {run_id}` shows how far it is"
    )


def holder(folder: Path) -> int | None:
    """The pid of the process that makes the run in ``folder``, 0 where it is unknown, ``None`` where nobody does."""
    try:
        fd = os.open(folder / "lock", os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return _pid(fd) or 0
    else:
        return None
    finally:
        os.close(fd)


def _pid(fd: int) -> int | None:
    try:
        return int(os.pread(fd, 20, 0))
    except (OSError, ValueError):
        return None


def alive(pid: int) -> bool:
    """Whether there is a process of that number."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
