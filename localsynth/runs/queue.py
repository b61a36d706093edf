"""The queue: jobs that make or judge rows take one of a few places, in the order in which they were asked for.

A folder of the workspace holds one file per place, locked by the job that has it, and one per job that waits, called by its
number and locked as long as it waits. The system drops a lock when its process ends, however it ends, and wakes who waits for
it: nobody looks again and again, and nothing is left to be put right. Each waits for the last one before it that waits, and
the first for a place; so all begin in order, also where some are stopped or killed.
"""

from __future__ import annotations

import fcntl
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from queue import SimpleQueue

from localsynth.core.errors import RecipeError

__all__ = ["PARALLEL", "alone", "before", "places", "take_ticket", "wait_for_turn", "waiting"]

#: How many jobs of a workspace work side by side.
PARALLEL = "LOCALSYNTH_PARALLEL"
_FOLDER = "queue"
_PLACE = "place-"


def places() -> int:
    """As many as ``$LOCALSYNTH_PARALLEL`` says, else one. Raises ``RecipeError``."""
    text = os.environ.get(PARALLEL, "").strip() or "1"
    if not (text.isdecimal() and 1 <= int(text) <= 1024):
        raise RecipeError(f"${PARALLEL} is '{text}'", "write how many jobs may work side by side: 1 or more")
    return int(text)


def take_ticket(workspace: Path, job_id: str) -> int:
    """The end of the queue, for a job: the descriptor of its lock, to be handed to its process. Raises ``OSError``."""
    folder = workspace / _FOLDER
    folder.mkdir(mode=0o700, exist_ok=True)
    with alone(folder):
        _sweep(folder)
        number = max((int(name[:8]) for name in _tickets(folder)), default=0) + 1
        ticket = os.open(
            folder / f"{number:08d}-{job_id}", os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600
        )
        fcntl.flock(ticket, fcntl.LOCK_EX)
    return ticket


def wait_for_turn(workspace: Path, job_id: str, ticket: int, wait: Callable[[], None]) -> int:
    """Wait for the job's turn; gives the descriptor of its place, which is the job's as long as that is open.

    ticket : the descriptor of its lock, held already. wait : called before the first waiting. A signal's handler may raise
    meanwhile.
    """
    folder = workspace / _FOLDER
    own = next(
        (name for name in _tickets(folder) if name[9:] == job_id), ""
    )  # gone where somebody removed the folder
    told = False
    try:
        while (earlier := _last_before(folder, own)) is not None:
            if not told:
                told = True
                wait()
            _until_free(folder / earlier)
        return _take_place(folder, places(), (lambda: None) if told else wait)
    finally:
        if own:
            (folder / own).unlink(missing_ok=True)
        os.close(ticket)


def before(workspace: Path, job_id: str) -> int | None:
    """How many jobs a waiting one waits for: those before it, and those that work; ``None`` where it does not wait."""
    return waiting(workspace).get(job_id)


def waiting(workspace: Path) -> dict[str, int]:
    """The jobs that wait, in order, and how many each waits for."""
    folder = workspace / _FOLDER
    found = [name for name in _tickets(folder) if _held(folder / name)]
    if not found:
        return {}
    working = sum(_held(folder / name) for name in _names(folder) if name.startswith(_PLACE))
    return {name[9:]: working + at for at, name in enumerate(found)}


def _names(folder: Path) -> list[str]:
    try:
        return sorted(os.listdir(folder))  # noqa: PTH208 - names alone are wanted
    except OSError:
        return []


def _tickets(folder: Path) -> list[str]:
    """The names of those that wait, or waited when they were killed, in order."""
    return [name for name in _names(folder) if name[:8].isdecimal() and name[8:9] == "-"]


def _last_before(folder: Path, own: str) -> str | None:
    """The last ticket before one's own whose job still waits."""
    earlier = [name for name in _tickets(folder) if name < own]
    return next((name for name in reversed(earlier) if _held(folder / name)), None)


def _held(path: Path) -> bool:
    """Whether somebody has the lock of a file."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    else:
        return False
    finally:
        os.close(handle)


def _until_free(path: Path) -> None:
    """Wait until nobody has the lock of a file, or the file is gone."""
    with suppress(FileNotFoundError):
        handle = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH)
        finally:
            os.close(handle)


def _take_place(folder: Path, count: int, wait: Callable[[], None]) -> int:
    """The lock of the first place that is free; waits for one."""
    folder.mkdir(mode=0o700, exist_ok=True)
    handles = [
        os.open(folder / f"{_PLACE}{number}", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for number in range(1, count + 1)
    ]
    for handle in handles:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            continue
        for other in handles:
            if other != handle:
                os.close(other)
        return handle
    wait()
    if count == 1:
        try:
            fcntl.flock(handles[0], fcntl.LOCK_EX)
        except BaseException:
            os.close(handles[0])
            raise
        return handles[0]
    return _first_of(handles)


def _first_of(handles: list[int]) -> int:
    """The first lock that is had; one thread waits for each, and one that comes later lets go again."""
    had: SimpleQueue[int] = SimpleQueue()
    taken = threading.Lock()

    def wait(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX)
        if taken.acquire(blocking=False):
            had.put(handle)
        else:
            os.close(handle)

    for handle in handles:
        threading.Thread(target=wait, args=(handle,), name="waits for a place", daemon=True).start()
    return had.get()


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Nobody else who asks for this is inside meanwhile."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)


def _sweep(folder: Path) -> None:
    """Remove tickets of jobs that were killed while they waited."""
    for name in _tickets(folder):
        if not _held(folder / name):
            (folder / name).unlink(missing_ok=True)
