"""Starts a child process of ours with a pipe to it and one back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from localsynth.core.errors import OverMemory
from localsynth.core.limits import over_memory
from localsynth.sealed import command
from localsynth.sealed.limit import of_children

__all__ = ["beyond_memory", "finding_us", "spawn"]

#: How Python, the C library, llama.cpp and torch say that they get no more memory.
_SHORT = (
    b"memoryerror",
    b"out of memory",
    b"not enough memory",
    b"allocate memory",
    b"failed to allocate",
    b"unable to allocate",
    b"bad_alloc",
    b"insufficient memory",
    b"alloc_failed",
    b"failed to map segment",
    b"can't start new thread",
    b"thread creation failed",
)
_TAIL = 1 << 20  # bytes: an abort of llama.cpp is followed by a long trace of calls


def finding_us(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment in which a child imports the very package its parent runs, also one put on the path by hand."""
    here = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(filter(None, [here, environment.get("PYTHONPATH")]))
    return {**environment, "PYTHONPATH": path}


def spawn(
    module: str, log: IO[bytes], environment: Mapping[str, str]
) -> tuple[subprocess.Popen[bytes], int, int]:
    """(the process, the descriptor to read from, the one to write to). What the child prints goes to ``log``.

    The module gets the two descriptors it reads from and writes to as its arguments.
    """
    child_reads, write = os.pipe()
    read, child_writes = os.pipe()
    process = subprocess.Popen(
        command(module, str(child_reads), str(child_writes)),
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        pass_fds=(child_reads, child_writes),
        env=dict(environment),
        start_new_session=True,  # Ctrl+C in the terminal is the parent's to judge
    )
    os.close(child_reads)
    os.close(child_writes)
    return process, read, write


def beyond_memory(who: str, log: Path | None, since: int = 0, said: str = "") -> OverMemory | None:
    """The error of a child that needed more memory than it may have; ``None`` for one that failed otherwise, or had no limit.

    log : of what it printed, from byte ``since`` on. said : its own error.
    """
    memory = of_children()
    if memory is None:
        return None
    told = said.lower().encode()
    if log is not None:
        try:
            with log.open("rb") as file:
                file.seek(max(since, log.stat().st_size - _TAIL))
                told += file.read(_TAIL).lower()
        except OSError:
            pass
    return over_memory(memory, who) if any(words in told for words in _SHORT) else None
