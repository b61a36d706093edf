"""The end of a job's status that is written to; read by :mod:`localsynth.workspace.jobfiles`."""

from __future__ import annotations

import json
import os
import time
from contextlib import suppress
from enum import StrEnum
from pathlib import Path
from typing import Any

__all__ = ["Phase", "StatusFile"]


class Phase(StrEnum):
    """Where a job stands. ``QUEUED``: it waits for others. ``DIED``: its process ended without saying how."""

    STARTING = "starting"
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    DIED = "died"


class StatusFile:
    """The end that is written to, by the job and by who stops it.

    A status that cannot be written (the disk is full) is let go: the work itself must not fail over it.
    """

    def __init__(self, folder: Path) -> None:
        self._path = folder / "status.jsonl"

    def add(self, **said: Any) -> None:
        """One line: any of phase, run, step, stopping, note, error and result."""
        # Begun with a line break, since a line that a full disk cut off may be the last one.
        line = "\n" + json.dumps({"at": time.time(), **said}, ensure_ascii=False) + "\n"
        with suppress(OSError):
            fd = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                os.write(fd, line.encode("utf-8", "surrogateescape"))
            finally:
                os.close(fd)
