"""Signals to the process that holds the lock in a folder: a job's, or a run's."""

from __future__ import annotations

import os
import signal
from pathlib import Path

from localsynth.core.errors import RunError
from localsynth.runs.lock import holder

__all__ = ["signalled"]


def signalled(folder: Path, *numbers: signal.Signals) -> bool:
    """Send signals to the process that holds the lock in a folder; ``False`` where none does. Raises ``RunError``."""
    pid = holder(folder)
    if pid is None:
        return False
    if pid == os.getpid():
        raise RunError("that is made by this very process", "use the Control it was started with")
    if not pid or not _holds(pid, folder / "lock"):
        raise RunError("the process that makes it cannot be seen from here", "stop it where it was started")
    try:
        for number in numbers:
            os.kill(pid, number)
    except ProcessLookupError:
        return False
    except PermissionError:
        raise RunError(f"process {pid}, which makes it, is another user's", "ask them to stop it") from None
    return True


def _holds(pid: int, lock: Path) -> bool:
    """Whether that process has the lock open: in another container, its number is that of a stranger here."""
    held = lock.stat()
    try:
        with os.scandir(f"/proc/{pid}/fd") as entries:
            return any(_same(entry, held) for entry in entries)
    except PermissionError:
        return True  # another user's; a signal will tell
    except FileNotFoundError:
        return not Path("/proc/self").exists()


def _same(entry: os.DirEntry[str], held: os.stat_result) -> bool:
    try:
        return os.path.samestat(entry.stat(), held)
    except OSError:  # closed since
        return False
