"""The memory limit of children: each puts it on itself, as one of the operating system, before it imports anything else.

What is limited is a process's own writable memory (``RLIMIT_DATA``), not what it maps of files: a model's weights are read from
their file's pages, which the system may drop and read again. Where a system knows no such limit, the watcher of the run's
process has to do.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["VARIABLE", "apply", "for_children", "of_children", "resident", "starved"]

#: Bytes that the process that starts children may hold together with them.
VARIABLE = "LOCALSYNTH_MEMORY_SHARED"
# What libraries reserve and never touch counts for the system, and takes no memory: buffers for the largest batch there could
# be, stacks of threads. Measured with llama.cpp: 310 to 370 MB. The watcher counts what is touched.
_UNTOUCHED = 400_000_000
_NEXT_TO_NOTHING = 2_000_000


@contextmanager
def for_children(memory: int | None) -> Iterator[None]:
    """Children that are started meanwhile limit themselves. memory : bytes for them and this process together."""
    before = os.environ.get(VARIABLE)
    if memory is not None:
        os.environ[VARIABLE] = str(memory)
    try:
        yield
    finally:
        if before is None:
            os.environ.pop(VARIABLE, None)
        else:
            os.environ[VARIABLE] = before


def of_children() -> int | None:
    """Bytes that this process and its children may hold together; ``None`` where that is not limited."""
    text = os.environ.get(VARIABLE, "")
    return int(text) if text.isdecimal() else None


def apply() -> None:
    """Limit this process to what its parent leaves it of their memory."""
    memory = of_children()
    if memory is None or sys.platform != "linux":
        return
    import resource

    left = max(memory - (resident(os.getppid()) or 0), 0) + _UNTOUCHED
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    left = left if most == resource.RLIM_INFINITY else min(left, most)
    resource.setrlimit(resource.RLIMIT_DATA, (left, left))


def starved(pid: int) -> bool:
    """Whether a process is at the end of what it may have: each piece it asks for is refused or hard to find."""
    import resource

    try:
        most, _ = resource.prlimit(pid, resource.RLIMIT_DATA)
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:  # noqa: PTH123 - as below
            data = int(file.read().split()[5]) * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, IndexError, ValueError):  # not Linux; it ended meanwhile
        return False
    return most != resource.RLIM_INFINITY and data > most - _NEXT_TO_NOTHING


def resident(pid: int | str = "self") -> int | None:
    """Bytes of memory that a process holds just now; ``None`` where the system does not tell."""
    try:
        with open(f"/proc/{pid}/statm", encoding="ascii") as file:  # noqa: PTH123 - loads in a ms
            return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return None
