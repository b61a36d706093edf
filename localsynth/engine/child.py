"""Starts a child process of ours with a pipe to it and one back."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from localsynth.sealed import command

__all__ = ["finding_us", "spawn"]


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
